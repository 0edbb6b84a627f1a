/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_detect.c - the rule's boundaries, both ways, over mark, record and
 * verdict together, wherever in time the sequence lies.
 */
#include "unit.h"

#include "walk.h"

/* Instants around which a fixed grid, a 32-bit tick (2^42 ns) or the mark's clock (2^38 ns)
 * would turn over. */
static const __u64 edges[] = {
	1 * SEC, 3600 * SEC, 300 * MS * 1000, 1ULL << 38, 1ULL << 41, 1ULL << 42, 3ULL << 42,
	(1ULL << 42) + (1ULL << 38), 5000000 * SEC,
};

/* @n ports from @port on, evenly over @spread_ns from @start_ns. Return: which fired, or 0. */
static int run(struct walk *w, __u16 port, int n, __u64 start_ns, __u64 spread_ns)
{
	union ps_addr src = walk_v4(7);

	for (int i = 0; i < n; i++)
		if (walk_probe(w, &src, PS_CLASS_SYN, (__u16)(port + i),
			       start_ns + spread_ns * (__u64)i / (__u64)(n - 1)))
			return i + 1;
	return 0;
}

static int run_fresh(struct ps_rule rule, __u16 port, int n, __u64 start_ns, __u64 spread_ns)
{
	static struct walk w;

	walk_init(&w, rule);
	return run(&w, port, n, start_ns, spread_ns);
}

static void test_points(void **state)
{
	static const __u16 traps[] = { 11, 12, 13 };
	union ps_addr src = walk_v4(7);
	static struct walk w;
	(void)state;

	assert_int_equal(run_fresh(walk_rule(), 101, 6, SEC, 10 * MS), 0);
	assert_int_equal(run_fresh(walk_rule(), 101, 7, SEC, 10 * MS), 7);
	assert_int_equal(run_fresh(walk_rule(), 40000, 20, SEC, 10 * MS), 0);
	assert_int_equal(run_fresh(walk_rule(), 40000, 21, SEC, 10 * MS), 21);
	assert_int_equal(run_fresh(walk_rule(), 1024 - 6, 8, SEC, 10 * MS), 0); /* 6 low, 2 high */
	assert_int_equal(run_fresh(walk_rule(), 1024 - 6, 9, SEC, 10 * MS), 9);
	walk_init(&w, walk_rule());
	assert_false(walk_probe(&w, &src, PS_CLASS_SYN, traps[0], SEC));
	assert_false(walk_probe(&w, &src, PS_CLASS_SYN, traps[1], SEC));
	assert_true(walk_probe(&w, &src, PS_CLASS_SYN, 50000, SEC));
	assert_int_equal(w.snapshot.probes, 3);
	assert_int_equal(w.snapshot.peak, 21);
}

static void test_window_anywhere(void **state)
{
	(void)state;

	for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++) {
		/* From all of the sequence before the edge to all of it behind. */
		for (__u64 back = 0; back < 400 * MS; back += 1237 * 1000) {
			__u64 start = edges[e] - back;

			assert_int_equal(run_fresh(walk_rule(), 101, 7, start, 299 * MS), 7);
			assert_int_equal(run_fresh(walk_rule(), 101, 7, start, 301 * MS), 0);
			assert_int_equal(run_fresh(walk_rule(), 9001, 21, start, 299 * MS), 21);
			assert_int_equal(run_fresh(walk_rule(), 9001, 21, start, 301 * MS), 0);
		}
	}
}

/* However long it goes on: at 7 low ports in 301 ms nothing ever adds up. */
static void test_slow_never_fires(void **state)
{
	union ps_addr src = walk_v4(7);
	static struct walk w;
	(void)state;

	walk_init(&w, walk_rule());
	for (int i = 0; i < 20000; i++)
		assert_false(walk_probe(&w, &src, PS_CLASS_SYN, (__u16)(1 + 14 + i % 1000),
					SEC + (__u64)i * 301 * MS / 6));
}

