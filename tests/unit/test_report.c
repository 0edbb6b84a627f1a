/* SPDX-License-Identifier: GPL-2.0-only */
/* test_report.c - events as text and as JSON, and a full disk. */
#include "unit.h"

#include <json-c/json.h>

#include "records.h"
#include "report.h"
#include "rule.h"

#define START_NS 1700000000000000000ULL /* 2023-11-14T22:13:20Z */

static const char *field(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("there is no key %s", key);
	return json_object_get_string(value);
}

/* One event through one format; returns what was written. */
static char *told(const struct ps_event *e, bool json, const char *ifname)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	FILE *file = tmpfile();
	struct report_options options = { .text = json ? NULL : file,
					  .json = json ? file : NULL,
					  .rule = &rule };
	struct report *report;
	char *text;

	assert_int_equal(report_open(&options, &report), 0);
	report_event(report, e, ifname);
	assert_int_equal(report_lost(report), 0);
	report_close(report);
	text = unit_contents(file);
	fclose(file);
	return text;
}

static void test_text_scan(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_event e = record_scan(&rule, PS_CLASS_FIN, START_NS);
	char *text = told(&e, false, "eth0");
	(void)state;

	assert_string_equal(
		text, "2023-11-14 22:13:20.060 SCAN 198.51.100.7 FIN 21/21 points, 7 ports 22 23 "
		      "25 80 443 21 53 of 203.0.113.5, vertical, BLOCKED until 22:23:20.060, "
		      "unproven (eth0)\n");
	free(text);
}

static void test_text_actions(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_event e = record_scan(&rule, PS_CLASS_SYN, START_NS);
	struct {
		__u8 kind, action, reason;
		const char *says;
	} cases[] = {
		{ PS_EVENT_SCAN, PS_ACTION_ALERT, PS_REASON_MONITOR, "ALERT, monitoring only" },
		{ PS_EVENT_SCAN, PS_ACTION_ALERT, PS_REASON_GUARD, "ALERT, never to be blocked" },
		{ PS_EVENT_SCAN, PS_ACTION_ALERT, PS_REASON_TABLE, "block list refused" },
		{ PS_EVENT_RENEW, PS_ACTION_DROP, PS_REASON_RULE, "still BLOCKED until 22:23:20" },
		{ PS_EVENT_EXPIRE, PS_ACTION_DROP, PS_REASON_RULE, "block ended, 9 dropped" },
	};
	(void)state;
	e.dropped = 9;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text;

		e.kind = cases[i].kind;
		e.action = cases[i].action;
		e.reason = cases[i].reason;
		text = told(&e, false, NULL);
		if (!strstr(text, cases[i].says) || strchr(text, '(') || strchr(text, '\033') ||
		    strchr(text, '\n') != text + strlen(text) - 1)
			fail_msg("case %zu: %s", i, text);
		free(text);
	}
}

static void test_text_many_ports(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_event e = record_scan(&rule, PS_CLASS_SYN, START_NS);
	char *text;
	(void)state;

	for (__u16 port = 5000; port < 5010; port++)
		record_probe(&rule, &e.source, "203.0.113.6", PS_CLASS_SYN, port,
			     e.at_ns += 1000000);
	text = told(&e, false, NULL);
	assert_non_null(strstr(text, "17 ports of 2 hosts, last 203.0.113.6, block"));
	free(text);
}

static void test_json_scan(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_event e = record_scan(&rule, PS_CLASS_UDP, START_NS);
	char *text = told(&e, true, "eth0");
	struct json_object *o = json_tokener_parse(text), *evidence, *first;
	(void)state;

	assert_non_null(o);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_string_equal(field(o, "event"), "scan");
	assert_string_equal(field(o, "time"), "2023-11-14T22:13:20.060Z");
	assert_string_equal(field(o, "time_ns"), "1700000000060000000");
	assert_string_equal(field(o, "interface"), "eth0");
	assert_string_equal(field(o, "source"), "198.51.100.7");
	assert_string_equal(field(o, "target"), "203.0.113.5");
	assert_string_equal(field(o, "type"), "UDP");
	assert_string_equal(field(o, "score"), "21");
	assert_string_equal(field(o, "type_score"), "21");
	assert_string_equal(field(o, "threshold"), "21");
	assert_string_equal(field(o, "action"), "block");
	assert_string_equal(field(o, "reason"), "rule");
	assert_string_equal(field(o, "until"), "2023-11-14T22:23:20.060Z");
	assert_string_equal(field(o, "shape"), "vertical");
	assert_string_equal(field(o, "ports"), "7");
	assert_string_equal(field(o, "hosts"), "1");
	assert_true(json_object_object_get_ex(o, "evidence", &evidence));
	assert_int_equal(json_object_array_length(evidence), 7);
	first = json_object_array_get_idx(evidence, 0);
	assert_string_equal(field(first, "port"), "22");
	assert_string_equal(field(first, "proto"), "udp");
	assert_string_equal(field(first, "points"), "3");
	assert_true(strtod(field(first, "age_ms"), NULL) > 59.9);
	assert_true(strtod(field(first, "age_ms"), NULL) < 60.1);
	json_object_put(o);
	free(text);
}

