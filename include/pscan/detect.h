/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * detect.h - the core in reading order, and the two steps that join its parts.
 *
 * A caller (bpf/pscan.bpf.c, user/engine.c) does, for each frame:
 *
 *	parse		ps_parse_eth() or ps_parse_ip()
 *	gate		its own look-ups: known flow, block, operator's lists
 *	classify	ps_classify()
 *	score, first half	ps_mark_look(): is there anything new to score
 *	evidence	its own look-up, when ps_may_be_reply()
 *	score		ps_detect() under the bucket's lock
 *	verdict		ps_cross(), likewise, when the probe crosses the threshold: between the
 *			two the caller may find open doors among the evidence
 *	event		ps_event_scan(), when it fired; ps_contact_fill() for the slow engines
 *
 * What evidence explains may in turn explain evidence: a packet of a connection that the
 * source has with us says that its SYN went to an open port (ps_wants_settling()).
 *
 * An IPv6 probe that leaves its host below the threshold is scored once more
 * against the host's /64 (ps_wants_net()): whoever has one has 2^64 addresses to
 * scan from. What a blocked host sends no longer reaches its network's record, so
 * the network crosses only when others in it go on.
 */
#ifndef PSCAN_DETECT_H
#define PSCAN_DETECT_H

#include "classify.h"
#include "contact.h"
#include "event.h"
#include "mark.h"
#include "parse.h"
#include "score.h"
#include "table.h"
#include "tries.h"
#include "verdict.h"

/* What evidence the caller found. */
enum ps_evidence {
	PS_EVIDENCE_NONE,	/* nothing of ours explains the packet: a probe */
	PS_EVIDENCE_EXPLAINED,
	PS_EVIDENCE_HANDSHAKE,	/* explained: it completes a handshake, which shows that its sender
				 * received our SYN+ACK */
	PS_EVIDENCE_UNKNOWN,	/* nobody here can tell (forwarded) */
};

PS_INLINE bool ps_evidence_explains(enum ps_evidence found)
{
	return found == PS_EVIDENCE_EXPLAINED || found == PS_EVIDENCE_HANDSHAKE;
}

enum ps_outcome {
	PS_OUTCOME_SCORED,	/* entered, below the threshold */
	PS_OUTCOME_CROSSES,	/* over it, and news; the snapshot is filled, ps_cross() decides */
	PS_OUTCOME_FIRED,	/* this is the crossing probe; the snapshot is filled */
	PS_OUTCOME_OVER,	/* at or over the threshold, and already told */
};

/* All that ps_detect() knows about the probe at hand. */
struct ps_sighting {
	struct ps_packet packet;
	__u64 hash;		/* ps_hash_addr() of the source */
	__u64 mark;		/* the fingerprint mark that was found */
	__u64 now_ns;
	__u32 class;		/* enum ps_class */
	__u32 sight;		/* enum ps_sight; SECOND: the mark is the source's first probe, enter it too */
	__u32 frame_bytes;
	__u32 net;		/* bool: packet.src is the sender's /64, not the sender */
	__u32 settled;		/* bool, out: nothing to hold against the sender's /64 any more, the
				 * sender crossed by itself or is on the allow list */
	__u32 blocks;		/* bool: a firing rule blocks this source */
};

/*
 * Is evidence to be looked for? Not again for a port that is held against the
 * source already, unless that was a SYN: an ACK behind it may complete a handshake.
 * @fresh  no such port
 */
PS_INLINE bool ps_wants_evidence(const struct ps_sighting *it, bool fresh)
{
	const struct ps_packet *p = &it->packet;

	if (fresh)
		return ps_may_be_reply(p);
	return (ps_mark_class(it->mark) == PS_CLASS_SYN ||
		ps_mark_class(it->mark) == PS_MARK_SETTLED) && ps_may_be_established(p);
}

/*
 * Evidence explains this packet of the sender's: may there be points of its SYN to take
 * back? Read literally (--count packets) the rule knows no open ports.
 */
