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
static enum ps_action leave(struct engine *e, enum ps_count stage, enum ps_action action)
{
	count(e, stage);
	e->stage = stage;
	return action;
}

/* Nothing at the gate could stop an established connection's packet. */
static bool open_gate(const struct engine *e)
{
	return e->cfg.rule.respond != PS_RESPOND_HARD && !e->store.deny.n;
}

enum gate { GATE_OPEN, GATE_DROP, GATE_SPARED };

/* Is the source blocked, and is this packet spared all the same. */
static enum gate blocked(struct engine *e, const struct engine_frame *frame, bool established,
		    bool answered)
{
	const struct ps_sighting *it = &e->it;
	struct ps_event event;
	struct ps_block *b;

	if (e->cfg.rule.respond == PS_RESPOND_MONITOR)
		return GATE_OPEN;
	b = store_blocked(&e->store, &it->packet.src, it->now_ns);
	if (!b)
		return GATE_OPEN;
	if (established && answered && ps_verdict_may_spare(&e->cfg.rule, &it->packet))
		return GATE_SPARED;
	if (store_block_hit(&e->cfg.rule, b, it->frame_bytes, it->now_ns)) {
		ps_event_from_block(b, PS_EVENT_RENEW, frame->ifindex, it->now_ns, &event);
		e->emit(&event, e->data);
	}
	return GATE_DROP;
}

/* The rule fired: verdict, block, event. */
static enum ps_action fired(struct engine *e, const struct engine_frame *frame,
			    struct ps_event *event)
{
	const struct ps_rule *rule = &e->cfg.rule;
	struct ps_verdict v = ps_verdict(rule, false);
	bool blocks = v.action == PS_ACTION_BLOCK;

	count(e, PS_COUNT_SCAN);
	ps_event_scan(rule, event, v, frame->ifindex, blocks ? e->it.now_ns + rule->block_ns : 0,
		      e->it.now_ns);
	if (blocks) {
		store_block(&e->store, event, e->it.frame_bytes);
		count(e, PS_COUNT_BLOCK);
	}
	e->emit(event, e->data);
	return blocks ? PS_ACTION_BLOCK : PS_ACTION_ALERT;
}

/* Score and verdict of a probe that nothing explains. */
static enum ps_action detect(struct engine *e, const struct engine_frame *frame)
{
	struct ps_bucket *bucket = store_bucket(&e->store, &e->cfg, e->it.hash);
	struct ps_event event;
	enum ps_outcome outcome;
	int made = 0;

	if (store_allowed(&e->store, &e->it.packet.src))
		return leave(e, PS_COUNT_ALLOWED, PS_ACTION_PASS);
	e->it.blocks = ps_verdict(&e->cfg.rule, false).action == PS_ACTION_BLOCK;

	outcome = ps_detect(&e->cfg.rule, bucket, &e->it, &made, &event.source);

	leave(e, PS_COUNT_SCORED, PS_ACTION_PASS);
	if (made)
		count(e, PS_COUNT_ADMIT);
	if (made == 2)
		count(e, PS_COUNT_EVICT);
	if (e->cfg.save_ports)
		store_save_port(&e->store, &e->it.packet, (enum ps_class)e->it.class);
	if (outcome == PS_OUTCOME_FIRED)
		return fired(e, frame, &event);
	return outcome == PS_OUTCOME_OVER && e->it.blocks ? PS_ACTION_DROP : PS_ACTION_PASS;
}

/* An answer that the rule does not score. */
static enum ps_action reply(struct engine *e, bool answered)
{
	bool opens = e->it.packet.flags & PS_TCP_SYN;

	return leave(e, opens && answered ? PS_COUNT_EXPLAINED : PS_COUNT_REPLY, PS_ACTION_PASS);
}

/* Classify, evidence, score: for a packet whose source the gate let through. */
static enum ps_action probe(struct engine *e, const struct engine_frame *frame, bool answered)
{
	const struct ps_rule *rule = &e->cfg.rule;
	struct ps_sighting *it = &e->it;
	const struct ps_packet *p = &it->packet;
	enum ps_evidence found = PS_EVIDENCE_NONE;
	enum ps_class class = ps_classify(p);
	__u64 *mark;

	it->class = class;
	if (class == PS_CLASS_REPLY && !ps_wanted(rule, p, class))
		return reply(e, answered);
	if (!ps_wanted(rule, p, class) || !store_watched(&e->store, &p->dst))
		return leave(e, PS_COUNT_UNSCORED, PS_ACTION_PASS);

	mark = store_mark(&e->store, &e->cfg, it->hash);
	it->mark = *mark;
	it->sight = ps_mark_look(rule, it->mark, it->hash, class, p->dport, it->now_ns);
	if (it->sight != PS_SIGHT_AGAIN && ps_may_be_reply(p))
		found = evidence(&e->flows, it, answered);
	if (found == PS_EVIDENCE_EXPLAINED)
		return leave(e, PS_COUNT_EXPLAINED, PS_ACTION_PASS);
	if (found == PS_EVIDENCE_UNKNOWN)
		return leave(e, PS_COUNT_FORWARDED, PS_ACTION_PASS);

	if (it->sight == PS_SIGHT_FIRST) {
		*mark = ps_mark_make(it->hash, false, class, p->dport, it->now_ns);
		return leave(e, PS_COUNT_FIRST, PS_ACTION_PASS);
	}
	if (it->sight == PS_SIGHT_AGAIN) {
		*mark = ps_mark_renew(it->mark, it->now_ns);
		return leave(e, PS_COUNT_AGAIN, PS_ACTION_PASS);
	}
	*mark = ps_mark_track(it->mark, (enum ps_sight)it->sight, it->hash, it->now_ns);
	return detect(e, frame);
}

enum ps_action engine_packet(struct engine *e, const struct engine_frame *frame, __u64 now_ns)
{
	struct ps_sighting *it = &e->it;
	const struct ps_packet *p = &it->packet;
	bool established, answered = false;
	enum gate gate;
	const char *data = frame->data;

	e->parsed = ps_parse_link(frame->link, data, data + frame->captured, &it->packet);
	e->counters.parse[e->parsed]++;
	e->stage = PS_COUNT_MAX;
	if (!ps_parse_has_addr(e->parsed))
		return PS_ACTION_PASS;

	it->hash = ps_hash_addr(e->cfg.seed, &p->src);
	if (e->parsed == PS_PARSE_OK)
		answered = flows_see(&e->flows, p, it->hash, now_ns);
	established = e->parsed == PS_PARSE_OK && ps_may_be_established(p);
	if (established && open_gate(e) && answered)
		return leave(e, PS_COUNT_FLOW, PS_ACTION_PASS);

	it->now_ns = now_ns;
	it->frame_bytes = frame->bytes;
	gate = store_denied(&e->store, &p->src) ? GATE_DROP :
	       blocked(e, frame, established, answered);
	if (gate == GATE_DROP)
		return leave(e, PS_COUNT_DROP, PS_ACTION_DROP);
	if (gate == GATE_SPARED)
		return leave(e, PS_COUNT_SPARED, PS_ACTION_PASS);
	return e->parsed == PS_PARSE_OK ? probe(e, frame, answered) : PS_ACTION_PASS;
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
