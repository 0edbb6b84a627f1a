/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_locals.c - the set of own addresses; see xdp_maps.h. */
#include <bpf/bpf.h>
#include <errno.h>

#include "xdp_maps.h"

bool xdp_local_has(const struct xdp *xdp, const union ps_addr *addr)
{
	__u8 value;

	return bpf_map_lookup_elem(xdp->fd[XDP_MAP_LOCALS], addr, &value) == 0;
}

int xdp_locals_set(const struct xdp *xdp, const union ps_addr *addrs, unsigned int n)
{
	int fd = xdp->fd[XDP_MAP_LOCALS], err = 0;
	union ps_addr key, next, *from = NULL;

	for (unsigned int i = 0; i < n && !err; i++)
		if (bpf_map_update_elem(fd, &addrs[i], &(__u8){ 1 }, BPF_ANY) && errno != E2BIG)
			err = -errno; /* full: limits.h says what that means for the rest */
	while (!err && bpf_map_get_next_key(fd, from, &next) == 0) {
		unsigned int i = 0;

		key = next;
		from = &key;
		while (i < n && !ps_addr_eq(&addrs[i], &key))
			i++;
		if (i == n && bpf_map_delete_elem(fd, &key) == 0)
			from = NULL; /* the walk restarts: its place is gone */
	}
	return err;
}
