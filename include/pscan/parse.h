/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * parse.h - bytes to struct ps_packet. The only code that touches frame bytes
 * on the receiving side: the XDP program, the libpcap engine and the scanner's
 * receive path all call it.
 *
 * Rules: every read is checked against `end`; lengths claimed inside the
 * packet only ever shorten what is looked at; a header a real stack would
 * refuse is refused here with a named reason, so that nobody can be framed or
 * hidden with a packet that no host would have acted upon.
 */
#ifndef PSCAN_PARSE_H
#define PSCAN_PARSE_H

#include "limits.h"
#include "packet.h"
#include "wire.h"

/* What a protocol header leaves for the next stage of the parser. */
struct ps_l4 {
	__u32 off;	/* of the transport header, from data */
	__u32 bytes;	/* that the IP header claims from there on */
};

/* The headers that are followed: those a Linux host would step over (RFC 8200
 * section 4, RFC 4302). As a bit set, since it is asked per header. */
#define PS_EXT_SET                                                                       \
	(1ULL << PS_IP_HOPOPTS | 1ULL << PS_IP_ROUTING | 1ULL << PS_IP_FRAGMENT |        \
	 1ULL << PS_IP_AUTH | 1ULL << PS_IP_DSTOPTS)

PS_INLINE bool ps_is_ext(__u8 proto)
{
	return proto < 64 && (PS_EXT_SET >> proto & 1);
}

/*
 * Bytes of the extension header of type @proto whose length field is @len8.
 * In arithmetic, so that the verifier sees one range instead of three paths
 * for each of PS_EXT_MAX headers.
 */
PS_INLINE __u32 ps_ext_bytes(__u8 proto, __u8 len8)
{
	__u32 not_frag = proto ^ PS_IP_FRAGMENT, not_auth = proto ^ PS_IP_AUTH, auth;

	/* The fragment header's second byte is reserved and must not count. */
	not_frag = (0 - not_frag) >> 31;
	ps_opaque(not_frag);
	auth = (not_auth - 1) >> 31;
	ps_opaque(auth);
	return (((len8 & (0 - not_frag)) + 1 + auth) * 8) >> auth;
}

/*
 * A header is cut off. In a first fragment of IPv6 it may go on in the next one,
 * where no port is seen; one of IPv4 that is so short no host takes.
 */
PS_INLINE enum ps_parse ps_parse_cut(const struct ps_packet *p, enum ps_parse reason)
{
	return (p->bits & (PS_PKT_FRAG | PS_PKT_V4)) == PS_PKT_FRAG ? PS_PARSE_EXT_DEPTH : reason;
}

/* 224.0.0.0/4, and 255.255.255.255. */
PS_INLINE bool ps_v4_is_group(__be32 addr)
{
	return (ps_ntohl(addr) >> 28) == 14 || addr == 0xffffffff;
}

/*
 * IPv4 at data + off. Fills addresses, proto and ttl, and where the transport
 * header is. RFC 791; the length checks are RFC 1122 section 3.2.1.
 */
PS_INLINE enum ps_parse ps_parse_v4(const void *data, const void *end, __u32 off,
				    struct ps_packet *p, struct ps_l4 *l4)
{
	const struct ps_ipv4 *ip = data + off;
	__u32 ihl, total;
	__u16 frag;

	if ((const void *)(ip + 1) > end)
		return PS_PARSE_SHORT_IP;
	ihl = (__u32)(ip->version_ihl & 0x0f) * 4;
	total = ps_ntohs(ip->total_bytes);
	if ((ip->version_ihl >> 4) != 4 || ihl < sizeof(*ip) || total < ihl)
		return PS_PARSE_BAD_IP;

	ps_addr_from_v4(&p->src, ip->src);
	ps_addr_from_v4(&p->dst, ip->dst);
	p->proto = ip->proto;
	p->ttl = ip->ttl;
	p->ip_id = ps_ntohs(ip->id);
	p->ip_off = (__u16)off;
	p->bits |= PS_PKT_V4;
	if (ps_v4_is_group(ip->dst))
		p->bits |= PS_PKT_GROUP;

