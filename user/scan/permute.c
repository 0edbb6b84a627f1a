// SPDX-License-Identifier: GPL-2.0-only
/* permute.c - see permute.h. */
#include "scan/permute.h"

/* The finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014): every input bit reaches all. */
static __u64 mix(__u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

void permute_init(struct permute *p, __u64 count, __u64 seed)
{
	unsigned int bits = 1;

	while (bits < 62 && count > 1ULL << bits)
		bits++;
	p->count = count;
	p->half_bits = (bits + 1) / 2;
	for (int i = 0; i < PERMUTE_ROUNDS; i++) {
		seed += 0x9e3779b97f4a7c15ULL; /* splitmix64's increment */
		p->keys[i] = mix(seed);
	}
}

/*
 * Cycle walking (Black and Rogaway, CT-RSA 2002): values outside the range go
 * through again. The network is less than four times the range, so this takes
 * four turns on average at worst.
 */
__u64 permute_at(const struct permute *p, __u64 position)
{
	__u64 mask = (1ULL << p->half_bits) - 1;
	__u64 x = position;

	do {
		__u64 left = x >> p->half_bits, right = x & mask;

		for (int i = 0; i < PERMUTE_ROUNDS; i++) {
			__u64 next = left ^ (mix(right ^ p->keys[i]) & mask);

			left = right;
			right = next;
		}
		x = left << p->half_bits | right;
	} while (x >= p->count);
	return x;
}

__u64 permute_position(const struct permute *p, __u64 index)
{
	__u64 mask = (1ULL << p->half_bits) - 1;
	__u64 x = index;

	do {
		__u64 left = x >> p->half_bits, right = x & mask;

		for (int i = PERMUTE_ROUNDS - 1; i >= 0; i--) {
			__u64 before = right ^ (mix(left ^ p->keys[i]) & mask);

			right = left;
			left = before;
		}
		x = left << p->half_bits | right;
	} while (x >= p->count);
	return x;
}
