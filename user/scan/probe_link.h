/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe_link.h - ARP and Neighbour Discovery messages to and from bytes.
 */
#ifndef PSCAN_SCAN_PROBE_LINK_H
#define PSCAN_SCAN_PROBE_LINK_H

#include "scan/probe.h"

/* "Who has @target": the message behind the Ethernet header. Returns its length. */
size_t link_arp_request(const __u8 mac[6], const union ps_addr *source, const union ps_addr *target,
			__u8 *out);

/* True when @data..@end is an ARP reply; who sent it and from which hardware address. */
bool link_arp_reply(const __u8 *data, const __u8 *end, union ps_addr *addr, __u8 mac[6]);

/* Where a solicitation for @target is sent (RFC 4291 section 2.7.1, RFC 2464 section 7). */
void link_nd_group(const union ps_addr *target, union ps_addr *group, __u8 mac[6]);

/* ICMPv6 message with checksum zero. Returns its length. */
size_t link_nd_solicit(const __u8 mac[6], const union ps_addr *target, __u8 *out);

/* True when the packet is a Neighbour Advertisement that tells a hardware address. */
bool link_nd_advert(const struct ps_packet *packet, const __u8 *payload, const __u8 *end,
		    union ps_addr *addr, __u8 mac[6]);

#endif
