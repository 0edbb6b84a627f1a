/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * near.h - is a source anywhere near an entry of a list of prefixes? A bit per /16, of IPv6
 * per /32, says "no" of nearly all sources that a flood is forged from, and spares them the
 * look-up, which is a quarter of what dropping one of its packets costs.
 *
 * The bits stand for every entry there is, and may stand for others: then it is looked up.
 * The adversary can send from a listed entry's neighbourhood, and gains that look-up. Both
 * families share the bits: an IPv6 entry shorter than /32 sets them all, and everybody is
 * looked up.
 */
#ifndef PSCAN_NEAR_H
#define PSCAN_NEAR_H

#include "limits.h"
#include "packet.h"

/* How long a prefix of IPv4, in its mapped form, and of IPv6 has one bit to itself. */
#define PS_NEAR_V4 112
#define PS_NEAR_V6 32

#define PS_NEAR_WORDS (1 << (PS_NEAR_BITS - 6))

/* The bit of @addr's network. Multiplicative hashing (Knuth, TAOCP 6.4): neighbours do not meet. */
PS_INLINE __u32 ps_near_bit(const union ps_addr *addr)
{
	__u32 net = ps_addr_is_v4(addr) ? ps_ntohl(addr->w[3]) >> 16 : addr->w[0];

	return net * 2654435761U >> (32 - PS_NEAR_BITS);
}

PS_INLINE bool ps_near(const __u64 bits[PS_NEAR_WORDS], const union ps_addr *addr)
{
	__u32 bit = ps_near_bit(addr);

	return bits[bit >> 6] >> (bit & 63) & 1;
}

#endif /* PSCAN_NEAR_H */
