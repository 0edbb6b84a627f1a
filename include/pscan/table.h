/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * table.h - finding and making a source's record inside its bucket.
 *
 * The source table is an array of buckets with a lock each, not a hash map:
 * records of different CPUs' packets must be changed in one piece, LRU maps
 * refuse locks, and an LRU insert costs several times what the whole rest of
 * the program does. The adversary can fill a bucket with sources that cost
 * them two packets each; what is thrown out then is the record with the least
 * live evidence, so a scan in progress outlives its disguise.
 */
#ifndef PSCAN_TABLE_H
#define PSCAN_TABLE_H

#include "mark.h"
#include "score.h"

PS_INLINE __u32 ps_bucket_index(const struct ps_config *cfg, __u64 hash)
{
	return (__u32)(hash >> 40) & ((1U << (cfg->bucket_bits & 31)) - 1);
}

PS_INLINE __u32 ps_mark_index(const struct ps_config *cfg, __u64 hash)
{
	return (__u32)hash & ((1U << (cfg->mark_bits & 31)) - 1);
}

/* Where a CPU keeps a blocked source that is busy; ps_recent holds the whole
 * address, so that a hash of no great quality does. */
PS_INLINE __u32 ps_recent_index(__u64 key, const union ps_addr *addr)
{
	return (__u32)((addr->d[0] ^ addr->d[1]) * key >> (64 - PS_RECENT_BITS));
}

/* Tag of a source within its bucket; never 0. */
PS_INLINE __u32 ps_bucket_tag(__u64 hash)
{
	return (__u32)hash | 1;
}

/* 1 when the ways' tags are equal, else 0; arithmetic for the verifier's sake, as
 * everywhere below: a way chosen by branches is verified once per way. */
PS_INLINE __u32 ps_tag_equal(__u32 a, __u32 b)
{
	__u64 diff = (__u64)(a ^ b) - 1;

	ps_opaque(diff);
	return (__u32)(diff >> 63);
}

/*
 * What a record is worth keeping: live evidence first, then recency. An empty
 * way is worth nothing. Below 2^62, and the two lowest bits are clear.
 */
PS_INLINE __u64 ps_source_worth(const struct ps_rule *rule, const struct ps_source *s, __u32 tag,
				__u64 now_ns)
{
	__u64 live = (__u64)((__s64)(now_ns - s->last_ns - rule->window_ns) >> 63);
	__u64 used = 0 - (__u64)(tag & 1);

	ps_opaque(live);
	return ((((__u64)s->probes & live) << 56) | (s->last_ns >> 8 & 0xfffffffffffffcULL)) & used;
}

/* The way that a new source takes: the one worth least. */
PS_INLINE __u32 ps_bucket_victim(const struct ps_rule *rule, const struct ps_bucket *b,
				 __u64 now_ns)
{
	__u64 least = ~0ULL >> 1;

	PS_ROLLED
	for (__u32 w = 0; w < PS_WAYS; w++) {
		__u64 worth = ps_source_worth(rule, &b->way[w], b->tag[w], now_ns) | w;
		__u64 less = (__u64)((__s64)(worth - least) >> 63);

		ps_opaque(less);
		least ^= (least ^ worth) & less;
	}
	return (__u32)least & (PS_WAYS - 1);
}

/* Which way bears @tag, counted from 1; 0: none does. */
PS_INLINE __u32 ps_bucket_way(const struct ps_bucket *b, __u32 tag)
{
	__u32 found = 0;

	PS_ROLLED
	for (__u32 w = 0; w < PS_WAYS; w++)
		found += ps_tag_equal(b->tag[w], tag) * (w + 1);
	return found;
}

/* The record of @addr in @b, NULL when there is none. The caller holds the bucket's lock. */
PS_INLINE struct ps_source *ps_bucket_find(struct ps_bucket *b, __u64 hash,
					   const union ps_addr *addr)
{
	__u32 found = ps_bucket_way(b, ps_bucket_tag(hash));
	struct ps_source *s = &b->way[(found - 1) & (PS_WAYS - 1)];

	return found && ps_addr_eq(&s->addr, addr) ? s : (struct ps_source *)0;
}

/*
 * The record of @addr in @b, made if there was none. The caller holds the
 * bucket's lock. Two sources of one bucket that share a 32-bit tag take turns
 * in one way: never is one's evidence held against the other.
 * @made  out: 0 found, 1 made in an empty way, 2 made in another's place
 */
PS_INLINE struct ps_source *ps_bucket_take(const struct ps_rule *rule, struct ps_bucket *b,
					   __u64 hash, const union ps_addr *addr, __u64 now_ns,
					   int *made)
{
	__u32 tag = ps_bucket_tag(hash), found = ps_bucket_way(b, tag), way;
	struct ps_source *s;

	way = (found ? found - 1 : ps_bucket_victim(rule, b, now_ns)) & (PS_WAYS - 1);
	s = &b->way[way];
	if (found && ps_addr_eq(&s->addr, addr)) {
		*made = 0;
		return s;
	}
	*made = b->tag[way] ? 2 : 1;
	b->tag[way] = tag;
	ps_memset(s, 0, ps_offsetof(struct ps_source, probe));
	s->addr = *addr;
	s->first_ns = now_ns;
	s->last_ns = now_ns;
	return s;
}

#endif /* PSCAN_TABLE_H */
