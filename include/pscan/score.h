/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * score.h - what a probe does to its source's record.
 *
 * The rule (a vendor's reading of xt_psd's): a destination port is worth 10
 * points when it is a trap, else 3 below 1024, else 1; 21 points within 300 ms
 * are a scan. Evidence expires piece by piece, so a scan cannot hide by
 * straddling a window's edge, and the score is always the sum of what is held:
 * there is no counter that could drift from it.
 *
 * A port that turns out to be open takes its SYN's points back (ps_score_settle(),
 * ps_score_open()): whoever finds what they came for is no scanner for that. The piece
 * stays, worth nothing.
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
	       rule->block_ns && rule->unproven_ns && least && rule->weight_trap &&
	       rule->threshold <= least * PS_PROBES_MAX;
}

/*
 * Time since the latest new port, for gap mode: there no piece is swept out or
 * refreshed on its own, so they lie in the order in which they came.
 */
PS_INLINE __u64 ps_source_gap_ns(const struct ps_source *s, __u64 now_ns)
{
	__u32 newest = (s->head ? s->head - 1U : s->probes - 1U) & (PS_PROBES_MAX - 1);
	__s32 age = (__s32)((__u32)(now_ns >> PS_TICK_SHIFT) - s->probe[newest].at);

	return age > 0 ? (__u64)age << PS_TICK_SHIFT : 0;
}

/* True when every piece of evidence has run out by now. */
PS_INLINE bool ps_source_idle(const struct ps_rule *rule, const struct ps_source *s, __u64 now_ns)
{
	if (ps_since(s->last_ns, now_ns) > rule->window_ns)
		return true;
	return rule->window == PS_WINDOW_GAP && s->probes &&
	       ps_source_gap_ns(s, now_ns) > rule->window_ns;
}

/* Forgets the evidence when all of it has run out by now (a record may lie idle for so long
 * that its ticks come round again), and notes when a silence ends. */
PS_INLINE void ps_source_sweep(const struct ps_rule *rule, struct ps_source *s, __u64 now_ns)
{
	if (ps_since(s->last_ns, now_ns) > rule->quiet_ns)
		s->active_ns = now_ns;
	if (ps_source_idle(rule, s, now_ns))
		s->probes = 0;
}

PS_INLINE void ps_sketch_add(__u64 *sketch, __u64 value)
{
	__u32 bit = (__u32)ps_mix(value) & (PS_SKETCH_BITS - 1);

	sketch[bit >> 6 & (PS_SKETCH_BITS / 64 - 1)] |= 1ULL << (bit & 63);
}

/* Longest age of live evidence in ticks; evidence has no age limit of its own in gap mode. */
PS_INLINE __s64 ps_window_ticks(const struct ps_rule *rule)
{
	return rule->window == PS_WINDOW_SLIDE ? (__s64)(rule->window_ns >> PS_TICK_SHIFT)
					       : 0x7fffffff;
}

/*
 * 1 when @e is live at @tick, else 0. Arithmetic instead of a comparison: BPF
 * has no conditional set, and a branch per piece of evidence sends the
 * verifier down 2^32 paths. Signed age: captures may step back a little in
 * time, and a piece from the near future is live.
 */
PS_INLINE __u32 ps_probe_live(const struct ps_probe *e, __u32 tick, __s64 window)
{
	__u64 spare = (__u64)((__s64)(__s32)(tick - e->at) - window - 1);

	ps_opaque(spare);
	return (__u32)(spare >> 63);
}

/* What must be equal for two probes to be the same evidence: protocol and port. */
PS_INLINE __u64 ps_probe_key(__u16 port, enum ps_class class)
{
	return (__u64)ps_class_is_udp(class) << 16 | port;
}

/*
 * Where the newest piece goes when all places are taken: the oldest one's. That one lives
 * on in the place of a piece that is worth nothing, if there is any: open ports, however
 * many, push out no evidence.
 * @total  of all pieces; without what had to go on return
 */
PS_INLINE __u32 ps_evidence_room(struct ps_source *s, __u32 *total)
{
	__u32 oldest = s->head & (PS_PROBES_MAX - 1), gone = oldest;

	PS_ROLLED
	for (__u32 i = 0; i < PS_PROBES_MAX; i++) {
		__u64 spare = (__u64)s->probe[i].points - 1;

		ps_opaque(spare);
		gone ^= (gone ^ i) & (0 - (__u32)(spare >> 63));
	}
	gone &= PS_PROBES_MAX - 1;
	*total -= s->probe[gone].points;
	s->probe[gone] = s->probe[oldest];
	s->head = (oldest + 1) & (PS_PROBES_MAX - 1);
	return oldest;
}

/*
 * Drops what expired, finds the probe's port or appends it.
 * Return: the total of the live evidence.
 */
PS_INLINE __u32 ps_evidence_add(const struct ps_rule *rule, struct ps_source *s,
				enum ps_class class, __u16 port, __u8 points, __u64 at_ns)
{
	__u32 tick = (__u32)(at_ns >> PS_TICK_SHIFT), total = 0, kept = 0, held = s->probes;
	/* In packet mode no held piece can equal the new one. */
	__u64 key = ps_probe_key(port, class) | (__u64)rule->count_by << 32, seen = 0;
	__s64 window = ps_window_ticks(rule);
	/* A port probed again lives on, but is not the new port that closes a gap. */
	__u32 renew = rule->window == PS_WINDOW_SLIDE, place;

