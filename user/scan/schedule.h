/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * schedule.h - which (target, port) comes next, and when it may be tried again.
 *
 * Pass 0 visits every position once; each further pass visits the same
 * positions in the same order, skips what was answered, and reaches a position
 * only when the answer to its previous probe is overdue. So retries need no
 * list of probes in flight: a short log of when which position was sent is
 * enough. No sockets, no clock.
 */
#ifndef PSCAN_SCAN_SCHEDULE_H
#define PSCAN_SCAN_SCHEDULE_H

#include <stdbool.h>

#include "scan/permute.h"

/* Batches remembered: 64 probes each make two million probes. Power of two. */
#define SENDLOG_ENTRIES 32768

struct sendlog_entry {
	__u64 sequence; /* pass * positions + position of the batch's first probe */
	__u64 time_ns;
	__u32 sent;
	__u32 answered;
};

/* Ring of batches, oldest overwritten: what is older than it is overdue anyway. */
struct sendlog {
	struct sendlog_entry *entries;
	__u64 head; /* entries ever added */
	__u64 ripe; /* entries already counted by sendlog_harvest() */
};

struct schedule {
	struct permute first; /* of the positions below first_count */
	struct permute rest;
	__u64 first_count; /* indices 0..first_count-1 come before all others */
	__u64 whole;       /* indices of all shards */
	__u64 count;       /* positions of this shard */
	__u64 shard;
	__u64 shards;
	__u64 position; /* next to be visited */
	unsigned int pass;
	__u64 pass_sent;        /* probes in this pass */
	__u64 pass_before_sent; /* probes in the pass before */
	__u64 last_sent_ns;
	struct sendlog log;
};

struct schedule_shape {
	__u64 count;       /* indices in all */
	__u64 first_count; /* how many of them, from 0, go first; 0 for no preference */
	__u64 seed;
	__u64 shard;  /* this one of ... */
	__u64 shards; /* ... so many; 1 for no sharding */
};

enum schedule_step {
	SCHEDULE_PROBE, /* *index is due */
	SCHEDULE_WAIT,  /* nothing is due before *due_ns */
	SCHEDULE_AGAIN, /* many positions were skipped: come back after receiving */
	SCHEDULE_PASS,  /* a pass has ended; the next call begins another */
};

/* True when position's index still wants a probe in @pass. */
typedef bool (*schedule_wanted_fn)(void *context, __u64 index, unsigned int pass);

int schedule_init(struct schedule *schedule, const struct schedule_shape *shape);
void schedule_free(struct schedule *schedule);

/* The index that stands at @position of this shard. */
__u64 schedule_index(const struct schedule *schedule, __u64 position);

/* The position of @index, or false when it belongs to another shard. */
bool schedule_position(const struct schedule *schedule, __u64 index, __u64 *position);

/*
 * One step. @timeout_ns is how long an answer to the previous pass's probe is
 * waited for. A returned probe counts as sent; schedule_sent() says when.
 */
enum schedule_step schedule_next(struct schedule *schedule, __u64 now_ns, __u64 timeout_ns,
				 schedule_wanted_fn wanted, void *context, __u64 *index,
				 __u64 *position, __u64 *due_ns);

/* The batch that starts at @position of @pass has been sent. */
void schedule_sent(struct schedule *schedule, unsigned int pass, __u64 position, __u32 probes,
		   __u64 now_ns);

/*
 * When the probe of @pass at @position was sent; false when that is forgotten.
 * Counts the answer for the batch when @answered.
 */
bool schedule_sent_at(struct schedule *schedule, unsigned int pass, __u64 position, bool answered,
		      __u64 *time_ns);

/* Probes and answers of the batches sent before @before_ns, each counted once. */
void schedule_harvest(struct schedule *schedule, __u64 before_ns, __u64 *sent, __u64 *answered);

#endif
