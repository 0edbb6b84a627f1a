/* SPDX-License-Identifier: GPL-2.0-only */
/* shape.c - see shape.h. */
#include <math.h>
#include <string.h>

#include <pscan/score.h>

#include "shape.h"

#define SKETCH_WORDS (PS_SKETCH_BITS / 64)

static const char *const names[] = {
	[SHAPE_NONE] = "single",
	[SHAPE_VERTICAL] = "vertical",
	[SHAPE_HORIZONTAL] = "horizontal",
	[SHAPE_BLOCK] = "block",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == SHAPE_MAX, "a shape lacks its name");

const char *shape_name(enum shape shape)
{
	return names[shape < SHAPE_MAX ? shape : SHAPE_NONE];
}

unsigned int shape_estimate(const __u64 *sketch, bool *pinned)
{
	unsigned int ones = 0, zeros;

	for (int i = 0; i < SKETCH_WORDS; i++)
		ones += ps_popcount64(sketch[i]);
	zeros = PS_SKETCH_BITS - ones;
	*pinned = !zeros;
	if (!zeros)
		zeros = 1;
	return (unsigned int)lround(PS_SKETCH_BITS * log((double)PS_SKETCH_BITS / zeros));
}

/* Distinct (protocol, port) pairs of the evidence held, and their sketch. */
static unsigned int evidence_ports(const struct ps_source *s, __u64 *sketch)
{
	__u64 key[PS_PROBES_MAX];
	unsigned int distinct = 0;

	for (int i = 0; i < s->probes && i < PS_PROBES_MAX; i++) {
		bool seen = false;

		key[i] = ps_probe_key(s->probe[i].port, (enum ps_class)s->probe[i].class);
		for (int j = 0; j < i && !seen; j++)
			seen = key[j] == key[i];
		distinct += !seen;
		ps_sketch_add(sketch, key[i]);
	}
	return distinct;
}

enum shape shape_from(unsigned int ports, unsigned int hosts)
{
	if (ports > 1)
		return hosts > 1 ? SHAPE_BLOCK : SHAPE_VERTICAL;
	return hosts > 1 ? SHAPE_HORIZONTAL : SHAPE_NONE;
}

struct shape_counts shape_of(const struct ps_source *s)
{
	__u64 sketch[SKETCH_WORDS] = { 0 };
	unsigned int named = evidence_ports(s, sketch);
	struct shape_counts c = { .shape = SHAPE_NONE };

	c.ports = shape_estimate(s->ports, &c.ports_pinned);
	c.hosts = shape_estimate(s->hosts, &c.hosts_pinned);
	c.ports_exact = memcmp(sketch, s->ports, sizeof(sketch)) == 0;
	if (c.ports_exact || c.ports < named)
		c.ports = named;
	c.shape = shape_from(c.ports, c.hosts);
	return c;
}
