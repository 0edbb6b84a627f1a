/* SPDX-License-Identifier: GPL-2.0-only */
/* walk.c - the walk and the sweep over one record; numbers and reasons in track.h. */
#include <string.h>

#include <pscan/score.h>

#include "track.h"

/* Above this many entries a filter answers yes too often: it begins anew. */
#define OPENS_MAX 180
#define CLOSEDS_MAX 96

__u64 track_key(__u64 seed, const struct ps_contact *c)
{
	return ps_mix(ps_hash_addr(seed, &c->dst) ^
		      ps_probe_key(c->dport, (enum ps_class)c->class));
}

/* Two bits per entry. */
static bool filter_has(const __u64 *filter, __u32 bits, __u64 key)
{
	__u32 a = (__u32)key & (bits - 1), b = (__u32)(key >> 32) & (bits - 1);

	return filter[a / 64] >> a % 64 & filter[b / 64] >> b % 64 & 1;
}

static void filter_add(__u64 *filter, __u32 bits, __u64 key, __u8 *n, __u8 most)
{
	__u32 a = (__u32)key & (bits - 1), b = (__u32)(key >> 32) & (bits - 1);

	if (*n >= most) {
		memset(filter, 0, bits / 8);
		*n = 0;
	}
	filter[a / 64] |= 1ULL << a % 64;
	filter[b / 64] |= 1ULL << b % 64;
	++*n;
}

/* ---- evidence ----------------------------------------------------------- */

static void evidence_forget(struct track *t)
{
	struct ps_source *s = &t->source;

	memset((char *)s + offsetof(struct ps_source, packets), 0,
	       sizeof(*s) - offsetof(struct ps_source, packets));
	s->first_ns = 0;
	t->failures = 0;
}

static void evidence_add(struct track *t, const struct ps_contact *c, __u8 points)
{
	struct ps_source *s = &t->source;
	__u32 place = s->probes;

	if (!s->first_ns)
		s->first_ns = c->at_ns;
	if (c->at_ns > s->last_ns)
		s->last_ns = c->at_ns;
	s->dst = c->dst;
	if (s->probes < PS_PROBES_MAX) {
		s->probes++;
	} else {
		place = s->head;
		s->head = (place + 1) & (PS_PROBES_MAX - 1);
	}
	s->probe[place] = (struct ps_probe){
		.at = (__u32)(ps_since(s->first_ns, c->at_ns) / 1000000),
		.port = c->dport,
		.class = c->class,
		.points = points,
	};
	if (c->class < PS_CLASS_MAX)
		s->packets[c->class]++;
	ps_sketch_add(s->ports, ps_probe_key(c->dport, (enum ps_class)c->class));
	ps_sketch_add(s->hosts, c->dst.d[1] ^ ps_mix(c->dst.d[0]));
	if (t->failures < 0xffff)
		t->failures += points;
}

/* ---- sweep -------------------------------------------------------------- */

static __u32 host_of(const struct ps_contact *c)
{
	return (__u32)ps_mix(c->dst.d[1] ^ ps_mix(c->dst.d[0]));
}

/* Enters a host that is new. Return: the list is full. */
static bool host_add(__u32 *list, __u8 *n, __u8 most, __u32 host)
{
	for (int i = 0; i < *n; i++)
		if (list[i] == host)
			return false;
	if (*n < most)
		list[(*n)++] = host;
	return *n == most;
}

static bool sweep_closed(struct track *t, const struct ps_contact *c)
{
	if (ps_since(t->sweep_ns, c->at_ns) > SWEEP_GAP_NS)
		t->hosts = 0;
	if (c->at_ns > t->sweep_ns)
		t->sweep_ns = c->at_ns;
	return host_add(t->host, &t->hosts, SWEEP_HOSTS, host_of(c));
}

/* ---- walk --------------------------------------------------------------- */

static __u64 apart(__u64 a, __u64 b)
{
	return a > b ? a - b : b - a;
}

/*
 * Does this failure count? One per window does, and each further host that is
 * asked for the same port, which the burst rule scores but once: other ports
 * inside a window are for the rule to judge. Silence is known later than a
 * refusal, so the windows are kept that a failure may still belong to.
 */
static bool walk_counts(struct track *t, const struct ps_contact *c, __u64 window_ns)
{
	__u32 port = (__u32)ps_probe_key(c->dport, (enum ps_class)c->class);

	for (int i = 0; i < WALK_WINDOWS; i++) {
		const struct walk_window *w = &t->window[i];

		if (w->at_ns && apart(w->at_ns, c->at_ns) <= window_ns)
			return w->port == port;
	}
	t->window[t->windows++ % WALK_WINDOWS] = (struct walk_window){ c->at_ns, port, 0 };
	return true;
}

static bool walk_closed(struct track *t, const struct ps_contact *c, __u64 window_ns)
{
	if (!walk_counts(t, c, window_ns))
		return false;
	if (t->walk < WALK_SCANNER)
		t->walk++;
	return t->walk == WALK_SCANNER;
}

enum ps_engine track_closed(struct track *t, const struct ps_contact *c, __u64 key,
			    __u64 window_ns)
{
	bool walks, sweeps;

	/* A service that the source has used is down: that is no way to look for one. */
	if (filter_has(t->open, TRACK_OPEN_BITS, key) ||
	    filter_has(t->closed, TRACK_CLOSED_BITS, key))
		return PS_ENGINE_MAX;
	filter_add(t->closed, TRACK_CLOSED_BITS, key, &t->closeds, CLOSEDS_MAX);
	walks = walk_closed(t, c, window_ns);
	evidence_add(t, c, 1);
	sweeps = sweep_closed(t, c);
	if (walks)
		return PS_ENGINE_WALK;
	return sweeps ? PS_ENGINE_SWEEP : PS_ENGINE_MAX;
}

enum ps_engine track_unknown(struct track *t, const struct ps_contact *c, __u64 key)
{
	if (filter_has(t->open, TRACK_OPEN_BITS, key) ||
	    filter_has(t->closed, TRACK_CLOSED_BITS, key))
		return PS_ENGINE_MAX;
	if (!t->unknowns || t->unknown_port != c->dport ||
	    ps_since(t->unknown_ns, c->at_ns) > SWEEP_UNKNOWN_NS) {
		if (!t->failures)
			evidence_forget(t);
		t->unknowns = 0;
		t->unknown_port = c->dport;
		t->unknown_ns = c->at_ns;
	}
	evidence_add(t, c, 0);
	if (host_add(t->unknown, &t->unknowns, SWEEP_HOSTS_UNKNOWN, host_of(c)))
		return PS_ENGINE_SWEEP;
	return PS_ENGINE_MAX;
}

void track_open(struct track *t, const struct ps_contact *c, __u64 key)
{
	if (!filter_has(t->open, TRACK_OPEN_BITS, key)) {
		filter_add(t->open, TRACK_OPEN_BITS, key, &t->opens, OPENS_MAX);
		t->hosts -= t->hosts > 0;
	} else if (ps_since(t->open_ns, c->at_ns) < WALK_AGAIN_NS) {
		return;
	}
	t->open_ns = c->at_ns;
	if (t->walk > WALK_CREDIT)
		t->walk--;
	if (t->walk <= 0)
		evidence_forget(t);
}
