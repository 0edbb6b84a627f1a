/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proof.h - does a block rest on more than packets that anybody can forge, and
 * what follows from it.
 *
 * What counts as proof: one of the very probes that the block's evidence
 * consists of was the SYN of a handshake that its source completed with us, by
 * acknowledging the sequence number in our SYN+ACK. Only who receives what we
 * send to that address can do so. An earlier connection proves nothing (its
 * SYN is not in the evidence), nor does a RST, which the forged address's own
 * stack sends too.
 *
 * What it does not show: that all the probes came from there. Who forges probes
 * in somebody's name at the moment when that somebody opens a connection here,
 * to a port that is then among the evidence, cannot be told from that
 * somebody's scan. Hence the second condition: the packet that completed the
 * handshake arrived with the TTL of the crossing probe. That is a hint, not
 * proof: a forger who knows how far away the address is can set it. And what
 * such a victim loses is the chance to open new connections; unless
 * --block hard was asked for, those that are open flow on.
 *
 * The second proof is that of --unproven cookie: handshakes completed with two
 * ports where nobody listens, by SYN cookies that we sent to that address. A
 * client whose address is forged connects to services, and completes none.
 *
 * Pure but for its memory: no maps, no clock.
 */
#ifndef PSCAN_USER_PROOF_H
#define PSCAN_USER_PROOF_H

#include <pscan/verdict.h>

#include "lru.h"

/* Sources whose latest handshakes are remembered, 128 bytes each: 4 MB. Full: the one asked for
 * or heard of least recently goes. */
#define PROOF_SOURCES_MAX 32768
/* Handshakes kept of each, the latest: no block's evidence holds more open ports of interest. */
#define PROOF_HANDSHAKES 4

/* Ports where nobody listens: one may be a client's mistake. */
#define PROOF_CLOSED_PORTS 2

/* After the crossing a handshake that began before may still complete: one SYN+ACK that is lost
 * is sent again after 1 s (RFC 6298 section 2), and round trips last up to seconds. */
#define PROOF_AFTER_NS (3ULL * 1000000000ULL)
/* How much later than that it may be looked for, with a long block list. */
#define PROOF_LATE_NS (5ULL * 1000000000ULL)

struct proof {
	struct lru *handshakes; /* union ps_addr -> what proof.c keeps of it */
};

struct proof_found {
	enum ps_proof proof;	/* NONE: a handshake was seen, but from elsewhere by its TTL */
	__u8 ttl;		/* of the packet that completed it */
};

/* 0 or -ENOMEM. @seed keys the hash. */
int proof_init(struct proof *proof, __u64 seed);
void proof_free(struct proof *proof);

/* Notes a handshake or a cookie, for its source and for that one's /64; ignores other contacts. */
void proof_note(struct proof *proof, const struct ps_contact *contact);

/*
 * Looks for proof of a detection.
 * @evidence    the source's record as it was at the crossing probe
 * @crossed_ns  when that was
 * @ttl         that probe's
 * Return: true when there was a handshake; @out says what it is worth.
 */
bool proof_find(const struct proof *proof, const struct ps_source *evidence, __u64 crossed_ns,
		__u8 ttl, struct proof_found *out);

/* May there still be proof to find for this block? */
bool proof_awaited(const struct ps_rule *rule, const struct ps_block *block, __u64 now_ns);

/*
 * Makes of an unproven block what a proven source deserves: block_ns, twice as
 * long for each proven block before, up to block_max_ns; hard if the rule says so.
 * @offender  the source's past (zero: none), brought up to date
 */
void proof_raise(const struct ps_rule *rule, const struct proof_found *found,
		 struct ps_block *block, struct ps_offender *offender);

#endif
