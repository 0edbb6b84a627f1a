/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_join.h - attached as one of several, in a dispatcher: which interfaces
 * those are, joining, changing the program, leaving.
 *
 * The pin "join-IFINDEX" marks such an interface. It holds the map by which our
 * program is known among the others, and is there before the program and until
 * after it: whatever a killed loader leaves behind is found again.
 */
#ifndef PSCAN_USER_XDP_JOIN_H
#define PSCAN_USER_XDP_JOIN_H

#include "xdp.h"
#include "xdp_dispatch.h"

#define XDP_JOIN_PREFIX "join-"

/* Where an interface is marked. */
void xdp_join_pin(unsigned int ifindex, char out[128]);

/* Our program in the interface's dispatcher. -ENOENT when there is none. Silent. */
int xdp_join_read(unsigned int ifindex, struct xdp_dispatch *out);

/*
 * Puts the program into the interface's dispatcher, and takes out what was there
 * of ours. 0, or a negative errno with a line printed and nothing changed.
 */
int xdp_join(const struct xdp *xdp, unsigned int ifindex, const char *ifname,
	     enum xdp_mode mode);

/* Takes the program and the mark away. -ENOENT when there is no mark. Silent. */
int xdp_join_leave(unsigned int ifindex);

#endif
