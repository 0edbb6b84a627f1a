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

/* Tag of a source within its bucket; never 0. */
PS_INLINE __u32 ps_bucket_tag(__u64 hash)
{
	return (__u32)hash | 1;
}

/* What a record is worth keeping: live evidence first, then recency. */
PS_INLINE __u64 ps_source_worth(const struct ps_rule *rule, const struct ps_source *s,
				__u64 now_ns)
{
	__u64 live = ps_source_idle(rule, s, now_ns) ? 0 : s->probes;

	/* 58 bits of nanoseconds are nine years of uptime. */
	return live << 58 | (s->last_ns & ((1ULL << 58) - 1));
}

/*
 * The record of @addr in @b, made if there was none. The caller holds the
 * bucket's lock.
 * @made  out: 0 found, 1 made in an empty way, 2 made in another's place
 */
PS_INLINE struct ps_source *ps_bucket_take(const struct ps_rule *rule, struct ps_bucket *b,
					   __u64 hash, const union ps_addr *addr, __u64 now_ns,
					   int *made)
{
	__u64 least = ~0ULL;
	__u32 tag = ps_bucket_tag(hash), victim = 0;
	struct ps_source *s;

	for (__u32 w = 0; w < PS_WAYS; w++) {
		__u64 worth;

		s = &b->way[w];
		if (b->tag[w] == tag && ps_addr_eq(&s->addr, addr)) {
			*made = 0;
			return s;
		}
		worth = b->tag[w] ? 1 + ps_source_worth(rule, s, now_ns) : 0;
		if (worth < least) {
			least = worth;
			victim = w;
		}
	}
	victim &= PS_WAYS - 1;
	*made = b->tag[victim] ? 2 : 1;
	b->tag[victim] = tag;
	s = &b->way[victim];
	ps_memset(s, 0, ps_offsetof(struct ps_source, probe));
	s->addr = *addr;
	s->first_ns = now_ns;
	s->last_ns = now_ns;
	return s;
}

#endif /* PSCAN_TABLE_H */
