/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard.h - the addresses that must never be blocked, found at run time: own
 * addresses, default gateways, resolvers in use, and the peer of the SSH
 * session that runs this. They are scored and reported like any other source.
 */
#ifndef PSCAN_USER_GUARD_H
#define PSCAN_USER_GUARD_H

#include <stdio.h>

#include "xdp_maps.h"

struct guard_entry {
	union ps_addr addr;
	enum ps_allow_kind kind;
};

#define GUARD_MAX (PS_LOCALS_MAX + 64)

struct guard {
	struct guard_entry entry[GUARD_MAX];
	unsigned int n;
	bool crowded;	/* more own addresses than fit: the others are left out */
};

/* Adds the name servers that a resolv.conf(5) lists. */
void guard_resolvers(struct guard *g, FILE *f);

/* Fills @g with what the system says now; what cannot be read is left out. */
void guard_collect(struct guard *g);

/*
 * Makes the program's lists agree with @g: own addresses, and the entries of
 * the allow list that were found (an operator's entries are left alone). The
 * caller holds the lists' lock.
 * Return: 0 or a negative errno; silent.
 */
int guard_apply(const struct xdp *xdp, const struct guard *g);

#endif
