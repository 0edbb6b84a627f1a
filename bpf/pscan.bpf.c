// SPDX-License-Identifier: GPL-2.0-only
/*
 * pscan.bpf.c - the detection flow at the XDP hook: parse, gate, classify,
 * evidence, score, verdict, event. user/engine.c walks the same steps in the
 * same order. The commonest packets leave first, by recall().
 */
#include "hold.bpf.h"

/* Blocks the source of a scan event; tells whether the list took it. */
static __always_inline bool block(struct xdp_md *ctx, const struct ps_rule *rule,
				  struct scratch *tmp)
{
	ps_event_to_block(rule, &tmp->event, frame_bytes(ctx), &tmp->block);
	if (bpf_map_update_elem(&blocks, &tmp->event.source.addr, &tmp->block, BPF_ANY)) {
		count(PS_COUNT_TABLE);
		return false;
	}
	count(PS_COUNT_BLOCK);
	return true;
}

/* The rule fired: verdict, block, event. */
static __always_inline int fired(struct xdp_md *ctx, const struct ps_rule *rule,
				 struct scratch *tmp, const struct ps_sighting *it, bool guarded)
{
	struct ps_verdict v = ps_verdict(rule, guarded);
	bool blocks = v.action == PS_ACTION_BLOCK;

	count(PS_COUNT_SCAN);
	ps_event_scan(rule, &tmp->event, v, ctx->ingress_ifindex, it->packet.ttl,
		      blocks ? it->now_ns + ps_verdict_unproven_ns(rule) : 0, it->now_ns);
	if (blocks && !block(ctx, rule, tmp))
		tmp->event.reason = PS_REASON_TABLE;
	emit(&tmp->event);
	return blocks ? XDP_DROP : XDP_PASS;
}

/* Parse. A function of its own in BPF too, so that the verifier walks the rest
 * once and not once for every way through the parser. */
__attribute__((noinline)) int parse(struct xdp_md *ctx, struct ps_packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	return packet ? (int)ps_parse_eth(data, end, packet) : (int)PS_PARSE_NOT_IP;
}

/* Score of a probe that nothing explains. A function for the same reason. Return: enum ps_outcome. */
__attribute__((noinline)) int detect(struct ps_sighting *it)
{
	struct ps_config *cfg = bpf_map_lookup_elem(&config, &(__u32){ 0 });
	struct scratch *tmp = bpf_map_lookup_elem(&scratch, &(__u32){ 0 });
	enum ps_outcome outcome;
	struct ps_bucket *bucket;
	int made = 0, listed;
	__u32 index;

	if (!cfg || !tmp || !it)
		return PS_OUTCOME_SCORED;
	index = ps_bucket_index(cfg, it->hash);
	bucket = bpf_map_lookup_elem(&buckets, &index);
	if (!bucket)
		return PS_OUTCOME_SCORED;
	it->now_ns = clock_refine(cfg, it->now_ns);
	listed = allowed(&it->packet.src, it->now_ns);
	if (listed == PS_ALLOW_USER) {
		it->settled = true;
		return count(PS_COUNT_ALLOWED), PS_OUTCOME_SCORED;
	}
	it->blocks = ps_verdict(&cfg->rule, listed >= 0).action == PS_ACTION_BLOCK;

	bpf_spin_lock(&bucket->lock);
	outcome = ps_detect(&cfg->rule, bucket, it, &made, &tmp->event.source);
	bpf_spin_unlock(&bucket->lock);

	if (!it->net)
		count(PS_COUNT_SCORED);
	if (made)
		count(PS_COUNT_ADMIT);
	if (made == 2)
		count(PS_COUNT_EVICT);
	if (cfg->save_ports && !it->net)
		save_ports(it);
	return outcome;
}

/*
 * A probe crosses: are there open doors in the snapshot that detect() took? SYNs to ports
 * that somebody listens on become worth nothing. Asked when the rule is about to fire, and
 * hardly ever twice of one piece: what was open counts no more, what was not makes it fire.
 * So a look-up per SYN is what the adversary gets out of it, at most.
 */
