/* SPDX-License-Identifier: GPL-2.0-only */
/* stats.bpf.h - per-CPU counters by parse result and by where a packet left the flow. */
#ifndef PSCAN_STATS_BPF_H
#define PSCAN_STATS_BPF_H

#include "maps.bpf.h"

static __always_inline void count_parse(enum ps_parse res)
{
	struct ps_counters *c = bpf_map_lookup_elem(&counters, &(__u32){ 0 });

	if (c && res < PS_PARSE_MAX)
		c->parse[res]++;
}

static __always_inline void count(enum ps_count stage)
{
	struct ps_counters *c = bpf_map_lookup_elem(&counters, &(__u32){ 0 });

	if (c && stage < PS_COUNT_MAX)
		c->stage[stage]++;
}

/* Both counters of a packet that parsed well, in one look-up. */
static __always_inline void count_recalled(enum ps_count stage)
{
	struct ps_counters *c = bpf_map_lookup_elem(&counters, &(__u32){ 0 });

	if (c && stage < PS_COUNT_MAX) {
		c->parse[PS_PARSE_OK]++;
		c->stage[stage]++;
	}
}

#endif /* PSCAN_STATS_BPF_H */
