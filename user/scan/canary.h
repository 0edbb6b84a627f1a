/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * canary.h - is silence the ports' or the target's? A port that has answered
 * is asked again when a target goes quiet; if it keeps quiet too, the target
 * has stopped answering us, and later silence says nothing about its ports.
 */
#ifndef PSCAN_SCAN_CANARY_H
#define PSCAN_SCAN_CANARY_H

#include "scan/scan.h"

/* A phase begins: what was known is about other units. */
void canary_begin(struct scan *scan);

/* An answer came for @unit; @position is its place in the first pass, when known. */
void canary_alive(struct scan *scan, struct host *host, __u32 unit, const struct answer *answer,
		  __u64 now_ns);

/* An answer to the first try at @position, sent at @sent_ns. */
void canary_progress(struct host *host, __u64 position, __u64 sent_ns);

/* A pass has ended: every target with silent ports must show that it still answers. */
void canary_watch(struct scan *scan, __u64 now_ns);

/* Asks whom it is time to ask. *due_ns is lowered to when to come back. */
void canary_step(struct scan *scan, __u64 now_ns, __u64 *due_ns);

#endif
