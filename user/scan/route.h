/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * route.h - how a target is reached: interface, source address, next hop and
 * its hardware address, as the kernel would choose them (rtnetlink).
 */
#ifndef PSCAN_SCAN_ROUTE_H
#define PSCAN_SCAN_ROUTE_H

#include <net/if.h>

#include <pscan/packet.h>

struct route {
	bool unreachable; /* the kernel has no route */
	bool ether;       /* the link has hardware addresses; otherwise send IP packets */
	bool on_link;     /* the target itself is the next hop */
	bool mac_known;   /* of the gateway */
	int ifindex;
	char dev[IF_NAMESIZE];
	union ps_addr source;
	union ps_addr gateway;
	__u8 mac_own[6];
	__u8 mac[6]; /* of the gateway */
};

struct router;

/* What the user fixed. */
struct route_choice {
	int ifindex; /* 0: any */
	bool source_set;
	union ps_addr source;
};

/*
 * Reads the routing tables once, only to learn between which addresses the
 * answer can change; each such interval is asked of the kernel when first
 * needed. Negative errno after a line.
 */
int router_open(struct router **out, const struct route_choice *choice);
void router_close(struct router *router);

/* The route to @addr; owned by the router and changeable (mac_known, mac). NULL: no memory. */
struct route *router_find(struct router *router, const union ps_addr *addr);

/* Hardware address the kernel holds for a neighbour. False when it holds none. */
bool router_neighbour(struct router *router, int ifindex, const union ps_addr *addr, __u8 mac[6]);

/* The route of the first address after @addr whose route may differ; false when there is none. */
bool router_next_interval(const struct router *router, union ps_addr *addr);

#endif
