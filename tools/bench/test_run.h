/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_run.h - what the benchmarks that live on BPF_PROG_TEST_RUN share: test runs
 * that are cheap to begin, a reader of contacts, the choice of rows, spreads.
 */
#ifndef PSCAN_BENCH_TEST_RUN_H
#define PSCAN_BENCH_TEST_RUN_H

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "json_out.h"

static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

/* The thread, to one CPU. */
static inline void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Fewer than the contacts' ring has room for, whatever they are. */
#define TEST_RUN_BATCH 3000

/*
 * The kernel writes its code anew for each test run of a program that is attached
 * nowhere (the XDP dispatcher), which takes as long as some thousand packets. So
 * @prog is attached to a device that nothing comes from. False: it could not be.
 */
static inline bool test_run_keep(int prog)
{
	static int devices;
	char command[64], name[IF_NAMESIZE];

	snprintf(name, sizeof(name), "d%d", devices++);
	snprintf(command, sizeof(command), "ip link add %s type veth", name);
	return system(command) == 0 &&
	       bpf_xdp_attach((int)if_nametoindex(name), prog, XDP_FLAGS_SKB_MODE, NULL) == 0;
}

struct contacts_reader {
	unsigned long *consumer, *producer;
};

/* Of the ring @fd. False: it cannot be mapped. */
static inline bool contacts_open(struct contacts_reader *r, int fd)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	r->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r->producer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)page);
	return r->consumer != MAP_FAILED && r->producer != MAP_FAILED;
}

/* Reads all contacts, as the loader does at each poll. */
static inline void contacts_read(const struct contacts_reader *r)
{
	__atomic_store_n(r->consumer, __atomic_load_n(r->producer, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
}

/* ONLY=key,key in the environment: these rows alone. */
static inline bool chosen(const char *key)
{
	const char *only = getenv("ONLY"), *at = only ? strstr(only, key) : NULL;
	size_t bytes = strlen(key);

	if (!only)
		return true;
	for (; at; at = strstr(at + 1, key))
		if ((at == only || at[-1] == ',') && (!at[bytes] || at[bytes] == ','))
			return true;
	return false;
}

static inline double clock_read(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static inline int ascending(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static inline void add_double(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, json_object_new_double((double)(long)(value * 1000) / 1000));
}

/* {"least":, "median":, "most":}; sorts @v. */
static inline void add_spread(struct json_object *to, const char *key, double *v, int n)
{
	struct json_object *o = json_object_new_object();

	qsort(v, (size_t)n, sizeof(*v), ascending);
	add_double(o, "least", v[0]);
	add_double(o, "median", v[n / 2]);
	add_double(o, "most", v[n - 1]);
	json_object_object_add(to, key, o);
}

#endif