PS_INLINE bool ps_wants_settling(const struct ps_rule *rule, const struct ps_sighting *it)
{
	return rule->count_by == PS_BY_PORT && it->sight != PS_SIGHT_FIRST &&
	       ps_may_be_established(&it->packet);
}

/* Takes them back from the sender's record, if it has one. The caller holds the lock of @b. */
PS_INLINE void ps_settle(struct ps_bucket *b, const struct ps_sighting *it)
{
	struct ps_source *s = ps_bucket_find(b, it->hash, &it->packet.src);

	if (s)
		ps_score_settle(s, it->packet.dport);
}

/*
 * Enters the probe that the mark stands for, as of its own time. The record is
 * new, or one whose source was silent for so long that it had to be admitted again.
 */
PS_INLINE void ps_detect_marked(const struct ps_rule *rule, struct ps_source *s,
				const struct ps_sighting *it, bool made)
{
	bool settled = ps_mark_class(it->mark) == PS_MARK_SETTLED;
	enum ps_class class = settled ? PS_CLASS_SYN : ps_mark_class(it->mark);
	__u16 port = ps_mark_port(it->mark);
	__u64 age = ps_mark_age_ns(it->mark, it->now_ns);
	__u64 at_ns = it->now_ns > age ? it->now_ns - age : it->now_ns;

	ps_source_sweep(rule, s, at_ns);
	ps_evidence_add(rule, s, class, port, settled ? 0 : ps_points(rule, port), at_ns);
	ps_sketch_add(s->ports, ps_probe_key(port, class));
	if (class < PS_CLASS_MAX)
		s->packets[class]++;
	if (made)
		s->first_ns = at_ns;
	if (at_ns > s->last_ns)
		s->last_ns = at_ns;
}

/*
 * Score of one probe. The caller holds the lock of @b.
 * @made      out, see ps_bucket_take()
 * @snapshot  out, the record when the probe crosses; untouched otherwise
 */
PS_INLINE enum ps_outcome ps_detect(const struct ps_rule *rule, struct ps_bucket *b,
				    struct ps_sighting *it, int *made,
				    struct ps_source *snapshot)
{
	struct ps_source *s = ps_bucket_take(rule, b, it->hash, &it->packet.src, it->now_ns, made);
	__u32 score;

	if (it->sight == PS_SIGHT_SECOND)
		ps_detect_marked(rule, s, it, *made);
	score = ps_score(rule, s, &it->packet, (enum ps_class)it->class, it->now_ns);
	it->settled = score >= rule->threshold;
	if (ps_verdict_crosses(rule, s, score, it->blocks, it->now_ns)) {
		*snapshot = *s;
		return PS_OUTCOME_CROSSES;
	}
	ps_score_peak(s, score);
	return it->settled ? PS_OUTCOME_OVER : PS_OUTCOME_SCORED;
}

/*
 * Verdict of a probe that crosses: the rule fires, unless the evidence falls short without
 * the SYNs that went to open doors. The caller holds the lock of @b again.
 * @snapshot  what ps_detect() filled; the caller made those SYNs worth nothing in it.
 *            out: the record, when the rule fires
 */
PS_INLINE enum ps_outcome ps_cross(const struct ps_rule *rule, struct ps_bucket *b,
				   struct ps_sighting *it, struct ps_source *snapshot)
{
	struct ps_source *s = ps_bucket_find(b, it->hash, &it->packet.src);
	__u32 score;

	if (!s)
		return PS_OUTCOME_SCORED; /* another CPU gave its place to somebody else */
	ps_score_open(s, snapshot);
	score = ps_score_total(rule, s, it->now_ns);
	ps_score_peak(s, score);
	it->settled = score >= rule->threshold;
	if (ps_verdict_fires(rule, s, score, it->blocks, it->now_ns)) {
		*snapshot = *s;
		return PS_OUTCOME_FIRED;
	}
	return it->settled ? PS_OUTCOME_OVER : PS_OUTCOME_SCORED;
}

#endif /* PSCAN_DETECT_H */