	frag = ps_ntohs(ip->frag);
	if (frag & PS_IPV4_OFFSET)
		return PS_PARSE_FRAGMENT;
	if (frag & PS_IPV4_MF)
		p->bits |= PS_PKT_FRAG;
	l4->off = off + ihl;
	l4->bytes = total - ihl;
	return PS_PARSE_OK;
}

/*
 * IPv6 at data + off, and the chain of extension headers behind it (RFC 8200
 * section 4). Every extension header is at least as long as the fragment header.
 */
PS_INLINE enum ps_parse ps_parse_v6(const void *data, const void *end, __u32 off,
				    struct ps_packet *p, struct ps_l4 *l4)
{
	const struct ps_ipv6 *ip = data + off;
	__u32 start, stop;
	__u8 next;

	if ((const void *)(ip + 1) > end)
		return PS_PARSE_SHORT_IP;
	if ((ip->version_class_flow & ps_htonl(0xf0000000)) != ps_htonl(0x60000000))
		return PS_PARSE_BAD_IP;

	ps_memcpy(&p->src, ip->src, sizeof(p->src));
	ps_memcpy(&p->dst, ip->dst, sizeof(p->dst));
	/* Here it would stand for the IPv4 host, who did not send this; no host
	 * answers it (RFC 4942 section 2.2). */
	if (ps_addr_is_v4(&p->src) || ps_addr_is_v4(&p->dst))
		return PS_PARSE_BAD_IP;
	next = ip->next;
	p->ttl = ip->hop_limit;
	p->ip_off = (__u16)off;
	if (ip->dst[0] == 0xff)
		p->bits |= PS_PKT_GROUP;

	off += sizeof(*ip);
	start = off;
	/* A zero length is a jumbogram's (RFC 2675): believe the frame instead. */
	stop = ip->payload_bytes ? ps_ntohs(ip->payload_bytes) : PS_HEADERS_BYTES_MAX;

	PS_ROLLED
	for (int i = 0; i < PS_EXT_MAX && ps_is_ext(next); i++) {
		const struct ps_ipv6_frag *ext;

		if (off > PS_HEADERS_BYTES_MAX)
			return PS_PARSE_EXT_DEPTH;
		ext = data + off;
		if ((const void *)(ext + 1) > end)
			return ps_parse_cut(p, PS_PARSE_SHORT_IP);
		if (next == PS_IP_FRAGMENT) {
			__u16 offset_m = ps_ntohs(ext->offset_m);

			p->proto = ext->next;
			if (offset_m & 0xfff8)
				return PS_PARSE_FRAGMENT;
			if (offset_m & 1)
				p->bits |= PS_PKT_FRAG;
		}
		off += ps_ext_bytes(next, ext->reserved);
		next = ext->next;
	}
	if (ps_is_ext(next) || off > PS_HEADERS_BYTES_MAX)
		return PS_PARSE_EXT_DEPTH;
	if (off - start > stop)
		return ps_parse_cut(p, PS_PARSE_BAD_IP);
	p->proto = next;
	l4->off = off;
	l4->bytes = stop - (off - start);
	return PS_PARSE_OK;
}

/* TCP at data + l4->off; RFC 9293 section 3.1. */
PS_INLINE enum ps_parse ps_parse_tcp(const void *data, const void *end, const struct ps_l4 *l4,
				     struct ps_packet *p)
{
	const struct ps_tcp *tcp = data + l4->off;
	__u32 header;

	if (l4->bytes < sizeof(*tcp)) {
		/*
		 * Only the first 8 bytes of the header are in this fragment: no
		 * stack sends that (the smallest MTU is 68), scanners do.
		 */
		if (!(p->bits & PS_PKT_FRAG) || l4->bytes < 8 || (const void *)tcp + 8 > end)
			return ps_parse_cut(p, PS_PARSE_SHORT_L4);
		p->sport = ps_ntohs(tcp->sport);
		p->dport = ps_ntohs(tcp->dport);
		p->seq = ps_ntohl(tcp->seq);
		p->bits |= PS_PKT_TINY;
		return PS_PARSE_OK;
	}
	if ((const void *)(tcp + 1) > end)
		return PS_PARSE_SHORT_L4;
	header = (__u32)(tcp->offset_res >> 4) * 4;
	if (header < sizeof(*tcp) || (header > l4->bytes && !(p->bits & PS_PKT_FRAG)))
		return PS_PARSE_BAD_L4;
	p->sport = ps_ntohs(tcp->sport);
	p->dport = ps_ntohs(tcp->dport);
	p->seq = ps_ntohl(tcp->seq);
	p->ack = ps_ntohl(tcp->ack);
	p->window = ps_ntohs(tcp->window);
	p->flags = tcp->flags;
	p->payload_off = (__u16)(l4->off + header);
	return PS_PARSE_OK;
}

