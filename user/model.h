/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * model.h - what a report page shows, whichever format it has and whether it
 * comes from a capture or from recorded events. Filled by model_capture.c or
 * model_events.c, read by page_*.c; nothing here decides anything.
 *
 * Memory is bounded: so many sources, probes per source, targets. What did not
 * fit is counted and shown.
 */
#ifndef PSCAN_USER_MODEL_H
#define PSCAN_USER_MODEL_H

#include "engine.h"
#include "summary.h"

#define MODEL_SOURCES_MAX 1024	/* followed at a time: the least recently active gives way */
#define MODEL_PROBES_MAX 512	/* kept per source; more: every second one is kept, and so on */
#define MODEL_TARGETS_MAX 4096
#define MODEL_PORT_UDP (1U << 16)
#define MODEL_CARDS_MAX 50	/* sources that a page shows in full */

struct model_probe {
	__u64 at_ns;
	__u16 port;
	__u8 class;
	__u8 dropped;		/* bool: the source was blocked */
};

/* A piece of evidence at the detection. */
struct model_evidence {
	double age_ms;
	__u16 port;
	__u8 class;
	__u8 points;
};

struct model_source {
	union ps_addr addr;
	union ps_addr dst;
	__u64 first_ns;
	__u64 last_ns;
	__u64 detected_ns;	/* first detection; 0: none */
	__u64 until_ns;		/* end of the latest block; 0: none */
	__u64 dropped;
	__u64 packets[PS_CLASS_MAX];
	__u32 points[PS_CLASS_SLOTS]; /* at the detection */
	__u32 score;		/* at the detection, else the peak */
	__u32 detections;
	enum ps_class class;
	enum ps_action action;
	enum ps_reason reason;
	struct shape_counts shape;
	struct model_evidence evidence[PS_PROBES_MAX];
	unsigned int evidence_count;
	struct model_probe probe[MODEL_PROBES_MAX];
	unsigned int probes;
	unsigned int stride;	/* one in so many probes was kept */
	unsigned int skipped;	/* since the last one that was */
};

struct model_count {
	__u64 packets;
	union ps_addr addr;	/* of a target */
	__u16 port;		/* of a port */
	bool udp;
};

struct model {
	char *title;		/* what it was made from */
	struct lru *followed;	/* union ps_addr -> struct model_source */
	struct lru *targets;	/* union ps_addr -> __u64 probes */
	__u64 *ports;		/* probes per port; UDP's are MODEL_PORT_UDP higher */
	__u32 *ports_seen;	/* indices of those that are not 0, port_count of them */
	/* After model_close(): */
	struct model_source **source; /* detected ones, by time; then the others by score */
	unsigned int sources;
	unsigned int detected;
	struct model_count *port;	/* most first */
	unsigned int port_count;
	struct model_count *target;	/* most first */
	unsigned int target_count;
	__u64 start_ns;
	__u64 end_ns;
	__u64 packets;		/* looked at; 0: unknown, from events */
	__u64 forgotten;	/* sources that gave way to others */
	__u64 unreadable;	/* event lines that made no sense */
	__u32 threshold;
	struct ps_counters counters;
};

/* NULL: no memory. */
struct model *model_new(const char *title);
void model_free(struct model *model); /* NULL is fine */

/* A probe of a source that is followed. */
void model_probe(struct model_source *source, __u64 at_ns, __u16 port, enum ps_class class,
		 bool dropped);
/* ... and in the histograms. */
void model_tally(struct model *model, const union ps_addr *dst, __u16 port, bool udp);

/* The source's place, made if there was none. Never NULL. */
struct model_source *model_take(struct model *model, const union ps_addr *addr);

/* A detection, a renewal or an expiry; times are taken back by @shift_ns (clock.h). */
void model_event(struct model *model, const struct ps_event *event, const struct ps_rule *rule,
		 __u64 shift_ns);

/* A packet that the engine judged. */
void model_packet(struct model *model, const struct engine_packet *packet, __u64 shift_ns);

/* The closing summary of the engine's sources, then sorts. 0 or -ENOMEM. */
int model_summary(struct model *model, const struct summary *summary);

/* Sorts sources, ports and targets; nothing is added afterwards. 0 or -ENOMEM. */
int model_close(struct model *model);

/*
 * Reads events as --events writes them. Lines that make no sense are counted.
 * 0, or negative errno with one line printed. Not closed yet.
 */
int model_read_events(struct model *model, FILE *in, const char *path);

#endif
