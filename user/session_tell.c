/* SPDX-License-Identifier: GPL-2.0-only */
/* session_tell.c - see session_tell.h. */
#include "log.h"
#include "session_tell.h"
#include "xdp_maps.h"

/* A flood of forged sources has more to tell at every poll. */
#define FLOOD_EVERY_NS (60 * 1000000000ULL)

/* What --probe-rate kept from the host. */
static __u64 held_back(const struct ps_counters *c)
{
	return c->stage[PS_COUNT_HELD] + c->stage[PS_COUNT_SHED];
}

void session_told_begin(struct session_told *told, const struct ps_counters *before)
{
	told->lost = before->stage[PS_COUNT_EVENT_LOST];
	told->unseen = before->stage[PS_COUNT_CONTACT_LOST];
	told->held = held_back(before);
}

/* How many there are of it that were not told, when it is time to tell them; else 0. */
static __u64 news(__u64 *told, __u64 now, __u64 *next_ns, __u64 now_ns)
{
	__u64 more = now - *told;

	if (!more || now_ns < *next_ns)
		return 0;
	*told = now;
	*next_ns = now_ns + FLOOD_EVERY_NS;
	return more;
}

void session_tell_lost(struct session_told *told, const struct ps_counters *now)
{
	__u64 lost = now->stage[PS_COUNT_EVENT_LOST], now_ns = xdp_now_ns(), more;

	if (lost > told->lost)
		log_warn("%llu events were lost, the ring buffer was full; blocks are not affected",
			 (unsigned long long)(lost - told->lost));
	told->lost = lost;
	more = news(&told->held, held_back(now), &told->held_next_ns, now_ns);
	if (more)
		log_warn("flood: %llu probes beyond --probe-rate were dropped; a client's second try "
			 "passes", (unsigned long long)more);
	more = news(&told->unseen, now->stage[PS_COUNT_CONTACT_LOST], &told->unseen_next_ns, now_ns);
	if (more)
		log_warn("%llu first packets were lost to the slow engines, more than they can look "
			 "at; the burst rule is not affected", (unsigned long long)more);
}

void session_tell_full(struct session_told *told, size_t blocks)
{
	bool full = blocks >= xdp_blocks_room();

	if (full && !told->full)
		log_warn("the block list is full (%zu of %d): the least active sources are forgotten "
			 "before their time", blocks, PS_BLOCKS_MAX);
	told->full = full;
}
