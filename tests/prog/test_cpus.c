/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_cpus.c - one source whose packets arrive on two CPUs, and neighbours in
 * one bucket: exactly one event, the exact score, exact counters. Then the same
 * with records that push each other out, tags that collide, and blocks that are
 * renewed and run out meanwhile.
 *
 * The clock stands still but for the last of these, so every number is certain.
 */
#include "cpus.h"

/*
 * 1,000,000 probes. Most in fifty short rounds, because the delicate moment is
 * each round's beginning; the rest in one, in which the CPUs never leave the
 * program. (Every call with a repeat count waits for the kernel's grace
 * periods, so there are few of those.)
 */
static void test_watched(void **state)
{
	(void)state;

	cpus_needed();
	for (int i = 0; i <= 50; i++) {
		struct round r = { .n = 1, .calls = 2000, .repeat = 1 };

		if (i == 50)
			r = (struct round){ .n = 1, .calls = PORTS, .repeat = 12500 };

		prog_begin(false);
		prog.cfg->rule.respond = PS_RESPOND_MONITOR;
		prog.cfg->rule.threshold = (__u16)(21 + i % 11);
		prog_forget();
		r.src[0] = prog_source();
		cpus_run(&r);
		cpus_check_watched(&r, (__u64)CPUS * (__u64)r.calls * r.repeat);
	}
}

