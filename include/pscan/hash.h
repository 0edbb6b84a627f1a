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
 * one half of an IPv6 address against one in the other. */
PS_INLINE __u64 ps_hash_addr(__u64 seed, const union ps_addr *a)
{
	return ps_mix(ps_mix(a->d[0] ^ seed) ^ a->d[1]);
}

/* Of both ends and the ports of a packet, in the direction it travels. */
PS_INLINE __u64 ps_hash_flow(__u64 src_hash, const struct ps_packet *p)
{
	__u64 ports = (__u64)p->sport << 32 | (__u64)p->dport << 16 | p->proto;

	return ps_mix(ps_mix(src_hash ^ p->dst.d[1]) ^ p->dst.d[0] ^ ports);
}

#endif /* PSCAN_HASH_H */
