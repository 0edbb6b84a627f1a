/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * permute.h - a keyed permutation of 0..count-1 and its inverse, in constant
 * memory.
 *
 * The scan counts positions from zero; the permutation says which (target,
 * port) a position stands for. So the order looks random to every single
 * target, a shard is every n-th position, and a resumed scan needs only the
 * seed and the position it stopped at.
 */
#ifndef PSCAN_SCAN_PERMUTE_H
#define PSCAN_SCAN_PERMUTE_H

#include <linux/types.h>

#define PERMUTE_ROUNDS 4

struct permute {
	__u64 count;
	unsigned int half_bits; /* a Feistel network over 2 * half_bits >= log2(count) */
	__u64 keys[PERMUTE_ROUNDS];
};

/* @count of at least 1 and at most 2^62; equal seeds give equal orders. */
void permute_init(struct permute *p, __u64 count, __u64 seed);

/* Position to index, both below count. */
__u64 permute_at(const struct permute *p, __u64 position);

/* Index to position: permute_position(permute_at(x)) == x. */
__u64 permute_position(const struct permute *p, __u64 index);

#endif
