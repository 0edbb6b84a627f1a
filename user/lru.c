/* SPDX-License-Identifier: GPL-2.0-only */
/* lru.c - see lru.h. Chained hash and a doubly linked list, by index. Index 0 is
 * the list's head and never an entry. */
#include <stdlib.h>
#include <string.h>

#include <pscan/hash.h>

#include "lru.h"
#include "pages.h"

struct link {
	__u32 newer;
	__u32 older;
	__u32 chain; /* next entry of the same slot, 0: none */
};

struct lru {
	struct link *link;
	__u32 *slot;
	char *cell; /* key, then value, per entry */
	size_t key_bytes;
	size_t value_at;
	size_t cell_bytes;
	size_t zero_bytes; /* of a new entry's cell */
	__u64 seed;
	__u32 slots; /* power of two */
	__u32 entries;
	__u32 used;
	__u32 spare; /* chain of deleted entries */
};

static size_t link_bytes(const struct lru *lru)
{
	return (lru->entries + 1UL) * sizeof(*lru->link);
}

static size_t slot_bytes(const struct lru *lru)
{
	return lru->slots * sizeof(*lru->slot);
}

static size_t cells_bytes(const struct lru *lru)
{
	return (lru->entries + 1UL) * lru->cell_bytes;
}

struct lru *lru_new(__u32 entries, size_t key_bytes, size_t value_bytes, __u64 seed)
{
	struct lru *lru = calloc(1, sizeof(*lru));

	if (!lru)
		return NULL;
	lru->slots = 1;
	while (lru->slots < entries)
		lru->slots *= 2;
	lru->entries = entries;
	lru->key_bytes = key_bytes;
	lru->value_at = (key_bytes + 7) & ~(size_t)7;
	lru->cell_bytes = lru->value_at + ((value_bytes + 7) & ~(size_t)7);
	lru->zero_bytes = lru->cell_bytes;
	lru->seed = seed;
	lru->link = pages_new(link_bytes(lru), false);
	lru->slot = pages_new(slot_bytes(lru), false);
	lru->cell = pages_new(cells_bytes(lru), false);
	if (lru->link && lru->slot && lru->cell)
		return lru;
	lru_free(lru);
	return NULL;
}

void lru_free(struct lru *lru)
{
	if (!lru)
		return;
	pages_free(lru->link, link_bytes(lru));
	pages_free(lru->slot, slot_bytes(lru));
	pages_free(lru->cell, cells_bytes(lru));
	free(lru);
}

void lru_zero_only(struct lru *lru, size_t bytes)
{
	lru->zero_bytes = lru->value_at + bytes;
}

static char *cell_of(const struct lru *lru, __u32 at)
{
	return lru->cell + at * lru->cell_bytes;
}

static __u32 *slot_of(const struct lru *lru, const void *key)
{
	__u64 hash = lru->seed, word;

	for (size_t i = 0; i < lru->key_bytes; i += sizeof(word)) {
		size_t left = lru->key_bytes - i;

		word = 0;
		memcpy(&word, (const char *)key + i, left < sizeof(word) ? left : sizeof(word));
		hash = ps_mix(hash ^ word);
	}
	return &lru->slot[hash & (lru->slots - 1)];
}

static __u32 find(const struct lru *lru, const void *key)
{
	__u32 at = *slot_of(lru, key);

	while (at && memcmp(cell_of(lru, at), key, lru->key_bytes) != 0)
		at = lru->link[at].chain;
	return at;
}

static void list_remove(struct lru *lru, __u32 at)
{
	struct link *it = &lru->link[at];

	lru->link[it->older].newer = it->newer;
	lru->link[it->newer].older = it->older;
}

/* Makes @at the newest: the head's `older` points at the newest, its `newer` at the oldest. */
static void list_add(struct lru *lru, __u32 at)
{
	struct link *head = &lru->link[0], *it = &lru->link[at];

	it->newer = 0;
	it->older = head->older;
	lru->link[head->older].newer = at;
	head->older = at;
}

static void chain_remove(struct lru *lru, __u32 at)
{
	__u32 *from = slot_of(lru, cell_of(lru, at));

	while (*from != at)
		from = &lru->link[*from].chain;
	*from = lru->link[at].chain;
}

static __u32 free_entry(struct lru *lru, bool *evicted)
{
	__u32 at = lru->spare;

	*evicted = false;
	if (at) {
		lru->spare = lru->link[at].chain;
		return at;
	}
	if (lru->used < lru->entries)
		return ++lru->used;
	*evicted = true;
	at = lru->link[0].newer;
	chain_remove(lru, at);
	list_remove(lru, at);
	return at;
}

void *lru_find(struct lru *lru, const void *key)
{
	__u32 at = find(lru, key);

	if (!at)
		return NULL;
	list_remove(lru, at);
	list_add(lru, at);
	return cell_of(lru, at) + lru->value_at;
}

void *lru_take(struct lru *lru, const void *key, bool *evicted)
{
	void *value = lru_find(lru, key);
	bool ignored;
	__u32 at, *slot;

	if (!evicted)
		evicted = &ignored;
	*evicted = false;
	if (value)
		return value;
	at = free_entry(lru, evicted);
	memset(cell_of(lru, at), 0, lru->zero_bytes);
	memcpy(cell_of(lru, at), key, lru->key_bytes);
	slot = slot_of(lru, key);
	lru->link[at].chain = *slot;
	*slot = at;
	list_add(lru, at);
	return cell_of(lru, at) + lru->value_at;
}

void lru_delete(struct lru *lru, const void *key)
{
	__u32 at = find(lru, key);

	if (!at)
		return;
	chain_remove(lru, at);
	list_remove(lru, at);
	lru->link[at].chain = lru->spare;
	lru->spare = at;
}

__u32 lru_count(const struct lru *lru)
{
	__u32 n = lru->used;

	for (__u32 at = lru->spare; at; at = lru->link[at].chain)
		n--;
	return n;
}

void *lru_next(const struct lru *lru, __u32 *cursor, const void **key)
{
	__u32 at = lru->link[*cursor].newer;

	if (!at)
		return NULL;
	*cursor = at;
	*key = cell_of(lru, at);
	return cell_of(lru, at) + lru->value_at;
}

void *lru_oldest(const struct lru *lru, const void **key)
{
	__u32 cursor = 0;

	return lru_next(lru, &cursor, key);
}
