/* SPDX-License-Identifier: GPL-2.0-only */
/* outcome_capture.c - see outcome_capture.h. */
#include <stdlib.h>

#include <pscan/classify.h>
#include <pscan/wire.h>

#include "outcome_capture.h"
#include "pages.h"

/* Places in the queue by flow, four for each. Two flows that meet in one: the older is
 * decided as SLOW_UNKNOWN, since its answer would not be found. */
#define SLOTS (4 * OUTCOME_WAITING)

enum state {
	STATE_DONE,	/* decided; the place is free once it is the oldest */
	STATE_WAITING,
	STATE_ANSWERED,	/* open; the ACK of its SYN+ACK would make it a handshake */
};

struct waiting {
	struct ps_contact contact;
	struct flow_key flow;
	__u32 ack;		/* STATE_ANSWERED: what completes the handshake */
	__u32 state;
};

struct outcomes {
	struct slow *slow;
	struct flows *flows;
	struct waiting *queue;	/* ring: first .. first + held */
	__u32 *slot;		/* place + 1 */
	__u32 first;
	__u32 held;
	__u64 dropped;
};

/* What the contact so far behind the oldest will need is fetched meanwhile. */
#define FETCH_AHEAD 8

static const size_t queue_bytes = sizeof(struct waiting) * OUTCOME_WAITING;
static const size_t slot_bytes = sizeof(__u32) * SLOTS;

struct outcomes *outcomes_new(struct slow *slow, struct flows *flows)
{
	struct outcomes *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->slow = slow;
	o->flows = flows;
	o->queue = pages_new(queue_bytes, true);
	o->slot = pages_new(slot_bytes, true);
	if (o->queue && o->slot)
		return o;
	outcomes_free(o);
	return NULL;
}

void outcomes_free(struct outcomes *o)
{
	if (!o)
		return;
	pages_free(o->queue, queue_bytes);
	pages_free(o->slot, slot_bytes);
	free(o);
}

__u32 outcomes_held(const struct outcomes *o)
{
	return o->held;
}

__u64 outcomes_dropped(const struct outcomes *o)
{
	return o->dropped;
}

static __u32 *slot_of(const struct outcomes *o, struct flow_key flow)
{
	/* The low bits chose the flow's line, the high ones are its tag: any will do. */
	return &o->slot[flow.hash >> 20 & (SLOTS - 1)];
}

static struct waiting *find(struct outcomes *o, struct flow_key flow)
{
	__u32 at = *slot_of(o, flow);

	return at && o->queue[at - 1].flow.hash == flow.hash ? &o->queue[at - 1] : NULL;
}

static void unlink_one(struct outcomes *o, struct waiting *w)
{
	*slot_of(o, w->flow) = 0;
	w->state = STATE_DONE;
}

static void decide(struct outcomes *o, struct waiting *w, enum slow_outcome outcome)
{
	unlink_one(o, w);
	slow_contact(o->slow, &w->contact, outcome);
}

/* Nothing came back: a datagram may not be meant to be answered, and of what bears
 * impossible flags, tiny fragments among it, nobody knows whether a stack saw it. */
static enum slow_outcome of_silence(const struct waiting *w)
{
	__u8 class = w->contact.class;

	return class == PS_CLASS_UDP || class == PS_CLASS_OTHER ? SLOW_UNKNOWN : SLOW_CLOSED;
}

/* Another flow takes its slot. */
static void displace(struct outcomes *o, struct waiting *w)
{
	if (w->state == STATE_WAITING) {
		o->dropped++;
		decide(o, w, SLOW_UNKNOWN);
	} else {
		unlink_one(o, w);
	}
}

static void leave_oldest(struct outcomes *o, bool in_time)
{
	struct waiting *w = &o->queue[o->first];
	const struct waiting *soon = &o->queue[(o->first + FETCH_AHEAD) % OUTCOME_WAITING];

	if (soon->state == STATE_WAITING) {
		__builtin_prefetch(slot_of(o, soon->flow), 1);
		slow_expect(o->slow, &soon->contact);
	}
	o->first = (o->first + 1) % OUTCOME_WAITING;
	o->held--;
	if (w->state == STATE_ANSWERED)
		unlink_one(o, w);
	else if (w->state == STATE_WAITING)
		decide(o, w, in_time ? of_silence(w) : SLOW_UNKNOWN);
}

void outcomes_expect(const struct outcomes *o, struct flow_key flow)
{
	if (flow.step != FLOW_STEP_GOES_ON)
		__builtin_prefetch(slot_of(o, flow), 1);
}

