/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * detector_slow.c - the slow engines beside a libpcap run: what they are fed
 * with, and what is made of what they find. See detector_run.h.
 */
#include <errno.h>
#include <net/if.h>

#include "detector_run.h"
#include "log.h"

/* What the XDP side's session does with a finding. */
static __u64 block(struct detector *d, struct ps_event *event)
{
	const struct ps_rule *rule = &d->engine.cfg.rule;
	struct ps_verdict v = ps_verdict(rule, false);
	struct ps_block *b;

	event->action = (__u8)v.action;
	event->reason = (__u8)v.reason;
	if (v.action != PS_ACTION_BLOCK)
		return 0;
	event->until_ns = event->at_ns + slow_block_ns(rule, event);
	store_block(&d->engine.store, rule, event, 0);
	b = store_blocked(&d->engine.store, &event->source.addr, event->at_ns);
	if (b)
		b->packets = 0; /* it was made behind the packet, none was dropped yet */
	return event->until_ns;
}

static __u64 on_finding(const struct slow_finding *f, void *data)
{
	struct detector *d = data;
	struct report_facts facts = { slow_tool_name(f->tool), f->handshake };
	struct ps_event event = f->event;
	char ifname[IF_NAMESIZE];
	__u64 until_ns = 0;

	if (event.engine == PS_ENGINE_CROWD) {
		report_wall(d->report, -(__s64)d->shift_ns);
		report_crowd(d->report, &f->crowd, &event,
			     event.ifindex ? if_indextoname(event.ifindex, ifname) : NULL);
	} else {
		until_ns = block(d, &event);
		detector_tell(d, &event, &facts);
	}
	return until_ns;
}

static void on_contact(const struct ps_contact *contact, void *data)
{
	struct detector *d = data;

	d->tool = slow_tool_guess(contact);
	if (!store_allowed(&d->engine.store, &contact->src))
		outcomes_wait(d->outcomes, contact, d->judged_packet->flow,
			      d->judged_packet->awaited);
}

int detector_slow_start(struct detector *d, __u64 seed)
{
	const struct ps_rule *rule = &d->engine.cfg.rule;
	struct slow_options options = {
		.window_ns = rule->window_ns,
		.quiet_ns = rule->quiet_ns,
		.seed = seed,
	};

	if (!d->options->rule.slow)
		return 0;
	d->slow = slow_new(&options, on_finding, d);
	d->outcomes = d->slow ? outcomes_new(d->slow, &d->engine.flows) : NULL;
	if (!d->outcomes) {
		log_error("making the slow engines' tables: no memory");
		return -ENOMEM;
	}
	d->engine.contact = on_contact;
	return 0;
}

void detector_slow_free(struct detector *d)
{
	outcomes_free(d->outcomes);
	slow_free(d->slow);
}

static bool is_error(const struct ps_packet *p)
{
	if (p->proto == PS_IP_ICMP)
		return p->icmp_type == 3 || p->icmp_type == 11;
	return p->proto == PS_IP_ICMPV6 && p->icmp_type < 128;
}

/* The flow of the packet that an ICMP error quotes. */
static struct flow_key quoted_flow(const struct detector *d, const struct engine_frame *frame,
				   const struct ps_packet *error)
{
	const char *data = frame->data;
	struct ps_packet quoted;

	if (error->payload_off > frame->captured ||
	    ps_parse_quote(data + error->payload_off, data + frame->captured, &quoted) !=
		    PS_PARSE_OK)
		return (struct flow_key){ 0, 0, FLOW_STEP_ANY };
	return flows_key(&d->engine.flows, &quoted,
			 ps_hash_addr(d->engine.cfg.seed, &quoted.src));
}

void detector_slow_parsed(const struct detector *d, const struct engine_frame *frame,
			  struct detector_ahead *next)
{
	const struct engine_packet *packet = &next->packet;

	next->quoted.way = 0;
	if (packet->flow.way)
		outcomes_expect(d->outcomes, packet->flow);
	else if (packet->parsed == PS_PARSE_OK && is_error(&packet->it.packet))
		next->quoted = quoted_flow(d, frame, &packet->it.packet);
}

void detector_slow_see(struct detector *d, const struct detector_ahead *next)
{
	const struct engine_packet *packet = &next->packet;

	if (!outcomes_held(d->outcomes))
		return;
	outcomes_tick(d->outcomes, packet->it.now_ns);
	if (next->quoted.way)
		outcomes_error(d->outcomes, &packet->it.packet, next->quoted);
	else if (packet->awaited)
		outcomes_see(d->outcomes, &packet->it.packet, packet->flow);
}

void detector_slow_tick(struct detector *d, __u64 now_ns)
{
	if (d->slow && now_ns > d->clock.now_ns)
		outcomes_tick(d->outcomes, now_ns);
}

void detector_slow_end(struct detector *d)
{
	if (d->slow)
		outcomes_end(d->outcomes);
}
