// SPDX-License-Identifier: GPL-2.0-only
/*
 * engine_dry.c - prints what would be sent, one probe a line, and opens no
 * socket. Retries depend on answers, so only first tries appear.
 */
#include <stdio.h>

#include <pscan/wire.h>

#include "addr.h"
#include "scan/scan.h"

/* ADDRESS PROTOCOL PORT TECHNIQUE; a payload's length follows. */
static int engine_probe(struct scan *scan, struct probe *probe)
{
	char text[ADDR_TEXT_BYTES];
	__u8 payload[PROBE_BYTES_MAX];

	addr_format(&probe->target, text);
	if (scan->phase->kind == PHASE_DISCOVERY && probe->unit == DISCOVERY_FIRST)
		printf("%s %s - discovery\n", text,
		       ps_addr_is_v4(&probe->target) ? "arp|icmp" : "nd|icmp6");
	else if (probe->ops->proto == PS_IP_UDP)
		printf("%s udp %u %s %zu\n", text, probe->port, probe->ops->name,
		       payload_build(probe->port, probe->payload, payload));
	else
		printf("%s tcp %u %s\n", text, probe->port, probe->ops->name);
	scan->counts.probes++;
	return 0;
}

/* Nothing was sent, so no answer is owed. */
static int engine_receive(struct scan *scan, __u64 until_ns)
{
	(void)until_ns;
	scan->given_up = 0;
	return 0;
}

const struct engine_ops engine_dry = {
	.raw = true,
	.probe = engine_probe,
	.receive = engine_receive,
};
