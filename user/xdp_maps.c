/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_maps.c - see xdp_maps.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xdp_maps.h"
#include "xdp_recent.h"

/* Entries fetched per batch: large enough that the system call does not count. */
#define BATCH 256

static const __u32 zero;

int xdp_config_get(const struct xdp *xdp, struct ps_config *out)
{
	return bpf_map_lookup_elem(xdp->fd[XDP_MAP_CONFIG], &zero, out) ? -errno : 0;
}

int xdp_config_set(const struct xdp *xdp, const struct ps_config *cfg)
{
	return bpf_map_update_elem(xdp->fd[XDP_MAP_CONFIG], &zero, cfg, BPF_ANY) ? -errno : 0;
}

int xdp_counters(const struct xdp *xdp, struct ps_counters *out)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	size_t words = sizeof(*out) / sizeof(__u64);
	struct ps_counters *each;

	if (cpus < 0)
		return cpus;
	each = calloc((size_t)cpus, sizeof(*each));
	if (!each)
		return -ENOMEM;
	memset(out, 0, sizeof(*out));
	if (bpf_map_lookup_elem(xdp->fd[XDP_MAP_COUNTERS], &zero, each))
		err = -errno;
	for (int cpu = 0; !err && cpu < cpus; cpu++)
		for (size_t i = 0; i < words; i++)
			((__u64 *)out)[i] += ((const __u64 *)&each[cpu])[i];
	free(each);
	return err;
}

/* ---- walks ------------------------------------------------------------ */

typedef int entry_fn(const void *key, const void *value, void *data);

struct walk {
	int fd;
	size_t key_bytes;
	size_t value_bytes;
	__u64 flags;		/* BPF_F_LOCK: each value in one piece */
	entry_fn *fn;
	void *data;
};

/*
 * Reads a map in batches. A hash bucket that holds more than a batch (ENOSPC)
 * asks for a larger one.
 */
static int walk_batches(const struct walk *w)
{
	__u32 room = BATCH, n, in = 0, out_token = 0;
	char *keys = NULL, *values = NULL;
	bool first = true;
	int err = 0;

	for (bool more = true; more && !err; first = false) {
		LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = w->flags);

		keys = keys ? keys : malloc(room * w->key_bytes);
		values = values ? values : malloc(room * w->value_bytes);
		if (!keys || !values) {
			err = -ENOMEM;
			break;
		}
		n = room;
		if (bpf_map_lookup_batch(w->fd, first ? NULL : &in, &out_token, keys, values, &n,
					 &opts)) {
			if (errno == ENOSPC && room < 65536) {
				room *= 4;
				free(keys);
				free(values);
				keys = values = NULL;
				continue;
			}
			more = false;
			if (errno != ENOENT) {
				err = -errno;
				break;
			}
		}
		for (__u32 i = 0; i < n && !err; i++)
			err = w->fn(keys + i * w->key_bytes, values + i * w->value_bytes, w->data);
		in = out_token;
	}
	free(keys);
	free(values);
	return err;
}

/* Key by key, for tries, which know no batches; they are short. */
static int walk_keys(const struct walk *w)
{
	char key[64], next[64], value[64];
	const void *from = NULL;
	int err = 0;

	while (!err) {
		if (bpf_map_get_next_key(w->fd, from, next))
			return errno == ENOENT ? 0 : -errno; /* a trie may have no memory for it */
		memcpy(key, next, w->key_bytes);
		from = key;
		if (bpf_map_lookup_elem(w->fd, key, value) == 0)
			err = w->fn(key, value, w->data);
	}
	return err;
}

struct typed {
	union {
		xdp_source_fn *source;
		xdp_block_fn *block;
		xdp_port_fn *port;
		xdp_allow_fn *allow;
		xdp_deny_fn *deny;
	} fn;
	void *data;
	const struct xdp *xdp;	/* blocks only, as the next */
	struct xdp_recent recent;
};

static int on_bucket(const void *key, const void *value, void *data)
{
	const struct ps_bucket *bucket = value;
	const struct typed *t = data;
	int err = 0;

	(void)key;
	for (int w = 0; w < PS_WAYS && !err; w++)
		if (bucket->tag[w])
			err = t->fn.source(&bucket->way[w], t->data);
	return err;
}

static int on_block(const void *key, const void *value, void *data)
{
	struct typed *t = data;
	struct ps_block block = *(const struct ps_block *)value;
	int err = xdp_recent_add(t->xdp, &t->recent, key, &block);

	return err ? err : t->fn.block(key, &block, t->data);
}

static int on_port(const void *key, const void *value, void *data)
{
	const struct typed *t = data;

	return t->fn.port(key, *(const __u64 *)value, t->data);
}

static void to_prefix(const struct ps_prefix *key, struct prefix *out)
{
	memcpy(&out->addr, key->addr, sizeof(out->addr));
	out->bits = key->bits;
}

