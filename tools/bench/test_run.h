/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_run.h - what the benchmarks that live on BPF_PROG_TEST_RUN share: test runs
 * that are cheap to begin, and a reader of contacts.
 */
#ifndef PSCAN_BENCH_TEST_RUN_H
#define PSCAN_BENCH_TEST_RUN_H

#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

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

static inline double clock_read(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

#endif
