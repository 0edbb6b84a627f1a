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

struct report_options {
	FILE *text;                 /* a line per event; NULL: none. Coloured on a terminal only. */
	FILE *json;                 /* NDJSON, an object per event, flushed each; NULL: none */
	const char *json_path;      /* ... or a file to append to; NULL: none */
	__s64 wall_ns;              /* event time + this = time since the epoch; 0 for captures */
	const struct ps_rule *rule; /* as the events were made under it; copied */
};

/* An event with everything the formats need, worked out once. */
struct report_view {
	const struct ps_event *event;
	const char *ifname; /* NULL: unknown */
	const struct ps_rule *rule;
	__s64 wall_ns;
	struct shape_counts shape;
	__u32 points[PS_CLASS_SLOTS]; /* per class in the evidence held */
	bool colour;
};

/* One format. @record gets the whole record, newline included. */
struct report_ops {
	const char *name;
	char *(*event)(const struct report_view *view); /* malloc'd; NULL: no memory */
};

extern const struct report_ops report_text;
extern const struct report_ops report_json;

struct report;

/* 0 and *@out to be closed, or negative errno with one line printed. */
int report_open(const struct report_options *options, struct report **out);

/* @ifname may be NULL. */
void report_event(struct report *report, const struct ps_event *event, const char *ifname);

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

/* How long before @at_ns a piece of evidence was seen. Signed: it may lie a little ahead. */
double report_age_ms(const struct ps_probe *probe, __u64 at_ns);

/* Indices of @s's pieces of evidence, oldest first. Returns how many. */
unsigned int report_order(const struct ps_source *s, __u64 at_ns, __u8 order[PS_PROBES_MAX]);

/* The evidence as JSON: [{port, proto, type, points, age_ms}, ...]. */
struct json_object *report_evidence_json(const struct ps_source *s, __u64 at_ns);

#endif
