// SPDX-License-Identifier: GPL-2.0-only
/* test_near.c - nobody whom a list covers is taken for a stranger, and hardly a stranger is asked for. */
#include "unit.h"

#include <pscan/hash.h>

#include "near.h"
#include "pkt.h"

static __u64 bits[PS_NEAR_WORDS];
static __u64 turns;

static __u64 some(void)
{
	return ps_mix(++turns);
}

static union ps_addr some_addr(bool v6)
{
	union ps_addr addr = { .d = { some(), some() } };

	if (!v6) {
		addr.d[0] = 0;
		addr.w[2] = ps_htonl(0xffff);
	}
	return addr;
}

static bool near_one(const struct prefix *prefix, const union ps_addr *addr)
{
	memset(bits, 0, sizeof(bits));
	near_add(bits, prefix);
	return ps_near(bits, addr);
}

/* An address whose first bits are the prefix's and the rest anything. */
static union ps_addr inside(const struct prefix *prefix, bool v6)
{
	union ps_addr addr = some_addr(v6);

	for (unsigned int i = 0; i < prefix->bits; i++) {
		addr.b[i / 8] &= (__u8)~(0x80 >> i % 8);
		addr.b[i / 8] |= prefix->addr.b[i / 8] & (0x80 >> i % 8);
	}
	return addr;
}

static void covered(bool v6, unsigned int from)
{
	for (unsigned int length = from; length <= 128; length++) {
		for (int i = 0; i < 200; i++) {
			struct prefix prefix = { some_addr(v6), length };
			union ps_addr addr;

			addr_mask(&prefix.addr, length);
			addr = inside(&prefix, v6);
			assert_true(prefix_covers(&prefix, &addr));
			assert_true(near_one(&prefix, &addr));
		}
	}
}

static void test_covered_v4(void **state)
{
	(void)state;
	covered(false, 96);
}

static void test_covered_v6(void **state)
{
	(void)state;
	covered(true, 0);
}

/* A prefix of IPv6 around all of IPv4, or around the end of the address space. */
static void test_edges(void **state)
{
	const union ps_addr v4 = some_addr(false), last = { .d = { ~0ULL, ~0ULL } };
	struct prefix all_v4 = { .addr.w[2] = ps_htonl(0xffff), .bits = 96 };
	union ps_addr top = all_v4.addr;
	(void)state;

	for (unsigned int length = 0; length < 96; length++) {
		struct prefix around = { v4, length };

		addr_mask(&around.addr, length);
		assert_true(near_one(&around, &v4));
	}
	assert_true(near_one(&all_v4, &v4));
	top.w[3] = 0xffffffff;
	assert_true(near_one(&all_v4, &top));
	assert_true(near_one(&(struct prefix){ last, 128 }, &last));
}

/* Beside the six hosts that a gateway's list has: none in a hundred strangers is asked for. */
static void strangers(bool v6)
{
	int asked = 0;

	memset(bits, 0, sizeof(bits));
	for (int i = 0; i < 6; i++)
		near_add(bits, &(struct prefix){ some_addr(v6), 128 });
	for (int i = 0; i < 100000; i++) {
		union ps_addr addr = some_addr(v6);

		asked += ps_near(bits, &addr);
	}
	assert_in_range(asked, 1, 1000);
}

static void test_strangers(void **state)
{
	(void)state;
	strangers(false);
	strangers(true);
}

/* The next /16 has a bit of its own. */
static void test_neighbours(void **state)
{
	struct prefix one = { pkt_v4(PKT_SRC4), 128 };
	union ps_addr next = one.addr;
	(void)state;

	next.w[3] = ps_htonl(ps_ntohl(next.w[3]) + 0x10000);
	assert_true(near_one(&one, &one.addr));
	assert_false(near_one(&one, &next));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_covered_v4),
		cmocka_unit_test(test_covered_v6),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_neighbours),
	};

	return cmocka_run_group_tests_name("near", tests, NULL, NULL);
}
