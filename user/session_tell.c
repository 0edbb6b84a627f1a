/* SPDX-License-Identifier: GPL-2.0-only */
/* session_tell.c - see session_tell.h. */
#include "log.h"
#include "session_tell.h"
#include "xdp_maps.h"

/* A flood of forged sources loses contacts at every poll. */
#define UNSEEN_EVERY_NS (60 * 1000000000ULL)

void session_told_begin(struct session_told *told, const struct ps_counters *before)
{
	told->lost = before->stage[PS_COUNT_EVENT_LOST];
	told->unseen = before->stage[PS_COUNT_CONTACT_LOST];
}

void session_tell_lost(struct session_told *told, const struct ps_counters *now)
{
	__u64 lost = now->stage[PS_COUNT_EVENT_LOST], now_ns = xdp_now_ns();
	__u64 unseen = now->stage[PS_COUNT_CONTACT_LOST];

	if (lost > told->lost)
		log_warn("%llu events were lost, the ring buffer was full; blocks are not affected",
			 (unsigned long long)(lost - told->lost));
	told->lost = lost;
	if (unseen == told->unseen || now_ns < told->unseen_next_ns)
		return;
	log_warn("%llu first packets were lost to the slow engines, more than they can look at; "
		 "the burst rule is not affected", (unsigned long long)(unseen - told->unseen));
	told->unseen = unseen;
	told->unseen_next_ns = now_ns + UNSEEN_EVERY_NS;
}

void session_tell_full(struct session_told *told, size_t blocks)
{
	bool full = blocks >= xdp_blocks_room();

	if (full && !told->full)
		log_warn("the block list is full (%zu of %d): the least active sources are forgotten "
			 "before their time", blocks, PS_BLOCKS_MAX);
	told->full = full;
}