__attribute__((noinline)) int find_open(struct xdp_md *ctx, struct ps_sighting *it)
{
	struct ps_config *cfg = bpf_map_lookup_elem(&config, &(__u32){ 0 });
	struct scratch *tmp = bpf_map_lookup_elem(&scratch, &(__u32){ 0 });
	struct ps_source *seen;
	union ps_addr dst;

	if (!cfg || !tmp || !it)
		return 0;
	seen = &tmp->event.source;
	dst = it->packet.dst; /* 6.1 takes no key out of an argument's memory */
	if (cfg->rule.count_by != PS_BY_PORT || !bpf_map_lookup_elem(&locals, &dst))
		return 0;
	PS_ROLLED
	for (__u32 i = 0; i < PS_PROBES_MAX && i < seen->probes; i++) {
		struct ps_probe *e = &seen->probe[i];

		if (e->class == PS_CLASS_SYN && e->points && listens(ctx, &it->packet, e->port))
			e->points = 0;
	}
	return 0;
}

/* Verdict of that probe. Functions of their own, these three, so that they use the same
 * part of the stack one after the other. Return: XDP_*. */
__attribute__((noinline)) int cross(struct xdp_md *ctx, struct ps_sighting *it)
{
	struct ps_config *cfg = bpf_map_lookup_elem(&config, &(__u32){ 0 });
	struct scratch *tmp = bpf_map_lookup_elem(&scratch, &(__u32){ 0 });
	enum ps_outcome outcome;
	struct ps_bucket *bucket;
	__u32 index;

	if (!cfg || !tmp || !it)
		return XDP_PASS;
	index = ps_bucket_index(cfg, it->hash);
	bucket = bpf_map_lookup_elem(&buckets, &index);
	if (!bucket)
		return XDP_PASS;

	bpf_spin_lock(&bucket->lock);
	outcome = ps_cross(&cfg->rule, bucket, it, &tmp->event.source);
	bpf_spin_unlock(&bucket->lock);

	if (outcome == PS_OUTCOME_FIRED)
		return fired(ctx, &cfg->rule, tmp, it, allowed(&it->packet.src, it->now_ns) >= 0);
	return outcome == PS_OUTCOME_OVER && it->blocks ? XDP_DROP : XDP_PASS;
}

/* The mark of this source, and what it says. */
static __always_inline __u64 *find_mark(const struct ps_config *cfg, struct ps_sighting *it)
{
	__u32 index;
	__u64 *mark;

	it->hash = ps_hash_addr(cfg->seed, &it->packet.src);
	index = ps_mark_index(cfg, it->hash);
	mark = bpf_map_lookup_elem(&marks, &index);
	if (mark)
		it->mark = *(volatile __u64 *)mark;
	return mark;
}

/* Looks whether there is anything new in this port of this source. */
static __always_inline void sight(const struct ps_config *cfg, struct ps_sighting *it)
{
	it->sight = ps_mark_look(&cfg->rule, it->mark, it->hash, it->class, it->packet.dport,
				 it->now_ns);
}

/* The source has a record from here on. Of several CPUs one enters what the mark stands for. */
static __always_inline void track(__u64 *mark, struct ps_sighting *it)
{
	__u64 was, left = ps_mark_track(it->mark, it->sight, it->hash, it->now_ns);

	if (it->sight == PS_SIGHT_TRACKED) {
		*mark = left;
		return;
	}
	was = __sync_val_compare_and_swap(mark, it->mark, left);
	if (was != it->mark && ps_mark_tracked(was))
		it->sight = PS_SIGHT_TRACKED;
}

/* Admission by the mark, then score and verdict. */
static __always_inline int admit(struct xdp_md *ctx, const struct ps_config *cfg,
				 struct ps_sighting *it, __u64 *mark)
{
	enum ps_count left = PS_COUNT_AGAIN;
	__u64 fresh;
	int outcome;

