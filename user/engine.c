/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine.c - parse, gate, classify, evidence, score, verdict, event, for
 * packets that libpcap delivers. bpf/pscan.bpf.c walks the same steps in the
 * same order; nothing may happen here that does not happen there.
 */
#include <errno.h>

#include "engine.h"
#include "log.h"

static void count(struct engine *e, enum ps_count stage)
{
	e->counters.stage[stage]++;
}

/* The packet leaves the flow. */
static enum ps_action leave(struct engine *e, struct engine_packet *packet, enum ps_count stage,
			    enum ps_action action)
{
	count(e, stage);
	packet->stage = stage;
	return action;
}

/* Nothing at the gate could stop an established connection's packet. */
static bool open_gate(const struct engine *e)
{
	return e->cfg.rule.respond != PS_RESPOND_HARD && !e->store.deny.n;
}

enum gate { GATE_OPEN, GATE_DROP, GATE_SPARED };

/* The block in force against a source, its own or its network's. A network's
 * spares whom a list names. */
static struct ps_block *block_of(struct engine *e, const struct ps_sighting *it)
{
	const union ps_addr *src = &it->packet.src;
	struct ps_block *b = store_blocked(&e->store, src, it->now_ns);
	union ps_addr net;

	if (b || !ps_addr_has_net(src))
		return b;
	ps_addr_net(&net, src);
	b = store_blocked(&e->store, &net, it->now_ns);
	return b && !store_allowed(&e->store, src) ? b : NULL;
}

/* Is the source blocked, and is this packet spared all the same. */
static enum gate blocked(struct engine *e, const struct engine_packet *packet)
{
	const struct ps_sighting *it = &packet->it;
	struct ps_event event;
	struct ps_block *b;

	if (e->cfg.rule.respond == PS_RESPOND_MONITOR)
		return GATE_OPEN;
	b = block_of(e, it);
	if (!b)
		return GATE_OPEN;
	if (packet->established && packet->answered &&
	    ps_verdict_may_spare(&e->cfg.rule, b, &it->packet))
		return GATE_SPARED;
	if (store_block_hit(b, it->frame_bytes, it->now_ns)) {
		ps_event_from_block(b, PS_EVENT_RENEW, packet->ifindex, it->now_ns, &event);
		e->emit(&event, e->data);
	}
	return GATE_DROP;
}

/* The rule fired: verdict, block, event. */
static enum ps_action fired(struct engine *e, const struct engine_packet *packet,
			    struct ps_event *event)
{
	const struct ps_rule *rule = &e->cfg.rule;
	__u64 now_ns = packet->it.now_ns;
	struct ps_verdict v = ps_verdict(rule, false);
	bool blocks = v.action == PS_ACTION_BLOCK;

	count(e, PS_COUNT_SCAN);
	ps_event_scan(rule, event, v, packet->ifindex, packet->it.packet.ttl,
		      blocks ? now_ns + ps_verdict_unproven_ns(rule) : 0, now_ns);
	if (blocks) {
		store_block(&e->store, rule, event, packet->it.frame_bytes);
		count(e, PS_COUNT_BLOCK);
	}
	e->emit(event, e->data);
	return v.action;
}

/* Score and verdict of a probe that nothing explains. */
static enum ps_action detect(struct engine *e, struct engine_packet *packet)
{
	struct ps_sighting *it = &packet->it;
	struct ps_bucket *bucket = store_bucket(&e->store, &e->cfg, it->hash);
	struct ps_event event;
	enum ps_outcome outcome;
	int made = 0;

	it->settled = store_allowed(&e->store, &it->packet.src);
	if (it->settled)
		return leave(e, packet, PS_COUNT_ALLOWED, PS_ACTION_PASS);
	it->blocks = ps_verdict(&e->cfg.rule, false).action == PS_ACTION_BLOCK;

	outcome = ps_detect(&e->cfg.rule, bucket, it, &made, &event.source);

	if (!it->net)
		leave(e, packet, PS_COUNT_SCORED, PS_ACTION_PASS);
	if (made) {
		count(e, PS_COUNT_ADMIT);
		store_fill(&e->store, &e->cfg, it->hash);
	}
	if (made == 2)
		count(e, PS_COUNT_EVICT);
	if (e->cfg.save_ports && !it->net)
		store_save_ports(&e->store, it);
	/* No open doors to find: a capture shows them by their answers, which come later. */
	if (outcome == PS_OUTCOME_CROSSES)
		outcome = ps_cross(&e->cfg.rule, bucket, it, &event.source);
	if (outcome == PS_OUTCOME_FIRED)
		return fired(e, packet, &event);
	return outcome == PS_OUTCOME_OVER && it->blocks ? PS_ACTION_DROP : PS_ACTION_PASS;
}

/* For the slow engines, when there are any. */
static void contact(const struct engine *e, const struct engine_packet *packet,
		    enum ps_contact_kind kind)
{
	const struct ps_sighting *it = &packet->it;
	struct ps_contact c;