static int on_allow(const void *key, const void *value, void *data)
{
	const struct typed *t = data;
	struct prefix prefix;

	to_prefix(key, &prefix);
	return t->fn.allow(&prefix, value, t->data);
}

static int on_deny(const void *key, const void *value, void *data)
{
	const struct typed *t = data;
	struct prefix prefix;

	to_prefix(key, &prefix);
	return t->fn.deny(&prefix, value, t->data);
}

int xdp_each_source(const struct xdp *xdp, xdp_source_fn *fn, void *data)
{
	struct typed t = { .fn.source = fn, .data = data };

	return walk_batches(&(struct walk){ xdp->fd[XDP_MAP_BUCKETS], sizeof(__u32),
					    sizeof(struct ps_bucket), BPF_F_LOCK, on_bucket, &t });
}

int xdp_each_block(const struct xdp *xdp, xdp_block_fn *fn, void *data)
{
	struct typed t = { .fn.block = fn, .data = data, .xdp = xdp };
	int err = walk_batches(&(struct walk){ xdp->fd[XDP_MAP_BLOCKS], sizeof(union ps_addr),
					       sizeof(struct ps_block), 0, on_block, &t });

	xdp_recent_free(&t.recent);
	return err;
}

int xdp_each_port(const struct xdp *xdp, xdp_port_fn *fn, void *data)
{
	struct typed t = { .fn.port = fn, .data = data };

	return walk_batches(&(struct walk){ xdp->fd[XDP_MAP_PORTS], sizeof(struct ps_port_key),
					    sizeof(__u64), 0, on_port, &t });
}

int xdp_each_allow(const struct xdp *xdp, xdp_allow_fn *fn, void *data)
{
	struct typed t = { .fn.allow = fn, .data = data };

	return walk_keys(&(struct walk){ xdp->fd[XDP_MAP_ALLOW], sizeof(struct ps_prefix),
					 sizeof(struct ps_allow), 0, on_allow, &t });
}

int xdp_each_deny(const struct xdp *xdp, xdp_deny_fn *fn, void *data)
{
	struct typed t = { .fn.deny = fn, .data = data };

	return walk_keys(&(struct walk){ xdp->fd[XDP_MAP_DENY], sizeof(struct ps_prefix),
					 sizeof(struct ps_deny), 0, on_deny, &t });
}

/* ---- single entries ---------------------------------------------------- */

struct wanted {
	const union ps_addr *addr;
	struct ps_source *out;
};

static int match_source(const struct ps_source *source, void *data)
{
	const struct wanted *want = data;

	if (!ps_addr_eq(&source->addr, want->addr))
		return 0;
	*want->out = *source;
	return 1;
}

int xdp_source_get(const struct xdp *xdp, const union ps_addr *addr, struct ps_source *out)
{
	struct wanted want = { addr, out };
	int err = xdp_each_source(xdp, match_source, &want);

	return err == 1 ? 0 : err ? err : -ENOENT;
}

/* ---- the configuration in place ------------------------------------------ */

struct ps_config *xdp_config_map(const struct xdp *xdp)
{
	void *cfg = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 xdp->fd[XDP_MAP_CONFIG], 0);

	return cfg == MAP_FAILED ? NULL : cfg;
}

void xdp_config_unmap(struct ps_config *cfg)
{
	munmap(cfg, (size_t)sysconf(_SC_PAGESIZE));
}

int xdp_edited(const struct xdp *xdp)
{
	struct ps_config *cfg = xdp_config_map(xdp);

	if (!cfg)
		return -errno;
	__atomic_fetch_add(&cfg->edits, 1, __ATOMIC_RELAXED);
	xdp_config_unmap(cfg);
	return 0;
}

int xdp_tracked_set(const struct xdp *xdp, const __u64 until_ns[2],
		    const __u64 untracked_until_ns[2])
{
	struct ps_config *cfg = xdp_config_map(xdp);

	if (!cfg)
		return -errno;
	for (int v6 = 0; v6 < 2; v6++)
		__atomic_store_n(&cfg->tracked_until_ns[v6], until_ns[v6], __ATOMIC_RELAXED);
	for (int v6 = 0; v6 < 2; v6++)
		__atomic_store_n(&cfg->untracked_until_ns[v6], untracked_until_ns[v6],
				 __ATOMIC_RELAXED);
	xdp_config_unmap(cfg);
	return 0;
}

int xdp_queue_bits_set(const struct xdp *xdp, __u8 bits)
{
	struct ps_config *cfg = xdp_config_map(xdp);

	if (!cfg)
		return -errno;
	__atomic_store_n(&cfg->queue_bits, bits, __ATOMIC_RELAXED);
	xdp_config_unmap(cfg);
	return 0;
}

int xdp_sample_set(const struct xdp *xdp, __u16 sample)
{
	struct ps_config *cfg = xdp_config_map(xdp);

	if (!cfg)
		return -errno;
	__atomic_store_n(&cfg->sample, sample, __ATOMIC_RELAXED);
	xdp_config_unmap(cfg);
	return 0;
}
