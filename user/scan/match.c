// SPDX-License-Identifier: GPL-2.0-only
/* match.c - see match.h. */
#include <string.h>

#include <pscan/parse.h>

#include "scan/match.h"

/* The unit that asked @port over @proto, or false. */
static bool find_unit(const struct phase *phase, __u8 proto, __u16 port, __u32 *unit)
{
	if (proto == PS_IP_ICMP || proto == PS_IP_ICMPV6) {
		*unit = DISCOVERY_FIRST;
		return phase->kind == PHASE_DISCOVERY;
	}
	if (!phase->unit_of_port[port])
		return false;
	*unit = phase->unit_of_port[port] - 1;
	return phase->units[*unit].ops->proto == proto;
}

/* Echo differs by family; the unit names the IPv4 one. */
static const struct probe_ops *ops_for(const struct phase *phase, __u32 unit, __u8 proto)
{
	if (phase->kind == PHASE_DISCOVERY && unit == DISCOVERY_FIRST)
		return proto == PS_IP_ICMP ? &probe_icmp_echo : &probe_icmp6_echo;
	return phase->units[unit].ops;
}

static bool is_error(const struct ps_packet *packet)
{
	if (packet->proto == PS_IP_ICMP)
		return packet->icmp_type == 3 || packet->icmp_type == 11; /* RFC 792 */
	return packet->proto == PS_IP_ICMPV6 && packet->icmp_type < 128;  /* RFC 4443 */
}

/*
 * An ICMP error is believed when the packet it quotes carries our cookie (or,
 * for UDP, our ports) and went to a target. The target is the quoted
 * destination, whoever sent the error.
 */
static bool match_error(const struct match_input *input, const struct ps_packet *error,
			const __u8 *quoted, const __u8 *end, struct match *match)
{
	const struct probe_ops *ops;
	struct ps_packet quote;
	bool from_target;

	if (ps_parse_quote(quoted, end, &quote) != PS_PARSE_OK ||
	    !find_unit(input->phase, quote.proto, quote.dport, &match->unit) ||
	    !targets_find(input->targets, &quote.dst, &match->target))
		return false;
	ops = ops_for(input->phase, match->unit, quote.proto);
	if (!ops->match_quote || !ops->match_quote(input->context, ops, &quote, &match->answer))
		return false;
	from_target = ps_addr_eq(&error->src, &quote.dst);
	match->addr = quote.dst;
	if (!probe_icmp_error(error, ops, from_target, &match->answer))
		return false;
	/* Discovery: an error from the target itself proves that it is there. */
	return input->phase->kind != PHASE_DISCOVERY || from_target;
}

bool match_packet(const struct match_input *input, const __u8 *data, const __u8 *end,
		  struct match *match)
{
	const struct probe_ops *ops;
	struct ps_packet packet;
	const __u8 *payload;

	memset(match, 0, sizeof(*match));
	if (ps_parse_ip(data, end, &packet) != PS_PARSE_OK)
		return false;
	payload = data + packet.payload_off;
	match->ttl = packet.ttl;
	if (is_error(&packet))
		return match_error(input, &packet, payload, end, match);
	if (!find_unit(input->phase, packet.proto, packet.sport, &match->unit) ||
	    !targets_find(input->targets, &packet.src, &match->target))
		return false;
	ops = ops_for(input->phase, match->unit, packet.proto);
	match->addr = packet.src;
	return ops->match && ops->match(input->context, ops, &packet, payload, end, &match->answer);
}
