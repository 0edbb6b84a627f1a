/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_slow.h - the slow engines in a loader's life: fed with what became of
 * the program's contacts, and what follows from their findings. A walk or a
 * sweep blocks its source as the rule would have, with what an unproven scan
 * gets; a crowd is told and blocks nobody.
 */
#ifndef PSCAN_USER_SESSION_SLOW_H
#define PSCAN_USER_SESSION_SLOW_H

#include "report.h"
#include "slow/outcome_host.h"
#include "slow/sample.h"
#include "xdp_maps.h"

typedef const char *session_ifname_fn(const void *data, __u32 ifindex);

struct session_slow_options {
	const struct xdp *xdp;
	const struct ps_rule *rule;
	struct report *report;
	struct conntrack *conntrack;
	const struct tracking *tracking;
	session_ifname_fn *ifname;
	const void *ifname_data;
};

struct session_slow {
	struct session_slow_options options;
	struct slow *slow;		/* NULL: switched off */
	struct outcome_host *host;
	struct sample sample;
	__u64 contacts;			/* read since the latest poll */
	__u64 lost;			/* of the program's counter, as of then */
	__u16 sampled;			/* what the program was told */
	bool failed;			/* was said */
};

/* Opens all it will need. 0, or a negative errno after a line. */
int session_slow_open(struct session_slow *s, const struct session_slow_options *options);
void session_slow_close(struct session_slow *s);

/* These do nothing when the engines are off. */
void session_slow_contact(struct session_slow *s, const struct ps_contact *contact);
void session_slow_poll(struct session_slow *s);

/* An event of the program's is about to be told: notes it, and adds what is known of the source:
 * its tool to the block, too. */
void session_slow_event(struct session_slow *s, const struct ps_event *event,
			struct report_facts *facts);

#endif
