/* SPDX-License-Identifier: GPL-2.0-only */
/* slow.c - see slow.h: which engine looks at a contact, and who was told already. */
#include <stdlib.h>
#include <string.h>

#include <pscan/classify.h>
#include <pscan/verdict.h>

#include "addr.h"
#include "crowd.h"
#include "lru.h"
#include "track.h"

/*
 * The network that a walk belongs to: a browser, a peer-to-peer client or a
 * resolver tries in vain all over the Internet, in other networks each time;
 * who scans us stays in ours. /16 and /48 are what a site is given at most
 * (RFC 6177 section 2 for the latter).
 */
#define NET_BITS_V4 (96 + 16)
#define NET_BITS_V6 48

/* What the packets of sources with a record showed, and who was told: the least
 * recently used makes room. */
#define FACTS_MAX 16384
#define TOLD_MAX 16384

/* Answers come from ports below this, to ports that a client was given. */
#define ANSWERS_BELOW 1024

/* traceroute(8): UDP to these ports, with a TTL that dies on the way: 30 hops at
 * most, where a system begins at 64 or above. */
#define TRACE_PORT_FIRST 33434
#define TRACE_PORT_LAST 33534
#define TRACE_TTL_MAX 30

struct facts {
	__u64 handshake_ns;	/* latest one completed; 0: none */
	__u8 tool;		/* enum slow_tool, of the latest packet that showed one */
};

struct told {
	__u64 until_ns;
	bool blocked;		/* until its block ends, not until it falls silent */
};

struct slow {
	struct slow_options options;
	slow_finding_fn *fn;
	void *data;
	struct tracks *tracks;
	struct crowds *crowds;
	struct lru *facts;	/* union ps_addr -> struct facts */
	struct lru *told;	/* union ps_addr -> struct told */
	struct slow_counts counts;
	struct slow_finding finding;
	__u64 now_ns;
};

struct slow *slow_new(const struct slow_options *options, slow_finding_fn *fn, void *data)
{
	struct slow *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->options = *options;
	if (!s->options.ephemeral_low)
		s->options.ephemeral_low = SLOW_EPHEMERAL_LOW;
	s->fn = fn;
	s->data = data;
	s->tracks = tracks_new(options->seed);
	s->crowds = crowds_new(options->seed);
	s->facts = lru_new(FACTS_MAX, sizeof(union ps_addr), sizeof(struct facts), options->seed);
	s->told = lru_new(TOLD_MAX, sizeof(union ps_addr), sizeof(struct told), options->seed);
	if (s->tracks && s->crowds && s->facts && s->told)
		return s;
	slow_free(s);
	return NULL;
}

void slow_free(struct slow *s)
{
	if (!s)
		return;
	tracks_free(s->tracks);
	crowds_free(s->crowds);
	lru_free(s->facts);
	lru_free(s->told);
	free(s);
}

void slow_tick(struct slow *s, __u64 now_ns)
{
	if (now_ns > s->now_ns)
		s->now_ns = now_ns;
}

void slow_rule(struct slow *s, const struct ps_rule *rule)
{
	s->options.window_ns = rule->window_ns;
	s->options.quiet_ns = rule->quiet_ns;
}

const struct slow_counts *slow_counts(const struct slow *s)
{
	return &s->counts;
}

enum slow_tool slow_tool_of(const struct slow *s, const union ps_addr *source)
{
	const struct facts *f = lru_find(s->facts, source);

	return f ? (enum slow_tool)f->tool : SLOW_TOOL_NONE;
}

bool slow_handshake_of(const struct slow *s, const union ps_addr *source, __u64 since_ns)
{
	const struct facts *f = lru_find(s->facts, source);

	return f && f->handshake_ns && f->handshake_ns >= since_ns;
}

/* ---- who was told already ----------------------------------------------- */

static __u64 quiet_ns(const struct slow *s)
{
	return s->options.quiet_ns > SLOW_QUIET_NS ? s->options.quiet_ns : SLOW_QUIET_NS;
}

static void tell(struct slow *s, const union ps_addr *source, __u64 block_until_ns)
{
	struct told *t = lru_take(s->told, source, NULL);

	t->blocked = block_until_ns != 0;
	t->until_ns = t->blocked ? block_until_ns : s->now_ns + quiet_ns(s);
}

