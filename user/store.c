/* SPDX-License-Identifier: GPL-2.0-only */
/* store.c - see store.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"
#include "store.h"

int store_init(struct store *store, const struct ps_config *cfg)
{
	memset(store, 0, sizeof(*store));
	store->bucket_count = 1U << cfg->bucket_bits;
	store->mark_bytes = sizeof(*store->marks) << cfg->mark_bits;
	store->bucket_bytes = sizeof(*store->buckets) << cfg->bucket_bits;
	store->marks = pages_new(store->mark_bytes, true);
	store->buckets = pages_new(store->bucket_bytes, false); /* few sources fill few of them */
	store->filled = calloc((store->bucket_count + 63) / 64, sizeof(*store->filled));
	store->blocks =
		lru_new(PS_BLOCKS_MAX, sizeof(union ps_addr), sizeof(struct ps_block), cfg->seed);
	if (cfg->save_ports)
		store->ports =
			lru_new(PS_PORTS_MAX, sizeof(struct ps_port_key), sizeof(__u64), cfg->seed);
	if (store->marks && store->buckets && store->filled && store->blocks &&
	    (!cfg->save_ports || store->ports) &&
	    deadlines_init(&store->ends, 2 * PS_BLOCKS_MAX) == 0)
		return 0;
	store_free(store);
	return -ENOMEM;
}

void store_free(struct store *store)
{
	pages_free(store->marks, store->mark_bytes);
	pages_free(store->buckets, store->bucket_bytes);
	free(store->filled);
	lru_free(store->blocks);
	lru_free(store->ports);
	deadlines_free(&store->ends);
	prefixes_clear(&store->allow);
	prefixes_clear(&store->deny);
	prefixes_clear(&store->dst);
	memset(store, 0, sizeof(*store));
}

const struct ps_bucket *store_next(const struct store *store, __u32 *cursor)
{
	for (__u32 i = *cursor; i < store->bucket_count; i++) {
		if (!(i % 64) && !store->filled[i / 64]) {
			i += 63;
		} else if (store->filled[i / 64] >> i % 64 & 1) {
			*cursor = i + 1;
			return &store->buckets[i];
		}
	}
	return NULL;
}

int prefixes_add(struct prefixes *list, const struct prefix *prefix)
{
	struct prefix *grown;
	size_t at = list->n;

	if (list->n >= PS_PREFIXES_MAX)
		return -ENOSPC;
	grown = reallocarray(list->prefix, list->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->prefix = grown;
	for (; at && grown[at - 1].bits < prefix->bits; at--)
		grown[at] = grown[at - 1];
	grown[at] = *prefix;
	list->n++;
	return 0;
}

void prefixes_clear(struct prefixes *list)
{
	free(list->prefix);
	list->prefix = NULL;
	list->n = 0;
}

bool prefixes_cover(const struct prefixes *list, const union ps_addr *addr)
{
	for (size_t i = 0; i < list->n; i++)
		if (prefix_covers(&list->prefix[i], addr))
			return true;
	return false;
}

bool store_denied(const struct store *store, const union ps_addr *src)
{
	return prefixes_cover(&store->deny, src);
}

bool store_allowed(const struct store *store, const union ps_addr *src)
{
	return prefixes_cover(&store->allow, src);
}

bool store_watched(const struct store *store, const union ps_addr *dst)
{
	return !store->dst.n || prefixes_cover(&store->dst, dst);
}

struct ps_block *store_blocked(const struct store *store, const union ps_addr *src, __u64 now_ns)
{
	struct ps_block *b = lru_find(store->blocks, src);

	return b && b->until_ns > now_ns ? b : NULL;
}

bool store_block_hit(struct ps_block *b, __u32 bytes, __u64 now_ns)
{
	b->packets++;
	b->bytes += bytes;
	if (now_ns < ps_verdict_renew_at(b))
		return false;
	b->until_ns = now_ns + b->span_ns;
	if (ps_since(b->told_ns, now_ns) < b->span_ns / 2)
		return false;
	b->told_ns = now_ns;
	b->renewals++;
	return true;
}

/* Full of what was pushed out or blocked anew: begins again with the blocks that there are. */
static void rebuild_ends(struct store *store)
{
	const struct ps_block *b;
	__u32 cursor = 0;
	const void *addr;

	deadlines_clear(&store->ends);
	while ((b = lru_next(store->blocks, &cursor, &addr)))
		deadlines_add(&store->ends, addr, b->until_ns);
}

void store_block(struct store *store, const struct ps_rule *rule, const struct ps_event *event,
		 __u32 bytes)
{
	const union ps_addr *addr = &event->source.addr;

	ps_event_to_block(rule, event, bytes, lru_take(store->blocks, addr, NULL));
	if (!deadlines_add(&store->ends, addr, event->until_ns))
		rebuild_ends(store);
}

static void save_port(struct store *store, const union ps_addr *src, __u16 port,
		      enum ps_class class)
{
	struct ps_port_key key = { .src = *src, .port = port, .udp = class == PS_CLASS_UDP };

	++*(__u64 *)lru_take(store->ports, &key, NULL);
}

void store_save_ports(struct store *store, const struct ps_sighting *it)
{
	const union ps_addr *src = &it->packet.src;

	if (it->sight == PS_SIGHT_SECOND)
		save_port(store, src, ps_mark_port(it->mark), ps_mark_class(it->mark));
	save_port(store, src, it->packet.dport, (enum ps_class)it->class);
}

bool store_expire(struct store *store, __u64 now_ns, struct ps_block *out)
{
	union ps_addr addr;

	while (deadlines_take(&store->ends, now_ns, &addr)) {
		struct ps_block *b = lru_find(store->blocks, &addr);

		if (b && b->until_ns > now_ns) {
			deadlines_add(&store->ends, &addr, b->until_ns);
		} else if (b) {
			*out = *b;
			lru_delete(store->blocks, &addr);
			return true;
		}
	}
	return false;
}
