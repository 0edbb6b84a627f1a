/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * outcome_capture.h - what became of a contact, by what a capture shows of the
 * other side: an answer, a refusal, or silence. The libpcap side's half of
 * slow_contact(); where there are sockets and conntrack, they are asked instead.
 *
 * A contact waits in a queue of fixed size, and is looked up by its flow's hash.
 * A flood of forged SYNs fills the queue: what is oldest then leaves it as
 * SLOW_UNKNOWN, counted, long before its time.
 */
#ifndef PSCAN_USER_SLOW_OUTCOME_CAPTURE_H
#define PSCAN_USER_SLOW_OUTCOME_CAPTURE_H

#include "evidence.h"
#include "slow.h"

/* A SYN is sent again after a second, and after three (RFC 6298): silence for so
 * long is silence. */
#define OUTCOME_WAIT_NS (3ULL * 1000000000ULL)

/* Contacts that wait at a time: 21,000 a second, 6 MB. */
#define OUTCOME_WAITING 65536

struct outcomes;

/* Decided contacts go to @slow. @flows is asked to point out the packets to see, so that
 * all others cost nothing. Both outlive this. NULL: no memory. */
struct outcomes *outcomes_new(struct slow *slow, struct flows *flows);
void outcomes_free(struct outcomes *outcomes); /* NULL is fine */

/* Starts to fetch from memory what a contact of this flow, or the answer to one, will need.
 * Optional. */
void outcomes_expect(const struct outcomes *outcomes, struct flow_key flow);

/* A contact, the flow of the packet it was made from, and whether that is awaited already. */
void outcomes_wait(struct outcomes *outcomes, const struct ps_contact *contact,
		   struct flow_key flow, bool awaited);

/* Contacts that wait now: without any, the calls below have nothing to do. */
__u32 outcomes_held(const struct outcomes *outcomes);

/* A packet of either direction of an awaited flow. Others do no harm. */
void outcomes_see(struct outcomes *outcomes, const struct ps_packet *p, struct flow_key flow);

/* An ICMP error about a packet of that flow. */
void outcomes_error(struct outcomes *outcomes, const struct ps_packet *icmp,
		    struct flow_key quoted);

/* Time passed. */
void outcomes_tick(struct outcomes *outcomes, __u64 now_ns);

/* The capture ends: nothing answers any more. */
void outcomes_end(struct outcomes *outcomes);

/* Contacts that had to leave undecided because the queue was full. */
__u64 outcomes_dropped(const struct outcomes *outcomes);

#endif
