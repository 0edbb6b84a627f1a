/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * match.h - which probe a received packet answers. Everything that is not
 * provably an answer to one of ours is ignored.
 */
#ifndef PSCAN_SCAN_MATCH_H
#define PSCAN_SCAN_MATCH_H

#include "scan/phase.h"
#include "scan/targets.h"

struct match_input {
	const struct probe_context *context;
	const struct targets *targets;
	const struct phase *phase;
};

struct match {
	__u64 target;
	union ps_addr addr;
	__u32 unit;
	__u8 ttl;
	struct answer answer;
};

/* @data..@end from the network header on. True when @match is filled. */
bool match_packet(const struct match_input *input, const __u8 *data, const __u8 *end,
		  struct match *match);

#endif
