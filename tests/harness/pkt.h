/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pkt.h - frames for tests, written as stacked layers:
 *
 *	struct pkt p = PKT(ETH(), VLAN(.id = 7), IPV4(.src = A4(198, 51, 100, 9)),
 *			   TCP(.dport = 22, .flags = PS_TCP_FIN), DATA(100));
 *
 * A layer's fields have the defaults written in its macro below. What follows
 * from the layers around it (EtherType, next protocol, lengths, checksums) is
 * filled in; to get it wrong on purpose, write over p.data afterwards, or cut
 * the frame with pkt_cut(). All addresses are for documentation. Must not call
 * the code under test: this file writes what parse.h reads.
 */
#ifndef PSCAN_TESTS_PKT_H
#define PSCAN_TESTS_PKT_H

#include <stdlib.h>
#include <string.h>

#include <pscan/packet.h>
#include <pscan/wire.h>

/* Defaults are there to be overridden; those that are computed have no side effects to lose. */
#pragma GCC diagnostic ignored "-Woverride-init"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Woverride-init-side-effects"
#endif

#define PKT_BYTES_MAX 2048
#define PKT_LAYERS_MAX 40

enum pkt_kind { PKT_END, PKT_ETH, PKT_VLAN, PKT_IPV4, PKT_IPV6, PKT_EXT, PKT_TCP, PKT_UDP,
		PKT_ICMP, PKT_DATA };

struct pkt_layer {
	enum pkt_kind kind;
	union {
		struct { __u8 dst[6], src[6]; __u16 type; } eth;
		struct { __u16 tpid, id; } vlan;
		struct { __be32 src, dst; __u8 proto, ttl; __u16 id, frag, option_bytes; } ipv4;
		struct { union ps_addr src, dst; __u8 next, hops; } ipv6;
		/* len8 is the header's own length field; a fragment header's is reserved */
		struct { __u8 type, next, len8; __u16 offset_m; } ext;
		struct { __u16 sport, dport, window, option_bytes; __u32 seq, ack; __u8 flags; } tcp;
		struct { __u16 sport, dport; } udp;
		struct { __u8 type, code; __u32 rest; } icmp;
		struct { __u16 bytes; } data;
	};
};

struct pkt {
	__u32 bytes;
	__u32 l3;		/* where the IP header starts */
	__u32 l4;		/* where the transport header starts; 0: there is none */
	__u8 data[PKT_BYTES_MAX];
};

/* Addresses: A4(a, b, c, d) is a __be32, A6(host) is 2001:db8::host. */
#define A4(a, b, c, d) ps_htonl((__u32)(a) << 24 | (__u32)(b) << 16 | (__u32)(c) << 8 | (__u32)(d))
#define A6(host) ((union ps_addr){ .b = { 0x20, 0x01, 0x0d, 0xb8, [12] = (__u8)((host) >> 24), \
	(__u8)((host) >> 16), (__u8)((host) >> 8), (__u8)(host) } })

#define PKT_SRC4 A4(198, 51, 100, 7)
#define PKT_DST4 A4(203, 0, 113, 5)
#define PKT_SRC6 A6(0x5c07)
#define PKT_DST6 A6(0x7a05)

/* Unicast MACs, locally administered; the EtherType follows from the next layer unless given. */
#define ETH(...) { .kind = PKT_ETH, .eth = { .dst = { 2, 0, 0, 0, 0, 2 }, \
	.src = { 2, 0, 0, 0, 0, 1 }, .type = 0, __VA_ARGS__ } }
#define VLAN(...) { .kind = PKT_VLAN, .vlan = { .tpid = PS_ETH_VLAN, .id = 7, __VA_ARGS__ } }
/* Options are no-operations; .option_bytes is a multiple of 4. */
#define IPV4(...) { .kind = PKT_IPV4, .ipv4 = { .src = PKT_SRC4, .dst = PKT_DST4, .ttl = 64, \
	.id = 1, .proto = 0, .frag = 0, .option_bytes = 0, __VA_ARGS__ } }
#define IPV6(...) { .kind = PKT_IPV6, .ipv6 = { .src = PKT_SRC6, .dst = PKT_DST6, .hops = 64, \
	.next = 0, __VA_ARGS__ } }
/* One extension header, the shortest there is. */
#define EXT(...) { .kind = PKT_EXT, .ext = { .type = PS_IP_DSTOPTS, .next = 0, .len8 = 0, \
	.offset_m = 0, __VA_ARGS__ } }
#define TCP(...) { .kind = PKT_TCP, .tcp = { .sport = 40000, .dport = 80, .flags = PS_TCP_SYN, \
	.seq = 1000, .ack = 0, .window = 1024, .option_bytes = 0, __VA_ARGS__ } }
#define UDP(...) { .kind = PKT_UDP, .udp = { .sport = 40000, .dport = 53, __VA_ARGS__ } }
/* An echo request of either family. */
#define ICMP(...) { .kind = PKT_ICMP, .icmp = { .type = 8, .code = 0, .rest = 1, __VA_ARGS__ } }
#define DATA(n) { .kind = PKT_DATA, .data = { .bytes = (n) } }

