/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lru.h - a hash table of fixed size that forgets what was not asked for
 * longest: the native twin of BPF_MAP_TYPE_LRU_HASH. All memory is taken when
 * it is made; a stranger who fills it costs others their oldest entries, never
 * memory.
 */
#ifndef PSCAN_USER_LRU_H
#define PSCAN_USER_LRU_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct lru;

/* @seed keys the hash. NULL: no memory. */
struct lru *lru_new(__u32 entries, size_t key_bytes, size_t value_bytes, __u64 seed);
void lru_free(struct lru *lru); /* NULL is fine */

/* From now on only so many bytes of a new value are zeroed: for large values that say
 * themselves how much of the rest holds. */
void lru_zero_only(struct lru *lru, size_t bytes);

/* The value of @key, now the most recently used one; NULL when there is none. */
void *lru_find(struct lru *lru, const void *key);

/*
 * As lru_find(), but makes a zeroed value when there is none, in the place of
 * the least recently used one when full (*@evicted, if not NULL).
 */
void *lru_take(struct lru *lru, const void *key, bool *evicted);

void lru_delete(struct lru *lru, const void *key);
__u32 lru_count(const struct lru *lru);

/* The least recently used entry, not touched by this; NULL when empty. */
void *lru_oldest(const struct lru *lru, const void **key);

/* All entries, least recently used first: start with *@cursor 0; NULL at the end. */
void *lru_next(const struct lru *lru, __u32 *cursor, const void **key);

#endif
