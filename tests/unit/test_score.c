/* SPDX-License-Identifier: GPL-2.0-only */
/* test_score.c - points, evidence that expires piece by piece, and the sum that never drifts. */
#include "unit.h"

#include "walk.h"

static __u32 score(const struct ps_rule *rule, struct ps_source *s, enum ps_class class,
		   __u16 port, __u64 now_ns)
{
	struct ps_packet p = { .dport = port };

	return ps_score(rule, s, &p, class, now_ns);
}

static void test_points(void **state)
{
	struct ps_rule rule = walk_rule();
	(void)state;

	for (unsigned int port = 0; port < 65536; port++) {
		bool trap = port == 11 || port == 12 || port == 13 || port == 2000;

		assert_int_equal(ps_points(&rule, (__u16)port), trap ? 10 : port < 1024 ? 3 : 1);
	}
	memset(rule.traps, 0, sizeof(rule.traps));
	assert_int_equal(ps_points(&rule, 0), 3); /* an unused trap is not port 0 */
}

static void test_valid(void **state)
{
	struct ps_rule rule = walk_rule();
	(void)state;

	assert_true(ps_rule_valid(&rule));
	rule.threshold = PS_PROBES_MAX;
	assert_true(ps_rule_valid(&rule));
	rule.threshold = PS_PROBES_MAX + 1; /* could not be reached by high ports */
	assert_false(ps_rule_valid(&rule));
	rule = walk_rule(), rule.threshold = 0;
	assert_false(ps_rule_valid(&rule));
	rule = walk_rule(), rule.window_ns = PS_WINDOW_NS_MAX + 1;
	assert_false(ps_rule_valid(&rule));
}

/* The greatest threshold allowed is reached with the last piece that fits. */
static void test_full_record_fires(void **state)
{
	struct ps_rule rule = walk_rule();
	struct ps_source s = { 0 };
	(void)state;

	for (int i = 1; i <= PS_PROBES_MAX; i++)
		assert_int_equal(score(&rule, &s, PS_CLASS_SYN, (__u16)(40000 + i), SEC), i);
	/* Then the oldest makes room: the sum stays. */
	for (int i = 1; i <= 3 * PS_PROBES_MAX; i++)
		assert_int_equal(score(&rule, &s, PS_CLASS_SYN, (__u16)(50000 + i), SEC),
				 PS_PROBES_MAX);
	assert_int_equal(s.probes, PS_PROBES_MAX);
}

/* Against a plain list of (port, time), over a million random probes. */
static void test_against_plain_list(void **state)
{
	struct ps_rule rule = walk_rule();
	__u64 last[32] = { 0 }, now = SEC;
	struct ps_source s = { .last_ns = SEC };
	unsigned int seed = 1;
	(void)state;

	for (int i = 0; i < 1000000; i++) {
		__u32 expect = 0, points[PS_CLASS_SLOTS];
		int which = rand_r(&seed) % 32;

		now += (__u64)(rand_r(&seed) % 64) << 20; /* whole ticks: no rounding in the model */
		last[which] = now;
		for (int n = 0; n < 32; n++)
			if (last[n] && (now >> PS_TICK_SHIFT) - (last[n] >> PS_TICK_SHIFT) <=
					       rule.window_ns >> PS_TICK_SHIFT)
				expect += n < 16 ? 3 : 1;
		/* 16 low ports, and 16 high ones */
		if (ps_since(s.last_ns, now) > rule.window_ns)
			s.probes = 0;
		assert_int_equal(score(&rule, &s, PS_CLASS_SYN,
				       (__u16)(which < 16 ? 100 + which : 40000 + which), now), expect);
		assert_int_equal(ps_score_by_class(&rule, &s, now, points), expect);
		assert_int_equal(points[PS_CLASS_SYN], expect);
	}
}

