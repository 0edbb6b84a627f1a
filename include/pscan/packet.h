/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * packet.h - what a frame turned out to be: the parser's output.
 *
 * Everything here is in host byte order except addresses, which stay in wire
 * order. A field is meaningful only when its comment's condition holds.
 */
#ifndef PSCAN_PACKET_H
#define PSCAN_PACKET_H

#include "base.h"

/* One address type for both families: IPv4 is held as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
union ps_addr {
	__u8 b[16];
	__be32 w[4];
	__u64 d[2];
};

/*
 * Parser results. Each is one counter that `status` shows. Undecidable means:
 * count the reason, score nothing, and pass the packet, unless it hides from the
 * parser what its target would find (ps_verdict_hidden()).
 */
enum ps_parse {
	PS_PARSE_OK,		/* TCP, UDP or ICMP with its fields filled */
	PS_PARSE_NOT_IP,	/* ARP, LLDP, ...: nothing for us */
	PS_PARSE_OTHER_PROTO,	/* IP, but neither TCP, UDP nor ICMP; addresses valid */
	PS_PARSE_FRAGMENT,	/* a later fragment: no ports in it; addresses valid */
	PS_PARSE_SHORT_ETH,	/* the frame ends inside the Ethernet or VLAN header */
	PS_PARSE_SHORT_IP,	/* ... inside the IP header or an extension header */
	PS_PARSE_SHORT_L4,	/* ... inside the TCP, UDP or ICMP header */
	PS_PARSE_BAD_IP,	/* version, header length or total length impossible */
	PS_PARSE_BAD_L4,	/* TCP data offset or UDP length impossible */
	PS_PARSE_VLAN_DEPTH,	/* more tags than PS_VLAN_MAX */
	PS_PARSE_EXT_DEPTH,	/* more extension headers than PS_EXT_MAX, or than the first
				 * fragment holds (RFC 7112); addresses valid */
	PS_PARSE_MAX
};

/* The result leaves src and dst valid, so the gate can judge the source. */
PS_INLINE bool ps_parse_has_addr(enum ps_parse res)
{
	return res == PS_PARSE_OK || res == PS_PARSE_OTHER_PROTO || res == PS_PARSE_FRAGMENT ||
	       res == PS_PARSE_EXT_DEPTH;
}

/* struct ps_packet.bits */
enum {
	PS_PKT_V4 = 0x01,
	PS_PKT_GROUP = 0x02,	/* sent to a group MAC, or a multicast or broadcast IP address */
	PS_PKT_FRAG = 0x04,	/* first fragment of several */
	PS_PKT_TINY = 0x08,	/* first fragment too short for the whole TCP header (RFC 1858):
				 * ports valid, flags not */
	PS_PKT_VLAN = 0x10,	/* at least one tag was stripped by the parser */
	PS_PKT_DNS = 0x20,	/* UDP from port 53 whose payload begins as a DNS response does */
};

struct ps_packet {
	union ps_addr src;	/* valid when ps_parse_has_addr() */
	union ps_addr dst;
	__u32 seq;		/* TCP */
	__u32 ack;		/* TCP; ICMP: the word after the checksum */
	__u16 sport;		/* TCP, UDP */
	__u16 dport;		/* TCP, UDP */
	__u16 window;		/* TCP */
	__u16 ip_id;		/* IPv4 */
	__u16 l4_off;		/* where the transport header starts, from the first byte parsed */
	__u16 payload_off;	/* where its payload starts; == l4_off when not PS_PARSE_OK */
	__u16 ip_off;		/* where the IP header starts */
	__u8 proto;		/* IANA number */
	__u8 flags;		/* TCP control bits as received */
	__u8 ttl;		/* TTL or hop limit */
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 bits;		/* PS_PKT_* */
};

PS_INLINE bool ps_addr_is_v4(const union ps_addr *a)
{
	return a->d[0] == 0 && a->w[2] == ps_htonl(0xffff);
}

PS_INLINE bool ps_addr_eq(const union ps_addr *a, const union ps_addr *b)
{
	return a->d[0] == b->d[0] && a->d[1] == b->d[1];
}

/*
 * A /64 is held as its address with the host half zero. No host has that one:
 * it is the routers' anycast address, which must not be a source (RFC 4291
 * section 2.6.1).
 */
PS_INLINE bool ps_addr_is_net(const union ps_addr *a)
{
	return a->d[1] == 0 && a->d[0] != 0;
}

PS_INLINE void ps_addr_net(union ps_addr *out, const union ps_addr *a)
{
	out->d[0] = a->d[0];
	out->d[1] = 0;
}

/*
 * A /64 that strangers share: fe80::/10 is everybody's on the link; behind
 * 64:ff9b::/96 and 64:ff9b:1::/48 are the hosts of IPv4 (RFC 6052, RFC 8215);
 * 2001::/32 names a Teredo server, all of whose clients are in it (RFC 4380).
 */
PS_INLINE bool ps_addr_shares_net(const union ps_addr *a)
{
	return (a->w[0] & ps_htonl(0xffc00000)) == ps_htonl(0xfe800000) ||
	       a->w[0] == ps_htonl(0x0064ff9b) || a->w[0] == ps_htonl(0x20010000);
}

/* Is the source one of the many addresses that whoever is given a /64 (RFC 6177)
 * can use at will? Not an IPv4 address. */
PS_INLINE bool ps_addr_has_net(const union ps_addr *a)
{
	return a->d[0] != 0 && a->d[1] != 0 && !ps_addr_shares_net(a);
}

/* 0.0.0.0 or ::, which a host that has no address yet sends from. To hold anything
 * against it would shut them all out: DHCP, duplicate address detection. */
PS_INLINE bool ps_addr_is_none(const union ps_addr *a)
{
	return a->d[0] == 0 && a->w[3] == 0;
}

PS_INLINE void ps_addr_from_v4(union ps_addr *out, __be32 v4)
{
	__u64 mapped = ps_htonl(0xffff);

	/* One store: what is written in halves a CPU cannot hand on to who reads all of it. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	mapped |= (__u64)v4 << 32;
#else
	mapped = mapped << 32 | v4;
#endif
	out->d[0] = 0;
	out->d[1] = mapped;
}

#endif /* PSCAN_PACKET_H */
