/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_recent.c - see xdp_recent.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include <pscan/table.h>

#include "xdp_maps.h"
#include "xdp_recent.h"

/* What the places are found by, and room for one. */
static int prepare(const struct xdp *xdp, struct xdp_recent *recent)
{
	struct ps_config cfg;
	int err;

	recent->cpus = libbpf_num_possible_cpus();
	if (recent->cpus < 0)
		return recent->cpus;
	recent->place = calloc((size_t)recent->cpus, sizeof(*recent->place));
	if (!recent->place)
		return -ENOMEM;
	err = xdp_config_get(xdp, &cfg);
	recent->key = cfg.flow_key[0];
	return err;
}

int xdp_recent_add(const struct xdp *xdp, struct xdp_recent *recent, const union ps_addr *addr,
		   struct ps_block *block)
{
	const struct ps_recent *r;
	__u32 index;
	int err = 0;

	if (!recent->place)
		err = prepare(xdp, recent);
	if (err)
		return err;
	index = ps_recent_index(recent->key, addr);
	if (bpf_map_lookup_elem(xdp->fd[XDP_MAP_RECENT], &index, recent->place))
		return -errno;
	r = recent->place;
	for (int cpu = 0; cpu < recent->cpus; cpu++, r++) {
		if (!ps_addr_eq(&r->addr, addr) || r->since_ns != block->since_ns)
			continue;
		block->packets += r->packets;
		block->bytes += r->bytes;
	}
	return 0;
}

void xdp_recent_free(struct xdp_recent *recent)
{
	free(recent->place);
	recent->place = NULL;
}
