/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * phase.h - what one phase asks each target: its units, a unit being one
 * (technique, port). A run is up to three phases: discovery, TCP, UDP.
 */
#ifndef PSCAN_SCAN_PHASE_H
#define PSCAN_SCAN_PHASE_H

#include "scan/ports.h"
#include "scan/probe.h"
#include "scan/schedule.h"
#include "scan/state.h"

struct unit {
	const struct probe_ops *ops;
	__u16 port;
};

enum phase_kind { PHASE_DISCOVERY, PHASE_TCP, PHASE_UDP, PHASE_MAX };

struct phase {
	enum phase_kind kind;
	const struct probe_ops *ops; /* of the port units; NULL in discovery */
	struct unit *units;
	__u32 unit_count;
	__u32 likely_count;  /* the first so many go before all others */
	__u32 *unit_of_port; /* [65536] unit + 1, 0 when not asked */
};

/* Units of a port phase, in port order; those with a payload first for UDP. -ENOMEM. */
int phase_ports(struct phase *phase, enum phase_kind kind, const struct probe_ops *ops,
		const struct port_set *ports);

/* Discovery units; @all asks for more than the link's own question. -ENOMEM. */
int phase_discovery(struct phase *phase, bool all);

/* Index space: units of one kind of likelihood are adjacent. */
__u64 phase_index_count(const struct phase *phase, __u64 targets);
void phase_split(const struct phase *phase, __u64 targets, __u64 index, __u64 *target, __u32 *unit);
__u64 phase_index(const struct phase *phase, __u64 targets, __u64 target, __u32 unit);

void phase_free(struct phase *phase);

enum { DISCOVERY_FIRST, DISCOVERY_SYN, DISCOVERY_ACK, DISCOVERY_UNITS };

#endif
