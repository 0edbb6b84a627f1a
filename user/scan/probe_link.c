// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe_link.c - who has this address on the local segment: ARP (RFC 826) for
 * IPv4, Neighbour Solicitation (RFC 4861) for IPv6. Both are discovery and
 * give the hardware address that all later probes need.
 *
 * ARP is no IP: its frame is built and read here and nowhere else.
 */
#include <string.h>

#include <pscan/wire.h>

#include "scan/probe_link.h"

enum { ND_SOLICIT = 135, ND_ADVERT = 136, ND_OPTION_SOURCE = 1, ND_OPTION_TARGET = 2 };

struct arp {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_bytes;
	__u8 protocol_bytes;
	__be16 operation;
	__u8 sender_mac[6];
	__be32 sender;
	__u8 target_mac[6];
	__be32 target;
} PS_PACKED;

_Static_assert(sizeof(struct arp) == 28, "wire layout");

enum { ARP_HARDWARE_ETHER = 1, ARP_REQUEST = 1, ARP_REPLY = 2 };

size_t link_arp_request(const __u8 mac[6], const union ps_addr *source, const union ps_addr *target,
			__u8 *out)
{
	struct arp *arp = (struct arp *)out;

	memset(arp, 0, sizeof(*arp));
	arp->hardware = ps_htons(ARP_HARDWARE_ETHER);
	arp->protocol = ps_htons(PS_ETH_IPV4);
	arp->hardware_bytes = 6;
	arp->protocol_bytes = 4;
	arp->operation = ps_htons(ARP_REQUEST);
	memcpy(arp->sender_mac, mac, 6);
	arp->sender = source->w[3];
	arp->target = target->w[3];
	return sizeof(*arp);
}

bool link_arp_reply(const __u8 *data, const __u8 *end, union ps_addr *addr, __u8 mac[6])
{
	const struct arp *arp = (const struct arp *)data;

	if ((size_t)(end - data) < sizeof(*arp) || arp->hardware != ps_htons(ARP_HARDWARE_ETHER) ||
	    arp->protocol != ps_htons(PS_ETH_IPV4) || arp->hardware_bytes != 6 ||
	    arp->protocol_bytes != 4 || arp->operation != ps_htons(ARP_REPLY))
		return false;
	ps_addr_from_v4(addr, arp->sender);
	memcpy(mac, arp->sender_mac, 6);
	return true;
}

void link_nd_group(const union ps_addr *target, union ps_addr *group, __u8 mac[6])
{
	static const __u8 solicited[16] = { 0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff };

	memcpy(group->b, solicited, sizeof(solicited));
	memcpy(group->b + 13, target->b + 13, 3);
	mac[0] = 0x33;
	mac[1] = 0x33;
	memcpy(mac + 2, group->b + 12, 4);
}

size_t link_nd_solicit(const __u8 mac[6], const union ps_addr *target, __u8 *out)
{
	struct ps_icmp *icmp = (struct ps_icmp *)out;

	memset(out, 0, 32);
	icmp->type = ND_SOLICIT;
	memcpy(out + 8, target->b, 16);
	out[24] = ND_OPTION_SOURCE;
	out[25] = 1; /* in units of 8 bytes */
	memcpy(out + 26, mac, 6);
	return 32;
}

bool link_nd_advert(const struct ps_packet *packet, const __u8 *payload, const __u8 *end,
		    union ps_addr *addr, __u8 mac[6])
{
	const __u8 *option;

	/* RFC 4861 section 7.1.2: 255 proves that no router forwarded it. */
	if (packet->proto != PS_IP_ICMPV6 || packet->icmp_type != ND_ADVERT || packet->ttl != 255 ||
	    end - payload < 16)
		return false;
	memcpy(addr->b, payload, 16);
	for (option = payload + 16; end - option >= 8 && option[1]; option += option[1] * 8) {
		if (option[0] == ND_OPTION_TARGET) {
			memcpy(mac, option + 2, 6);
			return true;
		}
		if (end - option < option[1] * 8)
			break;
	}
	return false;
}

/* Matching is done by the two functions above; these only name the technique. */
const struct probe_ops probe_arp = { .name = "arp" };
const struct probe_ops probe_nd = { .name = "nd", .proto = PS_IP_ICMPV6 };
