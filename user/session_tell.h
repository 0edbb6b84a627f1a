/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_tell.h - what was lost and what is full, told once: what a user cannot see in the
 * events, since it is what is missing there.
 */
#ifndef PSCAN_USER_SESSION_TELL_H
#define PSCAN_USER_SESSION_TELL_H

#include <stdbool.h>
#include <stddef.h>

#include <pscan/abi.h>

/* As told so far. */
struct session_told {
	__u64 lost;		/* events that did not fit */
	__u64 unseen;		/* contacts that did not ... */
	__u64 unseen_next_ns;	/* ... and when more of them are told at the earliest */
	__u64 held;		/* probes dropped beyond --probe-rate ... */
	__u64 held_next_ns;	/* ... likewise */
	bool full;		/* the block list is */
};

/* What was lost before the session is not its own to tell. */
void session_told_begin(struct session_told *told, const struct ps_counters *before);

/* Once per poll. */
void session_tell_lost(struct session_told *told, const struct ps_counters *now);

/* @blocks  as many as the latest sweep left */
void session_tell_full(struct session_told *told, size_t blocks);

#endif
