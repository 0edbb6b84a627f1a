/* SPDX-License-Identifier: GPL-2.0-only */
/* crowd.c - see crowd.h. */
#include <stdlib.h>
#include <string.h>

#include "crowd.h"
#include "lru.h"

#define LOOK_ALWAYS (8 * DECOY_PORTS) /* probes held */

struct probe {
	union ps_addr src;
	__u64 at_ns;
	__u16 port;
	__u16 sport;
	__u16 window;
	__u8 class;
	__u8 options;
};

/* One host of ours. */
struct host {
	__u64 told_ns;
	__u32 next;		/* place of the next probe */
	__u32 held;
	__u32 fresh;		/* entered since the latest look */
	struct probe probe[CROWD_PROBES];
};

struct crowds {
	struct lru *hosts; /* union ps_addr -> struct host */
};

/* What is known of one source among a host's probes. */
struct face {
	const union ps_addr *addr;
	__u32 probes;
	__u32 shared;	/* of them, at one time with another source's twin */
};

struct faces {
	struct face face[CROWD_PROBES];
	__u32 n;
};

struct crowds *crowds_new(__u64 seed)
{
	struct crowds *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->hosts = lru_new(CROWD_HOSTS, sizeof(union ps_addr), sizeof(struct host), seed);
	if (!c->hosts) {
		free(c);
		return NULL;
	}
	lru_zero_only(c->hosts, offsetof(struct host, probe)); /* it says how many are held */
	return c;
}

void crowds_free(struct crowds *c)
{
	if (c)
		lru_free(c->hosts);
	free(c);
}

static bool live(const struct probe *p, __u64 now_ns)
{
	return ps_since(p->at_ns, now_ns) <= CROWD_NS;
}

/* Drops what is older than a minute. */
static void sweep(struct host *h, __u64 now_ns)
{
	__u32 kept = 0;

	for (__u32 i = 0; i < h->held; i++)
		if (live(&h->probe[i], now_ns))
			h->probe[kept++] = h->probe[i];
	if (kept < h->held)
		h->next = kept;
	h->held = kept;
}

/* False when the port has its share already, or the source was there before. */
static bool enter(struct host *h, const struct ps_contact *c)
{
	__u32 same = 0;

	for (__u32 i = 0; i < h->held; i++) {
		if (h->probe[i].port != c->dport)
			continue;
		if (++same == CROWD_PORT_PROBES || ps_addr_eq(&h->probe[i].src, &c->src))
			return false;
	}
	h->probe[h->next] = (struct probe){
		.src = c->src,
		.at_ns = c->at_ns,
		.port = c->dport,
		.sport = c->sport,
		.window = c->window,
		.class = c->class,
		.options = c->options,
	};
	h->next = (h->next + 1) % CROWD_PROBES;
	h->held += h->held < CROWD_PROBES;
	return true;
}

static struct face *face_of(struct faces *f, const union ps_addr *addr)
{
	for (__u32 i = 0; i < f->n; i++)
		if (ps_addr_eq(f->face[i].addr, addr))
			return &f->face[i];
	f->face[f->n] = (struct face){ .addr = addr };
	return &f->face[f->n++];
}

static bool alike(const struct probe *a, const struct probe *b)
{
	__u64 apart = a->at_ns > b->at_ns ? a->at_ns - b->at_ns : b->at_ns - a->at_ns;

	return a->port == b->port && apart <= DECOY_NS && a->sport == b->sport &&
	       a->window == b->window && a->options == b->options && a->class == b->class;
}

/* A twin from another source. */
static bool has_twin(const struct host *h, const struct probe *p)
{
	for (__u32 i = 0; i < h->held; i++)
		if (alike(&h->probe[i], p) && !ps_addr_eq(&h->probe[i].src, &p->src))
			return true;
	return false;
}

/* A port that everybody wants says nothing about who shares the others. */
static bool is_popular(const struct host *h, __u16 port)
{
	__u32 same = 0;

	for (__u32 i = 0; i < h->held; i++)
		same += h->probe[i].port == port;
	return same > CROWD_SHARE;
}

/* @decoys: every probe counts; else those of ports that not everybody wants. */
static void look_at_sources(const struct host *h, bool decoys, struct faces *faces)
{
	faces->n = 0;
	for (__u32 i = 0; i < h->held; i++) {
		struct face *f = face_of(faces, &h->probe[i].src);

		f->probes += decoys || !is_popular(h, h->probe[i].port);
		f->shared += has_twin(h, &h->probe[i]);
	}
}

static void add_port(struct slow_crowd *out, const struct probe *probe, __u64 *seen)
{
	__u64 bit = 1ULL << probe->port % 64;

	out->probes++;
	if (!out->first_ns || probe->at_ns < out->first_ns)
		out->first_ns = probe->at_ns;
	if (seen[probe->port / 64] & bit)
		return;
	seen[probe->port / 64] |= bit;
	if (out->ports < SLOW_CROWD_PORTS)
		out->port[out->ports] = probe->port;
	out->ports++;
}

/* The sources that belong to it, and their ports. */
static void fill(const struct host *h, struct faces *faces, bool decoys, struct slow_crowd *out)
{
	__u64 seen[65536 / 64] = { 0 };

	memset(out, 0, sizeof(*out));
	out->decoys = decoys;
	for (__u32 i = 0; i < faces->n; i++) {
		struct face *f = &faces->face[i];
		bool belongs = decoys ? f->shared >= DECOY_SHARED
				      : f->probes && f->probes <= CROWD_EACH_MAX;

		if (!belongs)
			f->probes = 0;
		else if (out->sources++ < SLOW_CROWD_SOURCES)
			out->source[out->sources - 1] = *f->addr;
	}
	for (__u32 i = 0; i < h->held; i++)
		if (face_of(faces, &h->probe[i].src)->probes &&
		    (decoys ? has_twin(h, &h->probe[i]) : !is_popular(h, h->probe[i].port)))
			add_port(out, &h->probe[i], seen);
}

static bool is_crowd(const struct host *h, struct slow_crowd *out)
{
	struct faces faces;

	look_at_sources(h, true, &faces);
	fill(h, &faces, true, out);
	if (out->sources > 1 && out->ports >= DECOY_PORTS)
		return true;
	look_at_sources(h, false, &faces);
	fill(h, &faces, false, out);
	return out->sources >= CROWD_SOURCES && out->ports >= CROWD_PORTS;
}

bool crowds_see(struct crowds *crowds, const struct ps_contact *c, struct slow_crowd *out)
{
	struct host *h = lru_take(crowds->hosts, &c->dst, NULL);

	if (h->told_ns && ps_since(h->told_ns, c->at_ns) < SLOW_QUIET_NS)
		return false;
	sweep(h, c->at_ns);
	if (!enter(h, c) || h->held < 2 * DECOY_PORTS)
		return false;
	/* A look costs as much as some hundred probes: not one for each. Except for the first
	 * few: decoys are blocked one by one before there are many. */
	if (h->held > LOOK_ALWAYS && ++h->fresh < h->held / 2)
		return false;
	h->fresh = 0;
	if (!is_crowd(h, out))
		return false;
	out->dst = c->dst;
	h->told_ns = c->at_ns;
	h->held = h->next = 0;
	return true;
}
