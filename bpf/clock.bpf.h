/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.bpf.h - the two clocks. Both count the same monotonic nanoseconds; the
 * coarse one lags by up to a tick (4 ms at HZ=250) and costs one load: it is made
 * of the kernel's jiffies, which follow the monotonic clock tick by tick.
 */
#ifndef PSCAN_CLOCK_BPF_H
#define PSCAN_CLOCK_BPF_H

#include "maps.bpf.h"

/* Set by tests before load: time comes from config.test_now_ns. */
const volatile bool test_clock;

/* Set before load: what a jiffy lasts, and the monotonic time of jiffy 0. 0: unknown. */
const volatile __u64 tick_ns;
const volatile __u64 tick_base_ns;

/* For deadlines that last minutes, on the way of every blocked packet. */
static __always_inline __u64 clock_coarse(const struct ps_config *cfg)
{
	if (test_clock)
		return cfg->test_now_ns;
	return tick_ns ? tick_base_ns + bpf_jiffies64() * tick_ns : bpf_ktime_get_coarse_ns();
}

/* For evidence: its order and distances are shown to people. */
static __always_inline __u64 clock_fine(const struct ps_config *cfg)
{
	return test_clock ? cfg->test_now_ns : bpf_ktime_get_ns();
}

/* A tick more or less is nothing in a window of this length. */
#define CLOCK_COARSE_WINDOW_NS 100000000ULL

/* For marks: most packets that reach them get no further, and the fine clock
 * would be a third of their price. */
static __always_inline __u64 clock_mark(const struct ps_config *cfg)
{
	return cfg->rule.window_ns < CLOCK_COARSE_WINDOW_NS ? clock_fine(cfg) : clock_coarse(cfg);
}

/* From the mark's time to the evidence's. */
static __always_inline __u64 clock_refine(const struct ps_config *cfg, __u64 mark_ns)
{
	return cfg->rule.window_ns < CLOCK_COARSE_WINDOW_NS ? mark_ns : clock_fine(cfg);
}

/* For flows, on the way of every packet: the kernel's jiffies, which cost one
 * load. The scripted clock ticks every 4 ms. */
static __always_inline __u32 clock_ticks(const struct ps_config *cfg)
{
	return (__u32)(test_clock ? cfg->test_now_ns >> 22 : bpf_jiffies64());
}

#endif /* PSCAN_CLOCK_BPF_H */
