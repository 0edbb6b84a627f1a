/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay_xdp.h - a capture through both twins at once: the engine here and the
 * XDP program in the kernel (BPF_PROG_TEST_RUN), under one scripted clock.
 *
 * Neither has sockets to ask: both take the capture's destinations for own
 * addresses without any. So replies score here, which they do not in a replay
 * or on a host; what is compared is not the verdict's truth but its equality.
 */
#ifndef PSCAN_USER_REPLAY_XDP_H
#define PSCAN_USER_REPLAY_XDP_H

#include "detector.h"

/*
 * Compares verdict, events, counters and records, and lists what differs on
 * stdout. Of @options the rule, the lists, -m, -s and --filter count.
 * Returns 0 when all is equal; -EBADE when it is not (listed); another
 * negative errno with a line printed when it could not be done. Needs root.
 */
int replay_xdp(const struct detector_options *options, char *const *files, unsigned int n);

#endif
