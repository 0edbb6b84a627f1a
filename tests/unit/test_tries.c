/* SPDX-License-Identifier: GPL-2.0-only */
/* test_tries.c - first tries: remembered to the last lane, and hardly a stranger's. */
#include "unit.h"

#include <pscan/tries.h>
#include <pscan/wire.h>

static const __u64 key[PS_FLOW_KEYS] = { 0x123456789abcdefULL, 0x9e3779b97f4a7c15ULL,
					 0xbf58476d1ce4e5b9ULL, 0x94d049bb133111ebULL,
					 0xd6e8feb86659fd93ULL, 0xff51afd7ed558ccdULL };

static __u64 hash_of(__u32 n)
{
	struct ps_packet p = { .src.w[3] = n, .dst.w[3] = 1, .sport = 40000, .dport = 80,
			       .seq = 77, .proto = PS_IP_TCP, .bits = PS_PKT_V4 };

	return ps_tries_hash(key, &p);
}

/* A line forgets the oldest of PS_TRIES_LANES, and nothing before. */
static void test_latest(void **state)
{
	struct ps_tries line = { 0 };
	int found;
	(void)state;

	for (__u32 n = 0; n < 1000; n++) {
		ps_tries_add(&line, hash_of(n));
		for (__u32 back = 0; back <= n && back < PS_TRIES_LANES; back++)
			assert_true(ps_tries_has(&line, hash_of(n - back)));
	}
	found = 0;
	for (__u32 n = 0; n < 1000 - PS_TRIES_LANES; n++)
		found += ps_tries_has(&line, hash_of(n));
	assert_in_range(found, 0, 10); /* one in 2340, so hardly one of them is to be expected */
}

/* An empty line knows nobody, whatever his tag. */
static void test_empty(void **state)
{
	struct ps_tries line = { 0 };
	(void)state;

	for (__u64 tag = 0; tag < 0x10000; tag++)
		assert_false(ps_tries_has(&line, tag));
}

/* Once in 65536 / 28 = 2340 lines a stranger is taken for one of them. */
static void test_strangers(void **state)
{
	struct ps_tries line = { 0 };
	int found = 0;
	(void)state;

	for (__u32 n = 0; n < PS_TRIES_LANES; n++)
		ps_tries_add(&line, hash_of(n));
	for (__u32 n = 0; n < 2340 * 100; n++)
		found += ps_tries_has(&line, hash_of(1000 + n));
	assert_in_range(found, 60, 140);
}

/* Of the ends, the ports, the sequence number, and the key. */
static void test_hash(void **state)
{
	struct ps_packet p = { .src.w[3] = 1, .dst.w[3] = 2, .sport = 3, .dport = 4, .seq = 5,
			       .proto = PS_IP_TCP, .bits = PS_PKT_V4 }, q = p;
	__u64 hash = ps_tries_hash(key, &p);
	(void)state;

	q.seq++;
	assert_true(ps_tries_hash(key, &q) != hash);
	q = p, q.sport++;
	assert_true(ps_tries_hash(key, &q) != hash);
	q = p, q.dst.w[3]++;
	assert_true(ps_tries_hash(key, &q) != hash);
	q = p, q.ack++, q.window++;
	assert_true(ps_tries_hash(key, &q) == hash);
}

/* Each queue has lines of its own, together they have all, and more queues than parts share. */
static void test_queues(void **state)
{
	static __u8 owner[1U << PS_TRIES_BITS];
	(void)state;

	for (__u32 bits = 0; bits <= PS_QUEUE_BITS_MAX; bits++) {
		__u32 parts = 1U << bits, taken = 0;

		memset(owner, 0xff, sizeof(owner));
		for (__u32 n = 0; n < 20U << PS_TRIES_BITS; n++) {
			__u32 queue = n % (2 * parts), line;

			line = ps_tries_index(ps_mix(n), queue, bits);
			assert_true(line < 1U << PS_TRIES_BITS);
			taken += owner[line] == 0xff;
			owner[line] = owner[line] == 0xff ? (__u8)(queue % parts) : owner[line];
			assert_int_equal(owner[line], queue % parts);
		}
		assert_int_equal(taken, 1U << PS_TRIES_BITS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latest),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_queues),
	};

	return cmocka_run_group_tests_name("first tries", tests, NULL, NULL);
}
