/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.h - a loader's working life: from the attached program to the
 * closing summary. Tells events as they come and, every SESSION_POLL_MS, looks
 * after what the kernel side leaves to it: blocks that ran out, the addresses
 * that must never be blocked, interfaces that went away.
 */
#ifndef PSCAN_USER_SESSION_H
#define PSCAN_USER_SESSION_H

#include <stdbool.h>

#include "report.h"
#include "xdp.h"

#define SESSION_POLL_MS 300

struct session_options {
	const struct ps_rule *rule;
	bool slow;		/* the engines for slow scans run, too */
	bool json;		/* events as NDJSON on stdout instead of text */
	const char *events;	/* append NDJSON to this file; NULL: none */
	__u64 max_packets;	/* end after so many packets; 0: never */
	__u64 confirm_ns;	/* end unless SIGUSR1 comes within this time; 0: no need */
};

/*
 * From here on SIGINT, SIGTERM and SIGUSR1 wait for session_run(): whoever asks
 * for the end while the program is being attached would otherwise leave it behind.
 */
void session_hold_signals(void);

/*
 * Runs until SIGINT or SIGTERM, max_packets, or until every interface is gone.
 * Return: 0; -ENODEV when no interface is left; -ETIMEDOUT when nobody
 * confirmed; another negative errno when the events cannot be read. A line was
 * printed.
 */
int session_run(const struct xdp *xdp, const struct session_options *options);

#endif
