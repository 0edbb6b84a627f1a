/* SPDX-License-Identifier: GPL-2.0-only */
/* test_summary.c - the closing summary: filling, sorting, both formats. */
#include "unit.h"

#include <json-c/json.h>

#include "records.h"
#include "rule.h"
#include "summary.h"

#define START_NS 1700000000000000000ULL

static struct summary_source blocked_source(const struct ps_rule *rule, __u64 now_ns)
{
	struct ps_event e = record_scan(rule, PS_CLASS_SYN, START_NS);
	struct summary_source out;
	struct ps_block block;

	ps_event_to_block(rule, &e, 60, &block);
	block.packets = 900;
	summary_source(rule, &e.source, &block, NULL, now_ns, &out);
	return out;
}

static void test_fill(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct summary_source during = blocked_source(&rule, START_NS + 60000000);
	struct summary_source later = blocked_source(&rule, START_NS + 10000000000);
	struct summary_source expired = blocked_source(&rule, START_NS + 3600000000000);
	(void)state;

	assert_int_equal(during.score_now, 21);
	assert_int_equal(during.packets[PS_CLASS_SYN], 7);
	assert_int_equal(during.dropped, 900);
	assert_int_equal(later.score_now, 0);
	assert_int_equal(later.score_peak, 21);
	assert_int_equal(later.points_peak[PS_CLASS_SYN], 21);
	assert_int_equal(later.points_now[PS_CLASS_SYN], 0);
	assert_int_equal(later.class, PS_CLASS_SYN);
	assert_true(later.until_ns > 0);
	assert_int_equal(expired.until_ns, 0);
	assert_int_equal(expired.dropped, 900);
	assert_int_equal(later.shape.shape, SHAPE_VERTICAL);
	assert_int_equal(summary_tcp_packets(&later), 7);
	assert_int_equal(summary_udp_packets(&later), 0);
}

static void test_sort(void **state)
{
	struct summary_source three[3] = { 0 };
	struct summary s = { .source = three, .sources = 3 };
	enum summary_sort by = SUMMARY_BY_SCORE;
	(void)state;

	for (int i = 0; i < 3; i++)
		three[i].addr = record_v4(
			(const char *const[]){ "198.51.100.1", "198.51.100.2", "198.51.100.3" }[i]);
	three[0].score_peak = 5, three[1].score_peak = 9, three[2].score_peak = 5;
	three[0].packets[PS_CLASS_SYN] = 1, three[2].packets[PS_CLASS_UDP] = 2;
	three[0].last_ns = 30, three[1].last_ns = 10, three[2].last_ns = 20;

	summary_sort(&s, by);
	assert_int_equal(three[0].addr.b[15], 2);
	assert_int_equal(three[1].addr.b[15], 3);
	assert_true(summary_sort_parse("last", &by));
	summary_sort(&s, by);
	assert_int_equal(three[0].addr.b[15], 1);
	assert_int_equal(three[2].addr.b[15], 2);
	assert_true(summary_sort_parse("packets", &by));
	summary_sort(&s, by);
	assert_int_equal(three[0].addr.b[15], 3);
	assert_true(summary_sort_parse("addr", &by));
	summary_sort(&s, by);
	assert_int_equal(three[0].addr.b[15], 1);
	assert_false(summary_sort_parse("name", &by));
	assert_int_equal(by, SUMMARY_BY_ADDR);
}

static struct summary two_sources(struct ps_rule *rule, struct summary_source *two,
				  struct summary_port *ports, struct ps_counters *counters)
{
	*rule = rule_default(RULE_SOPHOS);
	two[0] = blocked_source(rule, START_NS + 60000000);
	two[1] = (struct summary_source){ .addr = record_v4("198.51.100.9") };
	ports[0] = (struct summary_port){ .packets = 3, .port = 22 };
	ports[1] = (struct summary_port){ .packets = 1, .port = 53, .udp = true };
	two[0].ports = ports;
	two[0].port_count = 2;
	memset(counters, 0, sizeof(*counters));
	counters->parse[PS_PARSE_BAD_IP] = 4;
	counters->stage[PS_COUNT_SCORED] = 7;
	return (struct summary){ .source = two,
				 .sources = 2,
				 .counters = counters,
				 .rule = rule,
				 .packets = 12345,
				 .now_ns = START_NS,
				 .save_ports = true };
}

static void test_text(void **state)
{
	struct summary_source two[2];
	struct summary_port ports[2];
	struct ps_counters counters;
	struct ps_rule rule;
	struct summary s = two_sources(&rule, two, ports, &counters);
	FILE *file = tmpfile();
	char *text;
	(void)state;

	s.top = 1;
	summary_text(&s, file);
	text = unit_contents(file);
	assert_non_null(strstr(text, "12345 packets"));
	assert_non_null(strstr(text, "4 bad_ip"));
	assert_non_null(strstr(text, "7 scored"));
	assert_non_null(strstr(text, "198.51.100.7  score 21 (peak 21 of 21), 1 detection: SYN"));
	assert_non_null(strstr(text, "900 dropped"));
	assert_non_null(strstr(text, "22/tcp (ssh) x3, 53/udp (domain)\n"));
	assert_non_null(strstr(text, "and 1 more source"));
	assert_null(strstr(text, "198.51.100.9"));
	free(text);
	fclose(file);
}

static void test_json(void **state)
{
	struct summary_source two[2];
	struct summary_port ports[2];
	struct ps_counters counters;
	struct ps_rule rule;
	struct summary s = two_sources(&rule, two, ports, &counters);
	struct json_object *o = summary_json(&s), *list, *one, *value;
	(void)state;

	assert_true(json_object_object_get_ex(o, "sources", &list));
	assert_int_equal(json_object_array_length(list), 2);
	one = json_object_array_get_idx(list, 0);
	assert_true(json_object_object_get_ex(one, "source", &value));
	assert_string_equal(json_object_get_string(value), "198.51.100.7");
	assert_true(json_object_object_get_ex(one, "score_peak", &value));
	assert_int_equal(json_object_get_int(value), 21);
	assert_true(json_object_object_get_ex(one, "saved_ports", &value));
	assert_int_equal(json_object_array_length(value), 2);
	assert_true(json_object_object_get_ex(o, "counters", &value));
	assert_true(json_object_object_get_ex(value, "stage", &value));
	assert_true(json_object_object_get_ex(value, "scored", &value));
	assert_int_equal(json_object_get_int(value), 7);
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
