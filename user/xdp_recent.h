/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_recent.h - what each CPU dropped of a blocked source and enters in its
 * block only when it moves the deadline. Who reads a block adds it.
 */
#ifndef PSCAN_USER_XDP_RECENT_H
#define PSCAN_USER_XDP_RECENT_H

#include "xdp.h"

/* Begins all zero. */
struct xdp_recent {
	__u64 key;			/* of ps_recent_index() */
	struct ps_recent *place;	/* one place of every CPU */
	int cpus;
};

/*
 * Adds to @block, that of @addr as it was just read, what is still to be
 * entered in it. A packet may be missed that is entered meanwhile; none is
 * counted twice. 0 or a negative errno, silent.
 */
int xdp_recent_add(const struct xdp *xdp, struct xdp_recent *recent, const union ps_addr *addr,
		   struct ps_block *block);
void xdp_recent_free(struct xdp_recent *recent);

#endif
