/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - how events are told: one struct report_ops and one file per
 * format; report.c hands every event to each that is open. A report never
 * changes what happened, and never stops the program: a disk that is full is
 * said once, counted, and every later record is tried again.
 *
 * A reader that goes away (`| head`) raises SIGPIPE; callers that must survive
 * it ignore the signal.
 */
#ifndef PSCAN_USER_REPORT_H
#define PSCAN_USER_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <pscan/abi.h>

#include "shape.h"

struct slow_crowd;

struct report_options {
	FILE *text;                 /* a line per event; NULL: none. Coloured on a terminal only. */
	FILE *json;                 /* NDJSON, an object per event, flushed each; NULL: none */
	const char *json_path;      /* ... or a file to append to; NULL: none */
	__s64 wall_ns;              /* event time + this = time since the epoch; 0 for captures */
	const struct ps_rule *rule; /* as the events were made under it; copied */
};

/* What is known of a scan's source beside its record: information, nothing rests on it. */
struct report_facts {
	const char *tool;	/* slow_tool_name() */
	bool handshake;		/* it completed handshakes amid its probes */
};

/* An event with everything the formats need, worked out once. */
struct report_view {
	const struct ps_event *event;
	const char *ifname; /* NULL: unknown */
	const struct ps_rule *rule;
	__s64 wall_ns;
	struct shape_counts shape;
	__u32 points[PS_CLASS_SLOTS]; /* per class in the evidence held */
	struct report_facts facts;
	bool colour;
};

/* One format. Each returns the whole record, newline included, malloc'd; NULL: no memory. */
struct report_ops {
	const char *name;
	char *(*event)(const struct report_view *view);
	char *(*crowd)(const struct report_view *view, const struct slow_crowd *crowd);
};

extern const struct report_ops report_text;
extern const struct report_ops report_json;

struct report;

/* 0 and *@out to be closed, or negative errno with one line printed. */
int report_open(const struct report_options *options, struct report **out);

/* @ifname may be NULL. */
void report_event(struct report *report, const struct ps_event *event, const char *ifname);

/* The same with facts; NULL: none are known. */
void report_scan(struct report *report, const struct ps_event *event, const char *ifname,
		 const struct report_facts *facts);

/* Many sources that share one host's ports. @event: that of the finding. */
void report_crowd(struct report *report, const struct slow_crowd *crowd,
		  const struct ps_event *event, const char *ifname);

/* The rule changed while running: later events are shown under this one. */
void report_rule(struct report *report, const struct ps_rule *rule);

/* The clock of later events starts elsewhere: see report_options.wall_ns. */
void report_wall(struct report *report, __s64 wall_ns);

/* Records that could not be written, of all formats. */
__u64 report_lost(const struct report *report);

/* NULL is fine. Files given as FILE * stay open. */
void report_close(struct report *report);

/* ---- shared by the formats and the summary --------------------------- */

#define REPORT_TIME_BYTES 48

/* Local "2026-01-31 23:59:59.123", or of it the time of day; and UTC as RFC 3339.
 * Each returns text inside @out. */
const char *report_time(__s64 epoch_ns, char out[REPORT_TIME_BYTES]);
const char *report_time_of_day(__s64 epoch_ns, char out[REPORT_TIME_BYTES]);
const char *report_time_utc(__s64 epoch_ns, char out[REPORT_TIME_BYTES]);

/*
 * Evidence as the engine holds it that gathered it (enum ps_engine): the burst
 * rule's pieces are timed in ticks that wrap, the slow engines' in milliseconds
 * since the source's first_ns, and theirs do not weigh by port.
 */

/* How long before @at_ns a piece was seen. Signed: it may lie a little ahead. */
double report_age_ms(const struct ps_source *s, unsigned int engine, const struct ps_probe *probe,
		     __u64 at_ns);

/* Indices of @s's pieces of evidence, oldest first. Returns how many. */
unsigned int report_order(const struct ps_source *s, unsigned int engine, __u64 at_ns,
			  __u8 order[PS_PROBES_MAX]);

/* Points per class in the evidence held when the source was told, PS_CLASS_SLOTS sums. */
void report_points(const struct ps_rule *rule, const struct ps_source *s, unsigned int engine,
		   __u32 *points);

/* The evidence as JSON: [{port, proto, type, points, age_ms}, ...]. */
struct json_object *report_evidence_json(const struct ps_source *s, unsigned int engine,
					 __u64 at_ns);

/* "25min", "3.2s": to be read, not to be read back. Writes to and returns @out. */
const char *report_span(__u64 ns, char out[REPORT_TIME_BYTES]);

#endif
