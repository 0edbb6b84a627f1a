/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * event.h - fills the events that the verdict and gate stages give rise to.
 * One event per transition, never one per packet.
 */
#ifndef PSCAN_EVENT_H
#define PSCAN_EVENT_H

#include "verdict.h"

/*
 * The rule fired. @e->source already holds the record's snapshot.
 * @ttl       of the crossing probe
 * @until_ns  end of the block, 0 when nobody is blocked
 */
PS_INLINE void ps_event_scan(const struct ps_rule *rule, struct ps_event *e, struct ps_verdict v,
			     __u32 ifindex, __u8 ttl, __u64 until_ns, __u64 now_ns)
{
	__u32 points[PS_CLASS_SLOTS];

	e->score = (__u16)ps_score_by_class(rule, &e->source, now_ns, points);
	e->class = (__u8)ps_verdict_name(points);
	e->class_score = (__u16)points[e->class & (PS_CLASS_SLOTS - 1)];
	e->at_ns = now_ns;
	e->until_ns = until_ns;
	e->dropped = v.action == PS_ACTION_BLOCK;
	e->ifindex = ifindex;
	e->kind = PS_EVENT_SCAN;
	e->action = (__u8)v.action;
	e->reason = (__u8)v.reason;
	e->engine = PS_ENGINE_BURST;
	e->proof = PS_PROOF_NONE;
	e->ttl = ttl;
	e->proof_ttl = 0;
}

/* The block that follows from a scan event; @packet_bytes of the packet that it began with. */
PS_INLINE void ps_event_to_block(const struct ps_rule *rule, const struct ps_event *e,
				 __u32 packet_bytes, struct ps_block *b)
{
	b->since_ns = e->at_ns;
	b->until_ns = e->until_ns;
	b->span_ns = e->until_ns - e->at_ns;
	b->told_ns = e->at_ns;
	b->packets = 1;
	b->bytes = packet_bytes;
	b->renewals = 0;
	b->class = e->class;
	b->reason = e->reason;
	b->score = e->score;
	b->engine = e->engine;
	b->proof = e->proof;
	b->respond = e->proof ? rule->respond : ps_verdict_unproven_respond(rule);
	b->ttl = e->ttl;
	b->proof_ttl = e->proof_ttl;
	b->tool = 0;
	ps_memset(b->pad, 0, sizeof(b->pad));
	b->evidence = e->source;
}

/* A blocked source went on for half a block time, or a block ran out. */
PS_INLINE void ps_event_from_block(const struct ps_block *b, enum ps_event_kind kind,
				   __u32 ifindex, __u64 now_ns, struct ps_event *e)
{
	e->at_ns = now_ns;
	e->until_ns = b->until_ns;
	e->dropped = b->packets;
	e->ifindex = ifindex;
	e->score = b->score;
	e->class_score = 0;
	e->kind = (__u8)kind;
	e->action = PS_ACTION_DROP;
	e->reason = b->reason;
	e->class = b->class;
	e->engine = b->engine;
	e->proof = b->proof;
	e->ttl = b->ttl;
	e->proof_ttl = b->proof_ttl;
	e->source = b->evidence;
}

#endif /* PSCAN_EVENT_H */
