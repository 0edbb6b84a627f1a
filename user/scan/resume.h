/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * resume.h - an interrupted run as a file, and a run that goes on from one:
 * the command line, the seed, what is known, and the position in the order.
 */
#ifndef PSCAN_SCAN_RESUME_H
#define PSCAN_SCAN_RESUME_H

#include "scan/scan.h"

struct resume;

/* Reads the file. -EINVAL, -errno after a line. */
int resume_load(struct resume **out, const char *path);

/* The stored command line (without the program), for parsing anew. */
int resume_argc(const struct resume *resume);
char **resume_argv(struct resume *resume);
__u64 resume_seed(const struct resume *resume);

/* Puts what was known about the phase into the hosts, and the schedule where it stopped. */
int resume_phase(struct resume *resume, struct scan *scan, enum phase_kind kind);

void resume_free(struct resume *resume);

/* Writes an interrupted run to @path. -errno after a line. */
int resume_save(const struct scan *scan, const char *path, int argc, char **argv);

#endif
