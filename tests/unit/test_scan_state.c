/* SPDX-License-Identifier: GPL-2.0-only */
/* test_scan_state.c - hosts found again, answers counted once, the better answer kept. */
#include "unit.h"

#include "scan/state.h"

static struct finding answer(__u32 unit, enum scan_state state)
{
	return (struct finding){ .unit = unit, .state = (__u8)state, .reason = REASON_RESET };
}

static void test_hosts(void **state)
{
	union ps_addr addr = { .d = { 0, 0 } };
	struct hosts hosts = { 0 };

	(void)state;
	assert_null(hosts_find(&hosts, 1));
	for (__u64 i = 0; i < 5000; i++) {
		struct host *host = hosts_get(&hosts, i * i, &addr);

		assert_non_null(host);
		assert_ptr_equal(hosts_get(&hosts, i * i, &addr), host);
	}
	assert_int_equal(hosts.n, 5000);
	for (__u64 i = 0; i < 5000; i++)
		assert_int_equal(hosts_find(&hosts, i * i)->target, i * i);
	assert_null(hosts_find(&hosts, 2));
	hosts_sort(&hosts);
	for (size_t i = 1; i < hosts.n; i++)
		assert_true(hosts.all[i - 1]->target < hosts.all[i]->target);
	hosts_free(&hosts);
}

static void test_recorded_once(void **state)
{
	struct finding open = answer(7, STATE_OPEN), closed = answer(7, STATE_CLOSED);
	struct tally tally = { 0 };

	(void)state;
	assert_false(tally_has(&tally, 7));
	assert_int_equal(tally_record(&tally, 10, &open), 1);
	assert_int_equal(tally_record(&tally, 10, &open), 0);
	/* A reset that follows a SYN+ACK does not close the port again. */
	assert_int_equal(tally_record(&tally, 10, &closed), 0);
	assert_true(tally_has(&tally, 7) && !tally_has(&tally, 6));
	assert_int_equal(tally.answered, 1);
	assert_int_equal(tally.counts[STATE_OPEN], 1);
	assert_int_equal(tally.counts[STATE_CLOSED], 0);
	free(tally.outcome);
	free(tally.findings);
}

static void test_better_answer_wins(void **state)
{
	struct finding filtered = answer(3, STATE_FILTERED), open = answer(3, STATE_OPEN);
	struct tally tally = { 0 };

	(void)state;
	assert_int_equal(tally_record(&tally, 10, &filtered), 1);
	assert_int_equal(tally_record(&tally, 10, &open), 1);
	assert_int_equal(tally_record(&tally, 10, &filtered), 0);
	assert_int_equal(tally.answered, 1);
	assert_int_equal(tally.counts[STATE_FILTERED], 0);
	assert_int_equal(tally.counts[STATE_OPEN], 1);
	assert_int_equal(tally.finding_count, 1);
	assert_int_equal(tally.findings[0].state, STATE_OPEN);
	free(tally.outcome);
	free(tally.findings);
}

/* Details of closed ports stop at the bound; counting does not. */
static void test_closed_bound(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	for (__u32 unit = 0; unit < 1000; unit++) {
		struct finding closed = answer(unit, STATE_CLOSED);

		assert_int_equal(tally_record(&tally, 1001, &closed), 1);
	}
	assert_int_equal(tally.counts[STATE_CLOSED], 1000);
	assert_int_equal(tally.finding_count, FINDINGS_CLOSED_MAX);
	assert_int_equal(
		tally_record(&tally, 1001, &(struct finding){ .unit = 1000, .state = STATE_OPEN }),
		1);
	assert_int_equal(tally.finding_count, FINDINGS_CLOSED_MAX + 1);
	free(tally.outcome);
	free(tally.findings);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < STATE_MAX; i++)
		assert_string_not_equal(scan_state_name((enum scan_state)i), "?");
	for (int i = 0; i < REASON_MAX; i++)
		assert_string_not_equal(scan_reason_name((enum scan_reason)i), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_recorded_once),
		cmocka_unit_test(test_better_answer_wins),
		cmocka_unit_test(test_closed_bound),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("scan_state", tests, NULL, NULL);
}
