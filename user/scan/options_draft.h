/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options_draft.h - the command line half-way: every option read, none yet
 * held against the others. Only options.c fills it, only options_draft.c
 * turns it into the final options.
 */
#ifndef PSCAN_SCAN_OPTIONS_DRAFT_H
#define PSCAN_SCAN_OPTIONS_DRAFT_H

#include "scan/options.h"

/* Files one run may write. */
#define OUTPUTS_MAX 16

/* What the options say before it is known how they fit together. */
struct draft {
	struct options *options;
	struct target_resolve resolve;
	char **targets;
	size_t target_count;
	char **excludes;
	size_t exclude_count;
	const char *list, *exclude_file, *interface;
	bool ports_given, seed_given;
	const struct probe_ops *tcp;
	double rate, min_rate, max_rate;
	long retries;
	__u64 timeout_ns, host_timeout_ns, delay_ns;
	unsigned int level;
	struct {
		const struct output_format *format;
		const char *path;
	} outputs[OUTPUTS_MAX];
	unsigned int output_count;
	int err;
};

/*
 * Completes draft->options: targets, ports, timing, and last the output files.
 * -EINVAL, -errno after a line.
 */
int draft_finish(struct draft *draft);

#endif
