/* SPDX-License-Identifier: GPL-2.0-only */
/* test_rule.c - the rule's options: defaults, profiles, order, refusals. */
#include "unit.h"

#include <pscan/score.h>

#include "rule.h"

static int parse(struct rule_options *o, const char *const *words, int n)
{
	char *argv[16] = { (char *)"test" };

	for (int i = 0; i < n; i++)
		argv[i + 1] = (char *)words[i];
	return argp_parse(&rule_argp, n + 1, argv, ARGP_NO_EXIT | ARGP_NO_ERRS, NULL, o);
}

#define PARSE(o, ...)                                                                              \
	parse(o, (const char *const[]){ __VA_ARGS__ },                                             \
	      sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void test_defaults(void **state)
{
	struct rule_options o;
	(void)state;

	assert_int_equal(parse(&o, NULL, 0), 0);
	assert_int_equal(o.rule.threshold, 21);
	assert_int_equal(o.rule.window_ns, 300000000);
	assert_int_equal(o.rule.window, PS_WINDOW_SLIDE);
	assert_int_equal(o.rule.respond, PS_RESPOND_SOFT);
	assert_int_equal(ps_points(&o.rule, 11), 10);
	assert_int_equal(ps_points(&o.rule, 2000), 10);
	assert_int_equal(ps_points(&o.rule, 14), 3);
	assert_int_equal(ps_points(&o.rule, 1023), 3);
	assert_int_equal(ps_points(&o.rule, 1024), 1);
	for (int p = 0; p < RULE_PROFILE_MAX; p++) {
		struct ps_rule rule = rule_default((enum rule_profile)p);

		assert_true(ps_rule_valid(&rule));
	}
}

static void test_explicit_beats_profile(void **state)
{
	struct rule_options before, after;
	(void)state;

	assert_int_equal(PARSE(&before, "--threshold", "15", "--profile", "psd"), 0);
	assert_int_equal(PARSE(&after, "--profile", "psd", "--threshold", "15"), 0);
	assert_memory_equal(&before.rule, &after.rule, sizeof(before.rule));
	assert_int_equal(before.rule.threshold, 15);
	assert_int_equal(before.rule.window, PS_WINDOW_GAP);
	assert_int_equal(before.rule.window_ns, 3000000000);
	assert_int_equal(ps_points(&before.rule, 11), 3);
}

static void test_every_option(void **state)
{
	struct rule_options o;
	char text[RULE_TRAPS_TEXT_BYTES];
	(void)state;

	assert_int_equal(PARSE(&o, "--window=2s", "--weight-low=4", "--weight-high=2",
			       "--weight-trap=9", "--low-ports=100", "--traps=7,70",
			       "--count=packets", "--types=syn,UDP", "--block=hard",
			       "--block-time=1h", "--quiet-time=5s", "--threshold=64"),
			 0);
	assert_int_equal(o.rule.window_ns, 2000000000);
	assert_int_equal(ps_points(&o.rule, 99), 4);
	assert_int_equal(ps_points(&o.rule, 100), 2);
	assert_int_equal(ps_points(&o.rule, 70), 9);
	assert_string_equal(rule_traps_format(&o.rule, text), "7,70");
	assert_int_equal(o.rule.count_by, PS_BY_PACKET);
	assert_int_equal(o.rule.classes, 1U << PS_CLASS_SYN | 1U << PS_CLASS_UDP);
	assert_int_equal(o.rule.respond, PS_RESPOND_HARD);
	assert_int_equal(o.rule.block_ns, 3600000000000);
	assert_int_equal(o.rule.quiet_ns, 5000000000);
	assert_int_equal(o.rule.threshold, 64);
	assert_int_equal(PARSE(&o, "--monitor", "--traps", "none"), 0);
	assert_int_equal(o.rule.respond, PS_RESPOND_MONITOR);
	assert_string_equal(rule_traps_format(&o.rule, text), "none");
}

/* One line that names the option and its value, and the failure is argp's. */
static void refuses(const char *option, const char *value)
{
	struct unit_stderr capture;
	struct rule_options o;
	char word[128], *said;
	int err;

	snprintf(word, sizeof(word), "--%s=%s", option, value);
	capture = unit_stderr_begin();
	err = PARSE(&o, word);
	said = unit_stderr_end(capture);
	if (err != EINVAL || !strstr(said, option) || !strstr(said, value) ||
	    strchr(said, '\n') != said + strlen(said) - 1)
		fail_msg("%s: returned %d and said \"%s\"", word, err, said);
	free(said);
}

static void test_refusals(void **state)
{
	(void)state;
	refuses("threshold", "0");
	refuses("threshold", "33");
	refuses("threshold", "70000");
	refuses("threshold", "x");
	refuses("threshold", "-1");
	refuses("window", "300");
	refuses("window", "0s");
	refuses("window", "61s");
	refuses("weight-low", "0");
	refuses("weight-high", "256");
	refuses("weight-trap", "0");
	refuses("low-ports", "65536");
	refuses("traps", "1,2,3,4,5,6,7,8,9");
	refuses("traps", "0");
	refuses("traps", "11,");
	refuses("count", "port");
	refuses("profile", "xt_psd");
	refuses("types", "syn,none");
	refuses("types", "syn,");
	refuses("block", "none");
	refuses("block-time", "0s");
	refuses("quiet-time", "soon");
}

static void test_monitor_and_block(void **state)
{
	struct unit_stderr capture = unit_stderr_begin();
	struct rule_options o;
	int err = PARSE(&o, "--monitor", "--block=hard");
	char *said = unit_stderr_end(capture);
	(void)state;

	assert_int_equal(err, EINVAL);
	assert_non_null(strstr(said, "--monitor"));
	free(said);
}

/* rule_check() and ps_rule_valid() agree on whatever numbers there are. */
static void test_check_agrees(void **state)
{
	struct unit_stderr capture = unit_stderr_begin();
	int disagreed = 0, valid = 0;
	(void)state;

	srand(1);
	for (int i = 0; i < 20000; i++) {
		struct ps_rule rule = rule_default(RULE_SOPHOS);

		rule.threshold = (__u16)(rand() % 140);
		rule.weight_low = (__u8)(rand() % 4);
		rule.weight_high = (__u8)(rand() % 4);
		rule.weight_trap = (__u8)(rand() % 4);
		rule.low_ports = rand() % 3 ? 1024 : 0;
		rule.window_ns =
			rand() % 8 ? rule.window_ns : PS_WINDOW_NS_MAX + (__u64)(rand() % 2);
		rule.block_ns = rand() % 8 ? rule.block_ns : 0;
		valid += ps_rule_valid(&rule);
		disagreed += ps_rule_valid(&rule) != (rule_check(&rule) == 0);
	}
	free(unit_stderr_end(capture));
	assert_int_equal(disagreed, 0);
	assert_in_range(valid, 100, 19900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_explicit_beats_profile),
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_monitor_and_block),
		cmocka_unit_test(test_check_agrees),
	};

	return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
