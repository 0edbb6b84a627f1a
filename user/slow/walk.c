/* SPDX-License-Identifier: GPL-2.0-only */
/* walk.c - the walk and the sweep over one record; numbers and reasons in track.h. */
#include <string.h>

#include <pscan/score.h>

#include "track.h"

/* Above this many entries a filter answers yes too often: it begins anew. */
#define OPENS_MAX 180
#define CLOSEDS_MAX 96

struct target track_target(__u64 seed, const struct ps_contact *c)
{
	return (struct target){
		.key = ps_mix(ps_hash_addr(seed, &c->dst) ^
			      ps_probe_key(c->dport, (enum ps_class)c->class)),
		.at_ns = c->at_ns,
		.host = (__u32)ps_mix(c->dst.d[1] ^ ps_mix(c->dst.d[0])),
		.port = c->dport,
		.class = c->class,
	};
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

#define SEED_FILTER_BITS 64

static bool was_open(const struct track *t, __u64 key)
{
	return filter_has(&t->seed_open, SEED_FILTER_BITS, key) ||
	       filter_has(t->open, TRACK_OPEN_BITS, key);
}

/* Counted already; or a service that the source has used is down, and that is no way
 * to look for one. */
static bool is_known(const struct track *t, __u64 key)
{
	return was_open(t, key) || filter_has(t->closed, TRACK_CLOSED_BITS, key);
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

static void evidence_add(struct track *t, const struct target *c, __u8 points)
{
	struct ps_source *s = &t->source;
	__u32 place = s->probes;

	if (!s->first_ns)
		s->first_ns = c->at_ns;
	if (c->at_ns > s->last_ns)
		s->last_ns = c->at_ns;
	if (s->probes < PS_PROBES_MAX) {
		s->probes++;
	} else {
		place = s->head;
		s->head = (place + 1) & (PS_PROBES_MAX - 1);
	}
	s->probe[place] = (struct ps_probe){
		.at = (__u32)(ps_since(s->first_ns, c->at_ns) / 1000000),
		.port = c->port,
		.class = c->class,
		.points = points,
	};
	if (c->class < PS_CLASS_MAX)
		s->packets[c->class]++;
	ps_sketch_add(s->ports, ps_probe_key(c->port, (enum ps_class)c->class));
	s->hosts[c->host / 64 % (PS_SKETCH_BITS / 64)] |= 1ULL << c->host % 64;
	if (t->failures < 0xffff)
		t->failures += points;
}

/* ---- sweep -------------------------------------------------------------- */

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

static bool sweep_closed(struct track *t, const struct target *c)
{
	if (ps_since(t->sweep_ns, c->at_ns) > SWEEP_GAP_NS)
		t->hosts = 0;
	if (c->at_ns > t->sweep_ns)
		t->sweep_ns = c->at_ns;
	return host_add(t->host, &t->hosts, SWEEP_HOSTS, c->host);
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
static bool walk_counts(struct track *t, const struct target *c, __u64 window_ns)
{
	__u32 port = (__u32)ps_probe_key(c->port, (enum ps_class)c->class);

	for (int i = 0; i < WALK_WINDOWS; i++) {
		const struct walk_window *w = &t->window[i];

		if (w->at_ns && apart(w->at_ns, c->at_ns) <= window_ns)
			return w->port == port;
	}
	t->window[t->windows++ % WALK_WINDOWS] = (struct walk_window){ c->at_ns, port, 0 };
	return true;
}

static bool walk_closed(struct track *t, const struct target *c, __u64 window_ns)
{
	if (!walk_counts(t, c, window_ns))
		return false;
	if (t->walk < WALK_SCANNER)
		t->walk++;
	return t->walk == WALK_SCANNER;
}

enum ps_engine track_closed(struct track *t, const struct target *c, __u64 window_ns)
{
	bool walks, sweeps;

	if (is_known(t, c->key))
		return PS_ENGINE_MAX;
	filter_add(t->closed, TRACK_CLOSED_BITS, c->key, &t->closeds, CLOSEDS_MAX);
	walks = walk_closed(t, c, window_ns);
	evidence_add(t, c, 1);
	sweeps = sweep_closed(t, c);
	if (walks)
		return PS_ENGINE_WALK;
	return sweeps ? PS_ENGINE_SWEEP : PS_ENGINE_MAX;
}

enum ps_engine track_unknown(struct track *t, const struct target *c)
{
	if (is_known(t, c->key))
		return PS_ENGINE_MAX;
	if (!t->unknowns || t->unknown_port != c->port ||
	    ps_since(t->unknown_ns, c->at_ns) > SWEEP_UNKNOWN_NS) {
		if (!t->failures)
			evidence_forget(t);
		t->unknowns = 0;
		t->unknown_port = c->port;
		t->unknown_ns = c->at_ns;
	}
	evidence_add(t, c, 0);
	if (host_add(t->unknown, &t->unknowns, SWEEP_HOSTS_UNKNOWN, c->host))
		return PS_ENGINE_SWEEP;
	return PS_ENGINE_MAX;
}

void track_open(struct track *t, const struct target *c)
{
	if (!was_open(t, c->key)) {
		filter_add(t->open, TRACK_OPEN_BITS, c->key, &t->opens, OPENS_MAX);
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

/* ---- before there is a record --------------------------------------------- */

bool seed_enter(struct seed *seed, const struct target *c, bool open, bool unknown)
{
	if (filter_has(&seed->open, SEED_FILTER_BITS, c->key))
		return false;
	if (open) {
		filter_add(&seed->open, SEED_FILTER_BITS, c->key, &seed->opens, 0xff);
		return seed->opens >= SEED_OPENS_MAX;
	}
	if (seed->first.at_ns && ps_since(seed->first.at_ns, c->at_ns) <= TRACK_IDLE_NS)
		return seed->first.key != c->key;
	seed->first = *c;
	seed->unknown = unknown;
	return false;
}

void seed_grow(const struct seed *seed, struct track *t, __u64 window_ns)
{
	t->seed_open = seed->open;
	t->walk = seed->opens < -WALK_CREDIT ? (__s8)-seed->opens : WALK_CREDIT;
	if (!seed->first.at_ns)
		return;
	if (seed->unknown)
		track_unknown(t, &seed->first);
	else
		track_closed(t, &seed->first, window_ns);
}
