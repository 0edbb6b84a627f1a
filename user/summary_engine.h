/* SPDX-License-Identifier: GPL-2.0-only */
/* summary_engine.h - the closing summary out of the libpcap engine's tables. */
#ifndef PSCAN_USER_SUMMARY_ENGINE_H
#define PSCAN_USER_SUMMARY_ENGINE_H

#include "engine.h"
#include "summary.h"

/*
 * Fills @out's sources, ports, counters, rule and times, sorted by nothing;
 * it points into @engine. Returns 0, or -ENOMEM with @out untouched.
 */
int summary_engine_fill(const struct engine *engine, __u64 now_ns, struct summary *out);
void summary_engine_free(struct summary *summary);

#endif
