// SPDX-License-Identifier: GPL-2.0-only
/* phase.c - see phase.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scan/phase.h"

static void add_units(struct phase *phase, const struct port_set *ports, bool likely, bool all)
{
	for (unsigned int port = 0; port < 65536; port++) {
		if (!port_set_has(ports, port) || (!all && payload_known((__u16)port) != likely))
			continue;
		phase->units[phase->unit_count].ops = phase->ops;
		phase->units[phase->unit_count].port = (__u16)port;
		phase->unit_of_port[port] = ++phase->unit_count;
	}
}

static int allocate(struct phase *phase, size_t units)
{
	phase->units = calloc(units ? units : 1, sizeof(*phase->units));
	phase->unit_of_port = calloc(65536, sizeof(*phase->unit_of_port));
	if (phase->units && phase->unit_of_port)
		return 0;
	phase_free(phase);
	return -ENOMEM;
}

int phase_ports(struct phase *phase, enum phase_kind kind, const struct probe_ops *ops,
		const struct port_set *ports)
{
	memset(phase, 0, sizeof(*phase));
	phase->kind = kind;
	phase->ops = ops;
	if (allocate(phase, port_set_count(ports)) < 0)
		return -ENOMEM;
	if (kind != PHASE_UDP) {
		add_units(phase, ports, false, true);
		return 0;
	}
	add_units(phase, ports, true, false);
	phase->likely_count = phase->unit_count;
	add_units(phase, ports, false, false);
	return 0;
}

int phase_discovery(struct phase *phase, bool all)
{
	memset(phase, 0, sizeof(*phase));
	phase->kind = PHASE_DISCOVERY;
	if (allocate(phase, DISCOVERY_UNITS) < 0)
		return -ENOMEM;
	/* ARP, ND or echo: which, the route of each target decides. */
	phase->units[DISCOVERY_FIRST].ops = &probe_icmp_echo;
	phase->units[DISCOVERY_SYN].ops = &probe_tcp_syn;
	phase->units[DISCOVERY_SYN].port = 443;
	phase->units[DISCOVERY_ACK].ops = &probe_tcp_ack;
	phase->units[DISCOVERY_ACK].port = 80;
	phase->unit_count = all ? DISCOVERY_UNITS : 1;
	if (all) {
		phase->unit_of_port[443] = DISCOVERY_SYN + 1;
		phase->unit_of_port[80] = DISCOVERY_ACK + 1;
	}
	return 0;
}

__u64 phase_index_count(const struct phase *phase, __u64 targets)
{
	return targets * phase->unit_count;
}

void phase_split(const struct phase *phase, __u64 targets, __u64 index, __u64 *target, __u32 *unit)
{
	__u64 likely = targets * phase->likely_count;
	__u32 width = phase->likely_count, base = 0;

	if (index >= likely) {
		index -= likely;
		base = phase->likely_count;
		width = phase->unit_count - base;
	}
	*target = index / width;
	*unit = base + (__u32)(index % width);
}

__u64 phase_index(const struct phase *phase, __u64 targets, __u64 target, __u32 unit)
{
	__u32 likely = phase->likely_count;

	if (unit < likely)
		return target * likely + unit;
	return targets * likely + target * (phase->unit_count - likely) + (unit - likely);
}

void phase_free(struct phase *phase)
{
	free(phase->units);
	free(phase->unit_of_port);
	memset(phase, 0, sizeof(*phase));
}
