/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.h - what is known: per target that answered, one byte per port, and
 * the details of what is worth telling.
 *
 * A target costs nothing until it answers (or is being watched). The byte per
 * port is both the "do not send again" map and the result.
 */
#ifndef PSCAN_SCAN_STATE_H
#define PSCAN_SCAN_STATE_H

#include "scan/probe.h"
#include "scan/timing.h"

/* Details of closed ports are kept for this many per target, the rest only counted. */
#define FINDINGS_CLOSED_MAX 64

struct finding {
	__u32 unit;
	__u32 rtt_us; /* 0 when not measured */
	__u8 state;   /* enum scan_state */
	__u8 reason;  /* enum scan_reason */
	__u8 ttl;
	__u8 tries; /* probes sent until the answer */
	__u8 bare;  /* as struct answer's */
};

/* The result of one phase (TCP or UDP) for one target. */
struct tally {
	__u8 *outcome; /* [units] enum scan_state; NULL while nothing answered */
	struct finding *findings;
	__u32 finding_count;
	__u32 finding_room;
	__u32 answered;
	__u32 counts[STATE_MAX];
	__u32 bare; /* answers that a stack would not give */
};

enum tally_index { TALLY_TCP, TALLY_UDP, TALLY_MAX };

enum host_status { HOST_ASSUMED, HOST_UP, HOST_DOWN };

/* Whether the target still answers what it answered before. */
struct canary {
	bool known; /* there is a port to ask again */
	bool watch; /* an answer is owed: ask until it comes or tries are used up */
	__u32 unit;
	unsigned int tries; /* asked since the last sign of life */
	unsigned int sent;  /* ever; tells the tries apart */
	__u64 asked_ns;
	__u64 alive_ns;         /* last answer of any kind */
	__u64 last_position;    /* the latest probe of the first pass that was answered */
	__u64 last_position_ns; /* and when it was sent */
	bool blocked;
	unsigned int blocked_phase; /* enum phase_kind */
	__u64 blocked_after;        /* probes sent to this target up to the last one answered */
	__u64 blocked_ms;           /* from the first probe until then */
};

/* How many negative answers a UDP target gives; see trickle.h. */
struct trickle {
	bool active;
	bool finished;
	double tokens;
	double burst;
	double rate_pps;
	__u64 filled_ns;
	__u64 due_ns; /* when the group in flight counts as unanswered */
	__u32 cursor; /* next unit to look at */
	unsigned int round;
	__u32 round_sent;
	__u32 round_answers;
	__u32 answers_seen; /* of the tally, at the last look */
};

struct host {
	__u64 target;
	union ps_addr addr;
	enum host_status status;
	enum scan_reason up_reason;
	__u8 mac[6];
	bool mac_known;
	struct rtt rtt;
	struct loss loss;
	__u64 first_ns; /* when its first answer came */
	struct tally tallies[TALLY_MAX];
	struct canary canary;
	struct trickle trickle;
};

/* Open addressing over target indices, and the same hosts in order of appearance. */
struct hosts {
	struct host **slots;
	size_t slot_count; /* a power of two, at least twice n */
	struct host **all;
	size_t n;
	size_t room;
};

/* NULL when there is none. */
struct host *hosts_find(const struct hosts *hosts, __u64 target);

/* Finds or makes; NULL only without memory. */
struct host *hosts_get(struct hosts *hosts, __u64 target, const union ps_addr *addr);

void hosts_free(struct hosts *hosts);

/* Sorted by target index, for the report. */
void hosts_sort(struct hosts *hosts);

static inline bool tally_has(const struct tally *tally, __u32 unit)
{
	return tally->outcome && tally->outcome[unit] != STATE_NONE;
}

/*
 * Records an answer. Returns 1 when it is news (first answer for this unit, or
 * one that outranks it), 0 when not, -ENOMEM. An answer from the port itself
 * outranks an ICMP error, which outranks silence.
 */
int tally_record(struct tally *tally, __u32 unit_count, const struct finding *finding);

#endif