/* UDP at data + l4->off; RFC 768. */
PS_INLINE enum ps_parse ps_parse_udp(const void *data, const void *end, const struct ps_l4 *l4,
				     struct ps_packet *p)
{
	const struct ps_udp *udp = data + l4->off;
	__u32 bytes;

	if (l4->bytes < sizeof(*udp) || (const void *)(udp + 1) > end)
		return ps_parse_cut(p, PS_PARSE_SHORT_L4);
	bytes = ps_ntohs(udp->bytes);
	/* Zero is a jumbogram's length (RFC 2675 section 4), invalid over IPv4. */
	if (bytes < sizeof(*udp) && (bytes != 0 || (p->bits & PS_PKT_V4)))
		return PS_PARSE_BAD_L4;
	if (bytes > l4->bytes && !(p->bits & PS_PKT_FRAG))
		return PS_PARSE_BAD_L4;
	p->sport = ps_ntohs(udp->sport);
	p->dport = ps_ntohs(udp->dport);
	p->payload_off = (__u16)(l4->off + sizeof(*udp));
	return PS_PARSE_OK;
}

/* Of a datagram that ps_parse_udp() took: is there all of a DNS header in it, a response's? */
PS_INLINE void ps_parse_dns(const struct ps_udp *udp, const void *end, struct ps_packet *p)
{
	const struct ps_dns *dns = (const void *)(udp + 1);

	if (p->sport == PS_DNS_PORT && (const void *)(dns + 1) <= end &&
	    ps_ntohs(udp->bytes) >= sizeof(*udp) + sizeof(*dns) &&
	    (dns->flags[0] & PS_DNS_RESPONSE))
		p->bits |= PS_PKT_DNS;
}

/* ICMP and ICMPv6 share their first 8 bytes; RFC 792, RFC 4443. */
PS_INLINE enum ps_parse ps_parse_icmp(const void *data, const void *end, const struct ps_l4 *l4,
				      struct ps_packet *p)
{
	const struct ps_icmp *icmp = data + l4->off;

	if (l4->bytes < sizeof(*icmp) || (const void *)(icmp + 1) > end)
		return PS_PARSE_SHORT_L4;
	p->icmp_type = icmp->type;
	p->icmp_code = icmp->code;
	p->ack = ps_ntohl(icmp->rest);
	p->payload_off = (__u16)(l4->off + sizeof(*icmp));
	return PS_PARSE_OK;
}

/*
 * The IP packet of EtherType `type` at data + off.
 * @p must be zeroed; on any result the fields that packet.h names are filled.
 */
PS_INLINE enum ps_parse ps_parse_l3(const void *data, const void *end, __u32 off, __u16 type,
				    struct ps_packet *p)
{
	struct ps_l4 l4 = { 0, 0 };
	enum ps_parse res;

	if (type == PS_ETH_IPV4)
		res = ps_parse_v4(data, end, off, p, &l4);
	else if (type == PS_ETH_IPV6)
		res = ps_parse_v6(data, end, off, p, &l4);
	else
		return PS_PARSE_NOT_IP;
	if (res != PS_PARSE_OK)
		return res;

	p->l4_off = (__u16)l4.off;
	p->payload_off = p->l4_off;
	if (p->proto == PS_IP_TCP)
		return ps_parse_tcp(data, end, &l4, p);
	if (p->proto == PS_IP_UDP) {
		res = ps_parse_udp(data, end, &l4, p);
		if (res == PS_PARSE_OK)
			ps_parse_dns(data + l4.off, end, p);
		return res;
	}
	/* Each family's ICMP means nothing inside the other. */
	if (p->proto == ((p->bits & PS_PKT_V4) ? PS_IP_ICMP : PS_IP_ICMPV6))
		return ps_parse_icmp(data, end, &l4, p);
	return PS_PARSE_OTHER_PROTO;
}

