/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evidence.h - does a flow of ours explain this packet: the twin of
 * bpf/evidence.bpf.h where there are no sockets to ask. What a capture showed
 * of the other direction takes their place: a packet is explained when an
 * earlier one went the opposite way between the same two endpoints, which for
 * TCP includes every completed connection.
 *
 * The adversary can make flows by the million. One packet makes a one-way
 * flow, and those give way first; to push out a two-way flow somebody must
 * have answered.
 */
#ifndef PSCAN_USER_EVIDENCE_H
#define PSCAN_USER_EVIDENCE_H

#include <pscan/detect.h>

#include "lru.h"

/* Flows of a capture: 2^18 cache lines of eight, 16 MB. Full line: the oldest
 * one-way flow goes, then the oldest two-way one, whose next packet is then
 * taken for a probe. */
#define FLOW_LINE_BITS 18
#define FLOW_WAYS 8

/* A connection older than the capture shows itself by a segment with data that
 * nothing came before. For so long after the start that proves nothing. */
#define EVIDENCE_GRACE_NS (10ULL * 1000000000ULL)

enum evidence_mode {
	EVIDENCE_FLOWS,		/* judge by the capture */
	EVIDENCE_NO_SOCKETS,	/* as the XDP program on a host that has the addresses in
				 * `locals` and not a single socket */
};

/* One flow: tag (36 bits), gone on (1), awaited (1), directions seen (2), time of the latest
 * packet (24). */
struct flow_line {
	__u64 way[FLOW_WAYS];
};

struct flows {
	struct flow_line *line;
	__u64 seed;
	__u64 start_ns;		/* first packet; 0: none yet */
	struct lru *locals;	/* EVIDENCE_NO_SOCKETS: own addresses, PS_LOCALS_MAX of them */
	__u64 forgotten;	/* two-way flows that had to go */
	enum evidence_mode mode;
};

/* 0 or -ENOMEM. */
int flows_init(struct flows *flows, enum evidence_mode mode, __u64 seed);
void flows_free(struct flows *flows);

enum flow_step {
	FLOW_STEP_ANY,
	FLOW_STEP_OPENS,	/* TCP's first SYN */
	FLOW_STEP_GOES_ON,	/* flags of an open connection */
	FLOW_STEP_ENDS,		/* RST: nothing is left to complete */
};

/* Where a packet's flow is kept, which way the packet goes, and what it is there. */
struct flow_key {
	__u64 hash;
	__u64 way;	/* 0: has no flow */
	enum flow_step step;
};

/* @src_hash: ps_hash_addr() of the source. Starts fetching the line, which is most of the price. */
struct flow_key flows_key(const struct flows *flows, const struct ps_packet *p, __u64 src_hash);

/* What flows_see() says of a packet's flow. */
enum {
	FLOW_ANSWERED = 0x1,	/* an earlier packet went the opposite way */
	FLOW_AWAITED = 0x2,	/* somebody asked to be told of its next packets */
	FLOW_COMPLETED = 0x4,	/* the first that goes on since the flow was opened and answered:
				 * it completes the handshake, unless it is forged */
};

/* Notes one packet; call it for each, probe or not. Return: FLOW_* bits. */
unsigned int flows_see(struct flows *flows, struct flow_key key, __u64 now_ns);

/* Asks for FLOW_AWAITED, or no longer does. Lost when the flow must make room. */
void flows_await(struct flows *flows, struct flow_key key, bool awaited);

/* For a packet that could be a reply. @answered: what flows_see() said of it. */
enum ps_evidence evidence(const struct flows *flows, const struct ps_sighting *it, bool answered);

#endif
