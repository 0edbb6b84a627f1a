/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * summary.h - what is said at the end, and by `stats`: each source's packets,
 * scores, detections and ports, and where all packets left the flow.
 *
 * The XDP side fills the array from its maps, the libpcap side from its
 * engine; summary_source() does it for both, so that the two cannot differ.
 */
#ifndef PSCAN_USER_SUMMARY_H
#define PSCAN_USER_SUMMARY_H

#include <stdio.h>

#include <pscan/abi.h>

#include "shape.h"

struct json_object;

/* One port of one source, --save-ports. */
struct summary_port {
	__u64 packets;
	__u16 port;
	bool udp;
};

struct summary_source {
	union ps_addr addr;
	union ps_addr dst; /* target of the latest probe */
	__u64 first_ns;
	__u64 last_ns;
	__u64 scan_ns;               /* last detection, 0: none */
	__u64 until_ns;              /* end of the block in force, 0: none */
	__u64 span_ns;               /* how long that lasts after the last packet */
	__u64 dropped;               /* packets dropped while blocked */
	__u64 packets[PS_CLASS_MAX]; /* probes, by what they resemble */
	__u32 points_now[PS_CLASS_SLOTS];
	__u32 points_peak[PS_CLASS_SLOTS]; /* at the detection, else as held now */
	__u32 score_now;
	__u32 score_peak;
	__u32 detections;
	enum ps_engine engine; /* of the block */
	enum ps_proof proof;
	__u8 tool; /* enum slow_tool, of the block */
	enum ps_class class; /* most points at the peak, else most packets */
	struct shape_counts shape;
	struct summary_port *ports; /* owned by the caller; NULL when not saved */
	size_t port_count;
};

enum summary_sort {
	SUMMARY_BY_SCORE, /* peak, then packets */
	SUMMARY_BY_PACKETS,
	SUMMARY_BY_LAST, /* latest first */
	SUMMARY_BY_ADDR,
	SUMMARY_SORT_MAX
};

struct summary {
	struct summary_source *source; /* sorted in place by summary_sort() */
	size_t sources;
	struct summary_port *saved_ports; /* what the sources' `ports` point into; NULL: none */
	const struct ps_counters *counters;
	const struct ps_rule *rule;
	__u64 packets; /* looked at */
	__u64 lost;    /* the input could not deliver */
	__s64 wall_ns; /* time + this = time since the epoch */
	__u64 now_ns;
	__u32 top; /* list so many sources; 0: all */
	bool save_ports;
};

/*
 * Fills @out from a record as it is now and, when the source was ever blocked
 * or told, the record as it was then.
 * @block  the block in force or NULL; @then  evidence at the detection or NULL
 */
void summary_source(const struct ps_rule *rule, const struct ps_source *now,
		    const struct ps_block *block, const struct ps_source *then, __u64 now_ns,
		    struct summary_source *out);

/* "score", "packets", "last", "addr". False, @out untouched, on anything else. */
bool summary_sort_parse(const char *text, enum summary_sort *out);
void summary_sort(struct summary *s, enum summary_sort by);

/* Both list s->top sources in the order they have, and say how many were left out. */
void summary_text(const struct summary *s, FILE *out);

/* The same as a table, one line per source. */
void summary_table(const struct summary *s, FILE *out);

/* Owned by the caller (json_object_put). */
struct json_object *summary_json(const struct summary *s);

__u64 summary_tcp_packets(const struct summary_source *s);
__u64 summary_udp_packets(const struct summary_source *s);

#endif
