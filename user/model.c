/* SPDX-License-Identifier: GPL-2.0-only */
/* model.c - see model.h: the parts that both feeders share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "pages.h"

#define PORTS (2 * MODEL_PORT_UDP)

struct model *model_new(const char *title)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->title = strdup(title);
	m->followed =
		lru_new(MODEL_SOURCES_MAX, sizeof(union ps_addr), sizeof(struct model_source), 0);
	m->targets = lru_new(MODEL_TARGETS_MAX, sizeof(union ps_addr), sizeof(__u64), 0);
	m->ports = pages_new(PORTS * sizeof(*m->ports), false);
	m->ports_seen = pages_new(PORTS * sizeof(*m->ports_seen), false);
	if (m->title && m->followed && m->targets && m->ports && m->ports_seen)
		return m;
	model_free(m);
	return NULL;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	free(m->title);
	lru_free(m->followed);
	lru_free(m->targets);
	pages_free(m->ports, PORTS * sizeof(*m->ports));
	pages_free(m->ports_seen, PORTS * sizeof(*m->ports_seen));
	free(m->source);
	free(m->port);
	free(m->target);
	free(m);
}

struct model_source *model_take(struct model *m, const union ps_addr *addr)
{
	bool evicted;
	struct model_source *s = lru_take(m->followed, addr, &evicted);

	m->forgotten += evicted;
	s->addr = *addr;
	if (!s->stride)
		s->stride = 1;
	return s;
}

/* Room for as many again: every second probe goes. */
static void thin(struct model_source *s)
{
	for (unsigned int i = 0; i < MODEL_PROBES_MAX / 2; i++)
		s->probe[i] = s->probe[2 * i];
	s->probes = MODEL_PROBES_MAX / 2;
	s->stride *= 2;
}

void model_probe(struct model_source *s, __u64 at_ns, __u16 port, enum ps_class class, bool dropped)
{
	if (++s->skipped < s->stride)
		return;
	s->skipped = 0;
	if (s->probes == MODEL_PROBES_MAX)
		thin(s);
	s->probe[s->probes++] = (struct model_probe){
		.at_ns = at_ns, .port = port, .class = (__u8) class, .dropped = dropped
	};
}

void model_tally(struct model *m, const union ps_addr *dst, __u16 port, bool udp)
{
	__u32 index = port + (udp ? MODEL_PORT_UDP : 0);

	if (!m->ports[index]++)
		m->ports_seen[m->port_count++] = index;
	++*(__u64 *)lru_take(m->targets, dst, NULL);
}

static int by_packets(const void *a, const void *b)
{
	const struct model_count *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return (x->port > y->port) - (x->port < y->port);
}

static int close_ports(struct model *m)
{
	m->port = calloc(m->port_count + 1UL, sizeof(*m->port));
	if (!m->port)
		return -ENOMEM;
	for (unsigned int i = 0; i < m->port_count; i++) {
		__u32 index = m->ports_seen[i];

		m->port[i] = (struct model_count){ .packets = m->ports[index],
						   .port = (__u16)index,
						   .udp = index >= MODEL_PORT_UDP };
	}
	qsort(m->port, m->port_count, sizeof(*m->port), by_packets);
	return 0;
}

static int close_targets(struct model *m)
{
	unsigned int n = lru_count(m->targets);
	const __u64 *packets;
	__u32 cursor = 0;
	const void *addr;

	m->target = calloc(n ? n : 1, sizeof(*m->target));
	if (!m->target)
		return -ENOMEM;
	while ((packets = lru_next(m->targets, &cursor, &addr)))
		m->target[m->target_count++] =
			(struct model_count){ .packets = *packets,
					      .addr = *(const union ps_addr *)addr };
	qsort(m->target, n, sizeof(*m->target), by_packets);
	return 0;
}

/* Detected ones first, as they came; the rest by score. */
static int by_interest(const void *a, const void *b)
{
	const struct model_source *x = *(struct model_source *const *)a;
	const struct model_source *y = *(struct model_source *const *)b;

	if (!x->detected_ns != !y->detected_ns)
		return x->detected_ns ? -1 : 1;
	if (x->detected_ns != y->detected_ns)
		return x->detected_ns < y->detected_ns ? -1 : 1;
	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

static int by_time(const void *a, const void *b)
{
	const struct model_probe *x = a, *y = b;

	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

int model_close(struct model *m)
{
	struct model_source *s;
	__u32 cursor = 0;
	const void *addr;

	m->source = calloc(lru_count(m->followed) + 1, sizeof(struct model_source *));
	if (!m->source || close_ports(m) || close_targets(m))
		return -ENOMEM;
	while ((s = lru_next(m->followed, &cursor, &addr))) {
		m->source[m->sources++] = s;
		m->detected += s->detected_ns != 0;
		qsort(s->probe, s->probes, sizeof(s->probe[0]), by_time);
		if (!m->start_ns || s->first_ns < m->start_ns)
			m->start_ns = s->first_ns;
		if (s->last_ns > m->end_ns)
			m->end_ns = s->last_ns;
	}
	qsort(m->source, m->sources, sizeof(struct model_source *), by_interest);
	return 0;
}
