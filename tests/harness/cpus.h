/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpus.h - the program under test on two CPUs at once, each fed by a thread of its own.
 * After prog.h.
 */
#ifndef PSCAN_TESTS_CPUS_H
#define PSCAN_TESTS_CPUS_H

#include "prog.h"

#include <pthread.h>
#include <stdatomic.h>

#define CPUS 2
#define PORTS 32
#define SOURCES_MAX (4 * PS_WAYS)

/* One round: both CPUs send @calls bursts of @repeat packets, to ports in an order of their own,
 * from each of @n sources in turn. */
struct round {
	union ps_addr src[SOURCES_MAX];
	int n;
	int calls;
	bool v6;
	__u32 repeat;
	__u64 tick_ns;	/* goes by at each call of the first CPU: a third thread might get no CPU */
	pthread_barrier_t start;
	atomic_int ended;
};

struct worker {
	struct round *round;
	int cpu;
	int err;
	__u64 dropped; /* calls whose last packet was */
};

static inline void *cpus_work(void *data)
{
	struct worker *w = data;
	struct round *r = w->round;
	struct pkt frame = r->v6 ? PKT(ETH(), IPV6(), TCP()) : PKT(ETH(), IPV4(), TCP());
	cpu_set_t set;
	__u32 verdict;

	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		w->err = -errno;
	pthread_barrier_wait(&r->start);
	for (int i = 0; i < r->calls && !w->err; i++) {
		/* Up on one CPU, down on the other: they meet. */
		int port = w->cpu ? PORTS - 1 - i / r->n % PORTS : i / r->n % PORTS;

		pkt_set_src(&frame, &r->src[i % r->n]);
		pkt_set_dport(&frame, (__u16)(40000 + port));
		if (w->cpu == 0 && r->tick_ns)
			prog_at(prog_now() + r->tick_ns);
		w->err = xdp_test_run(prog.xdp, frame.data, frame.bytes, 0, r->repeat, &verdict,
				      NULL);
		w->dropped += verdict == XDP_DROP;
	}
	atomic_fetch_add(&r->ended, 1);
	return NULL;
}

/* @meanwhile: what the test itself does until both CPUs have ended. Return: calls that ended
 * with a drop. */
static inline __u64 cpus_run_beside(struct round *r, void (*meanwhile)(struct round *r))
{
	struct worker w[CPUS];
	pthread_t thread[CPUS];
	__u64 dropped = 0;

	pthread_barrier_init(&r->start, NULL, CPUS);
	for (int i = 0; i < CPUS; i++) {
		w[i] = (struct worker){ .round = r, .cpu = i };
		assert_int_equal(pthread_create(&thread[i], NULL, cpus_work, &w[i]), 0);
	}
	if (meanwhile)
		meanwhile(r);
	for (int i = 0; i < CPUS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(w[i].err, 0);
		dropped += w[i].dropped;
	}
	pthread_barrier_destroy(&r->start);
	return dropped;
}

static inline __u64 cpus_run(struct round *r)
{
	return cpus_run_beside(r, NULL);
}

static inline void cpus_needed(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < CPUS)
		skip();
}

static inline __u64 cpus_packets_of(const struct ps_source *s)
{
	__u64 sum = 0;

	for (int c = 0; c < PS_CLASS_MAX; c++)
		sum += s->packets[c];
	return sum;
}

static inline __u32 cpus_bucket(const union ps_addr *src)
{
	return ps_bucket_index(prog.cfg, ps_hash_addr(prog.cfg->seed, src));
}

/*
 * The event holds as many ports as it has points. One probe crosses, and with
 * it may come the one that waited in the mark: the CPU that fetched it may be
 * held up while the other enters all the rest.
 */
static inline void cpus_check_event(const struct ps_event *e)
{
	assert_int_equal(e->score, e->source.probes);
	assert_in_range(e->score, prog.cfg->rule.threshold, prog.cfg->rule.threshold + 1);
}

/* After a round in monitor mode: every packet is in one place, every port once. */
static inline void cpus_check_watched(const struct round *r, __u64 total)
{
	__u64 entered = 0, left = prog_count(PS_COUNT_FIRST) + prog_count(PS_COUNT_AGAIN);

	prog_expect_events((unsigned int)r->n);
	assert_int_equal(prog_count(PS_COUNT_SCAN), r->n);
	for (int i = 0; i < r->n; i++) {
		__u32 points[PS_CLASS_SLOTS];
		struct ps_source s;

		assert_int_equal(xdp_source_get(prog.xdp, &r->src[i], &s), 0);
		assert_int_equal(s.probes, PORTS);
		assert_int_equal(ps_score_by_class(&prog.cfg->rule, &s, prog_now(), points), PORTS);
		assert_int_equal(s.detections, 1);
		assert_int_equal(s.peak, PORTS);
		entered += cpus_packets_of(&s);
	}
	assert_int_equal(left + prog_count(PS_COUNT_SCORED), total);
	/* The first packet of each source waits in its mark, and is entered with the second. */
	assert_int_equal(entered, prog_count(PS_COUNT_SCORED) + (__u64)r->n);
	for (unsigned int e = 0; e < prog.events; e++)
		cpus_check_event(&prog.event[e]);
}

/* Every packet left the flow once, at one of these places. */
static inline __u64 cpus_all_exits(void)
{
	return prog_count(PS_COUNT_FIRST) + prog_count(PS_COUNT_AGAIN) +
	       prog_count(PS_COUNT_SCORED) + prog_count(PS_COUNT_DROP);
}

/* What happened is what was told or was counted as lost. */
static inline void cpus_check_told(__u64 happened)
{
	while (xdp_events_poll(prog.ring, 0) > 0)
		;
	assert_int_equal(prog.events + prog_count(PS_COUNT_EVENT_LOST), happened);
}

#endif
