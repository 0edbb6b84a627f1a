/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * score.h - what a probe does to its source's record.
 *
 * The rule (a vendor's reading of xt_psd's): a destination port is worth 10
 * points when it is a trap, else 3 below 1024, else 1; 21 points within 300 ms
 * are a scan. Evidence expires piece by piece, so a scan cannot hide by
 * straddling a window's edge, and the score is always the sum of what is held:
 * there is no counter that could drift from it.
 */
#ifndef PSCAN_SCORE_H
#define PSCAN_SCORE_H

#include "abi.h"
#include "hash.h"

/* Points of one destination port. */
PS_INLINE __u8 ps_points(const struct ps_rule *rule, __u16 port)
{
	for (int i = 0; i < PS_TRAPS_MAX; i++)
		if (port && rule->traps[i] == port)
			return rule->weight_trap;
	return port < rule->low_ports ? rule->weight_low : rule->weight_high;
}

/*
 * The least weight that a port can have under this rule. A record holds
 * PS_PROBES_MAX pieces, so a threshold above PS_PROBES_MAX times this could
 * never be reached by such ports alone.
 */
PS_INLINE __u32 ps_rule_least_weight(const struct ps_rule *rule)
{
	__u32 least = rule->weight_high;

	if (rule->low_ports && rule->weight_low < least)
		least = rule->weight_low;
	return least;
}

PS_INLINE bool ps_rule_valid(const struct ps_rule *rule)
{
	__u32 least = ps_rule_least_weight(rule);

	return rule->threshold && rule->window_ns && rule->window_ns <= PS_WINDOW_NS_MAX &&
	       rule->block_ns && least && rule->weight_trap &&
	       rule->threshold <= least * PS_PROBES_MAX;
}

/* True when every piece of evidence has run out by now. */
PS_INLINE bool ps_source_idle(const struct ps_rule *rule, const struct ps_source *s, __u64 now_ns)
{
	return ps_since(s->last_ns, now_ns) > rule->window_ns;
}

PS_INLINE void ps_sketch_add(__u64 *sketch, __u64 value)
{
	__u32 bit = (__u32)ps_mix(value) & (PS_SKETCH_BITS - 1);

	sketch[bit >> 6 & (PS_SKETCH_BITS / 64 - 1)] |= 1ULL << (bit & 63);
}

/*
 * Drops what expired, finds @port or appends it; the total is the sum.
 * Signed age: captures may step back a little in time, and a piece from the
 * near future is live.
 */
PS_INLINE __u32 ps_evidence_add(const struct ps_rule *rule, struct ps_source *s,
				enum ps_class class, __u16 port, __u8 points, __u64 at_ns)
{
	__u32 tick = (__u32)(at_ns >> PS_TICK_SHIFT);
	__s64 window = (__s64)(rule->window_ns >> PS_TICK_SHIFT);
	bool udp = class == PS_CLASS_UDP, seen = false;
	__u32 total = 0, kept = 0, held = s->probes;
	struct ps_probe fresh = { .at = tick, .port = port, .class = (__u8)class,
				  .points = points };

	for (__u32 i = 0; i < PS_PROBES_MAX; i++) {
		struct ps_probe e;

		if (i >= held)
			break;
		e = s->probe[i];
		if (rule->window == PS_WINDOW_SLIDE && (__s32)(tick - e.at) > window)
			continue;
		if (rule->count_by == PS_BY_PORT && e.port == port &&
		    (e.class == PS_CLASS_UDP) == udp) {
			seen = true;
			e.at = tick;
		}
		total += e.points;
		s->probe[kept & (PS_PROBES_MAX - 1)] = e;
		kept++;
	}
	if (!seen && kept < PS_PROBES_MAX) {
		s->probe[kept & (PS_PROBES_MAX - 1)] = fresh;
		kept++;
		total += points;
		s->head = 0;
	} else if (!seen) {
		__u32 place = s->head & (PS_PROBES_MAX - 1);

		total += points;
		total -= s->probe[place].points;
		s->probe[place] = fresh;
		s->head = (__u8)(place + 1);
	}
	s->probes = (__u8)kept;
	return total;
}

/*
 * Enters one probe into @s. The caller holds the record's lock.
 * Return: the source's score now.
 */
PS_INLINE __u32 ps_score(const struct ps_rule *rule, struct ps_source *s,
			 const struct ps_packet *p, enum ps_class class, __u64 now_ns)
{
	__u32 total;

	if (ps_source_idle(rule, s, now_ns))
		s->probes = 0;
	total = ps_evidence_add(rule, s, class, p->dport, ps_points(rule, p->dport), now_ns);
	if (now_ns > s->last_ns)
		s->last_ns = now_ns;
	s->packets[class % PS_CLASS_MAX]++;
	s->dst = p->dst;
	if (total > s->peak)
		s->peak = (__u16)total;
	ps_sketch_add(s->ports, (__u64)(class == PS_CLASS_UDP) << 16 | p->dport);
	ps_sketch_add(s->hosts, p->dst.d[1] ^ ps_mix(p->dst.d[0]));
	return total;
}

/*
 * Points per class in the evidence held; expired pieces that no later probe
 * has swept out yet are skipped.
 * @points  out: PS_CLASS_MAX sums
 * Return: their total.
 */
PS_INLINE __u32 ps_score_by_class(const struct ps_rule *rule, const struct ps_source *s,
				  __u64 now_ns, __u32 *points)
{
	__u32 tick = (__u32)(now_ns >> PS_TICK_SHIFT), total = 0;
	__s64 window = (__s64)(rule->window_ns >> PS_TICK_SHIFT);

	for (int c = 0; c < PS_CLASS_MAX; c++)
		points[c] = 0;
	if (ps_source_idle(rule, s, now_ns))
		return 0;
	for (__u32 i = 0; i < PS_PROBES_MAX && i < s->probes; i++) {
		struct ps_probe e = s->probe[i];

		if (rule->window == PS_WINDOW_SLIDE && (__s32)(tick - e.at) > window)
			continue;
		points[e.class % PS_CLASS_MAX] += e.points;
		total += e.points;
	}
	return total;
}

#endif /* PSCAN_SCORE_H */
