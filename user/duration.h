/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * duration.h - lengths of time as people write them: "300ms", "5s", "10min".
 * No clocks here.
 */
#ifndef PSCAN_USER_DURATION_H
#define PSCAN_USER_DURATION_H

#include <linux/types.h>
#include <stdbool.h>

/* Longest text duration_format() writes, with the NUL. */
#define DURATION_TEXT_BYTES 24

/* Ten years; longer is a typing error, and now + this must not wrap. */
#define DURATION_NS_MAX (3650ULL * 24 * 3600 * 1000000000ULL)

/*
 * A number, with a fraction if need be, and its unit: ns us ms s min h d.
 * Only a plain 0 may lack the unit: guessing between 5 s and 5 ms could leave
 * a host open or locked for days.
 * Returns false, leaving @ns alone, on anything else or beyond DURATION_NS_MAX.
 */
bool duration_parse(const char *text, __u64 *ns);

/* The shortest exact text that duration_parse() reads back. Returns @out. */
const char *duration_format(__u64 ns, char out[DURATION_TEXT_BYTES]);

#endif
