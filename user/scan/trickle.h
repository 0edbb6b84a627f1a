/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trickle.h - UDP targets that ration their "port unreachable".
 *
 * Linux gives one peer six at once and then one a second; others have other
 * rates. Probes beyond that budget go unanswered and prove nothing, so after
 * the first sweep such a target is asked only as fast as its budget refills:
 * a group as large as the budget at hand, then the next. Answers use the
 * budget up, silent ports do not, so a target with many silent ports goes fast.
 */
#ifndef PSCAN_SCAN_TRICKLE_H
#define PSCAN_SCAN_TRICKLE_H

#include "scan/scan.h"

/* After a pass: takes over the targets that ration. */
void trickle_take(struct scan *scan, __u64 now_ns);

/* Sends what budgets allow now; *due_ns is lowered to when to come back. */
void trickle_step(struct scan *scan, __u64 now_ns, __u64 *due_ns);

static inline bool trickle_pending(const struct scan *scan)
{
	return scan->trickling > 0;
}

/* Seconds until the slowest target is through, as the model sees it. */
double trickle_eta(const struct scan *scan);

#endif