#define PKT(...) pkt_build((const struct pkt_layer[]){ __VA_ARGS__, { .kind = PKT_END } })

/* ---- building, from the frame's start to its end ---------------------------- */

static inline void pkt_put16(__u8 *at, __u16 v)
{
	at[0] = (__u8)(v >> 8);
	at[1] = (__u8)v;
}

static inline void pkt_put32(__u8 *at, __u32 v)
{
	pkt_put16(at, (__u16)(v >> 16));
	pkt_put16(at + 2, (__u16)v);
}

/* What an Ethernet header or tag in front of @next says. */
static inline __u16 pkt_ethertype(const struct pkt_layer *next)
{
	if (next->kind == PKT_VLAN)
		return next->vlan.tpid;
	return next->kind == PKT_IPV6 ? PS_ETH_IPV6 : PS_ETH_IPV4;
}

/* What an IP or extension header in front of @next says. */
static inline __u8 pkt_proto(const struct pkt_layer *next, bool v6)
{
	switch (next->kind) {
	case PKT_EXT:
		return next->ext.type;
	case PKT_TCP:
		return PS_IP_TCP;
	case PKT_UDP:
		return PS_IP_UDP;
	case PKT_ICMP:
		return v6 ? PS_IP_ICMPV6 : PS_IP_ICMP;
	default:
		return PS_IP_NONE;
	}
}

static inline void pkt_put_ip(struct pkt *p, const struct pkt_layer *l)
{
	__u8 *at = p->data + p->bytes;

	p->l3 = p->bytes;
	if (l->kind == PKT_IPV6) {
		at[0] = 0x60;
		at[6] = l->ipv6.next ? l->ipv6.next : pkt_proto(l + 1, true);
		at[7] = l->ipv6.hops;
		memcpy(at + 8, &l->ipv6.src, 16);
		memcpy(at + 24, &l->ipv6.dst, 16);
		p->bytes += sizeof(struct ps_ipv6);
		return;
	}
	at[0] = (__u8)(0x45 + l->ipv4.option_bytes / 4);
	pkt_put16(at + 4, l->ipv4.id);
	pkt_put16(at + 6, l->ipv4.frag);
	at[8] = l->ipv4.ttl;
	at[9] = l->ipv4.proto ? l->ipv4.proto : pkt_proto(l + 1, false);
	memcpy(at + 12, &l->ipv4.src, 4);
	memcpy(at + 16, &l->ipv4.dst, 4);
	memset(at + 20, 1, l->ipv4.option_bytes);
	p->bytes += (__u32)sizeof(struct ps_ipv4) + l->ipv4.option_bytes;
}

static inline void pkt_put_ext(struct pkt *p, const struct pkt_layer *l)
{
	__u8 *at = p->data + p->bytes;

	at[0] = l->ext.next ? l->ext.next : pkt_proto(l + 1, true);
	at[1] = l->ext.len8;
	if (l->ext.type == PS_IP_FRAGMENT) {
		pkt_put16(at + 2, l->ext.offset_m);
		pkt_put32(at + 4, 0x5eed);
		p->bytes += 8;
	} else if (l->ext.type == PS_IP_AUTH) {
		p->bytes += (l->ext.len8 + 2U) * 4;
	} else {
		at[2] = 1; /* PadN over the rest */
		at[3] = (__u8)(l->ext.len8 * 8 + 4);
		p->bytes += (l->ext.len8 + 1U) * 8;
	}
}

static inline void pkt_put_l4(struct pkt *p, const struct pkt_layer *l)
{
	__u8 *at = p->data + p->bytes;

	p->l4 = p->bytes;
	if (l->kind == PKT_ICMP) {
		at[0] = l->icmp.type;
		at[1] = l->icmp.code;
		pkt_put32(at + 4, l->icmp.rest);
		p->bytes += sizeof(struct ps_icmp);
		return;
	}
	pkt_put16(at, l->kind == PKT_TCP ? l->tcp.sport : l->udp.sport);
	pkt_put16(at + 2, l->kind == PKT_TCP ? l->tcp.dport : l->udp.dport);
	if (l->kind == PKT_UDP) {
		p->bytes += sizeof(struct ps_udp);
		return;
	}
	pkt_put32(at + 4, l->tcp.seq);
	pkt_put32(at + 8, l->tcp.ack);
	at[12] = (__u8)((5 + l->tcp.option_bytes / 4) << 4);
	at[13] = l->tcp.flags;
	pkt_put16(at + 14, l->tcp.window);
	memset(at + 20, 1, l->tcp.option_bytes);
	p->bytes += (__u32)sizeof(struct ps_tcp) + l->tcp.option_bytes;
}