void slow_told(struct slow *s, const struct ps_event *event)
{
	slow_tick(s, event->at_ns);
	tell(s, &event->source.addr, event->until_ns);
}

/* A source that is only watched goes on: its silence begins anew. */
static bool is_told(struct slow *s, const union ps_addr *source)
{
	struct told *t = lru_find(s->told, source);

	if (!t)
		return false;
	if (t->until_ns <= s->now_ns) {
		lru_delete(s->told, source);
		return false;
	}
	if (!t->blocked)
		t->until_ns = s->now_ns + quiet_ns(s);
	return true;
}

/* ---- findings ----------------------------------------------------------- */

/* The class of most of the evidence. */
static enum ps_class class_of(const struct ps_source *source, __u32 *pieces)
{
	__u32 points[PS_CLASS_SLOTS] = { 0 };
	enum ps_class class;

	for (int i = 0; i < source->probes && i < PS_PROBES_MAX; i++)
		points[source->probe[i].class & (PS_CLASS_SLOTS - 1)]++;
	class = ps_verdict_name(points);
	*pieces = points[class];
	return class;
}

static void fill_event(struct slow *s, struct ps_event *e, enum ps_engine engine, __u32 score,
		       __u32 ifindex)
{
	e->at_ns = s->now_ns;
	e->ifindex = ifindex;
	e->score = (__u16)(score < 0xffff ? score : 0xffff);
	e->kind = PS_EVENT_SCAN;
	e->action = PS_ACTION_ALERT;
	e->reason = PS_REASON_MONITOR;
	e->engine = (__u8)engine;
}

static void find_source(struct slow *s, struct track *t, const struct ps_contact *c,
			enum ps_engine engine)
{
	struct slow_finding *f = &s->finding;
	__u32 pieces;

	memset(f, 0, sizeof(*f));
	f->tool = slow_tool_of(s, &c->src);
	f->handshake = slow_handshake_of(s, &c->src, t->source.first_ns);
	t->source.detections++;
	t->source.scan_ns = s->now_ns;
	f->event.source = t->source;
	fill_event(s, &f->event, engine,
		   engine == PS_ENGINE_WALK ? t->failures
					    : (t->hosts == SWEEP_HOSTS ? t->hosts : t->unknowns),
		   c->ifindex);
	f->event.class = (__u8)class_of(&t->source, &pieces);
	f->event.class_score = (__u16)pieces;
	f->event.proof = f->handshake ? PS_PROOF_HANDSHAKE : PS_PROOF_NONE;
	s->counts.findings[engine]++;
	tell(s, &t->source.addr, s->fn(f, s->data));
}

static void see_crowd(struct slow *s, const struct ps_contact *c)
{
	struct slow_finding *f = &s->finding;

	if (!crowds_see(s->crowds, c, &f->crowd))
		return;
	memset(f, 0, offsetof(struct slow_finding, crowd));
	fill_event(s, &f->event, PS_ENGINE_CROWD, f->crowd.ports, c->ifindex);
	f->event.class = c->class;
	s->counts.findings[PS_ENGINE_CROWD]++;
	s->fn(f, s->data);
}

__u64 slow_block_ns(const struct ps_rule *rule, const struct ps_event *event)
{
	const struct ps_source *source = &event->source;
	__u64 span_ns = ps_since(source->first_ns, source->last_ns);
	__u64 least_ns = ps_verdict_unproven_ns(rule), block_ns;
	__u32 probes = 0;

	for (int i = 0; i < PS_CLASS_MAX; i++)
		probes += source->packets[i];
	if (probes < 2)
		return least_ns;
	block_ns = 2 * (span_ns / (probes - 1));
	if (block_ns > rule->block_ns)
		block_ns = rule->block_ns;
	return block_ns > least_ns ? block_ns : least_ns;
}

/* ---- one contact -------------------------------------------------------- */

/* Anybody can forge this, and gains that the walk does not see such probes; the
 * burst rule still scores them. */
static bool may_be_late(const struct slow *s, const struct ps_contact *c)
{
	bool answers = c->class == PS_CLASS_UDP || c->class == PS_CLASS_ACK ||
		       c->class == PS_CLASS_MAIMON || c->class == PS_CLASS_REPLY;

	return answers && c->sport < ANSWERS_BELOW && c->dport >= s->options.ephemeral_low;
}

