/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_cpus.c - one source whose packets arrive on two CPUs, and neighbours in
 * one bucket: exactly one event, the exact score, exact counters.
 *
 * The clock stands still, so nothing expires and every number is certain.
 */
#include "prog.h"

#include <pthread.h>

#define CPUS 2
#define PORTS 32

/* One round: both CPUs send @calls bursts of @repeat packets, to ports in an order of their own,
 * from each of @n sources in turn. */
struct round {
	union ps_addr src[PS_WAYS];
	int n;
	int calls;
	__u32 repeat;
	pthread_barrier_t start;
};

struct worker {
	struct round *round;
	int cpu;
	int err;
};

static void *work(void *data)
{
	struct worker *w = data;
	struct round *r = w->round;
	struct pkt frame = PKT(ETH(), IPV4(), TCP());
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
		w->err = xdp_test_run(prog.xdp, frame.data, frame.bytes, 0, r->repeat, &verdict,
				      NULL);
	}
	return NULL;
}

static void run(struct round *r)
{
	struct worker w[CPUS];
	pthread_t thread[CPUS];

	pthread_barrier_init(&r->start, NULL, CPUS);
	for (int i = 0; i < CPUS; i++) {
		w[i] = (struct worker){ .round = r, .cpu = i };
		assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < CPUS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(w[i].err, 0);
	}
	pthread_barrier_destroy(&r->start);
}

static __u64 packets_of(const struct ps_source *s)
{
	__u64 sum = 0;

	for (int c = 0; c < PS_CLASS_MAX; c++)
		sum += s->packets[c];
	return sum;
}

/*
 * The event holds as many ports as it has points. One probe crosses, and with
 * it may come the one that waited in the mark: the CPU that fetched it may be
 * held up while the other enters all the rest.
 */
static void check_event(const struct ps_event *e)
{
	assert_int_equal(e->score, e->source.probes);
	assert_in_range(e->score, prog.cfg->rule.threshold, prog.cfg->rule.threshold + 1);
}

/* After a round in monitor mode: every packet is in one place, every port once. */
static void check_watched(const struct round *r, __u64 total)
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
		entered += packets_of(&s);
	}
	assert_int_equal(left + prog_count(PS_COUNT_SCORED), total);
	/* The first packet of each source waits in its mark, and is entered with the second. */
	assert_int_equal(entered, prog_count(PS_COUNT_SCORED) + (__u64)r->n);
	for (unsigned int e = 0; e < prog.events; e++)
		check_event(&prog.event[e]);
}

static void two_cpus(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < CPUS)
		skip();
}

/*
 * 1,000,000 probes. Most in fifty short rounds, because the delicate moment is
 * each round's beginning; the rest in one, in which the CPUs never leave the
 * program. (Every call with a repeat count waits for the kernel's grace
 * periods, so there are few of those.)
 */
static void test_watched(void **state)
{
	(void)state;

	two_cpus();
	for (int i = 0; i <= 50; i++) {
		struct round r = { .n = 1, .calls = 2000, .repeat = 1 };

		if (i == 50)
			r = (struct round){ .n = 1, .calls = PORTS, .repeat = 12500 };

		prog_begin(false);
		prog.cfg->rule.respond = PS_RESPOND_MONITOR;
		prog.cfg->rule.threshold = (__u16)(21 + i % 11);
		prog_forget();
		r.src[0] = prog_source();
		run(&r);
		check_watched(&r, (__u64)CPUS * (__u64)r.calls * r.repeat);
	}
}

static void test_blocked(void **state)
{
	(void)state;

	two_cpus();
	for (int i = 0; i < 20; i++) {
		struct round r = { .n = 1, .calls = 5000, .repeat = 1 };
		struct ps_block block;

		prog_begin(false);
		prog.cfg->rule.threshold = (__u16)(21 + i % 11);
		prog_forget();
		r.src[0] = prog_source();
		run(&r);
		prog_expect_events(1);
		check_event(&prog.event[0]);
		assert_int_equal(prog_count(PS_COUNT_SCAN), 1);
		assert_int_equal(prog_count(PS_COUNT_BLOCK), 1);
		assert_true(prog_has_block(&block));
		/* The crossing probe is the block's first packet. */
		assert_int_equal(block.packets, prog_count(PS_COUNT_DROP) + 1);
		assert_int_equal(block.bytes, block.packets * 54);
		assert_int_equal(prog_count(PS_COUNT_FIRST) + prog_count(PS_COUNT_AGAIN) +
					 prog_count(PS_COUNT_SCORED) + prog_count(PS_COUNT_DROP),
				 10000);
	}
}

/* As many sources as a bucket has ways, all in one bucket. */
static void neighbours(union ps_addr src[PS_WAYS])
{
	__u32 want = 0;

	for (int n = 0; n < PS_WAYS;) {
		__u32 bucket;

		prog.sources++;
		src[n] = prog_source();
		bucket = ps_bucket_index(prog.cfg, ps_hash_addr(prog.cfg->seed, &src[n]));
		if (n && bucket != want)
			continue;
		want = bucket;
		n++;
	}
}

static void test_neighbours(void **state)
{
	(void)state;

	two_cpus();
	for (int i = 0; i < 10; i++) {
		struct round r = { .n = PS_WAYS, .calls = 10000, .repeat = 1 };

		prog_begin(false);
		prog.cfg->rule.respond = PS_RESPOND_MONITOR;
		neighbours(r.src);
		prog_forget();
		run(&r);
		check_watched(&r, (__u64)CPUS * (__u64)r.calls * r.repeat);
		assert_int_equal(prog_count(PS_COUNT_EVICT) <= PS_WAYS, 1);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_watched),
	cmocka_unit_test(test_blocked),
	cmocka_unit_test(test_neighbours),
};

PROG_MAIN("two CPUs", tests, prog_setup)
