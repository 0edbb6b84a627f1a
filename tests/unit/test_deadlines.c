/* SPDX-License-Identifier: GPL-2.0-only */
/* test_deadlines.c - deadlines come out in order, whatever order they went in. */
#include "unit.h"

#include <stdlib.h>

#include "deadlines.h"

#define N 5000

static union ps_addr addr_of(__u32 i)
{
	union ps_addr a;

	ps_addr_from_v4(&a, ps_htonl(i));
	return a;
}

static void test_order(void **state)
{
	__u64 at_ns[N], before = 0;
	struct deadlines d;
	union ps_addr addr;
	(void)state;

	srand(1);
	assert_int_equal(deadlines_init(&d, N), 0);
	for (__u32 i = 0; i < N; i++) {
		at_ns[i] = (__u64)(rand() % 1000);
		addr = addr_of(i);
		assert_true(deadlines_add(&d, &addr, at_ns[i]));
	}
	addr = addr_of(N);
	assert_false(deadlines_add(&d, &addr, 0)); /* full */
	for (__u64 now = 0; now < 1000; now++) {
		while (deadlines_take(&d, now, &addr)) {
			__u32 i = ps_ntohl(addr.w[3]);

			assert_true(i < N);
			assert_int_equal(at_ns[i], now);
			assert_true(at_ns[i] >= before);
			before = at_ns[i];
			at_ns[i] = ~0ULL; /* once each */
		}
	}
	assert_int_equal(d.n, 0);
	assert_false(deadlines_take(&d, ~0ULL, &addr));
	deadlines_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order) };

	return cmocka_run_group_tests_name("deadlines", tests, NULL, NULL);
}