static void test_same_port(void **state)
{
	union ps_addr src = walk_v4(7);
	struct ps_rule rule = walk_rule();
	static struct walk w;
	(void)state;

	walk_init(&w, rule);
	for (int i = 0; i < 100; i++)
		assert_false(walk_probe(&w, &src, PS_CLASS_SYN, 101 + i % 6, SEC + (__u64)i * MS));
	/* TCP and UDP of one number are two ports. */
	assert_true(walk_probe(&w, &src, PS_CLASS_UDP, 101, SEC + 100 * MS));

	rule.count_by = PS_BY_PACKET;
	walk_init(&w, rule);
	for (int i = 0; i < 6; i++)
		assert_false(walk_probe(&w, &src, PS_CLASS_SYN, 22, SEC));
	assert_true(walk_probe(&w, &src, PS_CLASS_SYN, 22, SEC));
	assert_int_equal(w.snapshot.probes, 7);
}

/* A port probed again counts from then: evidence is as old as its latest packet. */
static void test_same_port_refreshes(void **state)
{
	union ps_addr src = walk_v4(7);
	static struct walk w;
	(void)state;

	walk_init(&w, walk_rule());
	for (int i = 0; i < 6; i++)
		walk_probe(&w, &src, PS_CLASS_SYN, (__u16)(101 + i), SEC);
	for (int i = 0; i < 6; i++)
		walk_probe(&w, &src, PS_CLASS_SYN, (__u16)(101 + i), SEC + 200 * MS);
	assert_true(walk_probe(&w, &src, PS_CLASS_SYN, 107, SEC + 450 * MS));
}

/*
 * A source that has a record from earlier is admitted again after a silence:
 * the first port of its new burst counts like any other.
 */
static void test_returning_source(void **state)
{
	static struct walk w;
	(void)state;

	for (__u64 pause = 301 * MS; pause < 600 * SEC; pause *= 3) {
		walk_init(&w, walk_rule());
		assert_int_equal(run(&w, 101, 6, SEC, 10 * MS), 0);
		assert_int_equal(run(&w, 201, 6, SEC + 10 * MS + pause, 10 * MS), 0);
		assert_int_equal(run(&w, 301, 7, SEC + 20 * MS + 2 * pause, 10 * MS), 7);
		assert_int_equal(w.snapshot.probes, 7);
		assert_int_equal(w.snapshot.packets[PS_CLASS_SYN], 19);
		assert_true(w.snapshot.first_ns <= SEC);
	}
}

/* Packets of one source on two CPUs: the clock was read before the lock was had. */
static void test_clock_steps_back(void **state)
{
	union ps_addr src = walk_v4(7);
	static struct walk w;
	(void)state;

	for (__u64 step = 1000; step <= 10 * MS; step *= 10) {
		walk_init(&w, walk_rule());
		for (int i = 0; i < 6; i++)
			assert_false(walk_probe(&w, &src, PS_CLASS_SYN, (__u16)(101 + i),
						SEC - step * (__u64)i));
		assert_true(walk_probe(&w, &src, PS_CLASS_SYN, 107, SEC));
		assert_int_equal(w.snapshot.probes, 7);
	}
}

static void test_psd_gap(void **state)
{
	struct ps_rule rule = walk_rule_psd();
	(void)state;

	for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++) {
		for (__u64 back = 0; back < 20 * SEC; back += 170 * MS) {
			__u64 start = edges[e] > back ? edges[e] - back : 1;

			assert_int_equal(run_fresh(rule, 101, 7, start, 6 * 2990 * MS), 7);
			assert_int_equal(run_fresh(rule, 101, 7, start, 6 * 3010 * MS), 0);
		}
	}
	assert_int_equal(run_fresh(rule, 40000, 20, SEC, 57 * SEC), 0);
	assert_int_equal(run_fresh(rule, 40000, 21, SEC, 57 * SEC), 21);
}

/* A client that keeps talking to ports it has talked to before leaves no gap shorter: only a
 * new port does. */
static void test_psd_known_ports_do_not_bridge(void **state)
{
	union ps_addr src = walk_v4(7);
	static struct walk w;
	(void)state;

	/* While it is a mark, and while it has a record. */
	for (int known = 1; known <= 2; known++) {
		walk_init(&w, walk_rule_psd());
		for (int second = 0; second < 600; second++) {
			__u64 now = SEC + (__u64)second * SEC;

			for (int i = 0; i < known; i++)
				assert_false(walk_probe(&w, &src, PS_CLASS_SYN, (__u16)(80 + i), now));
			if (second % 60 == 30)
				assert_false(walk_probe(&w, &src, PS_CLASS_SYN,
							(__u16)(100 + second / 60), now));
		}
	}
}