static void test_by_class(void **state)
{
	struct ps_rule rule = walk_rule();
	__u32 points[PS_CLASS_SLOTS];
	struct ps_source s = { 0 };
	(void)state;

	score(&rule, &s, PS_CLASS_SYN, 22, SEC);
	score(&rule, &s, PS_CLASS_UDP, 22, SEC + 100 * MS);
	score(&rule, &s, PS_CLASS_FIN, 40000, SEC + 200 * MS);
	assert_int_equal(ps_score_by_class(&rule, &s, SEC + 200 * MS, points), 7);
	assert_int_equal(points[PS_CLASS_SYN], 3);
	assert_int_equal(points[PS_CLASS_UDP], 3);
	assert_int_equal(points[PS_CLASS_FIN], 1);
	/* What no later probe swept out is not counted either. */
	assert_int_equal(ps_score_by_class(&rule, &s, SEC + 350 * MS, points), 4);
	assert_int_equal(ps_score_by_class(&rule, &s, SEC + 600 * MS, points), 0);
}

/* Open ports keep their places and are worth nothing; the closed ones decide. */
static void test_settle(void **state)
{
	struct ps_rule rule = walk_rule();
	struct ps_source s = { 0 };
	(void)state;

	score(&rule, &s, PS_CLASS_SYN, 22, SEC);
	score(&rule, &s, PS_CLASS_UDP, 22, SEC);
	score(&rule, &s, PS_CLASS_FIN, 80, SEC);
	assert_int_equal(score(&rule, &s, PS_CLASS_SYN, 443, SEC), 12);
	ps_score_settle(&s, 22);
	ps_score_settle(&s, 80);
	ps_score_settle(&s, 5);
	assert_int_equal(ps_score_total(&rule, &s, SEC), 9);
	assert_int_equal(s.probes, 4);
	assert_int_equal(score(&rule, &s, PS_CLASS_SYN, 22, SEC + MS), 9); /* not a new port */
	assert_int_equal(ps_score_total(&rule, &s, SEC + 301 * MS), 0);
}

/* What was found in a copy holds for the pieces that are still the same. */
static void test_open(void **state)
{
	struct ps_rule rule = walk_rule();
	struct ps_source s = { 0 }, seen;
	(void)state;

	for (__u16 port = 20; port < 25; port++)
		score(&rule, &s, PS_CLASS_SYN, port, SEC + port * MS);
	seen = s;
	seen.probe[1].points = seen.probe[3].points = 0;
	s.probe[3].port = 99;
	ps_score_open(&s, &seen);
	assert_int_equal(s.probe[1].points, 0);
	assert_int_equal(ps_score_total(&rule, &s, SEC + 30 * MS), 12);
}

/* However many open ports a scanner knows: none of them pushes out a closed one. */
static void test_open_ports_push_nothing_out(void **state)
{
	(void)state;

	for (unsigned int window = PS_WINDOW_SLIDE; window <= PS_WINDOW_GAP; window++) {
		struct ps_rule rule = window == PS_WINDOW_GAP ? walk_rule_psd() : walk_rule();
		struct ps_source s = { 0 };
		__u16 open = 40000, closed = 50000;
		__u32 total = 0;

		for (int turn = 0; turn < 20; turn++) {
			for (int i = 0; i < 5; i++) {
				score(&rule, &s, PS_CLASS_SYN, ++open, SEC);
				ps_score_settle(&s, open);
			}
			total = score(&rule, &s, PS_CLASS_SYN, ++closed, SEC);
			assert_int_equal(total, turn + 1);
			assert_int_equal(ps_score_total(&rule, &s, SEC), turn + 1);
		}
		assert_int_equal(ps_source_gap_ns(&s, SEC + MS) >> 20, 0);
		/* All of them closed: as ever, the oldest makes room. */
		for (int i = 0; i < 40; i++)
			total = score(&rule, &s, PS_CLASS_SYN, ++closed, SEC);
		assert_int_equal(total, PS_PROBES_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_full_record_fires),
		cmocka_unit_test(test_against_plain_list),
		cmocka_unit_test(test_by_class),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_ports_push_nothing_out),
	};

	return cmocka_run_group_tests_name("score", tests, NULL, NULL);
}
