/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_lists.c - the operator's lists; see xdp_maps.h. What is on the list of blocks is
 * dropped, whoever else edits it and whoever is killed at it: the count that lets the
 * program skip the list is raised before an entry comes, and lowered after one went.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "near.h"
#include "xdp_maps.h"

/* A folder, since no other file of bpffs can be opened for its lock alone. */
#define LISTS_LOCK XDP_ROOT "/lists"
/* Who holds the lock for longer than this was stopped amid it. */
#define LOCK_WAIT_MS 5000
#define LOCK_POLL_MS 5

int xdp_lists_open(struct xdp *xdp)
{
	int err;

	if (mkdir(LISTS_LOCK, 0700) == 0 || errno == EEXIST)
		xdp->lists = open(LISTS_LOCK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (xdp->lists >= 0)
		return 0;
	err = -errno;
	log_error("cannot open %s: %s%s", LISTS_LOCK, strerror(-err),
		  err == -EACCES || err == -EPERM ? "; run as root" : "");
	return err;
}

int xdp_lists_lock(const struct xdp *xdp)
{
	for (int waited_ms = 0; xdp->lists >= 0 && flock(xdp->lists, LOCK_EX | LOCK_NB);
	     waited_ms += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (waited_ms >= LOCK_WAIT_MS)
			return -EBUSY;
		poll(NULL, 0, LOCK_POLL_MS);
	}
	return 0;
}

void xdp_lists_unlock(const struct xdp *xdp)
{
	if (xdp->lists >= 0)
		flock(xdp->lists, LOCK_UN);
}

/* ---- entries ------------------------------------------------------------- */

static struct ps_prefix to_key(const struct prefix *prefix)
{
	struct ps_prefix key = { .bits = prefix->bits };

	memcpy(key.addr, &prefix->addr, sizeof(key.addr));
	return key;
}

static int trie_add(int fd, const struct prefix *prefix, const void *value)
{
	struct ps_prefix key = to_key(prefix);

	return bpf_map_update_elem(fd, &key, value, BPF_ANY) ? -errno : 0;
}

static int trie_del(int fd, const struct prefix *prefix)
{
	struct ps_prefix key = to_key(prefix);

	return bpf_map_delete_elem(fd, &key) ? -errno : 0;
}

/* The program looks up only who is near an entry: its bits come before it does. */
int xdp_allow_add(const struct xdp *xdp, const struct prefix *prefix, const struct ps_allow *value)
{
	struct ps_config *cfg = xdp_config_map(xdp);

	if (!cfg)
		return -errno;
	near_add(cfg->allow_near, prefix);
	xdp_config_unmap(cfg);
	return trie_add(xdp->fd[XDP_MAP_ALLOW], prefix, value);
}

int xdp_allow_del(const struct xdp *xdp, const struct prefix *prefix)
{
	return trie_del(xdp->fd[XDP_MAP_ALLOW], prefix);
}

int xdp_allow_find(const struct xdp *xdp, const union ps_addr *addr, struct ps_allow *out)
{
	struct ps_prefix key = to_key(&(struct prefix){ *addr, 128 });

	if (bpf_map_lookup_elem(xdp->fd[XDP_MAP_ALLOW], &key, out))
		return -errno;
	return out->until_ns && out->until_ns <= xdp_now_ns() ? -ENOENT : 0;
}

/* Return: how many, or a negative errno. */
static int trie_entries(int fd)
{
	struct ps_prefix key, *from = NULL;
	int n = 0;

	for (; bpf_map_get_next_key(fd, from, &key) == 0; from = &key)
		n++;
	return errno == ENOENT ? n : -errno;
}

/* The program skips the look-up in a list that config says is empty. */
static int update_counts(const struct xdp *xdp)
{
	int deny = trie_entries(xdp->fd[XDP_MAP_DENY]), dst = trie_entries(xdp->fd[XDP_MAP_DST]);
	struct ps_config *cfg;

	if (deny < 0 || dst < 0)
		return deny < 0 ? deny : dst;
	cfg = xdp_config_map(xdp);
	if (!cfg)
		return -errno;
	__atomic_store_n(&cfg->deny_count, (__u32)deny, __ATOMIC_RELAXED);
	__atomic_store_n(&cfg->dst_count, (__u32)dst, __ATOMIC_RELAXED);
	__atomic_fetch_add(&cfg->edits, 1, __ATOMIC_RELAXED);
	xdp_config_unmap(cfg);
	return 0;
}

/* For an entry that is about to come. Too high, it costs a look-up; too low, the block. */
static int raise_deny_count(const struct xdp *xdp)
{
	struct ps_config *cfg = xdp_config_map(xdp);

	if (!cfg)
		return -errno;
	__atomic_fetch_add(&cfg->deny_count, 1, __ATOMIC_SEQ_CST);
	xdp_config_unmap(cfg);
	return 0;
}

int xdp_deny_add(const struct xdp *xdp, const struct prefix *prefix, const struct ps_deny *value)
{
	int err = raise_deny_count(xdp), counted;

	if (err)
		return err;
	err = trie_add(xdp->fd[XDP_MAP_DENY], prefix, value);
	counted = update_counts(xdp);
	return err ? err : counted;
}

int xdp_deny_del(const struct xdp *xdp, const struct prefix *prefix)
{
	int err = trie_del(xdp->fd[XDP_MAP_DENY], prefix);

	return err ? err : update_counts(xdp);
}

int xdp_dst_set(const struct xdp *xdp, const struct prefix *prefixes, unsigned int n)
{
	int fd = xdp->fd[XDP_MAP_DST], err = 0;
	struct ps_prefix key;

	while (bpf_map_get_next_key(fd, NULL, &key) == 0)
		if (bpf_map_delete_elem(fd, &key))
			return -errno;
	for (unsigned int i = 0; i < n && !err; i++)
		err = trie_add(fd, &prefixes[i], &(__u8){ 1 });
	return err ? err : update_counts(xdp);
}

/* ---- what ran out ---------------------------------------------------------- */

/* Collected first: removing entries under the walk would make it skip others. */
struct lapsed {
	struct prefix *prefix;
	size_t n, room;
	__u64 now_ns;
};

static int note_lapsed(struct lapsed *l, const struct prefix *prefix, __u64 until_ns)
{
	if (!until_ns || until_ns > l->now_ns)
		return 0;
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 16;
		struct prefix *more = realloc(l->prefix, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->prefix = more;
		l->room = room;
	}
	l->prefix[l->n++] = *prefix;
	return 0;
}

static int lapsed_allow(const struct prefix *prefix, const struct ps_allow *value, void *data)
{
	return note_lapsed(data, prefix, value->until_ns);
}

static int lapsed_deny(const struct prefix *prefix, const struct ps_deny *value, void *data)
{
	return note_lapsed(data, prefix, value->until_ns);
}

static int near_entry(const struct prefix *prefix, const struct ps_allow *value, void *data)
{
	(void)value;
	near_add(data, prefix);
	return 0;
}

int xdp_allow_refresh(const struct xdp *xdp)
{
	__u64 bits[PS_NEAR_WORDS] = { 0 };
	int err = xdp_each_allow(xdp, near_entry, bits);
	struct ps_config *cfg;

	if (err)
		return err;
	cfg = xdp_config_map(xdp);
	if (!cfg)
		return -errno;
	for (int i = 0; i < PS_NEAR_WORDS; i++)
		__atomic_store_n(&cfg->allow_near[i], bits[i], __ATOMIC_RELAXED);
	xdp_config_unmap(cfg);
	return 0;
}

int xdp_lists_expire(const struct xdp *xdp)
{
	struct lapsed allow = { .now_ns = xdp_now_ns() }, deny = allow;
	int err = xdp_each_allow(xdp, lapsed_allow, &allow);

	if (!err)
		err = xdp_each_deny(xdp, lapsed_deny, &deny);
	for (size_t i = 0; i < allow.n && !err; i++)
		err = xdp_allow_del(xdp, &allow.prefix[i]);
	for (size_t i = 0; i < deny.n && !err; i++)
		err = trie_del(xdp->fd[XDP_MAP_DENY], &deny.prefix[i]);
	if (deny.n && !err)
		err = update_counts(xdp);
	if (allow.n && !err)
		err = xdp_allow_refresh(xdp);
	free(allow.prefix);
	free(deny.prefix);
	return err;
}
