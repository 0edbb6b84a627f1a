/* SPDX-License-Identifier: GPL-2.0-only */
/* collect.h - the maps' sources and blocks as one struct summary, for `stats` and `attach`. */
#ifndef PSCAN_USER_COLLECT_H
#define PSCAN_USER_COLLECT_H

#include "summary.h"
#include "xdp_maps.h"

struct collected {
	struct summary summary;
	struct ps_config cfg;
	struct ps_counters counters;
};

/*
 * Reads everything there is to tell. @only: this source alone; NULL: all.
 * Return: 0 or a negative errno, with a line printed. Free with collect_free().
 */
int collect(const struct xdp *xdp, const union ps_addr *only, struct collected *out);
void collect_free(struct collected *c);

/* What to add to the program's clock to get time since the epoch. */
__s64 collect_wall_ns(void);

#endif