static inline void pkt_put(struct pkt *p, const struct pkt_layer *l)
{
	__u8 *at = p->data + p->bytes;

	switch (l->kind) {
	case PKT_ETH:
		memcpy(at, l->eth.dst, 6);
		memcpy(at + 6, l->eth.src, 6);
		pkt_put16(at + 12, l->eth.type ? l->eth.type : pkt_ethertype(l + 1));
		p->bytes += sizeof(struct ps_eth);
		break;
	case PKT_VLAN:
		pkt_put16(at, l->vlan.id);
		pkt_put16(at + 2, pkt_ethertype(l + 1));
		p->bytes += sizeof(struct ps_vlan);
		break;
	case PKT_IPV4:
	case PKT_IPV6:
		pkt_put_ip(p, l);
		break;
	case PKT_EXT:
		pkt_put_ext(p, l);
		break;
	case PKT_DATA:
		memset(at, 0xda, l->data.bytes);
		p->bytes += l->data.bytes;
		break;
	default:
		pkt_put_l4(p, l);
	}
}

/* ---- lengths and checksums, once everything lies where it belongs ------------- */

/* RFC 1071, not yet complemented. */
static inline __u32 pkt_sum(const __u8 *at, __u32 bytes, __u32 sum)
{
	for (__u32 i = 0; i + 1 < bytes; i += 2)
		sum += (__u32)at[i] << 8 | at[i + 1];
	if (bytes & 1)
		sum += (__u32)at[bytes - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline void pkt_check_l4(struct pkt *p, __u8 proto, bool v6)
{
	__u32 bytes = p->bytes - p->l4, at = proto == PS_IP_TCP ? 16 : proto == PS_IP_UDP ? 6 : 2;
	__u8 *l4 = p->data + p->l4, *ip = p->data + p->l3;
	__u32 sum = 0;

	if (at + 2 > bytes)
		return;
	pkt_put16(l4 + at, 0);
	if (proto != PS_IP_ICMP) /* the pseudo header of RFC 9293 and RFC 8200 */
		sum = pkt_sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, proto + bytes);
	sum = ~pkt_sum(l4, bytes, sum) & 0xffff;
	pkt_put16(l4 + at, (__u16)(sum || proto != PS_IP_UDP ? sum : 0xffff));
}

/* Makes every length and checksum agree with the frame's size. */
static inline void pkt_finish(struct pkt *p, __u8 proto)
{
	__u8 *ip = p->data + p->l3;
	bool v6 = ip[0] >> 4 == 6;

	if (!p->l3)
		return;
	if (v6) {
		pkt_put16(ip + 4, (__u16)(p->bytes - p->l3 - sizeof(struct ps_ipv6)));
	} else {
		pkt_put16(ip + 2, (__u16)(p->bytes - p->l3));
		pkt_put16(ip + 10, 0);
		pkt_put16(ip + 10, (__u16)~pkt_sum(ip, (ip[0] & 0xf) * 4U, 0));
	}
	if (!p->l4)
		return;
	if (proto == PS_IP_UDP)
		pkt_put16(p->data + p->l4 + 4, (__u16)(p->bytes - p->l4));
	pkt_check_l4(p, proto, v6);
}

static inline struct pkt pkt_build(const struct pkt_layer *layers)
{
	struct pkt p;
	__u8 proto = 0;

	memset(&p, 0, sizeof(p));
	for (const struct pkt_layer *l = layers; l->kind != PKT_END; l++) {
		if (l - layers >= PKT_LAYERS_MAX)
			abort();
		pkt_put(&p, l);
		if (p.bytes > PKT_BYTES_MAX - 256)
			abort();
		if (l->kind >= PKT_TCP && l->kind <= PKT_ICMP)
			proto = pkt_proto(l, p.data[p.l3] >> 4 == 6);
	}
	pkt_finish(&p, proto);
	return p;
}

/* ---- changing what was built ----------------------------------------------- */

/* The frame ends after @bytes, whatever its headers claim: a truncated one. */
static inline struct pkt pkt_cut(struct pkt p, __u32 bytes)
{
	p.bytes = bytes < p.bytes ? bytes : p.bytes;
	return p;
}

/* The IP packet ends after @bytes of the frame, and says so: a fragment's first part. */
static inline struct pkt pkt_trim(struct pkt p, __u32 bytes)
{
	p.bytes = bytes < p.bytes ? bytes : p.bytes;
	p.l4 = 0;
	pkt_finish(&p, 0);
	return p;
}

/* Another port; the checksum is left as it was, nothing under test reads it. */
static inline void pkt_set_dport(struct pkt *p, __u16 port)
{
	pkt_put16(p->data + p->l4 + 2, port);
}

/* Another source of the same family. */
static inline void pkt_set_src(struct pkt *p, const union ps_addr *src)
{
	if (p->data[p->l3] >> 4 == 6)
		memcpy(p->data + p->l3 + 8, src, 16);
	else
		memcpy(p->data + p->l3 + 12, &src->w[3], 4);
}

/* The address as the program holds it. */
static inline union ps_addr pkt_v4(__be32 v4)
{
	return (union ps_addr){ .b = { [10] = 0xff, [11] = 0xff, [12] = (__u8)(ps_ntohl(v4) >> 24),
		(__u8)(ps_ntohl(v4) >> 16), (__u8)(ps_ntohl(v4) >> 8), (__u8)ps_ntohl(v4) } };
}

#endif
