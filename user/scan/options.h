/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - the scanner's command line as typed, checked values.
 */
#ifndef PSCAN_SCAN_OPTIONS_H
#define PSCAN_SCAN_OPTIONS_H

#include "scan/output.h"
#include "scan/scan.h"

struct options {
	struct scan_config config;
	struct probe_ops custom; /* --flags */
	struct targets targets;
	struct output output;
	bool stdout_taken; /* --json or another format goes to stdout */
	const char *resume_from;
	const char *resume_to;
	bool resumed; /* set before parsing a stored command line */
};

/*
 * Fills @options from argv; the options' meaning is complete and consistent
 * when this returns 0. -EINVAL (and lines printed) for anything that is wrong:
 * nothing has been sent or written then.
 */
int options_parse(struct options *options, int argc, char **argv);
void options_free(struct options *options);

#endif
