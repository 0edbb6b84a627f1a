/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_probe.h - does this kernel have what the XDP program is made of. Silent. */
#ifndef PSCAN_USER_XDP_PROBE_H
#define PSCAN_USER_XDP_PROBE_H

#include <linux/types.h>
#include <stdbool.h>

/* Room for all of them in one text. */
#define XDP_PROBE_TEXT_BYTES 256

/*
 * Tries each feature by itself, by loading next to nothing. What cannot be
 * tried for lack of privilege counts as present.
 * @used, @missing  out: names, separated by commas; "" for none. A missing one
 *                  is followed by the kernel version that brought it
 * Return: is nothing missing
 */
bool xdp_probe(char used[XDP_PROBE_TEXT_BYTES], char missing[XDP_PROBE_TEXT_BYTES]);

/*
 * Can the program ask the connection table: nf_conntrack is there, with BTF, and
 * has the look-up for XDP (since 5.18). A module that has it is loaded for the
 * asking; the program does without where it cannot.
 */
bool xdp_probe_conntrack(void);

/*
 * The kernel's jiffies, which a program reads at the price of a load, as monotonic
 * time: tick_ns each, the one numbered 0 at base_ns (modulo 2^64). False: no telling.
 */
struct xdp_ticks {
	__u64 tick_ns, base_ns;
};

bool xdp_probe_ticks(struct xdp_ticks *out);

struct xdp;

/*
 * Programs that stand in for a function of another (freplace), of which a
 * dispatcher is made: does the kernel take them from us at all. 0 or a negative errno.
 */
int xdp_probe_extension(void);

/* ... and does it take the loaded program as one. Nothing is attached. 0 or a negative errno. */
int xdp_try_extension(const struct xdp *xdp);

/* Can --unproven cookie work here? NULL, or what is in the way, with the next step. */
const char *xdp_probe_cookies(void);

#endif
