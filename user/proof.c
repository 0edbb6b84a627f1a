/* SPDX-License-Identifier: GPL-2.0-only */
/* proof.c - see proof.h. */
#include <errno.h>
#include <string.h>

#include "proof.h"

struct handshake {
	__u64 at_ns;
	__u16 port;
	__u8 ttl;
};

struct handshakes {
	struct handshake one[PROOF_HANDSHAKES]; /* a ring */
	struct handshake closed[PROOF_CLOSED_PORTS]; /* by cookie, of distinct ports; a ring */
	__u32 next;				/* the oldest one's place */
	__u32 next_closed;
};

int proof_init(struct proof *proof, __u64 seed)
{
	proof->handshakes = lru_new(PROOF_SOURCES_MAX, sizeof(union ps_addr),
				    sizeof(struct handshakes), seed);
	return proof->handshakes ? 0 : -ENOMEM;
}

void proof_free(struct proof *proof)
{
	lru_free(proof->handshakes);
	proof->handshakes = NULL;
}

static void note_closed(struct handshakes *known, const struct handshake *h)
{
	for (int i = 0; i < PROOF_CLOSED_PORTS; i++) {
		if (known->closed[i].at_ns && known->closed[i].port == h->port) {
			known->closed[i] = *h;
			return;
		}
	}
	known->closed[known->next_closed] = *h;
	known->next_closed = (known->next_closed + 1) % PROOF_CLOSED_PORTS;
}

static void note_for(struct proof *proof, const union ps_addr *addr, const struct ps_contact *c)
{
	struct handshakes *known = lru_take(proof->handshakes, addr, NULL);
	struct handshake h = { .at_ns = c->at_ns, .port = c->dport, .ttl = c->ttl };

	if (c->kind == PS_CONTACT_COOKIE) {
		note_closed(known, &h);
		return;
	}
	known->one[known->next] = h;
	known->next = (known->next + 1) % PROOF_HANDSHAKES;
}

void proof_note(struct proof *proof, const struct ps_contact *c)
{
	union ps_addr net;

	if (c->kind != PS_CONTACT_HANDSHAKE && c->kind != PS_CONTACT_COOKIE)
		return;
	note_for(proof, &c->src, c);
	if (!ps_addr_has_net(&c->src))
		return;
	ps_addr_net(&net, &c->src);
	note_for(proof, &net, c);
}

/* Signed, as evidence may lie a little ahead of the crossing probe. */
static __s64 age_ns(const struct ps_probe *probe, __u64 at_ns)
{
	return (__s64)(__s32)((__u32)(at_ns >> PS_TICK_SHIFT) - probe->at) << PS_TICK_SHIFT;
}

/* Did this handshake begin with one of the probes? */
static bool is_amid(const struct handshake *h, const struct ps_source *s, __u64 crossed_ns)
{
	__s64 oldest = 0, at = (__s64)(crossed_ns - h->at_ns);
	bool probed = false;

	for (unsigned int i = 0; i < s->probes && i < PS_PROBES_MAX; i++) {
		const struct ps_probe *probe = &s->probe[i];
		__s64 age = age_ns(probe, crossed_ns);

		if (age > oldest)
			oldest = age;
		probed = probed || (probe->port == h->port && probe->class != PS_CLASS_UDP);
	}
	/* A tick of slack: evidence is kept in ticks. */
	return probed && at <= oldest + (1 << PS_TICK_SHIFT) && -at <= (__s64)PROOF_AFTER_NS;
}

/* Did it complete handshakes with closed ports since it was blocked? */
static bool scans_by_cookie(const struct handshakes *known, __u64 crossed_ns)
{
	for (int i = 0; i < PROOF_CLOSED_PORTS; i++)
		if (known->closed[i].at_ns < crossed_ns)
			return false;
	return true;
}

bool proof_find(const struct proof *proof, const struct ps_source *evidence, __u64 crossed_ns,
		__u8 ttl, struct proof_found *out)
{
	const struct handshakes *known = lru_find(proof->handshakes, &evidence->addr);
	bool found = false;

	if (known && scans_by_cookie(known, crossed_ns)) {
		*out = (struct proof_found){ .proof = PS_PROOF_COOKIE, .ttl = known->closed[0].ttl };
		return true;
	}
	for (int i = 0; known && i < PROOF_HANDSHAKES; i++) {
		const struct handshake *h = &known->one[i];

		if (!h->at_ns || !is_amid(h, evidence, crossed_ns))
			continue;
		found = true;
		out->ttl = h->ttl;
		out->proof = h->ttl == ttl ? PS_PROOF_HANDSHAKE : PS_PROOF_NONE;
		if (out->proof)
			break;
	}
	return found;
}

bool proof_awaited(const struct ps_rule *rule, const struct ps_block *b, __u64 now_ns)
{
	if (rule->unproven == PS_UNPROVEN_COOKIE)
		return b->proof == PS_PROOF_NONE;
	return b->proof == PS_PROOF_NONE && b->engine == PS_ENGINE_BURST &&
	       b->reason == PS_REASON_RULE &&
	       ps_since(b->since_ns, now_ns) < PROOF_AFTER_NS + PROOF_LATE_NS;
}

static __u64 span_ns(const struct ps_rule *rule, __u32 earlier)
{
	__u64 most = rule->block_max_ns > rule->block_ns ? rule->block_max_ns : rule->block_ns;
	__u64 span = rule->block_ns;

	while (earlier-- && span < most)
		span *= 2;
	return span < most ? span : most;
}

void proof_raise(const struct ps_rule *rule, const struct proof_found *found, struct ps_block *b,
		 struct ps_offender *o)
{
	__u64 latest_ns = b->until_ns - b->span_ns;

	/* Not for ever: as long as the longest block is long enough to be good. */
	if (o->until_ns + rule->block_max_ns < latest_ns)
		o->blocks = 0;
	b->span_ns = span_ns(rule, o->blocks);
	b->until_ns = latest_ns + b->span_ns;
	b->proof = (__u8)found->proof;
	b->proof_ttl = found->ttl;
	b->respond = rule->respond;
	o->blocks++;
	o->until_ns = b->until_ns;
}