PS_INLINE bool ps_is_tag(__u16 type)
{
	return type == PS_ETH_VLAN || type == PS_ETH_QINQ;
}

/* More than any link header and PS_VLAN_MAX tags; a mask. */
#define PS_LINK_BYTES_MAX 63

/*
 * What follows a link header that gave the EtherType @type: VLAN tags, then IP.
 * @p must be zeroed but for the bits that the link header gave.
 */
PS_INLINE enum ps_parse ps_parse_type(const void *data, const void *end, __u32 off, __u16 type,
				      struct ps_packet *p)
{
	PS_ROLLED
	for (int i = 0; i < PS_VLAN_MAX && ps_is_tag(type); i++) {
		const struct ps_vlan *tag = data + off;

		if ((const void *)(tag + 1) > end)
			return PS_PARSE_SHORT_ETH;
		type = ps_ntohs(tag->type);
		p->bits |= PS_PKT_VLAN;
		/* By way of memory the verifier knows one range for any number of tags,
		 * and walks what follows once. */
		*(volatile __u16 *)&p->ip_off = (__u16)(off + sizeof(*tag));
		off = *(volatile __u16 *)&p->ip_off & PS_LINK_BYTES_MAX;
	}
	if (ps_is_tag(type))
		return PS_PARSE_VLAN_DEPTH;
	return ps_parse_l3(data, end, off, type, p);
}

/*
 * A frame that starts with an Ethernet header, tagged or not.
 * @data, @end  the frame; nothing outside is read
 * @p           out; zeroed here
 */
PS_INLINE enum ps_parse ps_parse_eth(const void *data, const void *end, struct ps_packet *p)
{
	const struct ps_eth *eth = data;

	ps_memset(p, 0, sizeof(*p));
	if ((const void *)(eth + 1) > end)
		return PS_PARSE_SHORT_ETH;
	if (eth->dst[0] & 1) /* IEEE 802: the group bit */
		p->bits |= PS_PKT_GROUP;
	return ps_parse_type(data, end, sizeof(*eth), ps_ntohs(eth->type), p);
}

/* The transport header of a packet that is in one piece. */
PS_INLINE bool ps_parse_plain_l4(const void *data, const void *end, const struct ps_l4 *l4,
				 struct ps_packet *p)
{
	p->l4_off = (__u16)l4->off;
	if (p->proto == PS_IP_TCP)
		return ps_parse_tcp(data, end, l4, p) == PS_PARSE_OK;
	return p->proto == PS_IP_UDP && ps_parse_udp(data, end, l4, p) == PS_PARSE_OK;
}

/*
 * The frame that nearly all are: untagged, IPv4 without options and in one
 * piece, TCP or UDP. The same parser as for the rest, but with so much known
 * beforehand that inlined it is a few comparisons, and what its caller does not
 * use costs nothing.
 * Return: ps_parse_eth() would say PS_PARSE_OK; @p is filled as it would, but
 * for PS_PKT_GROUP and PS_PKT_DNS. False says nothing about the frame.
 */
PS_INLINE bool ps_parse_plain(const void *data, const void *end, struct ps_packet *p)
{
	const struct ps_eth *eth = data;
	const struct ps_ipv4 *ip = data + sizeof(*eth);
	struct ps_l4 l4;

	ps_memset(p, 0, sizeof(*p));
	if ((const void *)(ip + 1) > end || eth->type != ps_htons(PS_ETH_IPV4) ||
	    ip->version_ihl != 0x45 || (ip->frag & ps_htons(PS_IPV4_MF | PS_IPV4_OFFSET)) ||
	    ps_parse_v4(data, end, sizeof(*eth), p, &l4) != PS_PARSE_OK)
		return false;
	p->bits = PS_PKT_V4; /* not a fragment: known, so that nothing asks */
	return ps_parse_plain_l4(data, end, &l4, p);
}

