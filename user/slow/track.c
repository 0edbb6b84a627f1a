/* SPDX-License-Identifier: GPL-2.0-only */
/* track.c - the table of track.h. */
#include <stdlib.h>
#include <string.h>

#include <pscan/hash.h>

#include "pages.h"
#include "track.h"

struct set {
	__u32 tag[TRACK_WAYS]; /* 0: the way is empty */
	struct track way[TRACK_WAYS];
};

struct tracks {
	struct set *set;
	__u64 seed;
};

static const size_t table_bytes = sizeof(struct set) << TRACK_SET_BITS;

struct tracks *tracks_new(__u64 seed)
{
	struct tracks *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->seed = seed;
	t->set = pages_new(table_bytes, false);
	if (t->set)
		return t;
	free(t);
	return NULL;
}

void tracks_free(struct tracks *t)
{
	if (t)
		pages_free(t->set, table_bytes);
	free(t);
}

/* What a record is worth keeping: what it holds against its source, then recency. */
static __u64 worth(const struct track *t, __u64 now_ns)
{
	__u64 held = t->failures > t->unknowns ? t->failures : t->unknowns;

	if (ps_since(t->seen_ns, now_ns) > TRACK_IDLE_NS)
		return 0;
	return (held < 15 ? held : 15) << 60 | t->seen_ns >> 4;
}

static struct track *victim(struct set *set, __u64 now_ns, __u32 **tag)
{
	__u64 least = ~0ULL;
	int at = 0;

	for (int w = 0; w < TRACK_WAYS; w++) {
		__u64 value = set->tag[w] ? 1 + worth(&set->way[w], now_ns) : 0;

		if (value < least) {
			least = value;
			at = w;
		}
	}
	*tag = &set->tag[at];
	return &set->way[at];
}

static bool is_of(const struct track *t, const union ps_addr *src, const union ps_addr *net)
{
	return ps_addr_eq(&t->source.addr, src) && ps_addr_eq(&t->net, net);
}

struct track *tracks_take(struct tracks *tracks, const union ps_addr *src,
			  const union ps_addr *net, __u64 now_ns, bool *evicted)
{
	__u64 hash = ps_mix(ps_hash_addr(tracks->seed, src) ^ ps_hash_addr(~tracks->seed, net));
	struct set *set = &tracks->set[hash >> 32 & ((1U << TRACK_SET_BITS) - 1)];
	__u32 tag = (__u32)hash | 1, *place = NULL;
	struct track *t = NULL;

	*evicted = false;
	for (int w = 0; w < TRACK_WAYS && !t; w++) {
		if (set->tag[w] != tag || !is_of(&set->way[w], src, net))
			continue;
		t = &set->way[w];
		place = &set->tag[w];
		if (ps_since(t->seen_ns, now_ns) <= TRACK_IDLE_NS)
			return t;
	}
	if (!t) {
		t = victim(set, now_ns, &place);
		*evicted = *place;
	}
	memset(t, 0, sizeof(*t));
	*place = tag;
	t->source.addr = *src;
	t->net = *net;
	t->seen_ns = now_ns;
	return t;
}
