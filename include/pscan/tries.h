/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * tries.h - first tries that were dropped, so that the second one is known.
 *
 * In a flood from forged sources a new connection looks like what floods. But
 * whoever means it sends the same SYN again, after a second by default (RFC 6298
 * section 2.1), with the same ports and the same sequence number; whoever floods does
 * not, or has to spend two packets for one. A line holds the latest 28 tries that the
 * hash put there, 16 bits of each: PS_TRIES_BITS of them hold 1.8 million.
 *
 * A stranger's packet is taken for one of them once in 2340 times.
 */
#ifndef PSCAN_TRIES_H
#define PSCAN_TRIES_H

#include "abi.h"
#include "hash.h"

#define PS_TRIES_LANES (PS_TRIES_WORDS * 4)

/* Of a try: ends, ports and sequence number; keyed. */
PS_INLINE __u64 ps_tries_hash(const __u64 key[PS_FLOW_KEYS], const struct ps_packet *p)
{
	return ps_mix(ps_hash_flow(key, p) ^ p->seq);
}

/*
 * A receive queue has the lines of its own that @queue_bits leave it: a card puts both tries into
 * one queue, by their addresses and ports (what does not counts as one queue), and no two CPUs
 * write to the same line in turns, which
 * costs more than all the rest of dropping a packet.
 */
PS_INLINE __u32 ps_tries_index(__u64 hash, __u32 queue, __u32 queue_bits)
{
	__u32 bits = PS_TRIES_BITS - (queue_bits & 7);

	return ((__u32)(hash >> (64 - bits)) | queue << bits) & ((1U << PS_TRIES_BITS) - 1);
}

/* What a lane holds of it. Never 0, which is an empty lane. */
PS_INLINE __u64 ps_tries_tag(__u64 hash)
{
	__u64 tag = hash & 0xffff;

	return tag + !tag;
}

/* Is the try in its line? Four lanes at a time: which of them is not for the asker to know. */
PS_INLINE bool ps_tries_has(const struct ps_tries *line, __u64 hash)
{
	const __u64 ones = 0x0001000100010001ULL, tops = ones << 15;
	__u64 tags = ps_tries_tag(hash) * ones, found = 0;

	for (int i = 0; i < PS_TRIES_WORDS; i++) {
		__u64 other = line->tags[i] ^ tags;

		found |= (other - ones) & ~other & tops;
	}
	return found;
}

/* Puts it in the place of the line's oldest. Two CPUs at once: one of two tries is lost. */
PS_INLINE void ps_tries_add(struct ps_tries *line, __u64 hash)
{
	__u32 lane = line->next < PS_TRIES_LANES ? line->next : 0, shift = lane % 4 * 16;
	__u64 *word = &line->tags[lane / 4];

	*word = (*word & ~(0xffffULL << shift)) | ps_tries_tag(hash) << shift;
	line->next = lane + 1;
}

#endif /* PSCAN_TRIES_H */