/* The same of IPv6, without extension headers. */
PS_INLINE bool ps_parse_plain6(const void *data, const void *end, struct ps_packet *p)
{
	const struct ps_eth *eth = data;
	const struct ps_ipv6 *ip = data + sizeof(*eth);
	struct ps_l4 l4;

	ps_memset(p, 0, sizeof(*p));
	if ((const void *)(ip + 1) > end || eth->type != ps_htons(PS_ETH_IPV6) ||
	    ps_is_ext(ip->next) || !ip->payload_bytes ||
	    ps_parse_v6(data, end, sizeof(*eth), p, &l4) != PS_PARSE_OK)
		return false;
	p->bits = 0;
	return ps_parse_plain_l4(data, end, &l4, p);
}

/* What ps_parse_plain() left out, of a frame that it took. */
PS_INLINE void ps_parse_plain_rest(const void *data, const void *end, struct ps_packet *p)
{
	const struct ps_eth *eth = data;

	if ((const void *)(eth + 1) <= end && eth->dst[0] & 1)
		p->bits |= PS_PKT_GROUP;
	if (ps_v4_is_group(p->dst.w[3]))
		p->bits |= PS_PKT_GROUP;
	if (p->proto == PS_IP_UDP)
		ps_parse_dns(data + sizeof(*eth) + sizeof(struct ps_ipv4), end, p);
}

/* The EtherType that an IP header's version nibble implies; 0 when neither. */
PS_INLINE __u16 ps_ip_ethertype(const void *data, const void *end)
{
	const __u8 *first = data;

	if ((const void *)(first + 1) > end)
		return 0;
	if (*first >> 4 == 4)
		return PS_ETH_IPV4;
	return *first >> 4 == 6 ? PS_ETH_IPV6 : 0;
}

/* A packet that starts with its IP header (tun, raw captures). As ps_parse_eth. */
PS_INLINE enum ps_parse ps_parse_ip(const void *data, const void *end, struct ps_packet *p)
{
	__u16 type = ps_ip_ethertype(data, end);

	ps_memset(p, 0, sizeof(*p));
	if (!type)
		return data == end ? PS_PARSE_SHORT_IP : PS_PARSE_BAD_IP;
	return ps_parse_l3(data, end, 0, type, p);
}

/*
 * The packet that an ICMP error quotes (RFC 792, RFC 4443 section 3), starting
 * with its IP header. Only 8 bytes behind that header are sure to be there:
 * ports, and for TCP the sequence number. Only the scanner asks.
 *
 * Return: PS_PARSE_OK with addresses, proto, sport, dport and (TCP) seq filled;
 * for quoted ICMP, type, code and the word that follows the checksum in `ack`.
 */
PS_INLINE enum ps_parse ps_parse_quote(const void *data, const void *end, struct ps_packet *p)
{
	__u16 type = ps_ip_ethertype(data, end);
	struct ps_l4 l4 = { 0, 0 };
	enum ps_parse res;

	ps_memset(p, 0, sizeof(*p));
	if (type == PS_ETH_IPV4)
		res = ps_parse_v4(data, end, 0, p, &l4);
	else if (type == PS_ETH_IPV6)
		res = ps_parse_v6(data, end, 0, p, &l4);
	else
		return PS_PARSE_NOT_IP;
	if (res != PS_PARSE_OK)
		return res;
	if (data + l4.off + 8 > end)
		return PS_PARSE_SHORT_L4;

	p->l4_off = (__u16)l4.off;
	p->payload_off = p->l4_off;
	if (p->proto == PS_IP_TCP || p->proto == PS_IP_UDP) {
		const struct ps_udp *ports = data + l4.off;

		p->sport = ps_ntohs(ports->sport);
		p->dport = ps_ntohs(ports->dport);
		if (p->proto == PS_IP_TCP)
			p->seq = ps_ntohl(((const struct ps_tcp *)ports)->seq);
		return PS_PARSE_OK;
	}
	if (p->proto == PS_IP_ICMP || p->proto == PS_IP_ICMPV6)
		return ps_parse_icmp(data, end, &l4, p);
	return PS_PARSE_OTHER_PROTO;
}

#endif /* PSCAN_PARSE_H */