static bool may_be_traceroute(const struct ps_contact *c)
{
	return c->class == PS_CLASS_UDP && c->dport >= TRACE_PORT_FIRST &&
	       c->dport <= TRACE_PORT_LAST && c->ttl <= TRACE_TTL_MAX;
}

static void note_facts(struct slow *s, const struct ps_contact *c)
{
	enum slow_tool tool = slow_tool_guess(c);

	if (c->kind == PS_CONTACT_HANDSHAKE)
		((struct facts *)lru_take(s->facts, &c->src, NULL))->handshake_ns = c->at_ns;
	else if (tool != SLOW_TOOL_NONE)
		((struct facts *)lru_take(s->facts, &c->src, NULL))->tool = (__u8)tool;
}

static __u64 hash_of(const struct slow *s, const union ps_addr *src, union ps_addr *net)
{
	addr_mask(net, ps_addr_is_v4(net) ? NET_BITS_V4 : NET_BITS_V6);
	return tracks_hash(s->tracks, src, net);
}

void slow_expect(struct slow *s, const struct ps_contact *c)
{
	union ps_addr net = c->dst;

	tracks_expect(s->tracks, hash_of(s, &c->src, &net));
}

/* The record of a source; NULL when this contact, now noted, earns it none. */
static struct track *track_of(struct slow *s, const union ps_addr *src, const union ps_addr *dst,
			      const struct target *target, enum slow_outcome outcome)
{
	union ps_addr net = *dst;
	struct seed *seed;
	struct track *t;
	bool evicted;
	__u64 hash;

	hash = hash_of(s, src, &net);
	t = tracks_find(s->tracks, hash, src, &net, s->now_ns);
	if (t)
		return t;
	seed = tracks_seed(s->tracks, hash);
	if (!seed_enter(seed, target, outcome == SLOW_OPEN, outcome == SLOW_UNKNOWN))
		return NULL;
	t = tracks_make(s->tracks, hash, src, &net, s->now_ns, &evicted);
	s->counts.evicted += evicted;
	seed_grow(seed, t, s->options.window_ns);
	seed->tag = 0;
	return t;
}

static bool is_own_net(const struct slow *s, const union ps_addr *src)
{
	return s->options.own && ps_addr_is_net(src) && s->options.own(src, s->options.own_data);
}

/* @src: the contact's source, or its /64. Return: told now or before. */
static bool see_source(struct slow *s, const union ps_addr *src, const struct ps_contact *c,
		       enum slow_outcome outcome)
{
	struct target target = track_target(s->options.seed, c);
	struct track *t = track_of(s, src, &c->dst, &target, outcome);
	enum ps_engine found = PS_ENGINE_MAX;
	bool told;

	if (!t)
		return false;
	note_facts(s, c);
	t->source.dst = c->dst;
	if (outcome == SLOW_OPEN)
		track_open(t, &target);
	else if (outcome == SLOW_CLOSED)
		found = track_closed(t, &target, s->options.window_ns);
	else
		found = track_unknown(t, &target);
	tracks_keep(s->tracks, t, s->now_ns);
	told = is_told(s, src);
	if (found == PS_ENGINE_MAX || told)
		return told;
	if (is_own_net(s, src))
		return false;
	find_source(s, t, c, found);
	return true;
}

void slow_contact(struct slow *s, const struct ps_contact *c, enum slow_outcome outcome)
{
	union ps_addr net;

	slow_tick(s, c->at_ns);
	s->counts.contacts++;
	if (outcome != SLOW_OPEN && (may_be_late(s, c) || may_be_traceroute(c))) {
		s->counts.late++;
		return;
	}
	if (c->class == PS_CLASS_REPLY)
		return; /* whoever forges our address makes others send them */
	if (outcome != SLOW_OPEN)
		see_crowd(s, c);
	if (see_source(s, &c->src, c, outcome))
		return;
	if (ps_addr_has_net(&c->src) && c->src.d[0] != c->dst.d[0]) {
		ps_addr_net(&net, &c->src);
		see_source(s, &net, c, outcome);
	}
}
