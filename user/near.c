/* SPDX-License-Identifier: GPL-2.0-only */
/* near.c - see near.h. */
#include "near.h"

static void set(__u64 *bits, const union ps_addr *addr)
{
	__u32 bit = ps_near_bit(addr);

	__atomic_fetch_or(&bits[bit >> 6], 1ULL << (bit & 63), __ATOMIC_RELAXED);
}

/* Every /16 of IPv4 inside @prefix, or around it. */
static void set_v4(__u64 *bits, const struct prefix *prefix)
{
	__u32 first = ps_ntohl(prefix->addr.w[3]) >> 16;
	__u32 networks = prefix->bits < PS_NEAR_V4 ? 1U << (PS_NEAR_V4 - prefix->bits) : 1;
	union ps_addr addr = prefix->addr;

	for (__u32 i = 0; i < networks; i++) {
		addr.w[3] = ps_htonl((first + i) << 16);
		set(bits, &addr);
	}
}

void near_add(__u64 bits[PS_NEAR_WORDS], const struct prefix *prefix)
{
	const union ps_addr mapped = { .w = { 0, 0, ps_htonl(0xffff), 0 } };

	if (ps_addr_is_v4(&prefix->addr) && prefix->bits >= 96) {
		set_v4(bits, prefix);
	} else if (prefix->bits < PS_NEAR_V6 || prefix_covers(prefix, &mapped)) {
		for (int i = 0; i < PS_NEAR_WORDS; i++)
			__atomic_store_n(&bits[i], ~0ULL, __ATOMIC_RELAXED);
	} else {
		set(bits, &prefix->addr);
	}
}
