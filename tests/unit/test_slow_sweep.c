/* SPDX-License-Identifier: GPL-2.0-only */
/* test_slow_sweep.c - many hosts of one network, with and without known outcomes. */
#include "slowly.h"

/* One port of @n hosts of 203.0.113.0/24. */
static void sweep(struct slowly *s, __u16 port, unsigned int n, __u64 gap_ns,
		  enum slow_outcome outcome)
{
	union ps_addr src = slowly_addr(SCANNER), dst = slowly_addr("203.0.113.0");

	for (unsigned int i = 0; i < n; i++) {
		s->now_ns += gap_ns;
		dst.b[15]++;
		slowly_meet(s, &src, &dst, port, PS_CLASS_SYN, outcome);
	}
}

/* One port of one host after the other: the rule scores it once, the walk counts each host. */
static void test_one_port(void **state)
{
	static const __u64 gaps[] = { 1000, MS, 10 * MS, SEC, 5 * MIN };
	(void)state;

	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
		struct slowly *s = slowly_start();

		sweep(s, 23, 3, gaps[i], SLOW_CLOSED);
		assert_int_equal(slowly_all(s), 0);
		sweep(s, 23, 10, gaps[i], SLOW_CLOSED);
		assert_int_equal(slowly_all(s), 1);
		assert_int_equal(s->last.event.engine, PS_ENGINE_WALK);
		slowly_stop(s);
	}
}

/* Another port of each host, within one window: ten hosts. */
static void test_block(void **state)
{
	struct slowly *s = slowly_start();
	union ps_addr src = slowly_addr(SCANNER), dst = slowly_addr("203.0.113.0");
	(void)state;

	for (__u16 i = 1; i <= 10; i++) {
		assert_int_equal(slowly_all(s), 0);
		s->now_ns += 10 * MS;
		dst.b[15]++;
		slowly_meet(s, &src, &dst, (__u16)(2000 + i), PS_CLASS_SYN, SLOW_CLOSED);
	}
	assert_int_equal(s->found[PS_ENGINE_SWEEP], 1);
	assert_int_equal(s->last.event.score, 10);
	slowly_stop(s);
}

/* Nobody can tell: one port of 25 hosts within five minutes, and nothing less. */
static void test_unknown(void **state)
{
	struct slowly *s = slowly_start();
	(void)state;

	sweep(s, 23, 24, SEC, SLOW_UNKNOWN);
	assert_int_equal(slowly_all(s), 0);
	sweep(s, 23, 25, SEC, SLOW_UNKNOWN); /* 24 of them again */
	assert_int_equal(s->found[PS_ENGINE_SWEEP], 1);
	assert_int_equal(s->last.event.score, 25);
	slowly_stop(s);

	s = slowly_start();
	sweep(s, 23, 250, 15 * SEC, SLOW_UNKNOWN);
	assert_int_equal(slowly_all(s), 0); /* 20 hosts in any five minutes */
	slowly_stop(s);

	s = slowly_start();
	for (__u16 port = 1; port < 200; port++)
		sweep(s, port, 10, 10 * MS, SLOW_UNKNOWN);
	assert_int_equal(slowly_all(s), 0); /* ports, not hosts: the burst rule's */
	slowly_stop(s);
}

/* A browser and a crawler: whatever answers does not count, and pays for what does not. */
static void test_alive(void **state)
{
	struct slowly *s = slowly_start();
	union ps_addr src = slowly_addr(SCANNER), dst = slowly_addr("203.0.113.0");
	(void)state;

	sweep(s, 443, 200, 10 * MS, SLOW_OPEN);
	for (int i = 0; i < 200; i++) {
		s->now_ns += 10 * MS;
		dst.b[14] = 114;
		dst.b[15]++;
		slowly_meet(s, &src, &dst, 443, PS_CLASS_SYN, i % 3 ? SLOW_OPEN : SLOW_CLOSED);
	}
	assert_int_equal(slowly_all(s), 0);
	slowly_stop(s);
}

/* A new source address of one /64 for each host. */
static void test_net(void **state)
{
	struct slowly *s = slowly_start();
	union ps_addr src = slowly_addr("2001:db8:7::1"), dst = slowly_addr("2001:db8:1::1");
	(void)state;

	for (int i = 0; i < 10; i++) {
		s->now_ns += MS;
		src.b[15]++;
		dst.b[15]++;
		slowly_meet(s, &src, &dst, 23, PS_CLASS_SYN, SLOW_CLOSED);
	}
	assert_true(slowly_all(s) >= 1);
	assert_true(ps_addr_is_net(&s->last.event.source.addr));
	slowly_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_port),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_alive),
		cmocka_unit_test(test_net),
	};

	return cmocka_run_group_tests_name("slow_sweep", tests, NULL, NULL);
}