static void test_blocked(void **state)
{
	(void)state;

	cpus_needed();
	for (int i = 0; i < 20; i++) {
		struct round r = { .n = 1, .calls = 5000, .repeat = 1 };
		struct ps_block block;

		prog_begin(false);
		prog.cfg->rule.threshold = (__u16)(21 + i % 11);
		prog_forget();
		r.src[0] = prog_source();
		cpus_run(&r);
		prog_expect_events(1);
		cpus_check_event(&prog.event[0]);
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

/* @count sources, all in one bucket. */
static void neighbours(union ps_addr *src, int count)
{
	__u32 want = 0;

	for (int n = 0; n < count;) {
		__u32 bucket;

		prog.sources++;
		src[n] = prog_source();
		bucket = cpus_bucket(&src[n]);
		if (n && bucket != want)
			continue;
		want = bucket;
		n++;
	}
}

static void test_neighbours(void **state)
{
	(void)state;

	cpus_needed();
	for (int i = 0; i < 10; i++) {
		struct round r = { .n = PS_WAYS, .calls = 10000, .repeat = 1 };

		prog_begin(false);
		prog.cfg->rule.respond = PS_RESPOND_MONITOR;
		neighbours(r.src, r.n);
		prog_forget();
		cpus_run(&r);
		cpus_check_watched(&r, (__u64)CPUS * (__u64)r.calls * r.repeat);
		assert_int_equal(prog_count(PS_COUNT_EVICT) <= PS_WAYS, 1);
	}
}

/*
 * Twice as many sources as the bucket has ways: they push each other out all the
 * time. Whoever holds a place holds only what was his.
 */
static void test_evictions(void **state)
{
	struct round r = { .n = 2 * PS_WAYS, .calls = 100000, .repeat = 1 };
	int held = 0;
	(void)state;

	cpus_needed();
	prog_begin(false);
	prog.cfg->rule.respond = PS_RESPOND_MONITOR;
	neighbours(r.src, r.n);
	prog_forget();
	cpus_run(&r);
	assert_int_equal(cpus_all_exits(), CPUS * r.calls);
	assert_true(prog_count(PS_COUNT_EVICT) > 1000);
	for (int i = 0; i < r.n; i++) {
		struct ps_source s;

		if (xdp_source_get(prog.xdp, &r.src[i], &s))
			continue;
		held++;
		assert_in_range(s.probes, 1, PORTS);
		assert_true(cpus_packets_of(&s) >= s.probes);
		assert_true(s.peak <= PORTS && s.detections <= 1);
	}
	assert_int_equal(held, PS_WAYS);
	cpus_check_told(prog_count(PS_COUNT_SCAN));
	print_message("# %llu records made, %llu pushed out\n",
		      (unsigned long long)prog_count(PS_COUNT_ADMIT),
		      (unsigned long long)prog_count(PS_COUNT_EVICT));
}

struct hashed {
	__u64 hash;
	union ps_addr addr;
};

static int by_tag(const void *a, const void *b)
{
	__u32 left = ps_bucket_tag(((const struct hashed *)a)->hash);
	__u32 right = ps_bucket_tag(((const struct hashed *)b)->hash);

	return left < right ? -1 : left > right;
}

/* Two sources of one bucket that have the same tag: in a table of one bucket, some of many do. */
static void same_tag(union ps_addr src[2])
{
	const int many = 300000;
	struct hashed *all = calloc((size_t)many, sizeof(*all));
	int i;

	assert_non_null(all);
	for (i = 0; i < many; i++) {
		all[i].addr = A6(0x1000000 + i);
		all[i].hash = ps_hash_addr(prog.cfg->seed, &all[i].addr);
	}
	qsort(all, (size_t)many, sizeof(*all), by_tag);
	for (i = 1; i < many && by_tag(&all[i - 1], &all[i]); i++)
		;
	assert_true(i < many);
	src[0] = all[i - 1].addr;
	src[1] = all[i].addr;
	free(all);
}

/* They take turns in one way; neither is ever charged with the other's packets. */
static void test_same_tag(void **state)
{
	struct round r = { .n = 2, .calls = 20000, .repeat = 1, .v6 = true };
	__u8 bits = prog.cfg->bucket_bits;
	int held = 0;
	(void)state;

	cpus_needed();
	prog_begin(true);
	prog.cfg->rule.respond = PS_RESPOND_MONITOR;
	prog.cfg->bucket_bits = 0;
	prog.cfg->seed = 0x0123456789abcdefULL;
	same_tag(r.src);
	prog_forget();
	cpus_run(&r);
	for (int i = 0; i < r.n; i++) {
		struct ps_source s;

		if (xdp_source_get(prog.xdp, &r.src[i], &s))
			continue;
		held++;
		assert_in_range(s.probes, 1, PORTS);
		assert_true(cpus_packets_of(&s) <= CPUS * (__u64)r.calls / 2 + 1);
	}
	prog.cfg->bucket_bits = bits;
	assert_int_equal(held, 1);
	assert_int_equal(cpus_all_exits(), CPUS * r.calls);
	assert_true(prog_count(PS_COUNT_EVICT) > 100);
	cpus_check_told(prog_count(PS_COUNT_SCAN));
}

/* A block that both CPUs renew: each renewal is told once, each packet counted once. */
static void test_renewals(void **state)
{
	struct round r = { .n = 1, .calls = 100000, .repeat = 1, .tick_ns = MS };
	struct ps_block block;
	__u64 dropped;
	(void)state;

	cpus_needed();
	prog_begin(false);
	prog.cfg->rule.block_ns = 20 * SEC;
	prog_forget();
	r.src[0] = prog_source();
	assert_int_equal(prog_scan(101, 7, MS), 7);
	dropped = cpus_run(&r);
	assert_int_equal(dropped, CPUS * r.calls);
	assert_int_equal(prog_count(PS_COUNT_DROP), dropped);
	assert_int_equal(prog_count(PS_COUNT_SCAN), 1);
	assert_true(prog_has_block(&block));
	assert_int_equal(block.packets, dropped + 1);
	assert_int_equal(block.bytes, block.packets * 54);
	/* The deadline moves in steps of a second. */
	assert_int_equal(prog_run(prog_tcp(80, PS_TCP_SYN)), XDP_DROP);
	assert_true(prog_has_block(&block));
	assert_in_range(block.until_ns, prog_now() + 19 * SEC, prog_now() + 20 * SEC);
	assert_in_range(block.renewals, 8, 10); /* told each half of the block's time, of 100 s */
	cpus_check_told(1 + block.renewals);
	print_message("# %llu packets, %u renewals told\n", (unsigned long long)block.packets,
		      block.renewals);
}

#define LEAPS 200

/* Two seconds, whenever the rule has fired once more. */
static void time_leaps(struct round *r)
{
	for (__u64 leap = 1; leap <= LEAPS && atomic_load(&r->ended) < CPUS; leap++) {
		while (prog_count(PS_COUNT_SCAN) < leap && atomic_load(&r->ended) < CPUS)
			;
		prog_at(prog_now() + 2 * SEC);
	}
}

/* A block that runs out again and again while both CPUs go on: one scan, one block and one event
 * each time, and every packet in one place. */
static void test_expiries(void **state)
{
	struct round r = { .n = 1, .calls = 200000, .repeat = 1 };
	__u64 dropped, scans;
	(void)state;

	cpus_needed();
	prog_begin(false);
	prog.cfg->rule.block_ns = SEC;
	prog_forget();
	r.src[0] = prog_source();
	dropped = cpus_run_beside(&r, time_leaps);
	scans = prog_count(PS_COUNT_SCAN);
	assert_in_range(scans, 10, LEAPS + 1);
	assert_int_equal(prog_count(PS_COUNT_BLOCK), scans);
	assert_int_equal(cpus_all_exits(), CPUS * r.calls);
	/* Beside what the block dropped, the crossing probes and what was in flight with them. */
	assert_in_range(dropped, prog_count(PS_COUNT_DROP) + scans,
			prog_count(PS_COUNT_DROP) + prog_count(PS_COUNT_SCORED));
	cpus_check_told(scans);
	print_message("# %llu blocks ran out and were made anew\n", (unsigned long long)scans);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_watched),
	cmocka_unit_test(test_blocked),
	cmocka_unit_test(test_neighbours),
	cmocka_unit_test(test_evictions),
	cmocka_unit_test(test_same_tag),
	cmocka_unit_test(test_renewals),
	cmocka_unit_test(test_expiries),
};

PROG_MAIN("two CPUs", tests, prog_setup)
