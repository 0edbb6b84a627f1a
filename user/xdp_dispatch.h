/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_dispatch.h - several XDP programs on one interface: libxdp's dispatcher
 * calls them one after the other, each as an extension (freplace) of its own.
 *
 * What runs is read where libxdp(3) says that it is pinned, which needs no more
 * than the right to open files there. Changes go through libxdp, which swaps
 * the dispatcher between two packets; they need what loading a program needs.
 * Decides nothing about whose place is where but our own: we come early.
 */
#ifndef PSCAN_USER_XDP_DISPATCH_H
#define PSCAN_USER_XDP_DISPATCH_H

#include <linux/types.h>
#include <stdbool.h>

struct bpf_object;

#define XDP_DISPATCH_NAME "xdp_dispatcher" /* the dispatcher's program is called so */
#define XDP_DISPATCH_SLOTS 10

enum xdp_dispatch_mode {
	XDP_DISPATCH_AUTO,	/* native where the driver has it, else generic */
	XDP_DISPATCH_NATIVE,
	XDP_DISPATCH_GENERIC,
};

/* What an interface's dispatcher runs. */
struct xdp_dispatch {
	__u32 id;			/* the dispatcher's own program */
	bool native;
	unsigned int programs;
	unsigned int n_ours;
	__u32 ours[XDP_DISPATCH_SLOTS];	/* ids, in the order in which they run */
	unsigned int place;		/* of ours[0], counted from 1 */
};

/*
 * @map_id  what tells our programs from others: they use this map. 0: none is ours
 * 0; -ENOENT when no dispatcher runs there whose programs are pinned here; or
 * another negative errno. Silent.
 */
int xdp_dispatch_read(unsigned int ifindex, __u32 map_id, struct xdp_dispatch *out);

/*
 * Loads the program @prog of @obj, which is not loaded yet, and puts it into
 * the interface's dispatcher, made when there is none, ahead of who runs later.
 * Nothing is changed when it fails, and a line was printed.
 */
int xdp_dispatch_add(struct bpf_object *obj, const char *prog, unsigned int ifindex,
		     const char *ifname, enum xdp_dispatch_mode mode);

/*
 * Takes the programs @d->ours out of the dispatcher; with the last program the
 * dispatcher goes. 0 also when they are gone already. Silent.
 */
int xdp_dispatch_drop(unsigned int ifindex, const struct xdp_dispatch *d);

#endif
