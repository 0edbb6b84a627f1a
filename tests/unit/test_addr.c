/* SPDX-License-Identifier: GPL-2.0-only */
/* test_addr.c - addresses and prefixes as text, both ways, and what is refused. */
#include "unit.h"

#include "addr.h"

static void test_round_trip(void **state)
{
	static const char *const texts[] = { "198.51.100.7", "203.0.113.0/24", "0.0.0.0/0",
					     "2001:db8::7", "2001:db8::/32", "::/0",
					     "2001:db8::/127" };
	char out[PREFIX_TEXT_BYTES];
	struct prefix p;
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(prefix_parse(texts[i], &p));
		assert_string_equal(prefix_format(&p, out), texts[i]);
	}
}

static void test_refused(void **state)
{
	static const char *const texts[] = { "", "198.51.100", "198.51.100.256", "198.51.100.7/33",
					     "198.51.100.7/24", "198.51.100.0/", "198.51.100.0/-1",
					     "198.51.100.0/24x", "2001:db8::/129", "2001:db8::1/64",
					     "host.example", " 198.51.100.7", "198.51.100.0/2 4" };
	struct prefix p = { .bits = 77 };
	union ps_addr a = { .w = { 77 } };
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(prefix_parse(texts[i], &p));
	assert_int_equal(p.bits, 77); /* left alone */
	assert_false(addr_parse("198.51.100.7/32", &a));
	assert_int_equal(a.w[0], 77);
}

static void test_covers(void **state)
{
	union ps_addr inside, outside;
	struct prefix p;
	(void)state;

	assert_true(prefix_parse("203.0.113.128/25", &p));
	assert_int_equal(p.bits, 96 + 25);
	assert_true(addr_parse("203.0.113.255", &inside));
	assert_true(addr_parse("203.0.113.127", &outside));
	assert_true(prefix_covers(&p, &inside));
	assert_false(prefix_covers(&p, &outside));
	assert_true(prefix_parse("0.0.0.0/0", &p));
	assert_true(addr_parse("2001:db8::1", &outside));
	assert_true(prefix_covers(&p, &inside));
	assert_false(prefix_covers(&p, &outside)); /* all of IPv4 is not all */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_covers),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
