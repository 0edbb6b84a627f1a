/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * link.h - frames with the link headers that captures have and interfaces do
 * not: cooked, loopback, none at all. Reads the link header and hands over to
 * parse.h. Layouts: tcpdump.org/linktypes.html.
 */
#ifndef PSCAN_LINK_H
#define PSCAN_LINK_H

#include "parse.h"

enum ps_link {
	PS_LINK_ETH,	/* DLT_EN10MB */
	PS_LINK_IP,	/* DLT_RAW and its relatives: starts with the IP header */
	PS_LINK_SLL,	/* DLT_LINUX_SLL: any device, Linux cooked v1 */
	PS_LINK_SLL2,	/* DLT_LINUX_SLL2: Linux cooked v2 */
	PS_LINK_NULL,	/* DLT_NULL, DLT_LOOP: an address family in either byte order */
};

struct ps_sll {
	__be16 packet_type;
	__be16 arphrd;
	__be16 addr_bytes;
	__u8 addr[8];
	__be16 protocol;
} PS_PACKED;

struct ps_sll2 {
	__be16 protocol;
	__be16 reserved;
	__be32 ifindex;
	__be16 arphrd;
	__u8 packet_type;
	__u8 addr_bytes;
	__u8 addr[8];
} PS_PACKED;

_Static_assert(sizeof(struct ps_sll) == 16, "wire layout");
_Static_assert(sizeof(struct ps_sll2) == 20, "wire layout");

/* Packet types of cooked captures that were sent to a group. */
#define PS_SLL_BROADCAST 1
#define PS_SLL_MULTICAST 2

PS_INLINE void ps_link_group(__u32 packet_type, struct ps_packet *p)
{
	if (packet_type == PS_SLL_BROADCAST || packet_type == PS_SLL_MULTICAST)
		p->bits |= PS_PKT_GROUP;
}

PS_INLINE enum ps_parse ps_parse_sll(const void *data, const void *end, struct ps_packet *p)
{
	const struct ps_sll *sll = data;

	ps_memset(p, 0, sizeof(*p));
	if ((const void *)(sll + 1) > end)
		return PS_PARSE_SHORT_ETH;
	ps_link_group(ps_ntohs(sll->packet_type), p);
	return ps_parse_type(data, end, sizeof(*sll), ps_ntohs(sll->protocol), p);
}

PS_INLINE enum ps_parse ps_parse_sll2(const void *data, const void *end, struct ps_packet *p)
{
	const struct ps_sll2 *sll = data;

	ps_memset(p, 0, sizeof(*p));
	if ((const void *)(sll + 1) > end)
		return PS_PARSE_SHORT_ETH;
	ps_link_group(sll->packet_type, p);
	return ps_parse_type(data, end, sizeof(*sll), ps_ntohs(sll->protocol), p);
}

/* The family's number differs between systems (IPv6: 10, 24, 28, 30) and its
 * byte order with the machine; the IP version behind it does not. */
PS_INLINE enum ps_parse ps_parse_null(const void *data, const void *end, struct ps_packet *p)
{
	const __u32 bytes = 4;
	__u16 type;

	ps_memset(p, 0, sizeof(*p));
	if (data + bytes > end)
		return PS_PARSE_SHORT_ETH;
	type = ps_ip_ethertype(data + bytes, end);
	return type ? ps_parse_l3(data, end, bytes, type, p) : PS_PARSE_NOT_IP;
}

/* A frame of any link type. @p out; zeroed here. */
PS_INLINE enum ps_parse ps_parse_link(enum ps_link link, const void *data, const void *end,
				      struct ps_packet *p)
{
	switch (link) {
	case PS_LINK_IP:
		return ps_parse_ip(data, end, p);
	case PS_LINK_SLL:
		return ps_parse_sll(data, end, p);
	case PS_LINK_SLL2:
		return ps_parse_sll2(data, end, p);
	case PS_LINK_NULL:
		return ps_parse_null(data, end, p);
	case PS_LINK_ETH:
		break;
	}
	if (!ps_parse_plain(data, end, p))
		return ps_parse_eth(data, end, p);
	ps_parse_plain_rest(data, end, p);
	return PS_PARSE_OK;
}

#endif /* PSCAN_LINK_H */
