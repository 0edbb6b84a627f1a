/* SPDX-License-Identifier: GPL-2.0-only */
/* test_hash.c - placement is even and keyed, whatever pattern a stranger's addresses have. */
#include "unit.h"

#include <pscan/hash.h>

#define SEED 0x0123456789abcdefULL
#define PLACES 4096
#define PER_PLACE 64

/* Chi-squared of PLACES - 1 degrees: mean 4095, deviation 90.5; six deviations off is no chance. */
static void expect_even(const __u32 *hits, unsigned int n)
{
	double expect = (double)n / PLACES, sum = 0;

	for (int i = 0; i < PLACES; i++)
		sum += (hits[i] - expect) * (hits[i] - expect) / expect;
	assert_true(sum > 4095 - 543 && sum < 4095 + 543);
}

/* Consecutive numbers in each word of the address, at each end of the hash that is used. */
static void test_even(void **state)
{
	static const int shifts[] = { 0, 20, 40 };
	(void)state;

	for (int word = 0; word < 4; word++) {
		for (size_t s = 0; s < 3; s++) {
			__u32 hits[PLACES] = { 0 };

			for (__u32 i = 0; i < PLACES * PER_PLACE; i++) {
				union ps_addr a = { .w = { 1, 2, 3, 4 } };

				a.w[word] = ps_htonl(i);
				hits[ps_hash_addr(SEED, &a) >> shifts[s] & (PLACES - 1)]++;
			}
			expect_even(hits, PLACES * PER_PLACE);
		}
	}
}

/* Each input bit changes about half of the output's. */
static void test_avalanche(void **state)
{
	(void)state;

	for (int bit = 0; bit < 64; bit++) {
		__u32 changed = 0;

		for (__u64 i = 1; i <= 256; i++) {
			__u64 v = i * 0x9e3779b97f4a7c15ULL;

			changed += ps_popcount64(ps_mix(v) ^ ps_mix(v ^ 1ULL << bit));
		}
		assert_in_range(changed, 256 * 28, 256 * 36);
	}
}

static void test_keyed(void **state)
{
	union ps_addr a = { .w = { 0, 0, 0xffff0000, 7 } };
	struct ps_packet p = { .dst = a, .sport = 1, .dport = 2, .proto = 6 }, q = p;
	__u64 src = ps_hash_addr(SEED, &a);
	(void)state;

	assert_true(src != ps_hash_addr(SEED ^ 1, &a));
	assert_true(ps_hash_flow(src, &p) != ps_hash_flow(src ^ 1, &p));
	q.sport = 2, q.dport = 1; /* the other direction is another flow */
	assert_true(ps_hash_flow(src, &p) != ps_hash_flow(src, &q));
	q = p, q.proto = 17;
	assert_true(ps_hash_flow(src, &p) != ps_hash_flow(src, &q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_even),
		cmocka_unit_test(test_avalanche),
		cmocka_unit_test(test_keyed),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