/* A record that lay idle until the tick came round is as dead as before. */
static void test_idle_for_a_whole_wrap(void **state)
{
	static struct walk w;
	(void)state;

	for (int psd = 0; psd < 2; psd++) {
		walk_init(&w, psd ? walk_rule_psd() : walk_rule());
		assert_int_equal(run(&w, 101, 6, SEC, 10 * MS), 0);
		assert_int_equal(run(&w, 201, 6, SEC + (1ULL << 42), 10 * MS), 0);
	}
}

/* A client that finds every port open scores nothing, the first one included. */
static void test_open_ports_settle(void **state)
{
	union ps_addr src = walk_v4(7), other = walk_v4(8);
	static struct walk w;
	(void)state;

	walk_init(&w, walk_rule());
	for (__u16 port = 101; port < 131; port++) {
		assert_false(walk_probe(&w, &src, PS_CLASS_SYN, port, SEC));
		walk_settle(&w, &src, port, SEC + MS);
		walk_settle(&w, &other, port, SEC + MS);
	}
	/* Six closed ports on top of them do not fire, the seventh does. */
	for (__u16 port = 201; port < 207; port++)
		assert_false(walk_probe(&w, &src, PS_CLASS_SYN, port, SEC + 2 * MS));
	assert_true(walk_probe(&w, &src, PS_CLASS_SYN, 207, SEC + 3 * MS));
	assert_int_equal(w.snapshot.peak, 21);
	/* The open ones stay among the evidence, as far as there is room. */
	assert_int_equal(w.snapshot.probes, PS_PROBES_MAX);
}

/* A mark alone: the port that it stands for goes into the record as worth nothing. */
static void test_open_port_settles_in_the_mark(void **state)
{
	union ps_addr src = walk_v4(7);
	struct ps_rule rule = walk_rule();
	static struct walk w;
	(void)state;

	for (int packets = 0; packets < 2; packets++) {
		rule.count_by = packets ? PS_BY_PACKET : PS_BY_PORT;
		walk_init(&w, rule);
		assert_false(walk_probe(&w, &src, PS_CLASS_SYN, 101, SEC));
		walk_settle(&w, &src, 101, SEC);
		for (__u16 port = 102; port < 107; port++)
			assert_false(walk_probe(&w, &src, PS_CLASS_SYN, port, SEC));
		/* Read literally, the rule knows no open ports. */
		assert_int_equal(walk_probe(&w, &src, PS_CLASS_SYN, 107, SEC), packets);
		assert_true(packets || walk_probe(&w, &src, PS_CLASS_SYN, 108, SEC));
		assert_int_equal(w.snapshot.probe[0].port, 101);
		assert_int_equal(w.snapshot.probe[0].points, packets ? 3 : 0);
		assert_int_equal(w.snapshot.packets[PS_CLASS_SYN], packets ? 7 : 8);
	}
}

/* An open door is never the crossing probe, nor does it make the next one cross. */
static void test_open_door_does_not_cross(void **state)
{
	union ps_addr src = walk_v4(7);
	static struct walk w;
	(void)state;

	for (int first = 0; first < 2; first++) {
		walk_init(&w, walk_rule());
		w.open = first ? 101 : 107;
		for (__u16 port = 101; port < 108; port++)
			assert_false(walk_probe(&w, &src, PS_CLASS_SYN, port, SEC));
		assert_true(walk_probe(&w, &src, PS_CLASS_SYN, 108, SEC));
		assert_int_equal(w.snapshot.probes, 8);
		assert_int_equal(w.snapshot.peak, 21);
		assert_int_equal(w.snapshot.detections, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_window_anywhere),
		cmocka_unit_test(test_slow_never_fires),
		cmocka_unit_test(test_same_port),
		cmocka_unit_test(test_same_port_refreshes),
		cmocka_unit_test(test_returning_source),
		cmocka_unit_test(test_clock_steps_back),
		cmocka_unit_test(test_psd_gap),
		cmocka_unit_test(test_psd_known_ports_do_not_bridge),
		cmocka_unit_test(test_idle_for_a_whole_wrap),
		cmocka_unit_test(test_open_ports_settle),
		cmocka_unit_test(test_open_port_settles_in_the_mark),
		cmocka_unit_test(test_open_door_does_not_cross),
	};

	return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}
