/* SPDX-License-Identifier: GPL-2.0-only */
/* test_verdict.c - when a score is news, what its source gets, and what the event says. */
#include "unit.h"

#include "walk.h"

static void test_fires_once(void **state)
{
	struct ps_rule rule = walk_rule();
	struct ps_source s = { .last_ns = SEC };
	(void)state;

	assert_false(ps_verdict_fires(&rule, &s, 20, true, SEC));
	assert_true(ps_verdict_fires(&rule, &s, 21, true, SEC));
	assert_int_equal(s.scan_ns, SEC);
	/* In flight while the block was made; with a clock that is behind, too. */
	assert_false(ps_verdict_fires(&rule, &s, 24, true, SEC + 300 * MS));
	assert_false(ps_verdict_fires(&rule, &s, 24, true, SEC - MS));
	/* The block did not hold (taken away, thrown out): news again. */
	assert_true(ps_verdict_fires(&rule, &s, 21, true, SEC + 301 * MS));
	assert_int_equal(s.detections, 2);
}

static void test_watched_is_told_per_activity(void **state)
{
	struct ps_rule rule = walk_rule();
	struct ps_source s = { .last_ns = SEC };
	(void)state;

	assert_true(ps_verdict_fires(&rule, &s, 21, false, SEC));
	assert_false(ps_verdict_fires(&rule, &s, 30, false, SEC + 50 * SEC));
	s.active_ns = SEC + 200 * SEC;
	assert_true(ps_verdict_fires(&rule, &s, 21, false, SEC + 200 * SEC));
	assert_false(ps_verdict_fires(&rule, &s, 21, false, SEC + 201 * SEC));
}

static void test_responses(void **state)
{
	static const struct {
		__u8 respond;
		bool guarded;
		enum ps_action action;
		enum ps_reason reason;
	} cases[] = {
		{ PS_RESPOND_MONITOR, false, PS_ACTION_ALERT, PS_REASON_MONITOR },
		{ PS_RESPOND_MONITOR, true, PS_ACTION_ALERT, PS_REASON_MONITOR },
		{ PS_RESPOND_SOFT, false, PS_ACTION_BLOCK, PS_REASON_RULE },
		{ PS_RESPOND_SOFT, true, PS_ACTION_ALERT, PS_REASON_GUARD },
		{ PS_RESPOND_HARD, false, PS_ACTION_BLOCK, PS_REASON_RULE },
		{ PS_RESPOND_HARD, true, PS_ACTION_ALERT, PS_REASON_GUARD },
	};
	struct ps_rule rule = walk_rule();
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ps_verdict v;

		rule.respond = cases[i].respond;
		v = ps_verdict(&rule, cases[i].guarded);
		assert_int_equal(v.action, cases[i].action);
		assert_int_equal(v.reason, cases[i].reason);
	}
}

static void test_name(void **state)
{
	__u32 points[PS_CLASS_SLOTS] = { 0 };
	(void)state;

	assert_int_equal(ps_verdict_name(points), PS_CLASS_NONE);
	points[PS_CLASS_FIN] = points[PS_CLASS_ACK] = 9;
	assert_int_equal(ps_verdict_name(points), PS_CLASS_ACK);
	points[PS_CLASS_UDP] = 10;
	assert_int_equal(ps_verdict_name(points), PS_CLASS_UDP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fires_once),
		cmocka_unit_test(test_watched_is_told_per_activity),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
