/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * hash.h - the keyed hash that places sources and flows in fixed tables.
 *
 * A stranger chooses the input and never sees the output; the seed is random
 * per table set. What they could gain by guessing it: pushing one other
 * source out of a bucket, or one flow out of a cache. So two multiplications
 * per word are enough, and a MAC would be too dear for every packet.
 */
#ifndef PSCAN_HASH_H
#define PSCAN_HASH_H

#include "limits.h"
#include "packet.h"

/* A bijection of 64 bits with full avalanche (P. Evensen's and T. Ettinger's
 * two-round xor-multiply form). */
PS_INLINE __u64 ps_mix(__u64 v)
{
	v ^= v >> 32;
	v *= 0xd6e8feb86659fd93ULL;
	v ^= v >> 32;
	v *= 0xd6e8feb86659fd93ULL;
	return v ^ (v >> 32);
}

/* Each word passes through the mixer on its own: nobody can trade a change in
 * one half of an IPv6 address against one in the other. Of IPv4 one says all. */
PS_INLINE __u64 ps_hash_addr(__u64 seed, const union ps_addr *a)
{
	__u64 hash = ps_mix(a->d[1] ^ seed);

	return a->d[0] ? ps_mix(hash ^ a->d[0]) : hash;
}

/* NH (Black et al., UMAC, CRYPTO 1999, section 4): two addresses that a stranger may choose
 * give the same sum under at most one of 2^32 keys. */
PS_INLINE __u64 ps_half_products(const union ps_addr *a, const __u64 key[2])
{
	__u64 left = (__u64)(__u32)(a->w[0] + (__u32)key[0]) * (__u32)(a->w[1] + (__u32)(key[0] >> 32));
	__u64 right = (__u64)(__u32)(a->w[2] + (__u32)key[1]) * (__u32)(a->w[3] + (__u32)(key[1] >> 32));

	return left + right;
}

/*
 * Of both ends and the ports of a packet, in the direction it travels.
 *
 * A sum of products with random odd factors: for any two flows that a stranger
 * may choose it is equal under at most one of 2^31 keys, because the ports fill
 * only half a word (two differences cancel only when they have as many trailing
 * zeros). That needs two multiplications at once where a mixer needs four, one
 * after the other, and every established packet asks. The high bits are the
 * random ones.
 */
PS_INLINE __u64 ps_hash_flow(const __u64 key[PS_FLOW_KEYS], const struct ps_packet *p)
{
	__u64 ends = (__u64)p->src.w[3] << 32 | p->dst.w[3];
	__u64 ports = (__u32)p->sport << 16 | p->dport;

	if (!(p->bits & PS_PKT_V4))
		ends = ps_half_products(&p->src, key + 2) + ps_half_products(&p->dst, key + 4);
	return key[0] * ends + key[1] * ports + p->proto;
}

#endif /* PSCAN_HASH_H */
