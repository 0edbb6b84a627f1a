/* SPDX-License-Identifier: GPL-2.0-only */
/* rate.bpf.h - so many a second, of all CPUs together. No lock, and refusing only reads. */
#ifndef PSCAN_RATE_BPF_H
#define PSCAN_RATE_BPF_H

#include "maps.bpf.h"

/* So far ahead of an even pace one may go: what comes in bursts is not held to be more. */
#define RATE_BURST_NS 10000000ULL
/* Tries against other CPUs before one is refused. */
#define RATE_TRIES 4

/* Would rate_allows() refuse one more? */
static __always_inline bool rate_reached(const __u64 *due_ns, __u64 now_ns)
{
	return *(const volatile __u64 *)due_ns > now_ns + RATE_BURST_NS;
}

/* @due_ns    when the next one is due at the earliest, were they evenly spread
 * @rate      at most so many a second; at least 1
 * @n         so many at once, which take less than 4 s at that rate
 * @burst_ns  so far ahead of an even pace */
static __always_inline bool rate_takes(__u64 *due_ns, __u32 rate, __u32 n, __u64 burst_ns,
				       __u64 now_ns)
{
	__u64 step_ns = 1000000000ULL * n / (rate ? rate : 1);

	for (int i = 0; i < RATE_TRIES; i++) {
		__u64 due = *(volatile __u64 *)due_ns;
		__u64 from = due > now_ns ? due : now_ns;

		if (due > now_ns + burst_ns)
			return false;
		if (__sync_val_compare_and_swap(due_ns, due, from + step_ns) == due)
			return true;
	}
	return false;
}

static __always_inline bool rate_allows(__u64 *due_ns, __u32 rate, __u64 now_ns)
{
	return rate_takes(due_ns, rate, 1, RATE_BURST_NS, now_ns);
}

/* Of a lot the rate brings 2048 a second. */
#define RATE_LOT_SHIFT 11

/*
 * The same, taken in lots: CPUs that all take from one rate would have its cache line in turns,
 * which costs more than all the rest of a packet. What a CPU does not use stays its own, and
 * is half a millisecond's worth at most.
 * @left  of this CPU's lot
 */
static __always_inline bool rate_allows_lots(__u64 *due_ns, __u32 *left, __u32 rate, __u64 now_ns)
{
	__u32 n = rate >> RATE_LOT_SHIFT ? rate >> RATE_LOT_SHIFT : 1;

	if (*left && *left < n) { /* else it is of a higher rate that was */
		--*left;
		return true;
	}
	if (!rate_takes(due_ns, rate, n, RATE_BURST_NS, now_ns))
		return false;
	*left = n - 1;
	return true;
}

#endif /* PSCAN_RATE_BPF_H */
