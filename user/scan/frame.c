// SPDX-License-Identifier: GPL-2.0-only
/* frame.c - see frame.h. */
#include <string.h>

#include <pscan/wire.h>

#include "scan/frame.h"
#include "scan/probe_link.h"

#define IPV4_DONT_FRAGMENT 0x4000

/* RFC 1071, over any even or odd run of bytes. */
static __u32 sum(__u32 acc, const void *data, size_t bytes)
{
	const __u8 *b = data;

	for (; bytes > 1; bytes -= 2, b += 2)
		acc += (__u32)b[0] << 8 | b[1];
	if (bytes)
		acc += (__u32)b[0] << 8;
	return acc;
}

static __be16 fold(__u32 acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return ps_htons((__u16)~acc);
}

/* Where the checksum lies in the transport header. */
static size_t check_offset(__u8 proto)
{
	if (proto == PS_IP_TCP)
		return 16;
	return proto == PS_IP_UDP ? 6 : 2;
}

static void put_check(const struct probe *probe, __u8 proto, __u8 *l4, size_t bytes)
{
	__u32 acc = sum(0, l4, bytes);
	__be16 check;

	if (proto != PS_IP_ICMP) {
		bool v4 = ps_addr_is_v4(&probe->target);
		size_t skip = v4 ? 12 : 0;

		acc = sum(acc, probe->source.b + skip, 16 - skip);
		acc = sum(acc, probe->target.b + skip, 16 - skip);
		acc += proto + (__u32)bytes;
	}
	check = fold(acc);
	/* RFC 768: zero means "none". */
	if (proto == PS_IP_UDP && check == 0)
		check = 0xffff;
	memcpy(l4 + check_offset(proto), &check, sizeof(check));
}

static size_t put_ip(const struct probe *probe, __u8 proto, __u8 ttl, size_t bytes, __u8 *out)
{
	if (ps_addr_is_v4(&probe->target)) {
		struct ps_ipv4 *ip = (struct ps_ipv4 *)out;

		memset(ip, 0, sizeof(*ip));
		ip->version_ihl = 0x45;
		ip->total_bytes = ps_htons((__u16)(sizeof(*ip) + bytes));
		ip->frag = ps_htons(IPV4_DONT_FRAGMENT);
		ip->ttl = ttl;
		ip->proto = proto;
		ip->src = probe->source.w[3];
		ip->dst = probe->target.w[3];
		ip->check = fold(sum(0, ip, sizeof(*ip)));
		return sizeof(*ip);
	}
	struct ps_ipv6 *ip6 = (struct ps_ipv6 *)out;

	ip6->version_class_flow = ps_htonl(0x60000000);
	ip6->payload_bytes = ps_htons((__u16)bytes);
	ip6->next = proto;
	ip6->hop_limit = ttl;
	memcpy(ip6->src, probe->source.b, 16);
	memcpy(ip6->dst, probe->target.b, 16);
	return sizeof(*ip6);
}

static size_t put_ether(const __u8 src[6], const __u8 dst[6], __u16 type, __u8 *out)
{
	struct ps_eth *eth = (struct ps_eth *)out;

	memcpy(eth->dst, dst, 6);
	memcpy(eth->src, src, 6);
	eth->type = ps_htons(type);
	return sizeof(*eth);
}

static size_t ip_header_bytes(const union ps_addr *addr)
{
	return ps_addr_is_v4(addr) ? sizeof(struct ps_ipv4) : sizeof(struct ps_ipv6);
}

size_t frame_probe(const struct probe_context *context, const struct probe *probe,
		   const struct route *route, const __u8 *mac, __u8 *out)
{
	size_t at = 0, l4, bytes;

	if (mac)
		at = put_ether(route->mac_own, mac,
			       ps_addr_is_v4(&probe->target) ? PS_ETH_IPV4 : PS_ETH_IPV6, out);
	l4 = at + ip_header_bytes(&probe->target);
	bytes = probe->ops->build(context, probe, out + l4);
	put_check(probe, probe->ops->proto, out + l4, bytes);
	put_ip(probe, probe->ops->proto, context->ttl, bytes, out + at);
	return l4 + bytes;
}

size_t frame_solicit(const struct route *route, const union ps_addr *target, __u8 *out)
{
	static const __u8 everyone[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct probe probe = { .source = route->source };
	size_t at, bytes;
	__u8 mac[6];

	if (ps_addr_is_v4(target)) {
		at = put_ether(route->mac_own, everyone, PS_ETH_ARP, out);
		return at + link_arp_request(route->mac_own, &route->source, target, out + at);
	}
	link_nd_group(target, &probe.target, mac);
	at = put_ether(route->mac_own, mac, PS_ETH_IPV6, out);
	bytes = link_nd_solicit(route->mac_own, target, out + at + sizeof(struct ps_ipv6));
	put_check(&probe, PS_IP_ICMPV6, out + at + sizeof(struct ps_ipv6), bytes);
	put_ip(&probe, PS_IP_ICMPV6, 255, bytes, out + at);
	return at + sizeof(struct ps_ipv6) + bytes;
}
