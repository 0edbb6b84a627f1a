/* SPDX-License-Identifier: GPL-2.0-only */
/* test_shape.c - counts and shape from sketches and evidence. */
#include "unit.h"

#include <math.h>

#include "records.h"
#include "rule.h"
#include "shape.h"

static struct ps_source probe_grid(unsigned int hosts, unsigned int ports)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_source s = { 0 };
	__u64 now_ns = 1000000000;
	char text[32];

	for (unsigned int h = 0; h < hosts; h++)
		for (unsigned int p = 1; p <= ports; p++) {
			snprintf(text, sizeof(text), "203.0.%u.%u", 113 + h / 256, h % 256);
			record_probe(&rule, &s, text, PS_CLASS_SYN, (__u16)p, now_ns += 1000000);
		}
	return s;
}

static void test_shapes(void **state)
{
	struct ps_source one = probe_grid(1, 1), down = probe_grid(1, 20);
	struct ps_source across = probe_grid(20, 1), grid = probe_grid(5, 20);
	(void)state;

	assert_int_equal(shape_of(&one).shape, SHAPE_NONE);
	assert_int_equal(shape_of(&down).shape, SHAPE_VERTICAL);
	assert_int_equal(shape_of(&across).shape, SHAPE_HORIZONTAL);
	assert_int_equal(shape_of(&grid).shape, SHAPE_BLOCK);
	assert_string_equal(shape_name(SHAPE_BLOCK), "block");
	assert_string_equal(shape_name(SHAPE_MAX), "single");
}

static void test_few_are_exact(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= PS_PROBES_MAX; n++) {
		struct ps_source s = probe_grid(1, n);
		struct shape_counts c = shape_of(&s);

		assert_true(c.ports_exact);
		assert_int_equal(c.ports, n);
		assert_int_equal(c.hosts, 1);
	}
}

static void test_udp_and_tcp_differ(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_source s = { 0 };
	(void)state;

	record_probe(&rule, &s, "203.0.113.5", PS_CLASS_SYN, 53, 1000000000);
	record_probe(&rule, &s, "203.0.113.5", PS_CLASS_UDP, 53, 1000000001);
	record_probe(&rule, &s, "203.0.113.5", PS_CLASS_FIN, 53, 1000000002);
	assert_int_equal(shape_of(&s).ports, 2);
}

/* The paper's own error at this load is about 6 %; a wrong formula is far off. */
static void test_many_are_estimated(void **state)
{
	(void)state;
	for (unsigned int n = 50; n <= 600; n += 50) {
		struct ps_source s = probe_grid(1, n);
		struct shape_counts c = shape_of(&s);

		assert_false(c.ports_exact);
		assert_false(c.ports_pinned);
		if (fabs((double)c.ports - n) > 0.25 * n)
			fail_msg("%u ports were estimated as %u", n, c.ports);
	}
}

static void test_pinned(void **state)
{
	__u64 full[PS_SKETCH_BITS / 64], empty[PS_SKETCH_BITS / 64] = { 0 };
	bool pinned;
	(void)state;

	memset(full, 0xff, sizeof(full));
	assert_int_equal(shape_estimate(full, &pinned), 1420);
	assert_true(pinned);
	assert_int_equal(shape_estimate(empty, &pinned), 0);
	assert_false(pinned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_few_are_exact),
		cmocka_unit_test(test_udp_and_tcp_differ),
		cmocka_unit_test(test_many_are_estimated),
		cmocka_unit_test(test_pinned),
	};

	return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