	if (it->sight == PS_SIGHT_FIRST) {
		fresh = ps_mark_make(it->hash, false, it->class, it->packet.dport, it->now_ns);
		fresh = ps_mark_at(fresh, it->hash, &it->packet.dst);
		if (__sync_val_compare_and_swap(mark, it->mark, fresh) == it->mark)
			left = PS_COUNT_FIRST;
		else {
			/* another CPU was faster, perhaps with this source's other port */
			it->mark = *(volatile __u64 *)mark;
			sight(cfg, it);
		}
	}
	if (it->sight == PS_SIGHT_SECOND || it->sight == PS_SIGHT_TRACKED) {
		track(mark, it);
		outcome = detect(it);
		if (outcome == PS_OUTCOME_CROSSES) {
			find_open(ctx, it);
			return cross(ctx, it);
		}
		return outcome == PS_OUTCOME_OVER && it->blocks ? XDP_DROP : XDP_PASS;
	}
	if (it->sight == PS_SIGHT_AGAIN) {
		fresh = ps_mark_renew(&cfg->rule, it->mark, it->now_ns);
		__sync_val_compare_and_swap(mark, it->mark,
					    ps_mark_at(fresh, it->hash, &it->packet.dst));
	}
	if (!it->net)
		count(left);
	return XDP_PASS;
}

/*
 * A connection of the source's explains the packet, so the port is open to it: its SYN
 * there is worth nothing any more, in its record or, while it has none, in its mark. Where
 * another CPU changes the mark just then, the points stay. A function in BPF too: called twice.
 */
__attribute__((noinline)) int settle(struct ps_sighting *it)
{
	struct ps_config *cfg = bpf_map_lookup_elem(&config, &(__u32){ 0 });
	struct ps_bucket *bucket;
	__u64 *mark, left;
	__u32 index;

	if (!cfg || !it)
		return 0;
	mark = find_mark(cfg, it);
	if (!mark)
		return 0;
	sight(cfg, it);
	if (!ps_wants_settling(&cfg->rule, it))
		return 0;
	if (it->sight != PS_SIGHT_TRACKED) {
		left = ps_mark_settle(it->mark, it->hash, it->packet.dport);
		if (left != it->mark)
			__sync_val_compare_and_swap(mark, it->mark, left);
		return 0;
	}
	index = ps_bucket_index(cfg, it->hash);
	bucket = bpf_map_lookup_elem(&buckets, &index);
	if (!bucket)
		return 0;
	bpf_spin_lock(&bucket->lock);
	ps_settle(bucket, it);
	bpf_spin_unlock(&bucket->lock);
	return 0;
}

/* Evidence explains the packet, which leaves the flow here. */
static __always_inline int explained(const struct ps_config *cfg, struct ps_sighting *it)
{
	if (ps_wants_settling(&cfg->rule, it)) {
		settle(it);
		if (ps_wants_net(&it->packet)) {
			ps_addr_net(&it->packet.src, &it->packet.src);
			settle(it);
		}
	}
	return count(PS_COUNT_EXPLAINED), XDP_PASS;
}

/* The same probe held against the sender's /64, unless that is a network of ours. */
static __always_inline int probe_net(struct xdp_md *ctx, const struct ps_config *cfg,
				     struct ps_sighting *it)
{
	__u64 *mark;

	ps_addr_net(&it->packet.src, &it->packet.src);
	if (bpf_map_lookup_elem(&locals, &it->packet.src))
		return XDP_PASS;
	it->net = true;
	mark = find_mark(cfg, it);
	if (!mark)
		return XDP_PASS;
	sight(cfg, it);
	return admit(ctx, cfg, it, mark);
}

/* Is a socket or a tracked flow to be asked about it? Nothing follows a RST that is none of the
 * rule's; a SYN+ACK to a socket of ours opens a flow: remembered, what trails behind an aborted
 * connection stays explained. */
