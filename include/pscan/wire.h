/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * wire.h - headers as they lie on the wire, byte-exact.
 *
 * Own structs instead of the kernel's or libc's: those two families cannot be
 * included together, and their bit-fields depend on byte order. Every
 * multi-byte field is big-endian and says so in its type. Only parse.h reads
 * these, and only the scanner's probe builders write them.
 */
#ifndef PSCAN_WIRE_H
#define PSCAN_WIRE_H

#include "base.h"

struct ps_eth { /* IEEE 802.3 */
	__u8 dst[6];
	__u8 src[6];
	__be16 type;
} PS_PACKED;

struct ps_vlan { /* IEEE 802.1Q; the type in front of it was the tag's own */
	__be16 tci;
	__be16 type;
} PS_PACKED;

struct ps_ipv4 { /* RFC 791 */
	__u8 version_ihl;
	__u8 tos;
	__be16 total_bytes;
	__be16 id;
	__be16 frag;
	__u8 ttl;
	__u8 proto;
	__be16 check;
	__be32 src;
	__be32 dst;
} PS_PACKED;

struct ps_ipv6 { /* RFC 8200 section 3 */
	__be32 version_class_flow;
	__be16 payload_bytes;
	__u8 next;
	__u8 hop_limit;
	__u8 src[16];
	__u8 dst[16];
} PS_PACKED;

struct ps_ipv6_frag { /* RFC 8200 section 4.5 */
	__u8 next;
	__u8 reserved; /* in every other extension header: its length */
	__be16 offset_m;
	__be32 id;
} PS_PACKED;

struct ps_tcp { /* RFC 9293 section 3.1 */
	__be16 sport;
	__be16 dport;
	__be32 seq;
	__be32 ack;
	__u8 offset_res;
	__u8 flags;
	__be16 window;
	__be16 check;
	__be16 urgent;
} PS_PACKED;

struct ps_udp { /* RFC 768 */
	__be16 sport;
	__be16 dport;
	__be16 bytes;
	__be16 check;
} PS_PACKED;

struct ps_dns { /* RFC 1035 section 4.1.1 */
	__be16 id;
	__u8 flags[2];
	__be16 questions;
	__be16 answers;
	__be16 authorities;
	__be16 additional;
} PS_PACKED;

#define PS_DNS_PORT 53
#define PS_DNS_RESPONSE 0x80 /* QR, in the first byte of flags */

struct ps_icmp { /* RFC 792, RFC 4443: the part all messages share, and the word after it */
	__u8 type;
	__u8 code;
	__be16 check;
	__be32 rest;
} PS_PACKED;

/* EtherTypes (IEEE 802 Numbers, IANA). */
enum {
	PS_ETH_IPV4 = 0x0800,
	PS_ETH_ARP = 0x0806,
	PS_ETH_VLAN = 0x8100,
	PS_ETH_QINQ = 0x88a8,
	PS_ETH_IPV6 = 0x86dd,
};

/* Protocol numbers (IANA). */
enum {
	PS_IP_HOPOPTS = 0,
	PS_IP_ICMP = 1,
	PS_IP_TCP = 6,
	PS_IP_UDP = 17,
	PS_IP_ROUTING = 43,
	PS_IP_FRAGMENT = 44,
	PS_IP_AUTH = 51,
	PS_IP_ICMPV6 = 58,
	PS_IP_NONE = 59,
	PS_IP_DSTOPTS = 60,
};

/* ICMPv6 types of neighbour discovery, RFC 4861 sections 4.3 and 4.4. */
enum {
	PS_ICMPV6_SOLICIT = 135,
	PS_ICMPV6_ADVERT = 136,
};

/* IPv4 fragment word, RFC 791 section 3.1. */
#define PS_IPV4_MF 0x2000
#define PS_IPV4_OFFSET 0x1fff

/* TCP control bits, RFC 9293 section 3.1. */
enum {
	PS_TCP_FIN = 0x01,
	PS_TCP_SYN = 0x02,
	PS_TCP_RST = 0x04,
	PS_TCP_PSH = 0x08,
	PS_TCP_ACK = 0x10,
	PS_TCP_URG = 0x20,
	PS_TCP_ECE = 0x40,
	PS_TCP_CWR = 0x80,
};

_Static_assert(sizeof(struct ps_eth) == 14, "wire layout");
_Static_assert(sizeof(struct ps_vlan) == 4, "wire layout");
_Static_assert(sizeof(struct ps_ipv4) == 20, "wire layout");
_Static_assert(sizeof(struct ps_ipv6) == 40, "wire layout");
_Static_assert(sizeof(struct ps_ipv6_frag) == 8, "wire layout");
_Static_assert(sizeof(struct ps_tcp) == 20, "wire layout");
_Static_assert(sizeof(struct ps_udp) == 8, "wire layout");
_Static_assert(sizeof(struct ps_icmp) == 8, "wire layout");

#endif /* PSCAN_WIRE_H */
