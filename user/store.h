/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - the gate's look-ups and the places where sources are kept: the
 * twin of bpf/store.bpf.h and bpf/maps.bpf.h. Sizes come from the
 * configuration, what gives way when full is decided by the same table.h; all
 * memory is taken at the start.
 */
#ifndef PSCAN_USER_STORE_H
#define PSCAN_USER_STORE_H

#include <pscan/detect.h>

#include "addr.h"
#include "deadlines.h"
#include "lru.h"

/* An operator's list: longest prefix first. */
struct prefixes {
	struct prefix *prefix;
	size_t n;
};

struct store {
	__u64 *marks;
	size_t mark_bytes, bucket_bytes;
	struct ps_bucket *buckets;
	__u64 *filled;		/* bit set of the buckets that hold a record */
	__u32 bucket_count;
	struct lru *blocks;	/* union ps_addr -> struct ps_block */
	struct deadlines ends;	/* of the blocks */
	struct lru *ports;	/* struct ps_port_key -> __u64 packets; NULL: not kept */
	struct prefixes allow;
	struct prefixes deny;
	struct prefixes dst;	/* none: every destination is watched */
};

/* 0 or -ENOMEM; the sizes and save_ports are @cfg's. */
int store_init(struct store *store, const struct ps_config *cfg);
void store_free(struct store *store);

/* Adds to a list. 0, -ENOSPC at PS_PREFIXES_MAX, or -ENOMEM. */
int prefixes_add(struct prefixes *list, const struct prefix *prefix);
void prefixes_clear(struct prefixes *list);
bool prefixes_cover(const struct prefixes *list, const union ps_addr *addr);

static inline __u64 *store_mark(const struct store *store, const struct ps_config *cfg, __u64 hash)
{
	return &store->marks[ps_mark_index(cfg, hash)];
}

static inline struct ps_bucket *store_bucket(const struct store *store,
					     const struct ps_config *cfg, __u64 hash)
{
	return &store->buckets[ps_bucket_index(cfg, hash)];
}

/* A record was made in the bucket of @hash. */
static inline void store_fill(struct store *store, const struct ps_config *cfg, __u64 hash)
{
	__u32 index = ps_bucket_index(cfg, hash);

	store->filled[index / 64] |= 1ULL << index % 64;
}

/* The buckets that hold a record: start with *@cursor 0; NULL at the end. */
const struct ps_bucket *store_next(const struct store *store, __u32 *cursor);

/* An operator's block covers the source. */
bool store_denied(const struct store *store, const union ps_addr *src);
/* An operator's list says never to score the source. */
bool store_allowed(const struct store *store, const union ps_addr *src);
/* Is scoring wanted for this destination. */
bool store_watched(const struct store *store, const union ps_addr *dst);

/* The block in force against a source, or NULL. */
struct ps_block *store_blocked(const struct store *store, const union ps_addr *src, __u64 now_ns);

/*
 * Accounts for one dropped packet and moves the deadline.
 * Return: true when it is time to tell that the source goes on.
 */
bool store_block_hit(struct ps_block *b, __u32 bytes, __u64 now_ns);

void store_block(struct store *store, const struct ps_rule *rule, const struct ps_event *event,
		 __u32 bytes);
/* What ps_detect() entered: the probe, and the one that its mark stood for. */
void store_save_ports(struct store *store, const struct ps_sighting *it);

/* May there be one for store_expire()? Asked for each packet. */
static inline bool store_expires(const struct store *store, __u64 now_ns)
{
	return deadlines_due(&store->ends, now_ns);
}

/* Removes one block that has run out by now and copies it to @out; false when none has. */
bool store_expire(struct store *store, __u64 now_ns, struct ps_block *out);

#endif
