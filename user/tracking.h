/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tracking.h - may the program take it that a forwarded packet which no entry of
 * the connection table explains is a probe. Only while flows enter that table:
 * config.tracked_until_ns says until when, and is renewed here.
 *
 * After the hooks came in it takes a while until the flows that ran before are
 * in the table. What the table held when this began may be relied on at once.
 * While no hook enters anything and the table is empty, the program need not ask
 * it: config.untracked_until_ns. Flows that begin behind new hooks before the next
 * look are then explained by nothing, for a third of a lease.
 */
#ifndef PSCAN_USER_TRACKING_H
#define PSCAN_USER_TRACKING_H

#include "conntrack.h"
#include "xdp_maps.h"

/* Hooks that are new are believed after this. */
#define TRACKING_SETTLE_NS (10 * 1000000000ULL)
/* Holds for so long without being renewed: when the loader dies, nobody looks any more. */
#define TRACKING_LEASE_NS (10 * 1000000000ULL)

struct tracking {
	struct conntrack *ct;	/* NULL: there is none to ask */
	__u64 since_ns[2];	/* IPv4, IPv6: tracks since; 0: does not */
	bool believed[2];
};

/* @ct stays the caller's; NULL is fine. */
void tracking_init(struct tracking *t, struct conntrack *ct);

/* Looks and tells the program, at least every third of a lease. 0 or a negative errno; silent. */
int tracking_refresh(struct tracking *t, const struct xdp *xdp);

/* Did flows of that family enter the table at the latest look, settled or not. */
bool tracking_tracks(const struct tracking *t, bool v6);

#endif
