/* SPDX-License-Identifier: GPL-2.0-only */
/* collect.c - see collect.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collect.h"
#include "log.h"

struct blocked {
	union ps_addr addr;
	struct ps_block block;
	bool told;	/* its source's record was found, too */
};

struct gather {
	const struct ps_rule *rule;
	const union ps_addr *only;
	__u64 now_ns;
	struct blocked *blocks;
	size_t n_blocks, room_blocks;
	struct summary_source *sources;
	size_t n_sources, room_sources;
};

__s64 collect_wall_ns(void)
{
	struct timespec wall, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (wall.tv_sec - mono.tv_sec) * 1000000000LL + wall.tv_nsec - mono.tv_nsec;
}

/* One more element of @bytes at the end of an array that doubles. NULL: no memory. */
static void *grow(void **array, size_t *n, size_t *room, size_t bytes)
{
	if (*n == *room) {
		size_t more = *room ? *room * 2 : 256;
		void *bigger = realloc(*array, more * bytes);

		if (!bigger)
			return NULL;
		*array = bigger;
		*room = more;
	}
	return memset((char *)*array + (*n)++ * bytes, 0, bytes);
}

static int on_block(const union ps_addr *addr, const struct ps_block *block, void *data)
{
	struct gather *g = data;
	struct blocked *b;

	if (g->only && !ps_addr_eq(g->only, addr))
		return 0;
	b = grow((void **)&g->blocks, &g->n_blocks, &g->room_blocks, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->addr = *addr;
	b->block = *block;
	return 0;
}

static int by_addr(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(union ps_addr));
}

static int add_source(struct gather *g, const struct ps_source *now, const struct ps_block *block)
{
	struct summary_source *s = grow((void **)&g->sources, &g->n_sources, &g->room_sources,
					sizeof(*s));

	if (!s)
		return -ENOMEM;
	if (block && block->until_ns <= g->now_ns)
		block = NULL;
	summary_source(g->rule, now, block, block ? &block->evidence : NULL, g->now_ns, s);
	return 0;
}

static int on_source(const struct ps_source *source, void *data)
{
	struct gather *g = data;
	struct blocked *b = NULL;

	if (g->only && !ps_addr_eq(g->only, &source->addr))
		return 0;
	if (g->n_blocks)
		b = bsearch(&source->addr, g->blocks, g->n_blocks, sizeof(*b), by_addr);
	if (b)
		b->told = true;
	return add_source(g, source, b ? &b->block : NULL);
}

/* ---- saved ports -------------------------------------------------------- */

static int on_port(const struct ps_port_key *key, __u64 packets, void *data)
{
	struct gather *g = data;
	struct summary_source *s = NULL;
	struct summary_port *more;

	if (g->n_sources)
		s = bsearch(&key->src, g->sources, g->n_sources, sizeof(*s), by_addr);
	if (!s)
		return 0;
	more = realloc(s->ports, (s->port_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->ports = more;
	s->ports[s->port_count++] = (struct summary_port){ packets, key->port, key->udp };
	return 0;
}

static int by_port(const void *a, const void *b)
{
	const struct summary_port *x = a, *y = b;

	return x->udp != y->udp ? x->udp - y->udp : x->port - y->port;
}

static int gather_ports(const struct xdp *xdp, struct gather *g)
{
	int err;

	qsort(g->sources, g->n_sources, sizeof(*g->sources), by_addr);
	err = xdp_each_port(xdp, on_port, g);
	for (size_t i = 0; i < g->n_sources; i++)
		if (g->sources[i].port_count)
			qsort(g->sources[i].ports, g->sources[i].port_count,
			      sizeof(*g->sources[i].ports), by_port);
	return err;
}

static int gather(const struct xdp *xdp, bool ports, struct gather *g)
{
	int err = xdp_each_block(xdp, on_block, g);

	if (err)
		return err;
	if (g->n_blocks)
		qsort(g->blocks, g->n_blocks, sizeof(*g->blocks), by_addr);
	err = xdp_each_source(xdp, on_source, g);
	/* A block outlives its source's record: the evidence at its start stands in. */
	for (size_t i = 0; i < g->n_blocks && !err; i++)
		if (!g->blocks[i].told)
			err = add_source(g, &g->blocks[i].block.evidence, &g->blocks[i].block);
	if (!err && ports && g->n_sources)
		err = gather_ports(xdp, g);
	return err;
}

int collect(const struct xdp *xdp, const union ps_addr *only, struct collected *out)
{
	struct gather g = { .only = only, .now_ns = xdp_now_ns() };
	int err;

	memset(out, 0, sizeof(*out));
	err = xdp_config_get(xdp, &out->cfg);
	if (!err)
		err = xdp_counters(xdp, &out->counters);
	g.rule = &out->cfg.rule;
	if (!err)
		err = gather(xdp, out->cfg.save_ports, &g);
	free(g.blocks);
	out->summary.source = g.sources;
	out->summary.sources = g.n_sources;
	if (err) {
		log_error("cannot read the program's maps: %s", strerror(-err));
		collect_free(out);
		return err;
	}
	out->summary.counters = &out->counters;
	out->summary.rule = &out->cfg.rule;
	for (int i = 0; i < PS_PARSE_MAX; i++)
		out->summary.packets += out->counters.parse[i];
	out->summary.wall_ns = collect_wall_ns();
	out->summary.now_ns = g.now_ns;
	out->summary.save_ports = out->cfg.save_ports;
	return 0;
}

void collect_free(struct collected *c)
{
	for (size_t i = 0; i < c->summary.sources; i++)
		free(c->summary.source[i].ports);
	free(c->summary.source);
	c->summary.source = NULL;
	c->summary.sources = 0;
}
