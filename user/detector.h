/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * detector.h - detection over libpcap: the options it shares with `attach`,
 * and the run from the first packet to the closing summary.
 */
#ifndef PSCAN_USER_DETECTOR_H
#define PSCAN_USER_DETECTOR_H

#include <argp.h>

#include "engine.h"
#include "model.h"
#include "rule.h"
#include "summary.h"

#define DETECTOR_DEVICES_MAX 16

struct detector_options {
	struct rule_options rule;
	const char *device[DETECTOR_DEVICES_MAX]; /* -d */
	unsigned int devices;
	struct prefixes dst;		/* -i; none: see the runs below */
	struct prefixes allow;		/* --allow: never scored */
	struct prefixes deny;		/* --deny: blocked from the start */
	bool save_ports;		/* -s */
	__u64 max_packets;		/* -m; 0: no limit */
	const char *tex_path;		/* -l; NULL: none */
	const char *filter;		/* --filter; NULL: all */
	bool json;			/* --json: NDJSON on stdout instead of text */
	const char *events_path;	/* --events: NDJSON to a file as well */
	enum summary_sort sort;
	__u32 top;			/* sources listed in the summary; 0: all */
	/* Not options, but for `report`: */
	struct model *model;		/* filled and closed by the run; NULL: none wanted */
	bool quiet;			/* neither events nor summary on stdout */
};

/*
 * The rule's options (rule_argp is a child of this) and the ones above. The
 * input is a struct detector_options, which ARGP_KEY_INIT fills with defaults.
 */
extern const struct argp detector_argp;
void detector_options_free(struct detector_options *options);

/*
 * Capture files in turn, "-" for standard input. Without -i every destination
 * is scored. Blocks as the XDP program would have.
 * Returns 0, or negative errno with a line printed; what could be read was
 * read and summed up all the same.
 */
int detector_run_files(const struct detector_options *options, char *const *files,
		       unsigned int n);

/*
 * Live on options->device[] until a signal or -m. Without -i the devices' own
 * addresses are scored, followed as they change. Blocks nobody, and says so.
 */
int detector_run_live(const struct detector_options *options);

#endif
