/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conntrack.h - the kernel's table of connections, asked over netlink: what
 * became of a flow that no socket of this host knows, and do flows enter the
 * table at all. Silent; answers need CAP_NET_ADMIN, at each question.
 */
#ifndef PSCAN_USER_CONNTRACK_H
#define PSCAN_USER_CONNTRACK_H

#include <pscan/packet.h>

struct conntrack;

enum conntrack_flow {
	CONNTRACK_NONE,		/* not in the table: refused, never let through, or long over */
	CONNTRACK_UNANSWERED,
	CONNTRACK_ANSWERED,
};

struct conntrack_query {
	union ps_addr src;
	union ps_addr dst;
	__u16 sport;
	__u16 dport;
	__u8 proto;
	enum conntrack_flow flow; /* out */
};

/*
 * Opens all it will ever need, so that it goes on working after privileges other
 * than CAP_NET_ADMIN were dropped. 0 or a negative errno; a kernel without
 * conntrack fails here or answers every question with -EOPNOTSUPP or the like.
 */
int conntrack_open(struct conntrack **out);
void conntrack_close(struct conntrack *ct); /* NULL is fine */

/* Fills the queries' answers. A TCP flow whose only answer was a RST is not in the table. */
int conntrack_find(struct conntrack *ct, struct conntrack_query *queries, size_t n);

/*
 * Is a datagram that this host sends to itself entered? The hooks are there only
 * while a rule of this network namespace needs them, and no file says so.
 * @v6  the family; 1 or 0, or a negative errno when nobody can tell
 */
int conntrack_tracks(struct conntrack *ct, bool v6);

/* Entries of this network namespace; a negative errno where the kernel does not say. */
long conntrack_entries(const struct conntrack *ct);

#endif
