/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * leaver.h - a second process that keeps the right to detach. Who leaves a
 * dispatcher loads another one in its place, and the loader cannot do that any
 * more when it has given up its privileges. This one gives up nothing, and does
 * nothing but wait for one byte: it sees no packet, no event and no file.
 */
#ifndef PSCAN_USER_LEAVER_H
#define PSCAN_USER_LEAVER_H

#include "xdp.h"

struct leaver {
	int fd;		/* to it; -1: there is none */
};

/*
 * Starts it, before privileges are given up. It ends with the caller, however
 * that ends, and leaves everything attached then.
 * 0, or negative errno with a line printed.
 */
int leaver_start(struct leaver *l, const struct xdp *xdp);

/* xdp_detach_all(), done by it; by the caller itself when there is none. */
int leaver_detach_all(struct leaver *l);

#endif
