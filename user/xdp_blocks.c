/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_blocks.c - automatic blocks, one by one; see xdp_maps.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xdp_maps.h"
#include "xdp_recent.h"

int xdp_block_get(const struct xdp *xdp, const union ps_addr *addr, struct ps_block *out)
{
	struct xdp_recent recent = { 0 };
	struct ps_block block;
	int err;

	if (bpf_map_lookup_elem(xdp->fd[XDP_MAP_BLOCKS], addr, &block))
		return -errno;
	err = xdp_recent_add(xdp, &recent, addr, &block);
	xdp_recent_free(&recent);
	if (!err)
		*out = block;
	return err;
}

int xdp_block_set(const struct xdp *xdp, const union ps_addr *addr, const struct ps_block *block)
{
	struct ps_block now, next = *block;

	if (bpf_map_lookup_elem(xdp->fd[XDP_MAP_BLOCKS], addr, &now))
		return -errno;
	next.packets = now.packets;
	next.bytes = now.bytes;
	return bpf_map_update_elem(xdp->fd[XDP_MAP_BLOCKS], addr, &next, BPF_EXIST) ? -errno : 0;
}

int xdp_block_add(const struct xdp *xdp, const union ps_addr *addr, const struct ps_block *block)
{
	return bpf_map_update_elem(xdp->fd[XDP_MAP_BLOCKS], addr, block, BPF_ANY) ? -errno : 0;
}

/* Places that an LRU map may hold back for each CPU (LOCAL_FREE_TARGET in the kernel's
 * bpf_lru_list.c) while others are evicted. */
#define LRU_SPARE 128

size_t xdp_blocks_room(void)
{
	int cpus = libbpf_num_possible_cpus();

	return PS_BLOCKS_MAX - LRU_SPARE * (size_t)(cpus > 0 ? cpus : 1);
}

void xdp_offender_get(const struct xdp *xdp, const union ps_addr *addr, struct ps_offender *out)
{
	if (bpf_map_lookup_elem(xdp->fd[XDP_MAP_OFFENDERS], addr, out))
		memset(out, 0, sizeof(*out));
}

int xdp_offender_set(const struct xdp *xdp, const union ps_addr *addr,
		     const struct ps_offender *offender)
{
	return bpf_map_update_elem(xdp->fd[XDP_MAP_OFFENDERS], addr, offender, BPF_ANY) ? -errno :
											   0;
}

int xdp_block_del(const struct xdp *xdp, const union ps_addr *addr)
{
	if (bpf_map_delete_elem(xdp->fd[XDP_MAP_BLOCKS], addr))
		return -errno;
	return xdp_edited(xdp);
}

int xdp_block_expire(const struct xdp *xdp, const union ps_addr *addr, __u64 now_ns)
{
	int fd = xdp->fd[XDP_MAP_BLOCKS];
	struct ps_block block;

	/* Nothing can be removed on a condition, but what was removed can be told. */
	if (bpf_map_lookup_and_delete_elem(fd, addr, &block))
		return -errno;
	if (block.until_ns > now_ns && bpf_map_update_elem(fd, addr, &block, BPF_NOEXIST) &&
	    errno != EEXIST)
		return -errno;
	return xdp_edited(xdp);
}

/* Collected first: removing entries under the walk would make it skip others. */
struct inside {
	const struct prefix *within;
	union ps_addr *addr;
	size_t n, room;
};

static int collect_inside(const union ps_addr *addr, const struct ps_block *block, void *data)
{
	struct inside *list = data;

	(void)block;
	if (list->within && !prefix_covers(list->within, addr))
		return 0;
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		union ps_addr *more = realloc(list->addr, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		list->addr = more;
		list->room = room;
	}
	list->addr[list->n++] = *addr;
	return 0;
}

int xdp_blocks_lift(const struct xdp *xdp, const struct prefix *within)
{
	struct inside list = { .within = within };
	int err = xdp_each_block(xdp, collect_inside, &list), lifted = 0;

	for (size_t i = 0; i < list.n && !err; i++)
		lifted += xdp_block_del(xdp, &list.addr[i]) == 0;
	free(list.addr);
	return err ? err : lifted;
}