static __always_inline bool asks(const struct ps_sighting *it, bool answer, bool fresh)
{
	return answer ? !(it->packet.flags & PS_TCP_RST) : ps_wants_evidence(it, fresh);
}

/* May it be one too many? Of answers that nobody asked for, DNS responses are the commonest of
 * floods; SYN+ACKs come so to raw-socket scanners of this host. */
static __always_inline bool may_be_held(const struct ps_sighting *it, bool answer)
{
	return answer ? it->packet.proto == PS_IP_UDP : it->sight != PS_SIGHT_AGAIN;
}

/* What nothing explains: to the slow engines, and to the score. Return: XDP_*. */
static __always_inline int unexplained(struct xdp_md *ctx, const struct ps_config *cfg,
				       struct ps_sighting *it, __u64 *mark, bool fresh)
{
	if (fresh && ps_contact_sampled(cfg->sample, it->hash, it->sight))
		contact(ctx, it, PS_CONTACT_PROBE);
	else if (fresh)
		count(PS_COUNT_CONTACT_LOST);
	return admit(ctx, cfg, it, mark);
}

/*
 * Classify, evidence, score: for a packet whose source the gate let through.
 * @asked  its flow is not a known one
 */
static __always_inline int probe(struct xdp_md *ctx, const struct ps_config *cfg,
				 struct ps_sighting *it, bool asked)
{
	const struct ps_packet *p = &it->packet;
	enum ps_evidence found = PS_EVIDENCE_NONE;
	__u64 flow = flow_hash(cfg, p), *mark;
	bool fresh, wanted, answer;
	int verdict = XDP_PASS;

	it->class = ps_classify(p);
	wanted = ps_wanted(&cfg->rule, p, it->class);
	answer = !wanted && ps_is_answer(p, it->class);
	if (!answer && (!wanted || !watched(cfg, &p->dst)))
		return count(PS_COUNT_UNSCORED), XDP_PASS;
	if (!asked && ps_may_be_reply(p) && flow_known(cfg, flow))
		return count(PS_COUNT_FLOW), XDP_PASS;

	mark = find_mark(cfg, it); /* again: to keep where it is takes more stack than 6.1 has */
	if (!mark)
		return XDP_PASS;
	it->now_ns = clock_mark(cfg);
	sight(cfg, it);
	fresh = it->sight != PS_SIGHT_AGAIN || ps_mark_moved(it->mark, it->hash, &p->dst);
	if (asks(it, answer, fresh))
		found = evidence(ctx, cfg, p, flow, it->now_ns);
	if (found == PS_EVIDENCE_HANDSHAKE) {
		it->now_ns = clock_refine(cfg, it->now_ns);
		contact(ctx, it, PS_CONTACT_HANDSHAKE);
	}
	if (ps_evidence_explains(found))
		return explained(cfg, it);
	if (found == PS_EVIDENCE_UNKNOWN)
		return count(answer ? PS_COUNT_REPLY : PS_COUNT_FORWARDED), XDP_PASS;
	if (answer)
		count(PS_COUNT_REPLY);
	else
		verdict = unexplained(ctx, cfg, it, mark, fresh);
	if (verdict == XDP_PASS && may_be_held(it, answer) && one_too_many(cfg))
		verdict = hold_back(ctx, it);
	if (!answer && !it->settled && it->sight != PS_SIGHT_AGAIN && ps_wants_net(p) &&
	    probe_net(ctx, cfg, it) == XDP_DROP)
		verdict = XDP_DROP;
	return verdict;
}

/* Nothing to score in it; dropped when its headers hide from us what a host would find. */
static __always_inline int unread(const struct ps_config *cfg, enum ps_parse res)
{
	if (!ps_verdict_hidden(&cfg->rule, res))
		return XDP_PASS;
	return count(PS_COUNT_DROP), XDP_DROP;
}