	if (!e->contact)
		return;
	ps_contact_fill(&c, &it->packet, kind, (enum ps_class)it->class, packet->ifindex,
			it->now_ns);
	e->contact(&c, e->data);
}

/* An answer that the rule does not score. */
static enum ps_action reply(struct engine *e, struct engine_packet *packet)
{
	bool asked = !(packet->it.packet.flags & PS_TCP_RST);

	return leave(e, packet, asked && packet->answered ? PS_COUNT_EXPLAINED : PS_COUNT_REPLY,
		     PS_ACTION_PASS);
}

/* Looks whether there is anything new in this port of this source. */
static __u64 *sight(struct engine *e, struct ps_sighting *it)
{
	__u64 *mark = store_mark(&e->store, &e->cfg, it->hash);

	it->mark = *mark;
	it->sight = ps_mark_look(&e->cfg.rule, it->mark, it->hash, (enum ps_class)it->class,
				 it->packet.dport, it->now_ns);
	return mark;
}

/* Admission by the mark, then score and verdict. */
static enum ps_action admit(struct engine *e, struct engine_packet *packet, __u64 *mark)
{
	struct ps_sighting *it = &packet->it;
	enum ps_count left = PS_COUNT_AGAIN;

	if (it->sight == PS_SIGHT_SECOND || it->sight == PS_SIGHT_TRACKED) {
		*mark = ps_mark_track(it->mark, (enum ps_sight)it->sight, it->hash, it->now_ns);
		return detect(e, packet);
	}
	if (it->sight == PS_SIGHT_FIRST) {
		*mark = ps_mark_make(it->hash, false, (enum ps_class)it->class, it->packet.dport,
				     it->now_ns);
		*mark = ps_mark_at(*mark, it->hash, &it->packet.dst);
		left = PS_COUNT_FIRST;
	} else {
		*mark = ps_mark_renew(&e->cfg.rule, it->mark, it->now_ns);
		*mark = ps_mark_at(*mark, it->hash, &it->packet.dst);
	}
	return it->net ? PS_ACTION_PASS : leave(e, packet, left, PS_ACTION_PASS);
}

/* A connection of the source's explains the packet: its SYN is worth nothing any more. */
static void settle_one(struct engine *e, struct ps_sighting *it)
{
	__u64 *mark = sight(e, it);

	if (!ps_wants_settling(&e->cfg.rule, it))
		return;
	if (it->sight == PS_SIGHT_TRACKED)
		ps_settle(store_bucket(&e->store, &e->cfg, it->hash), it);
	else
		*mark = ps_mark_settle(it->mark, it->hash, it->packet.dport);
}

/* That connection's first packet behind the answer does it, for the sender and for its /64. */
static void settle(struct engine *e, struct engine_packet *packet)
{
	struct ps_sighting it = packet->it;

	settle_one(e, &it);
	if (!ps_wants_net(&it.packet))
		return;
	ps_addr_net(&it.packet.src, &it.packet.src);
	it.hash = ps_hash_addr(e->cfg.seed, &it.packet.src);
	settle_one(e, &it);
}

/* The same probe held against the sender's /64. Whoever looks at the packet
 * afterwards finds its own source in it again. */
static enum ps_action probe_net(struct engine *e, struct engine_packet *packet)
{
	struct ps_sighting *it = &packet->it, own = *it;
	enum ps_action verdict;

	ps_addr_net(&it->packet.src, &it->packet.src);
	it->hash = ps_hash_addr(e->cfg.seed, &it->packet.src);
	it->net = true;
	verdict = admit(e, packet, sight(e, it));
	*it = own;
	return verdict;
}

/* Classify, evidence, score: for a packet whose source the gate let through. */
static enum ps_action probe(struct engine *e, struct engine_packet *packet)
{
	const struct ps_rule *rule = &e->cfg.rule;
	struct ps_sighting *it = &packet->it;
	const struct ps_packet *p = &it->packet;
	enum ps_evidence found = PS_EVIDENCE_NONE;
	enum ps_class class = ps_classify(p);
	enum ps_action verdict;
	__u64 *mark;
	bool fresh;

	it->class = class;
	if (ps_is_answer(p, class) && !ps_wanted(rule, p, class))
		return reply(e, packet);
	if (!ps_wanted(rule, p, class) || !store_watched(&e->store, &p->dst))
		return leave(e, packet, PS_COUNT_UNSCORED, PS_ACTION_PASS);

	mark = sight(e, it);
	fresh = it->sight != PS_SIGHT_AGAIN || ps_mark_moved(it->mark, it->hash, &p->dst);
	if (ps_wants_evidence(it, fresh))
		found = evidence(&e->flows, it, packet->answered);
	if (ps_evidence_explains(found)) {
		if (packet->completes)
			settle(e, packet);
		return leave(e, packet, PS_COUNT_EXPLAINED, PS_ACTION_PASS);
	}
	if (found == PS_EVIDENCE_UNKNOWN)
		return leave(e, packet, PS_COUNT_FORWARDED, PS_ACTION_PASS);
	if (fresh)
		contact(e, packet, PS_CONTACT_PROBE);

