/* SPDX-License-Identifier: GPL-2.0-only */
/* test_duration.c - durations read, refused and written back. */
#include "unit.h"

#include "duration.h"

static void test_parse_hits(void **state)
{
	static const struct {
		const char *text;
		__u64 ns;
	} cases[] = {
		{ "300ms", 300000000 },
		{ "10min", 600000000000 },
		{ "1h", 3600000000000 },
		{ "5s", 5000000000 },
		{ "0", 0 },
		{ "0s", 0 },
		{ "1.5s", 1500000000 },
		{ "2d", 172800000000000 },
		{ "1us", 1000 },
		{ "7ns", 7 },
		{ "3650d", DURATION_NS_MAX },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		__u64 ns = 1;

		assert_true(duration_parse(cases[i].text, &ns));
		assert_int_equal(ns, cases[i].ns);
	}
}

static void test_parse_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"5",
		"s",
		"-1s",
		"+1s",
		" 1s",
		"1 s",
		"1s ",
		"1m",
		"1sec",
		".5s",
		"5.s",
		"1e3s",
		"0x10s",
		"3651d",
		"99999999999999999999s",
		"18446744073709551616ns",
		"1..5s",
		"1.5.5s",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		__u64 ns = 42;

		if (duration_parse(bad[i], &ns))
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(ns, 42);
	}
}

static void test_round_trip(void **state)
{
	static const __u64 values[] = {
		0,           1,           999,          1000,           1500,           300000000,
		60000000000, 90000000000, 600000000000, 86400000000000, DURATION_NS_MAX,
		239987039999997600
	};
	char text[DURATION_TEXT_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		__u64 back = 1;

		assert_true(duration_parse(duration_format(values[i], text), &back));
		assert_int_equal(back, values[i]);
	}
	assert_string_equal(duration_format(600000000000, text), "10min");
	assert_string_equal(duration_format(90000000000, text), "90s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_hits),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