static __always_inline enum ps_count recall_packet(struct xdp_md *ctx, const struct ps_config *cfg,
						   struct ps_packet *p)
{
	__u64 hash;

	if (ps_may_be_established(p))
		return open_gate(cfg) && flow_known(cfg, flow_hash(cfg, p)) ?
			       PS_COUNT_FLOW : PS_COUNT_MAX;
	if (cfg->rule.respond != PS_RESPOND_MONITOR && recent_hit(ctx, cfg, p))
		return PS_COUNT_DROP;
	if (!flooded(cfg))
		return PS_COUNT_MAX;
	hash = ps_tries_hash(cfg->flow_key, p);
	try_line(ctx, cfg, hash);
	return shed(ctx, p, hash) ? PS_COUNT_SHED : PS_COUNT_MAX;
}

/*
 * The commonest packets, by what was found out about their like a moment ago:
 * an established connection's pass, a blocked source's bare probes are dropped. No
 * verdict that the stages would not give, and counted as they do, but for what a
 * flood leaves no time for.
 * Return: where the packet left the flow; PS_COUNT_MAX: that is for the stages to say.
 */
static __always_inline enum ps_count recall(struct xdp_md *ctx, const struct ps_config *cfg)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ps_packet p;

	/* Each family by itself: of what the compiler knows about one nothing is asked. */
	if (ps_parse_plain(data, end, &p))
		return recall_packet(ctx, cfg, &p);
	if (ps_parse_plain6(data, end, &p))
		return recall_packet(ctx, cfg, &p);
	return PS_COUNT_MAX;
}

/*
 * Every stage behind the parser, in its order. Inlined: Linux 6.1 adds up the stacks of
 * nested calls, and with detect() they fill the 512 bytes that it allows.
 */
static __always_inline int stages(struct xdp_md *ctx, const struct ps_config *cfg)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ps_sighting it = {};
	const struct ps_packet *p = &it.packet;
	enum ps_parse res = PS_PARSE_OK;
	enum gate gate;
	bool established, asked, plain;

	/* Read again: to keep it from recall() would cost every packet that goes no further. */
	plain = ps_parse_plain(data, end, &it.packet);
	if (plain)
		ps_parse_plain_rest(data, end, &it.packet);
	else
		res = parse(ctx, &it.packet);
	count_parse(res);
	if (!ps_parse_has_addr(res))
		return unread(cfg, res);

	established = res == PS_PARSE_OK && ps_may_be_established(p);
	asked = established && open_gate(cfg);
	/* recall() asked for a plain one of IPv4 */
	if (asked && !plain && flow_known(cfg, flow_hash(cfg, p)))
		return count(PS_COUNT_FLOW), XDP_PASS;

	find_mark(cfg, &it); /* before the gate: it comes from memory meanwhile */
	if (res == PS_PARSE_OK && ps_is_neighbour(p))
		gate = GATE_OPEN;
	else if (denied(ctx, cfg, &p->src))
		gate = GATE_DROP;
	else
		gate = blocked(ctx, cfg, &it, established);
	if (gate == GATE_DROP)
		return count(PS_COUNT_DROP), XDP_DROP;
	if (gate == GATE_ANSWER)
		return count(PS_COUNT_COOKIE), XDP_TX;
	if (gate == GATE_SPARED)
		return count(PS_COUNT_SPARED), XDP_PASS;
	return res == PS_PARSE_OK ? probe(ctx, cfg, &it, asked) : unread(cfg, res);
}

SEC("xdp")
int pscan(struct xdp_md *ctx)
{
	struct ps_config *cfg = bpf_map_lookup_elem(&config, &(__u32){ 0 });
	enum ps_count left;

	if (!cfg)
		return XDP_PASS;
	left = recall(ctx, cfg);
	if (left == PS_COUNT_MAX)
		return stages(ctx, cfg);
	count_recalled(left);
	return left == PS_COUNT_FLOW ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
