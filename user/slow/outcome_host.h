/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * outcome_host.h - what became of the contacts that the XDP program saw: does
 * somebody of ours listen there, or does the connection table know of an answer.
 * Contacts wait until an answer had the time to be given, then they are judged
 * together and handed to the slow engines. (Over captures the answers
 * themselves are seen: outcome.h.)
 *
 * Costs nothing while there are no contacts; the listeners are asked for once
 * per judgement, the connection table only about what no listener explains.
 */
#ifndef PSCAN_USER_SLOW_OUTCOME_HOST_H
#define PSCAN_USER_SLOW_OUTCOME_HOST_H

#include "slow.h"
#include "tracking.h"

/* An answer is given within this. */
#define OUTCOME_HOST_WAIT_NS (300 * 1000000ULL)

/* Contacts that wait: twice what the ring holds. Full: the newest is lost and counted. */
#define OUTCOME_HOST_MAX (2 * PS_CONTACTS_BYTES / sizeof(struct ps_contact))

/* Among so many of the latest a tool is looked for: a crossing probe's like are hardly
 * farther away, and in a flood of contacts it is not worth more. */
#define OUTCOME_HOST_LOOKED_AT 2048

struct outcome_host;

struct outcome_host_options {
	const struct xdp *xdp;		/* its own addresses and its allow list */
	struct slow *slow;		/* gets them */
	struct conntrack *conntrack;	/* NULL: there is none */
	const struct tracking *tracking; /* whether flows enter it */
};

/* All that is needed is open when this returns. 0 or a negative errno; silent. */
int outcome_host_open(const struct outcome_host_options *options, struct outcome_host **out);
void outcome_host_close(struct outcome_host *host); /* NULL is fine */

void outcome_host_wait(struct outcome_host *host, const struct ps_contact *contact);

/*
 * Judges what waited long enough, except contacts of sources that an operator
 * allowed. 0 or a negative errno: then what could not be judged went as unknown.
 */
int outcome_host_judge(struct outcome_host *host, __u64 now_ns);

/*
 * The tool that the packets of @source (a host, or a /64) show which wait here, the latest
 * first; OUTCOME_HOST_LOOKED_AT of all that wait are looked at.
 */
enum slow_tool outcome_host_tool(const struct outcome_host *host, const union ps_addr *source);

__u64 outcome_host_lost(const struct outcome_host *host);

#endif
