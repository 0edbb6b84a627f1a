/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shape.h - how far a source went: how many ports, how many targets, and the
 * word for the two. Pure; the XDP side and the libpcap side both ask here.
 */
#ifndef PSCAN_USER_SHAPE_H
#define PSCAN_USER_SHAPE_H

#include <pscan/abi.h>

enum shape {
	SHAPE_NONE,       /* one port of one host: no scan's shape */
	SHAPE_VERTICAL,   /* many ports of one host */
	SHAPE_HORIZONTAL, /* one port of many hosts */
	SHAPE_BLOCK,      /* many ports of many hosts */
	SHAPE_MAX
};

struct shape_counts {
	enum shape shape;
	unsigned int ports; /* distinct (protocol, port) */
	unsigned int hosts; /* distinct targets */
	bool ports_exact;   /* the evidence held names every one of them */
	bool ports_pinned;  /* the sketch is full: at least that many */
	bool hosts_pinned;
};

/*
 * Linear-counting estimate of a sketch (Whang et al., TODS 1990): m ln(m / zeros).
 * @pinned  out: no zero is left, the value is a lower bound
 */
unsigned int shape_estimate(const __u64 *sketch, bool *pinned);

struct shape_counts shape_of(const struct ps_source *s);

/* From counts that are known. */
enum shape shape_from(unsigned int ports, unsigned int hosts);

/* "vertical", ...; "single" for SHAPE_NONE. */
const char *shape_name(enum shape shape);

#endif
