/* SPDX-License-Identifier: GPL-2.0-only */
/* test_slow_crowd.c - many sources, one host: shared scans and decoys, and what looks like them. */
#include "slowly.h"

static union ps_addr source(unsigned int n)
{
	union ps_addr addr = slowly_addr("198.51.100.0");

	addr.b[14] = (__u8)(100 + n / 250);
	addr.b[15] = (__u8)(1 + n % 250);
	return addr;
}

/* Source @n tries one closed port of the usual host. */
static void meet(struct slowly *s, unsigned int n, __u16 port, __u64 gap_ns)
{
	union ps_addr src = source(n), dst = slowly_addr(HOST);

	s->now_ns += gap_ns;
	s->next.sport = (__u16)(40000 + n);
	slowly_meet(s, &src, &dst, port, PS_CLASS_SYN, SLOW_CLOSED);
}

/* Twenty sources, three ports each, none twice: two a second. */
static void test_shared(void **state)
{
	struct slowly *s = slowly_start();
	(void)state;

	for (unsigned int i = 0; i < 60; i++)
		meet(s, i % 20, (__u16)(1000 + i * 7), 500 * MS);
	assert_int_equal(s->found[PS_ENGINE_CROWD], 1);
	assert_false(s->crowd.decoys);
	assert_in_range(s->crowd.sources, 8, 20);
	assert_in_range(s->crowd.ports, 16, 60);
	assert_true(s->crowd.probes >= s->crowd.ports);
	for (unsigned int i = 0; i < s->crowd.sources; i++)
		assert_true(ps_addr_is_v4(&s->crowd.source[i]));
	slowly_stop(s);
}

/* The same, an hour for it: nothing to tell from noise. And seven sources only. */
static void test_too_little(void **state)
{
	struct slowly *s = slowly_start();
	(void)state;

	for (unsigned int i = 0; i < 200; i++)
		meet(s, i, (__u16)(1000 + i * 7), 5 * SEC);
	assert_int_equal(s->found[PS_ENGINE_CROWD], 0);
	s->now_ns += HOUR;
	for (unsigned int i = 0; i < 21; i++)
		meet(s, 300 + i % 7, (__u16)(9000 + i), 100 * MS);
	assert_int_equal(s->found[PS_ENGINE_CROWD], 0);
	slowly_stop(s);
}

/* Everybody wants the same port, or the same few: a flood, or a service that is down. */
static void test_flood(void **state)
{
	struct slowly *s = slowly_start();
	(void)state;

	for (unsigned int i = 0; i < 5000; i++)
		meet(s, i, 80, MS);
	for (unsigned int i = 0; i < 5000; i++)
		meet(s, i, (__u16)(80 + i % 10), MS);
	assert_int_equal(s->found[PS_ENGINE_CROWD], 0);
	/* ... and does not cover a shared scan of other ports. */
	for (unsigned int i = 0; i < 60; i++) {
		meet(s, 6000 + i % 20, (__u16)(1000 + i * 7), 100 * MS);
		for (unsigned int j = 0; j < 50; j++)
			meet(s, 100 + i * 50 + j, 80, MS);
	}
	assert_int_equal(s->found[PS_ENGINE_CROWD], 1);
	slowly_stop(s);
}

/* Our answers to a flood of somebody else, and open ports, are not looked at. */
static void test_not_closed(void **state)
{
	struct slowly *s = slowly_start();
	union ps_addr dst = slowly_addr(HOST), src;
	(void)state;

	for (__u16 i = 0; i < 1000; i++) {
		s->now_ns += 10 * MS;
		src = source(i);
		slowly_meet(s, &src, &dst, (__u16)(1000 + i), PS_CLASS_REPLY, SLOW_CLOSED);
		slowly_meet(s, &src, &dst, (__u16)(1000 + i), PS_CLASS_SYN, SLOW_OPEN);
	}
	assert_int_equal(slowly_all(s), 0);
	slowly_stop(s);
}

/* Four decoys and the scanner, packets alike, a millisecond apart. */
static void decoys(struct slowly *s, unsigned int ports, unsigned int sources, __u64 apart_ns)
{
	for (unsigned int port = 0; port < ports; port++) {
		union ps_addr dst = slowly_addr(HOST);

		s->now_ns += SEC;
		for (unsigned int n = 0; n < sources; n++) {
			union ps_addr src = source(n);

			s->now_ns += apart_ns;
			slowly_meet(s, &src, &dst, (__u16)(20 + port), PS_CLASS_SYN, SLOW_CLOSED);
		}
	}
}

static void test_decoys(void **state)
{
	struct slowly *s = slowly_start();
	(void)state;

	decoys(s, 20, 5, MS);
	assert_int_equal(s->found[PS_ENGINE_CROWD], 1);
	assert_true(s->crowd.decoys);
	assert_int_equal(s->crowd.sources, 5);
	assert_in_range(s->crowd.ports, 4, 20);
	slowly_stop(s);

	s = slowly_start();
	decoys(s, 3, 5, MS); /* three ports may be chance */
	decoys(s, 20, 2, 100 * MS); /* two scanners, one behind the other */
	assert_int_equal(s->found[PS_ENGINE_CROWD], 0);
	slowly_stop(s);
}

/* Told once in an hour for a host, however long it lasts. */
static void test_told_once(void **state)
{
	struct slowly *s = slowly_start();
	(void)state;

	for (unsigned int i = 0; i < 3000; i++)
		meet(s, i % 1000, (__u16)(1000 + i * 7), SEC);
	assert_int_equal(s->found[PS_ENGINE_CROWD], 1);
	for (unsigned int i = 0; i < 1000; i++)
		meet(s, i % 1000, (__u16)(30000 + i * 7), SEC);
	assert_int_equal(s->found[PS_ENGINE_CROWD], 2);
	slowly_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_too_little),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_not_closed),
		cmocka_unit_test(test_decoys),
		cmocka_unit_test(test_told_once),
	};

	return cmocka_run_group_tests_name("slow_crowd", tests, NULL, NULL);
}
