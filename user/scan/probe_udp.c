// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe_udp.c - UDP: nothing in a datagram is sure to come back but its ports,
 * so the try is told by our source port, and the answer is bound to the probe
 * by addresses and ports alone.
 */
#include <string.h>

#include <pscan/wire.h>

#include "scan/probe.h"

static size_t build(const struct probe_context *context, const struct probe *probe, __u8 *out)
{
	struct ps_udp *udp = (struct ps_udp *)out;
	size_t bytes = sizeof(*udp);

	bytes += payload_build(probe->port, probe->payload, out + bytes);
	memset(udp, 0, sizeof(*udp));
	udp->sport = ps_htons(context->udp_ports[probe->attempt % context->udp_port_count]);
	udp->dport = ps_htons(probe->port);
	udp->bytes = ps_htons((__u16)bytes);
	return bytes;
}

static bool own_port(const struct probe_context *context, __u16 port, struct answer *answer)
{
	for (unsigned int i = 0; i < context->udp_port_count; i++) {
		if (context->udp_ports[i] == port) {
			answer->attempt = i;
			/* With a single source port (-g) all tries look alike. */
			answer->attempt_known = context->udp_port_count > 1;
			return true;
		}
	}
	return false;
}

static bool match(const struct probe_context *context, const struct probe_ops *ops,
		  const struct ps_packet *reply, const __u8 *payload, const __u8 *end,
		  struct answer *answer)
{
	(void)ops;
	(void)payload;
	(void)end;
	/* On loopback our own datagram to a port we hold ourselves comes by here. */
	if (own_port(context, reply->sport, answer) && ps_addr_eq(&reply->src, &reply->dst))
		return false;
	if (!own_port(context, reply->dport, answer))
		return false;
	answer->state = STATE_OPEN;
	answer->reason = REASON_UDP_RESPONSE;
	return true;
}

static bool match_quote(const struct probe_context *context, const struct probe_ops *ops,
			const struct ps_packet *quote, struct answer *answer)
{
	(void)ops;
	return own_port(context, quote->sport, answer);
}

const struct probe_ops probe_udp = {
	.name = "udp",
	.proto = PS_IP_UDP,
	.silence = STATE_OPEN_FILTERED,
	.paced_by_icmp = true,
	.build = build,
	.match = match,
	.match_quote = match_quote,
};
