/* SPDX-License-Identifier: GPL-2.0-only */
/* test_event.c - a scan's event, the block made of it, and the events made of that. */
#include "unit.h"

#include "records.h"
#include "walk.h"

static void test_scan_to_block_and_back(void **state)
{
	struct ps_rule rule = walk_rule();
	struct ps_event e = record_scan(&rule, PS_CLASS_FIN, SEC), renew;
	struct ps_block b;
	(void)state;

	assert_int_equal(e.kind, PS_EVENT_SCAN);
	assert_int_equal(e.score, 21);
	assert_int_equal(e.class, PS_CLASS_FIN);
	assert_int_equal(e.class_score, 21);
	assert_int_equal(e.dropped, 1); /* the crossing probe */
	assert_int_equal(e.source.probes, 7);

	memset(&b, 0xff, sizeof(b));
	ps_event_to_block(&rule, &e, 60, &b);
	assert_int_equal(b.since_ns, e.at_ns);
	assert_int_equal(b.until_ns, e.until_ns);
	assert_int_equal(b.told_ns, e.at_ns);
	assert_int_equal(b.packets, 1);
	assert_int_equal(b.bytes, 60);
	assert_int_equal(b.renewals, 0);
	assert_memory_equal(&b.evidence, &e.source, sizeof(e.source));

	b.packets = 1234;
	memset(&renew, 0xff, sizeof(renew));
	ps_event_from_block(&b, PS_EVENT_RENEW, 3, 9 * SEC, &renew);
	assert_int_equal(renew.kind, PS_EVENT_RENEW);
	assert_int_equal(renew.at_ns, 9 * SEC);
	assert_int_equal(renew.dropped, 1234);
	assert_int_equal(renew.ifindex, 3);
	assert_int_equal(renew.score, 21);
	assert_int_equal(renew.class, PS_CLASS_FIN);
	assert_int_equal(renew.ttl, 57);
	assert_int_equal(renew.proof_ttl, 0); /* no memory of the kernel's leaves with it */
	assert_memory_equal(&renew.source, &e.source, sizeof(e.source));
}

static void test_alert_drops_nothing(void **state)
{
	struct ps_verdict alert = { PS_ACTION_ALERT, PS_REASON_GUARD };
	struct ps_rule rule = walk_rule();
	struct ps_event e = record_scan(&rule, PS_CLASS_SYN, SEC);
	(void)state;

	ps_event_scan(&rule, &e, alert, 1, 57, 0, e.at_ns);
	assert_int_equal(e.dropped, 0);
	assert_int_equal(e.until_ns, 0);
	assert_int_equal(e.reason, PS_REASON_GUARD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_to_block_and_back),
		cmocka_unit_test(test_alert_drops_nothing),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
