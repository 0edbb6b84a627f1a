/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * verdict.h - pass, alert or block, and why.
 */
#ifndef PSCAN_VERDICT_H
#define PSCAN_VERDICT_H

#include "score.h"

struct ps_verdict {
	enum ps_action action;
	enum ps_reason reason;
};

/*
 * Does the rule fire with this score?
 *
 * A blocked source's packets stop at the gate; those that were in flight when
 * the block was made find scan_ns inside the window and are no news. A source
 * that is only watched is news again after quiet_ns of silence.
 */
PS_INLINE bool ps_verdict_crosses(const struct ps_rule *rule, const struct ps_source *s,
				  __u32 score, bool blocks, __u64 now_ns)
{
	if (score < rule->threshold)
		return false;
	if (s->scan_ns && blocks && ps_since(s->scan_ns, now_ns) <= rule->window_ns)
		return false;
	return !s->scan_ns || blocks || s->scan_ns < s->active_ns;
}

/*
 * The same, and notes that it did. Asked under the record's lock, so that of all
 * CPUs that carry one source's packets exactly one gets `true`.
 */
PS_INLINE bool ps_verdict_fires(const struct ps_rule *rule, struct ps_source *s, __u32 score,
				bool blocks, __u64 now_ns)
{
	if (!ps_verdict_crosses(rule, s, score, blocks, now_ns))
		return false;
	s->scan_ns = now_ns;
	s->detections++;
	return true;
}

/* What a source that reached the threshold gets. @guarded: never to be blocked. */
PS_INLINE struct ps_verdict ps_verdict(const struct ps_rule *rule, bool guarded)
{
	if (rule->respond == PS_RESPOND_MONITOR)
		return (struct ps_verdict){ PS_ACTION_ALERT, PS_REASON_MONITOR };
	if (guarded)
		return (struct ps_verdict){ PS_ACTION_ALERT, PS_REASON_GUARD };
	return (struct ps_verdict){ PS_ACTION_BLOCK, PS_REASON_RULE };
}

/*
 * How long the kernel blocks, and how. A crossing probe proves nothing about
 * the address it bears: the worst a forger can do to its owner is this. Who has
 * proof, which takes longer than a packet, makes more of it (user/proof.h).
 */
PS_INLINE __u64 ps_verdict_unproven_ns(const struct ps_rule *rule)
{
	bool full = rule->unproven == PS_UNPROVEN_FULL || rule->unproven_ns > rule->block_ns;

	return full ? rule->block_ns : rule->unproven_ns;
}

PS_INLINE __u8 ps_verdict_unproven_respond(const struct ps_rule *rule)
{
	return rule->unproven == PS_UNPROVEN_FULL ? rule->respond : (__u8)PS_RESPOND_SOFT;
}

/* May @p pass although @b is in force against its source, provided a socket says
 * the connection is established? Bare probes are never worth the question. A block
 * is hard when it was made so and the rule is still that. */
PS_INLINE bool ps_verdict_may_spare(const struct ps_rule *rule, const struct ps_block *b,
				    const struct ps_packet *p)
{
	bool hard = rule->respond == PS_RESPOND_HARD && b->respond == PS_RESPOND_HARD;

	return !hard && !(p->bits & PS_PKT_TINY);
}

/*
 * Must a packet with this parse result not pass, whoever sent it? Its headers lie
 * deeper than they are followed, and a host would follow them: Linux steps over any
 * number of extension headers and priority tags, and puts fragments together. No
 * host has a reason to send it (RFC 8200 section 4.1, RFC 7112), a scanner has.
 */
PS_INLINE bool ps_verdict_hidden(const struct ps_rule *rule, enum ps_parse res)
{
	return rule->respond != PS_RESPOND_MONITOR &&
	       (res == PS_PARSE_EXT_DEPTH || res == PS_PARSE_VLAN_DEPTH);
}

/*
 * A blocked source's deadline is moved in steps of this: the entry is shared by
 * all CPUs, and a second more or less does not matter, unless the whole block
 * lasts no longer.
 */
PS_INLINE __u64 ps_verdict_renew_step(const struct ps_block *b)
{
	__u64 most = 1000000000ULL, eighth = b->span_ns >> 3;

	return eighth < most ? eighth : most;
}

/* From when on a packet moves the deadline. Those before are only counted. */
PS_INLINE __u64 ps_verdict_renew_at(const struct ps_block *b)
{
	return b->until_ns - b->span_ns + ps_verdict_renew_step(b);
}

/* The class that contributed most to the evidence; the lower one among equals. */
PS_INLINE enum ps_class ps_verdict_name(const __u32 *points)
{
	enum ps_class best = PS_CLASS_NONE;
	__u32 most = 0;

	for (int c = 1; c < PS_CLASS_MAX; c++) {
		if (points[c] > most) {
			most = points[c];
			best = (enum ps_class)c;
		}
	}
	return best;
}

#endif /* PSCAN_VERDICT_H */
