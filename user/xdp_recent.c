/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_recent.c - see xdp_recent.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include <pscan/table.h>

#include "xdp_maps.h"
#include "xdp_recent.h"

#define PLACES (1U << PS_RECENT_BITS)

/* All places in one system call. */
static int read_places(const struct xdp *xdp, struct xdp_recent *recent)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 keys[PLACES], n = PLACES, token = 0;
	struct ps_config cfg;
	int err;

	recent->cpus = libbpf_num_possible_cpus();
	if (recent->cpus < 0)
		return recent->cpus;
	recent->place = calloc((size_t)recent->cpus * PLACES, sizeof(*recent->place));
	if (!recent->place)
		return -ENOMEM;
	err = xdp_config_get(xdp, &cfg);
	if (err)
		return err;
	recent->key = cfg.flow_key[0];
	if (bpf_map_lookup_batch(xdp->fd[XDP_MAP_RECENT], NULL, &token, keys, recent->place, &n,
				 &opts) && errno != ENOENT) /* ENOENT: that was all */
		return -errno;
	return 0;
}

int xdp_recent_add(const struct xdp *xdp, struct xdp_recent *recent, const union ps_addr *addr,
		   struct ps_block *block)
{
	const struct ps_recent *r;
	int err = 0;

	if (!recent->place)
		err = read_places(xdp, recent);
	if (err)
		return err;
	r = recent->place + (size_t)recent->cpus * ps_recent_index(recent->key, addr);
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
