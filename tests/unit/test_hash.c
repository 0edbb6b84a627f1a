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
	(void)state;

	assert_true(ps_hash_addr(SEED, &a) != ps_hash_addr(SEED ^ 1, &a));
}

static const __u64 flow_key[PS_FLOW_KEYS] = {
	SEED | 1, 0x9e3779b97f4a7c15ULL, 0xbf58476d1ce4e5b9ULL, 0x94d049bb133111ebULL,
	0xd6e8feb86659fd93ULL, 0xff51afd7ed558ccdULL,
};

static __u64 random64(__u64 *state)
{
	return ps_mix(*state += 0x9e3779b97f4a7c15ULL);
}

/* Every field of a flow counts, for both families. */
static void test_flow_fields(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct ps_packet p = { .src.d = { v6, 0x10000ffffULL }, .sport = 1,
				       .dst.d = { v6, 0x20000ffffULL }, .dport = 2, .proto = 6, .bits = v6 ? 0 : PS_PKT_V4 };
		__u64 hash = ps_hash_flow(flow_key, &p);
		struct ps_packet q = p;

		for (int i = 0; i < (v6 ? PS_FLOW_KEYS : 2); i++) {
			__u64 other[PS_FLOW_KEYS];

			memcpy(other, flow_key, sizeof(other));
			other[i] += 2;
			assert_true(hash != ps_hash_flow(other, &p));
		}
		for (int bit = v6 ? 0 : 96; bit < 128; bit++) {
			q = p, q.src.b[bit / 8] ^= (__u8)(1 << bit % 8);
			assert_true(hash != ps_hash_flow(flow_key, &q));
			q = p, q.dst.b[bit / 8] ^= (__u8)(1 << bit % 8);
			assert_true(hash != ps_hash_flow(flow_key, &q));
		}
		q = p, q.sport = 2, q.dport = 1; /* the other direction is another flow */
		assert_true(hash != ps_hash_flow(flow_key, &q));
		q = p, q.proto = 17;
		assert_true(hash != ps_hash_flow(flow_key, &q));
	}
}

/*
 * The pairs that a sum of products could mistake for each other under any key:
 * one bit of the addresses and one of the ports, where both cancel only by chance.
 */
static void test_flow_collisions(void **state)
{
	struct ps_packet p = { .src = { .w = { 0, 0, 0xffff0000, 0x0100000a } }, .sport = 40000,
			       .dst = { .w = { 0, 0, 0xffff0000, 0x0200000a } }, .dport = 443,
			       .proto = 6, .bits = PS_PKT_V4 };
	__u64 seed = SEED;
	(void)state;

	for (int bit = 0; bit < 64; bit++)
		for (int port = 0; port < 32; port++)
			for (int keys = 0; keys < 50; keys++) {
				__u64 key[PS_FLOW_KEYS] = { random64(&seed) | 1,
							    random64(&seed) | 1 };
				struct ps_packet q = p;

				q.src.w[3] ^= bit < 32 ? 1U << bit : 0;
				q.dst.w[3] ^= bit < 32 ? 0 : 1U << (bit - 32);
				q.sport ^= (__u16)(port < 16 ? 1 << port : 0);
				q.dport ^= (__u16)(port < 16 ? 0 : 1 << (port - 16));
				assert_true(ps_hash_flow(key, &p) != ps_hash_flow(key, &q));
			}
}

/* The same over IPv6: one bit in each of two words. */
static void test_flow_collisions6(void **state)
{
	struct ps_packet p = { .src = { .w = { 0xb80d0120, 0, 0, 0x09000000 } }, .sport = 40000,
			       .dst = { .w = { 0xb80d0120, 0, 0, 0x0a000000 } }, .dport = 443,
			       .proto = 6 };
	__u64 seed = SEED;
	(void)state;

	for (int a = 0; a < 256; a++)
		for (int b = a + 1; b < 256; b++) {
			__u64 key[PS_FLOW_KEYS];
			struct ps_packet q = p;

			for (int i = 0; i < PS_FLOW_KEYS; i++)
				key[i] = random64(&seed) | 1;
			(a < 128 ? &q.src : &q.dst)->b[a / 8 % 16] ^= (__u8)(1 << a % 8);
			(b < 128 ? &q.src : &q.dst)->b[b / 8 % 16] ^= (__u8)(1 << b % 8);
			assert_true(ps_hash_flow(key, &p) != ps_hash_flow(key, &q));
		}
}

/* Its high bits place flows evenly, those of one client's successive ports too. */
static void test_flow_even(void **state)
{
	static unsigned int hits[1024];
	struct ps_packet p = { .src = { .w = { 0, 0, 0xffff0000, 0x0100000a } }, .dport = 443,
			       .dst = { .w = { 0, 0, 0xffff0000, 0x0200000a } },
			       .proto = 6, .bits = PS_PKT_V4 };
	(void)state;

	for (__u32 i = 0; i < 65536; i++) {
		p.sport = (__u16)i;
		hits[ps_hash_flow(flow_key, &p) >> 54]++;
	}
	for (int i = 0; i < 1024; i++)
		assert_in_range(hits[i], 1, 200); /* 64 each if it were perfect */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_even),
		cmocka_unit_test(test_avalanche),
		cmocka_unit_test(test_keyed),
		cmocka_unit_test(test_flow_fields),
		cmocka_unit_test(test_flow_collisions),
		cmocka_unit_test(test_flow_collisions6),
		cmocka_unit_test(test_flow_even),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