	PS_ROLLED
	for (__u32 i = 0; i < PS_PROBES_MAX && i < held; i++) {
		struct ps_probe e = s->probe[i];
		__u64 other = (ps_probe_key(e.port, (enum ps_class)e.class) ^ key) - 1;
		__u32 live = ps_probe_live(&e, tick, window), same;

		ps_opaque(other);
		same = (__u32)(other >> 63);
		seen |= same & live;
		e.at ^= (e.at ^ tick) & (0 - (same & renew));
		total += e.points & (0 - live);
		s->probe[kept & (PS_PROBES_MAX - 1)] = e;
		kept += live;
	}
	s->probes = (__u8)kept;
	if (seen)
		return total;

	place = kept;
	if (kept < PS_PROBES_MAX) {
		s->probes = (__u8)(kept + 1);
		s->head = 0;
	} else {
		place = ps_evidence_room(s, &total);
	}
	s->probe[place & (PS_PROBES_MAX - 1)] = (struct ps_probe){
		.at = tick, .port = port, .class = (__u8)class, .points = points,
	};
	return total + points;
}

/*
 * Enters one probe into @s. The caller holds the record's lock.
 * Return: the source's score now.
 */
PS_INLINE __u32 ps_score(const struct ps_rule *rule, struct ps_source *s,
			 const struct ps_packet *p, enum ps_class class, __u64 now_ns)
{
	__u32 total;

	ps_source_sweep(rule, s, now_ns);
	total = ps_evidence_add(rule, s, class, p->dport, ps_points(rule, p->dport), now_ns);
	if (now_ns > s->last_ns)
		s->last_ns = now_ns;
	if (class < PS_CLASS_MAX)
		s->packets[class]++;
	s->dst = p->dst;
	ps_sketch_add(s->ports, ps_probe_key(p->dport, class));
	ps_sketch_add(s->hosts, p->dst.d[1] ^ ps_mix(p->dst.d[0]));
	return total;
}

/*
 * Points per class in the evidence held; expired pieces that no later probe
 * has swept out yet are skipped.
 * @points  out: PS_CLASS_SLOTS sums
 * Return: their total.
 */
PS_INLINE __u32 ps_score_by_class(const struct ps_rule *rule, const struct ps_source *s,
				  __u64 now_ns, __u32 *points)
{
	__u32 tick = (__u32)(now_ns >> PS_TICK_SHIFT), total = 0;
	__s64 window = ps_window_ticks(rule);

	for (int c = 0; c < PS_CLASS_SLOTS; c++)
		points[c] = 0;
	if (ps_source_idle(rule, s, now_ns))
		return 0;
	PS_ROLLED
	for (__u32 i = 0; i < PS_PROBES_MAX && i < s->probes; i++) {
		struct ps_probe e = s->probe[i];
		__u32 worth = e.points & (0 - ps_probe_live(&e, tick, window));

		points[e.class & (PS_CLASS_SLOTS - 1)] += worth;
		total += worth;
	}
	return total;
}

/* A handshake with @port completed: the SYN there is worth nothing any more. */
PS_INLINE void ps_score_settle(struct ps_source *s, __u16 port)
{
	PS_ROLLED
	for (__u32 i = 0; i < PS_PROBES_MAX && i < s->probes; i++) {
		struct ps_probe *e = &s->probe[i];
		__u64 other = (__u64)((__u32)(e->port ^ port) | (__u32)(e->class ^ PS_CLASS_SYN)) - 1;

		ps_opaque(other);
		e->points &= (__u8)((other >> 63) - 1);
	}
}

/*
 * As many pieces are worth nothing as in @seen, a copy of the record in which the caller
 * made them so. What another CPU changed meanwhile stays as it is.
 */
PS_INLINE void ps_score_open(struct ps_source *s, const struct ps_source *seen)
{
	PS_ROLLED
	for (__u32 i = 0; i < PS_PROBES_MAX && i < s->probes; i++) {
		const struct ps_probe *c = &seen->probe[i];
		struct ps_probe *e = &s->probe[i];
		__u64 other = (__u64)((__u32)(e->port ^ c->port) | (__u32)(e->class ^ c->class)) - 1;

		ps_opaque(other);
		e->points &= c->points | (__u8)((other >> 63) - 1);
	}
}

/* The total of what is live in a record that was just scored. */
PS_INLINE __u32 ps_score_total(const struct ps_rule *rule, const struct ps_source *s, __u64 now_ns)
{
	__u32 tick = (__u32)(now_ns >> PS_TICK_SHIFT), total = 0;
	__s64 window = ps_window_ticks(rule);

	PS_ROLLED
	for (__u32 i = 0; i < PS_PROBES_MAX && i < s->probes; i++) {
		struct ps_probe e = s->probe[i];

		total += e.points & (0 - ps_probe_live(&e, tick, window));
	}
	return total;
}

/* The highest score that a source reached, open ports left out as far as one was asked. */
PS_INLINE void ps_score_peak(struct ps_source *s, __u32 score)
{
	if (score > s->peak)
		s->peak = (__u16)score;
}

#endif /* PSCAN_SCORE_H */