void outcomes_wait(struct outcomes *o, const struct ps_contact *contact, struct flow_key flow,
		   bool awaited)
{
	struct waiting *w;
	__u32 place, *slot;

	if (!flow.way) {
		slow_contact(o->slow, contact, SLOW_UNKNOWN);
		return;
	}
	if (awaited && find(o, flow))
		return; /* sent again */
	if (o->held == OUTCOME_WAITING) {
		o->dropped += o->queue[o->first].state == STATE_WAITING;
		leave_oldest(o, false);
	}
	place = (o->first + o->held++) % OUTCOME_WAITING;
	slot = slot_of(o, flow);
	if (*slot)
		displace(o, &o->queue[*slot - 1]);
	w = &o->queue[place];
	*w = (struct waiting){
		.contact = *contact,
		.flow = flow,
		.state = STATE_WAITING,
	};
	*slot = place + 1;
	flows_await(o->flows, flow, true);
}

/* The other side answered. */
static void answered(struct outcomes *o, struct waiting *w, const struct ps_packet *p)
{
	if (p->proto == PS_IP_TCP && p->flags & PS_TCP_RST) {
		decide(o, w, SLOW_CLOSED);
		return;
	}
	if (p->proto != PS_IP_TCP || !(p->flags & PS_TCP_SYN)) {
		decide(o, w, SLOW_OPEN);
		return;
	}
	w->state = STATE_ANSWERED;
	w->ack = p->seq + 1;
	slow_contact(o->slow, &w->contact, SLOW_OPEN);
}

/* The source goes on. */
static void goes_on(struct outcomes *o, struct waiting *w, const struct ps_packet *p)
{
	if (p->proto != PS_IP_TCP || !ps_may_be_established(p))
		return;
	if (w->state == STATE_ANSWERED && p->ack == w->ack) {
		w->contact.kind = PS_CONTACT_HANDSHAKE;
		decide(o, w, SLOW_OPEN);
	} else if (w->state == STATE_ANSWERED) {
		unlink_one(o, w); /* the first segment tells, whatever it tells */
	} else if (w->state == STATE_WAITING && w->contact.class == PS_CLASS_SYN) {
		/* It speaks of an answer that the capture lacks: a view of one direction only. */
		decide(o, w, SLOW_UNKNOWN);
	}
}

void outcomes_see(struct outcomes *o, const struct ps_packet *p, struct flow_key flow)
{
	struct waiting *w;

	w = flow.way ? find(o, flow) : NULL;
	if (!w) {
		flows_await(o->flows, flow, false); /* decided by silence, or without an end */
		return;
	}
	if (flow.way == w->flow.way)
		goes_on(o, w, p);
	else if (w->state == STATE_WAITING)
		answered(o, w, p);
	if (w->state == STATE_DONE)
		flows_await(o->flows, flow, false);
}

/* Does the error speak for the target, or for the way there? */
static bool is_refusal(const struct ps_packet *icmp)
{
	if (icmp->proto == PS_IP_ICMP)	/* unreachable: all but "network" and "too big" */
		return icmp->icmp_type == 3 && icmp->icmp_code && icmp->icmp_code != 4;
	return icmp->icmp_type == 1 && icmp->icmp_code; /* ... but "no route" */
}

static bool is_way(const struct ps_packet *icmp)
{
	if (icmp->proto == PS_IP_ICMP)	/* network unreachable, time exceeded */
		return icmp->icmp_type == 11 || (icmp->icmp_type == 3 && !icmp->icmp_code);
	return icmp->icmp_type == 3 || (icmp->icmp_type == 1 && !icmp->icmp_code);
}

void outcomes_error(struct outcomes *o, const struct ps_packet *icmp, struct flow_key quoted)
{
	struct waiting *w = quoted.way ? find(o, quoted) : NULL;

	if (!w || w->state != STATE_WAITING || w->flow.way != quoted.way)
		return;
	if (is_refusal(icmp))
		decide(o, w, SLOW_CLOSED);
	else if (is_way(icmp))
		unlink_one(o, w); /* it never got there: no contact */
}

void outcomes_tick(struct outcomes *o, __u64 now_ns)
{
	while (o->held) {
		const struct waiting *w = &o->queue[o->first];

		if (w->state != STATE_DONE && ps_since(w->contact.at_ns, now_ns) < OUTCOME_WAIT_NS)
			break;
		slow_tick(o->slow, now_ns);
		leave_oldest(o, true);
	}
}

void outcomes_end(struct outcomes *o)
{
	while (o->held)
		leave_oldest(o, true);
}