/* Evidence that wrapped around its ring, with one piece from the near future. */
static void test_evidence_order(void **state)
{
	struct ps_source s = { .probes = 4 };
	__u8 order[PS_PROBES_MAX];
	__u64 now_ns = 1ULL << (32 + PS_TICK_SHIFT); /* ticks wrap here */
	__u32 now = (__u32)(now_ns >> PS_TICK_SHIFT);
	(void)state;

	s.probe[0].at = now + 5;
	s.probe[1].at = now - 100;
	s.probe[2].at = now;
	s.probe[3].at = now - 1;
	assert_int_equal(report_order(&s, PS_ENGINE_BURST, now_ns, order), 4);
	assert_memory_equal(order, ((__u8[]){ 1, 3, 2, 0 }), 4);
	assert_true(report_age_ms(&s, PS_ENGINE_BURST, &s.probe[0], now_ns) < 0);
}

/* Evidence over hours, which ticks could not hold. */
static void test_slow_scan(void **state)
{
	struct ps_event e = { .kind = PS_EVENT_SCAN, .engine = PS_ENGINE_WALK, .score = 4,
			      .class = PS_CLASS_SYN, .action = PS_ACTION_ALERT };
	__u8 order[PS_PROBES_MAX];
	char *text;
	(void)state;

	e.source.first_ns = START_NS;
	e.source.last_ns = e.at_ns = START_NS + 9 * 3600 * 1000000000ULL;
	e.source.probes = 4;
	for (__u32 i = 0; i < 4; i++)
		e.source.probe[i] = (struct ps_probe){ .at = (3 - i) * 3 * 3600 * 1000,
						       .port = (__u16)(20 + i),
						       .class = PS_CLASS_SYN,
						       .points = 1 };
	assert_int_equal(report_order(&e.source, e.engine, e.at_ns, order), 4);
	assert_memory_equal(order, ((__u8[]){ 3, 2, 1, 0 }), 4);
	assert_true(report_age_ms(&e.source, e.engine, &e.source.probe[3], e.at_ns) == 9 * 3600e3);
	text = told(&e, false, NULL);
	assert_non_null(strstr(text, "SYN slow: 4 closed ports in 9.0h"));
	free(text);
	text = told(&e, true, NULL);
	assert_non_null(strstr(text, "\"engine\":\"walk\""));
	assert_non_null(strstr(text, "\"age_ms\":32400000.000"));
	free(text);
}

static void test_full_disk(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_event e = record_scan(&rule, PS_CLASS_SYN, START_NS);
	struct report_options options = { .json_path = "/dev/full", .rule = &rule };
	struct unit_stderr capture = unit_stderr_begin();
	struct report *report;
	char *said, *newline;
	(void)state;

	assert_int_equal(report_open(&options, &report), 0);
	for (int i = 0; i < 3; i++)
		report_event(report, &e, NULL);
	assert_int_equal(report_lost(report), 3);
	report_close(report);
	said = unit_stderr_end(capture);
	newline = strchr(said, '\n');
	assert_non_null(strstr(said, "/dev/full"));
	assert_non_null(strstr(said, "No space left"));
	assert_true(newline && newline[1] == '\0');
	free(said);
}

static void test_cannot_open(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct report_options options = { .json_path = "/nonexistent/x", .rule = &rule };
	struct unit_stderr capture = unit_stderr_begin();
	struct report *report = NULL;
	int err = report_open(&options, &report);
	char *said = unit_stderr_end(capture);
	(void)state;

	assert_int_equal(err, -ENOENT);
	assert_null(report);
	assert_non_null(strstr(said, "/nonexistent/x"));
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_scan),       cmocka_unit_test(test_text_actions),
		cmocka_unit_test(test_text_many_ports), cmocka_unit_test(test_json_scan),
		cmocka_unit_test(test_evidence_order),  cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_cannot_open),     cmocka_unit_test(test_slow_scan),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
