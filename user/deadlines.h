/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * deadlines.h - which block runs out first, when blocks last differently long
 * and every dropped packet moves one's deadline: a binary heap of addresses by
 * the deadline that was known when they entered. Only a lower bound: whoever
 * takes one out looks whether it moved meanwhile, and enters it again if so.
 *
 * Bounded: when it is full, what is no block any more must be dropped first,
 * see deadlines_clear().
 */
#ifndef PSCAN_USER_DEADLINES_H
#define PSCAN_USER_DEADLINES_H

#include <pscan/packet.h>

struct deadline {
	__u64 at_ns;
	union ps_addr addr;
};

struct deadlines {
	struct deadline *heap;
	__u32 n, room;
};

/* 0 or -ENOMEM. */
int deadlines_init(struct deadlines *d, __u32 room);
void deadlines_free(struct deadlines *d);

/* False, and nothing done, when it is full. */
bool deadlines_add(struct deadlines *d, const union ps_addr *addr, __u64 at_ns);
void deadlines_clear(struct deadlines *d);

/* Has one come by @now_ns? Asked for each packet. */
static inline bool deadlines_due(const struct deadlines *d, __u64 now_ns)
{
	return d->n && d->heap[0].at_ns <= now_ns;
}

/* Takes out the earliest one that has come by @now_ns; false when none has. */
bool deadlines_take(struct deadlines *d, __u64 now_ns, union ps_addr *addr);

#endif