	verdict = admit(e, packet, mark);
	if (!it->settled && it->sight != PS_SIGHT_AGAIN && ps_wants_net(p))
		verdict = probe_net(e, packet);
	return verdict;
}

void engine_parse(struct engine *e, const struct engine_frame *frame, __u64 now_ns,
		  struct engine_packet *packet)
{
	struct ps_sighting *it = &packet->it;
	const char *data = frame->data;

	packet->parsed = ps_parse_link(frame->link, data, data + frame->captured, &it->packet);
	packet->ifindex = frame->ifindex;
	packet->answered = packet->completes = packet->awaited = false;
	packet->stage = PS_COUNT_MAX;
	it->now_ns = now_ns;
	it->frame_bytes = frame->bytes;
	it->net = false;
	it->settled = false;
	it->hash = ps_hash_addr(e->cfg.seed, &it->packet.src);
	packet->flow = (struct flow_key){ 0, 0, FLOW_STEP_ANY };
	if (packet->parsed != PS_PARSE_OK)
		return;
	packet->flow = flows_key(&e->flows, &it->packet, it->hash);
	if (!ps_may_be_established(&it->packet)) {
		__builtin_prefetch(store_mark(&e->store, &e->cfg, it->hash));
		__builtin_prefetch(store_bucket(&e->store, &e->cfg, it->hash)->tag);
	}
}

/* Nothing to score in it; dropped when its headers hide from us what a host would find. */
static enum ps_action unread(struct engine *e, struct engine_packet *packet)
{
	if (!ps_verdict_hidden(&e->cfg.rule, packet->parsed))
		return PS_ACTION_PASS;
	return leave(e, packet, PS_COUNT_DROP, PS_ACTION_DROP);
}

enum ps_action engine_judge(struct engine *e, struct engine_packet *packet)
{
	const struct ps_sighting *it = &packet->it;
	bool ok = packet->parsed == PS_PARSE_OK;
	unsigned int flow;
	enum gate gate;

	e->counters.parse[packet->parsed]++;
	if (!ps_parse_has_addr(packet->parsed))
		return unread(e, packet);

	flow = flows_see(&e->flows, packet->flow, it->now_ns);
	packet->answered = flow & FLOW_ANSWERED;
	packet->completes = flow & FLOW_COMPLETED;
	packet->awaited = flow & FLOW_AWAITED;
	packet->established = ok && ps_may_be_established(&it->packet);
	if (packet->established && open_gate(e) && packet->answered) {
		if (packet->completes)
			settle(e, packet);
		return leave(e, packet, PS_COUNT_FLOW, PS_ACTION_PASS);
	}

	if (ok && ps_is_neighbour(&it->packet))
		gate = GATE_OPEN;
	else if (store_denied(&e->store, &it->packet.src))
		gate = GATE_DROP;
	else
		gate = blocked(e, packet);
	if (gate == GATE_DROP)
		return leave(e, packet, PS_COUNT_DROP, PS_ACTION_DROP);
	if (gate == GATE_SPARED)
		return leave(e, packet, PS_COUNT_SPARED, PS_ACTION_PASS);
	return ok ? probe(e, packet) : unread(e, packet);
}

void engine_expire(struct engine *e, __u64 now_ns)
{
	struct ps_event event;
	struct ps_block b;

	while (store_expire(&e->store, now_ns, &b)) {
		ps_event_from_block(&b, PS_EVENT_EXPIRE, 0, b.until_ns, &event);
		e->emit(&event, e->data);
	}
}

struct ps_config engine_config(const struct ps_rule *rule, __u64 seed, bool save_ports)
{
	return (struct ps_config){
		.magic = PS_ABI_MAGIC,
		.version = PS_ABI_VERSION,
		.seed = seed,
		.rule = *rule,
		.mark_bits = PS_MARK_BITS,
		.bucket_bits = PS_BUCKET_BITS,
		.flow_bits = PS_FLOW_BITS,
		.save_ports = save_ports,
	};
}

int engine_init(struct engine *e, const struct ps_config *cfg, enum evidence_mode mode,
		engine_event_fn *emit, void *data)
{
	int err;

	*e = (struct engine){ .cfg = *cfg, .emit = emit, .data = data };
	err = store_init(&e->store, cfg);
	if (!err)
		err = flows_init(&e->flows, mode, cfg->seed);
	if (err) {
		log_error("making the detection tables: no memory");
		engine_free(e);
	}
	return err;
}

void engine_free(struct engine *e)
{
	store_free(&e->store);
	flows_free(&e->flows);
}
