/* SPDX-License-Identifier: GPL-2.0-only */
/* track.c - the table of track.h. */
#include <stdlib.h>
#include <string.h>

#include <pscan/hash.h>

#include "pages.h"
#include "track.h"

/* Apart from the records: most sources have none, and who looks for one finds that out here. */
struct set {
	__u32 tag[TRACK_WAYS];	/* 0: the way is empty */
	__u64 worth[TRACK_WAYS]; /* as of tracks_keep() */
};

struct tracks {
	struct set *set;
	struct track *record;	/* TRACK_WAYS for each set */
	struct seed *seeds;
	__u64 seed;
};

static const size_t set_bytes = sizeof(struct set) << TRACK_SET_BITS;
static const size_t record_bytes = (sizeof(struct track) * TRACK_WAYS) << TRACK_SET_BITS;
static const size_t seed_bytes = sizeof(struct seed) << SEED_BITS;

struct tracks *tracks_new(__u64 seed)
{
	struct tracks *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->seed = seed;
	t->set = pages_new(set_bytes, false);
	t->record = pages_new(record_bytes, false);
	t->seeds = pages_new(seed_bytes, true);
	if (t->set && t->record && t->seeds)
		return t;
	tracks_free(t);
	return NULL;
}

void tracks_free(struct tracks *t)
{
	if (!t)
		return;
	pages_free(t->set, set_bytes);
	pages_free(t->record, record_bytes);
	pages_free(t->seeds, seed_bytes);
	free(t);
}

static __u32 set_of(__u64 hash)
{
	return (__u32)(hash >> 32) & ((1U << TRACK_SET_BITS) - 1);
}

__u64 tracks_hash(const struct tracks *t, const union ps_addr *src, const union ps_addr *net)
{
	return ps_mix(ps_hash_addr(t->seed, src) ^ ps_hash_addr(~t->seed, net));
}

void tracks_expect(const struct tracks *t, __u64 hash)
{
	__builtin_prefetch(t->set[set_of(hash)].tag);
	__builtin_prefetch(&t->seeds[hash >> 32 & ((1U << SEED_BITS) - 1)], 1);
}

struct seed *tracks_seed(struct tracks *t, __u64 hash)
{
	struct seed *seed = &t->seeds[hash >> 32 & ((1U << SEED_BITS) - 1)];

	if (seed->tag != ((__u32)hash | 1)) {
		memset(seed, 0, sizeof(*seed));
		seed->tag = (__u32)hash | 1;
	}
	return seed;
}

/* What a record is worth keeping: what it holds against its source, then recency. */
static __u64 worth(const struct track *t)
{
	__u64 held = t->failures > t->unknowns ? t->failures : t->unknowns;

	return (held < 15 ? held : 15) << 60 | t->seen_ns >> 4;
}

void tracks_keep(struct tracks *tracks, struct track *t, __u64 now_ns)
{
	size_t place = (size_t)(t - tracks->record);

	t->seen_ns = now_ns;
	tracks->set[place / TRACK_WAYS].worth[place % TRACK_WAYS] = worth(t);
}

/* Idle for a day: worth nothing, whatever it holds. */
static bool is_stale(__u64 worth, __u64 now_ns)
{
	return ps_since(worth << 4, now_ns & ~0xfULL) > TRACK_IDLE_NS;
}

static __u32 victim(const struct set *set, __u64 now_ns)
{
	__u64 least = ~0ULL;
	__u32 at = 0;

	for (__u32 w = 0; w < TRACK_WAYS; w++) {
		__u64 value = set->worth[w];

		if (!set->tag[w] || is_stale(value, now_ns))
			return w;
		if (value < least) {
			least = value;
			at = w;
		}
	}
	return at;
}

/* All but the pieces of evidence, which their count says are none. */
static void clear(struct track *t)
{
	memset(t, 0, offsetof(struct track, source.probe));
	memset((char *)t + sizeof(t->source), 0, sizeof(*t) - sizeof(t->source));
}

static bool is_of(const struct track *t, const union ps_addr *src, const union ps_addr *net)
{
	return ps_addr_eq(&t->source.addr, src) && ps_addr_eq(&t->net, net);
}

struct track *tracks_find(struct tracks *tracks, __u64 hash, const union ps_addr *src,
			  const union ps_addr *net, __u64 now_ns)
{
	__u32 at = set_of(hash), tag = (__u32)hash | 1;
	struct set *set = &tracks->set[at];

	for (__u32 w = 0; w < TRACK_WAYS; w++) {
		struct track *t = &tracks->record[at * TRACK_WAYS + w];

		if (set->tag[w] != tag || !is_of(t, src, net))
			continue;
		if (ps_since(t->seen_ns, now_ns) <= TRACK_IDLE_NS)
			return t;
		set->tag[w] = 0;
	}
	return NULL;
}

struct track *tracks_make(struct tracks *tracks, __u64 hash, const union ps_addr *src,
			  const union ps_addr *net, __u64 now_ns, bool *evicted)
{
	__u32 at = set_of(hash), way = victim(&tracks->set[at], now_ns);
	struct set *set = &tracks->set[at];
	struct track *t = &tracks->record[at * TRACK_WAYS + way];

	*evicted = set->tag[way];
	clear(t);
	set->tag[way] = (__u32)hash | 1;
	t->source.addr = *src;
	t->net = *net;
	tracks_keep(tracks, t, now_ns);
	return t;
}
