/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_probe.h - does this kernel have what the XDP program is made of. Silent. */
#ifndef PSCAN_USER_XDP_PROBE_H
#define PSCAN_USER_XDP_PROBE_H

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
 * has the look-up for XDP (since 5.18). The program does without where it cannot.
 */
bool xdp_probe_conntrack(void);

#endif
