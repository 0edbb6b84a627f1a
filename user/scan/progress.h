/* SPDX-License-Identifier: GPL-2.0-only */
/* progress.h - one line on the terminal while a scan runs; nothing when stderr is none. */
#ifndef PSCAN_SCAN_PROGRESS_H
#define PSCAN_SCAN_PROGRESS_H

#include "scan/scan.h"

/* At most ten times a second, whatever the caller does. */
void progress_show(const struct scan *scan, __u64 now_ns);

/* Wipes the line, so that the report starts on an empty one. */
void progress_clear(void);

#endif
