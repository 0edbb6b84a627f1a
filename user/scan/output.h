/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * output.h - what the scan found, as a table, NDJSON, XML and grepable text.
 * Several outputs can be open at once; none changes what happened.
 */
#ifndef PSCAN_SCAN_OUTPUT_H
#define PSCAN_SCAN_OUTPUT_H

#include <stdio.h>

#include "scan/scan.h"

/* States with more ports than this are summed up in one line. */
#define OUTPUT_ROWS_MAX 25

/* A host on which at least this many ports answer, and nine of ten as open, is not believed. */
#define OUTPUT_SUSPECT_MIN 32

struct output_row {
	__u16 port;
	bool udp;
	__u8 state;
	__u8 reason;
	__u8 ttl;
	__u8 tries;
	__u32 rtt_us;
};

/* Ports of one protocol in one state that are not listed one by one. */
struct output_hidden {
	bool udp;
	__u8 state;
	__u8 reason;
	__u32 count;
};

/* One host as every format tells it. */
struct output_view {
	const struct scan *scan;
	struct host *host;
	char address[ADDR_TEXT_BYTES];
	char name[256];          /* "" when there is none */
	struct output_row *rows; /* by protocol and port */
	__u32 row_count;
	struct output_hidden hidden[2 * STATE_MAX];
	unsigned int hidden_count;
	const char *suspect; /* "syn-proxy", "tarpit" or NULL */
	__u32 open_count;
};

struct output_options {
	bool open_only;        /* --open */
	bool reason;           /* --reason: TTL and tries too */
	bool numeric;          /* -n: no names for addresses */
	bool all_rows;         /* -v: list every port */
	const char *arguments; /* the command line, for formats that record it */
};

struct output_target {
	const struct output_format *format;
	FILE *file;
	struct output_target *next;
};

struct output {
	struct output_options options;
	struct output_target *targets;
	__u64 started_at; /* seconds since the epoch */
	unsigned int hosts_up;
	__u64 open_ports; /* that are believed; known at the end */
};

struct output_format {
	const char *name;
	bool appends; /* what an earlier part of the run wrote stays */
	void (*begin)(const struct output *output, FILE *file, const struct scan *scan);
	/* At once, when something is found; may be NULL. */
	void (*finding)(const struct output *output, FILE *file, const struct scan *scan,
			const struct host *host, const struct unit *unit,
			const struct finding *finding);
	/* At the end, for each host in the report. */
	void (*host)(const struct output *output, FILE *file, const struct output_view *view);
	void (*end)(const struct output *output, FILE *file, const struct scan *scan);
};

extern const struct output_format output_text, output_json, output_xml, output_grep;

/*
 * Adds an output to @path ("-": stdout). Opens it now, so that a file that
 * cannot be written is known before anything is sent. When @resumed, formats
 * that are written as things happen go on where they stopped. -errno after a line.
 */
int output_add(struct output *output, const struct output_format *format, const char *path,
	       bool resumed);

void output_begin(struct output *output, const struct scan *scan);
void output_finding(struct output *output, const struct scan *scan, const struct host *host,
		    const struct finding *finding);

/* Every host, the closing lines, and the files closed. -EIO when something was not written. */
int output_end(struct output *output, struct scan *scan);

/* The files alone, as of a scan that never began. */
int output_close(struct output *output);

/* "tcp" or "udp". */
static inline const char *output_proto(bool udp)
{
	return udp ? "udp" : "tcp";
}

#endif
