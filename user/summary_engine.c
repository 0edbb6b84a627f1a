/* SPDX-License-Identifier: GPL-2.0-only */
/* summary_engine.c - see summary_engine.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "summary_engine.h"

struct filling {
	const struct engine *engine;
	struct summary_source *source;
	struct summary_port *port;
	__u64 now_ns;
	size_t n;
};

/* The record of @addr, or NULL when it was never made or gave way to another. */
static const struct ps_source *record_of(const struct engine *e, const union ps_addr *addr)
{
	__u64 hash = ps_hash_addr(e->cfg.seed, addr);
	const struct ps_bucket *b = store_bucket(&e->store, &e->cfg, hash);

	for (int w = 0; w < PS_WAYS; w++)
		if (b->tag[w] && ps_addr_eq(&b->way[w].addr, addr))
			return &b->way[w];
	return NULL;
}

static size_t count_sources(const struct engine *e)
{
	size_t n = lru_count(e->store.blocks);
	const struct ps_bucket *b;
	__u32 cursor = 0;

	while ((b = store_next(&e->store, &cursor)))
		for (int w = 0; w < PS_WAYS; w++)
			n += b->tag[w] != 0;
	return n;
}

/* Sources with a record, with their block if there is one. */
static void add_records(struct filling *f)
{
	const struct engine *e = f->engine;
	const struct ps_bucket *b;
	__u32 cursor = 0;

	while ((b = store_next(&e->store, &cursor))) {
		for (int w = 0; w < PS_WAYS; w++) {
			if (!b->tag[w])
				continue;
			summary_source(&e->cfg.rule, &b->way[w],
				       lru_find(e->store.blocks, &b->way[w].addr), NULL, f->now_ns,
				       &f->source[f->n++]);
		}
	}
}

/* Blocked sources whose record gave way to another's. */
static void add_blocked(struct filling *f)
{
	const struct engine *e = f->engine;
	const struct ps_block *b;
	__u32 cursor = 0;
	const void *addr;

	while ((b = lru_next(e->store.blocks, &cursor, &addr)))
		if (!record_of(e, addr))
			summary_source(&e->cfg.rule, &b->evidence, b, NULL, f->now_ns,
				       &f->source[f->n++]);
}

static int by_addr(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(union ps_addr)); /* the address comes first in each */
}

static int by_port(const void *a, const void *b)
{
	const struct ps_port_key *x = a, *y = b;
	int order = by_addr(a, b);

	if (!order)
		order = (x->udp > y->udp) - (x->udp < y->udp);
	return order ? order : (x->port > y->port) - (x->port < y->port);
}

/* All saved ports in one array, ordered by source; each source points at its run. */
static int add_ports(struct filling *f)
{
	struct lru *ports = f->engine->store.ports;
	struct ps_port_key *keys;
	__u32 n = 0, cursor = 0;
	const __u64 *packets;
	const void *key;

	if (!ports || !lru_count(ports))
		return 0;
	keys = calloc(lru_count(ports), sizeof(*keys));
	f->port = calloc(lru_count(ports), sizeof(*f->port));
	if (!keys || !f->port) {
		free(keys);
		return -ENOMEM;
	}
	while (lru_next(ports, &cursor, &key))
		keys[n++] = *(const struct ps_port_key *)key;
	qsort(keys, n, sizeof(*keys), by_port);
	for (__u32 i = 0; i < n; i++) {
		struct summary_source *s =
			bsearch(&keys[i].src, f->source, f->n, sizeof(*f->source), by_addr);

		packets = lru_find(ports, &keys[i]);
		f->port[i] = (struct summary_port){ .packets = *packets,
						    .port = keys[i].port,
						    .udp = keys[i].udp };
		if (!s)
			continue;
		if (!s->ports)
			s->ports = &f->port[i];
		s->port_count++;
	}
	free(keys);
	return 0;
}

int summary_engine_fill(const struct engine *e, __u64 now_ns, struct summary *out)
{
	struct filling f = { .engine = e, .now_ns = now_ns };
	size_t most = count_sources(e);

	f.source = calloc(most ? most : 1, sizeof(*f.source));
	if (!f.source)
		return -ENOMEM;
	add_records(&f);
	add_blocked(&f);
	qsort(f.source, f.n, sizeof(*f.source), by_addr);
	if (add_ports(&f)) {
		free(f.source);
		free(f.port);
		return -ENOMEM;
	}
	out->source = f.source;
	out->sources = f.n;
	out->saved_ports = f.port;
	out->counters = &e->counters;
	out->rule = &e->cfg.rule;
	out->now_ns = now_ns;
	out->save_ports = e->cfg.save_ports;
	return 0;
}

void summary_engine_free(struct summary *s)
{
	free(s->source);
	free(s->saved_ports);
}
