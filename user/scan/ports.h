/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ports.h - which ports are scanned, as sets; and what a port is called.
 */
#ifndef PSCAN_SCAN_PORTS_H
#define PSCAN_SCAN_PORTS_H

#include <linux/types.h>
#include <stdbool.h>

struct port_set {
	__u64 bits[65536 / 64];
};

struct ports {
	struct port_set tcp;
	struct port_set udp;
};

static inline bool port_set_has(const struct port_set *set, unsigned int port)
{
	return set->bits[port / 64] >> (port % 64) & 1;
}

static inline void port_set_add(struct port_set *set, unsigned int port)
{
	set->bits[port / 64] |= 1ULL << (port % 64);
}

unsigned int port_set_count(const struct port_set *set);

/*
 * "22,80,1000-2000,http,T:25,U:53,-": numbers, ranges with open ends, service
 * names; T: and U: hold until the next prefix, without one both protocols are
 * meant. Adds to @ports. -EINVAL after printing a line.
 */
int ports_parse(struct ports *ports, const char *text);

/* The @n likeliest ports of each protocol, from the list in top_ports.c. -EINVAL with a line. */
int ports_top(struct ports *ports, const char *text);

/* Name in the system's service list, or "" when it has none. */
const char *ports_service(unsigned int port, bool udp);

/* Likeliest first; *n is how many. */
const __u16 *top_ports_tcp(unsigned int *n);
const __u16 *top_ports_udp(unsigned int *n);

#endif
