/* SPDX-License-Identifier: GPL-2.0-only */
/* session_slow.c - see session_slow.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pscan/event.h>

#include "log.h"
#include "session_slow.h"

/* Who is blocked by now for another reason is not blocked again, nor told. */
static bool is_blocked(const struct xdp *xdp, const union ps_addr *addr, __u64 now_ns,
		       struct ps_block *out)
{
	return xdp_block_get(xdp, addr, out) == 0 && out->until_ns > now_ns;
}

/* @event becomes what follows from it. */
static void respond(const struct session_slow *s, struct ps_event *event, enum slow_tool tool,
		    bool guarded)
{
	const struct ps_rule *rule = s->options.rule;
	struct ps_verdict v = ps_verdict(rule, guarded);
	struct ps_block block;

	event->action = (__u8)v.action;
	event->reason = (__u8)v.reason;
	if (v.action != PS_ACTION_BLOCK)
		return;
	event->until_ns = event->at_ns + slow_block_ns(rule, event);
	ps_event_to_block(rule, event, 0, &block);
	block.tool = (__u8)tool;
	block.packets = 0; /* made behind the packet: none was dropped */
	if (xdp_block_add(s->options.xdp, &event->source.addr, &block) == 0)
		return;
	event->action = PS_ACTION_ALERT;
	event->reason = PS_REASON_TABLE;
	event->until_ns = 0;
}

static __u64 on_finding(const struct slow_finding *f, void *data)
{
	const struct session_slow *s = data;
	const struct session_slow_options *o = &s->options;
	const char *ifname = o->ifname(o->ifname_data, f->event.ifindex);
	struct report_facts facts = { .tool = slow_tool_name(f->tool), .handshake = f->handshake };
	struct ps_event event = f->event;
	struct ps_allow allow;
	struct ps_block block;
	bool guarded;

	if (event.engine == PS_ENGINE_CROWD) {
		report_crowd(o->report, &f->crowd, &event, ifname);
		return 0;
	}
	/* The time of judgement: the contact's is a poll or two ago. A handshake since the first
	 * probe began with none of these closed ports: told, but no proof (see proof.h). */
	event.at_ns = xdp_now_ns();
	event.proof = PS_PROOF_NONE;
	if (is_blocked(o->xdp, &event.source.addr, event.at_ns, &block))
		return block.until_ns;
	guarded = xdp_allow_find(o->xdp, &event.source.addr, &allow) == 0;
	if (guarded && allow.kind == PS_ALLOW_USER)
		return 0;
	respond(s, &event, f->tool, guarded);
	report_scan(o->report, &event, ifname, &facts);
	return event.until_ns;
}

static bool is_own(const union ps_addr *net, const void *data)
{
	return xdp_local_has(data, net);
}

/* 0 where the system does not say: then the engines' default holds. */
static __u16 ephemeral_low(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned int low = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%u", &low) != 1 || low > 65535)
		low = 0;
	fclose(f);
	return (__u16)low;
}

int session_slow_open(struct session_slow *s, const struct session_slow_options *options)
{
	struct outcome_host_options host = {
		.xdp = options->xdp,
		.conntrack = options->conntrack,
		.tracking = options->tracking,
	};
	struct slow_options slow = {
		.window_ns = options->rule->window_ns,
		.quiet_ns = options->rule->quiet_ns,
		.own = is_own,
		.own_data = options->xdp,
		.ephemeral_low = ephemeral_low(),
	};
	struct ps_counters counters = { 0 };
	struct ps_config cfg;
	int err;

	memset(s, 0, sizeof(*s));
	s->options = *options;
	err = xdp_config_get(options->xdp, &cfg);
	if (!err)
		err = xdp_counters(options->xdp, &counters);
	s->lost = counters.stage[PS_COUNT_CONTACT_LOST];
	if (!err)
		err = xdp_sample_set(options->xdp, 0); /* an earlier loader's flood is over */
	if (!err) {
		slow.seed = cfg.seed;
		s->slow = slow_new(&slow, on_finding, s);
		err = s->slow ? 0 : -ENOMEM;
	}
	host.slow = s->slow;
	if (!err)
		err = outcome_host_open(&host, &s->host);
	if (err)
		log_error("cannot start the engines for slow scans: %s; --slow off does without",
			  strerror(-err));
	return err;
}

void session_slow_close(struct session_slow *s)
{
	outcome_host_close(s->host);
	slow_free(s->slow);
}

void session_slow_contact(struct session_slow *s, const struct ps_contact *contact)
{
	if (!s->slow)
		return;
	s->contacts++;
	outcome_host_wait(s->host, contact);
}

/* Tells the program whose contacts to leave out, when there were too many. */
static void sample(struct session_slow *s)
{
	struct ps_counters now;
	__u64 lost;
	__u16 value;
	int err = xdp_counters(s->options.xdp, &now);

	if (err)
		return;
	lost = now.stage[PS_COUNT_CONTACT_LOST];
	value = sample_poll(&s->sample, s->contacts + ps_since(s->lost, lost));
	s->contacts = 0;
	s->lost = lost;
	if (value != s->sampled)
		err = xdp_sample_set(s->options.xdp, value);
	if (!err)
		s->sampled = value;
	else if (!s->failed)
		log_warn("cannot choose among contacts: %s; slow scans may go unseen in a flood",
			 strerror(-err));
	s->failed |= err != 0;
}

void session_slow_poll(struct session_slow *s)
{
	__u64 now_ns = xdp_now_ns();
	int err;

	if (!s->slow)
		return;
	sample(s);
	slow_tick(s->slow, now_ns);
	err = outcome_host_judge(s->host, now_ns);
	if (err && !s->failed) {
		log_warn("cannot find out which ports are open: %s; slow scans may go unseen",
			 strerror(-err));
		s->failed = true;
	}
}

/* Information: a block that was lifted or changed meanwhile goes without. */
static void note_tool(const struct xdp *xdp, const struct ps_event *event, enum slow_tool tool)
{
	const union ps_addr *addr = &event->source.addr;
	struct ps_block block;

	if (tool == SLOW_TOOL_NONE || event->action != PS_ACTION_BLOCK ||
	    xdp_block_get(xdp, addr, &block) || block.since_ns != event->at_ns)
		return;
	block.tool = (__u8)tool;
	xdp_block_set(xdp, addr, &block);
}

/* The packets of a burst wait for their judgement when it is told. */
static enum slow_tool tool_of(const struct session_slow *s, const union ps_addr *source)
{
	enum slow_tool tool = outcome_host_tool(s->host, source);

	return tool != SLOW_TOOL_NONE ? tool : slow_tool_of(s->slow, source);
}

void session_slow_event(struct session_slow *s, const struct ps_event *event,
			struct report_facts *facts)
{
	enum slow_tool tool;

	if (!s->slow || event->kind != PS_EVENT_SCAN)
		return;
	slow_told(s->slow, event);
	tool = tool_of(s, &event->source.addr);
	note_tool(s->options.xdp, event, tool);
	facts->tool = slow_tool_name(tool);
	facts->handshake = slow_handshake_of(s->slow, &event->source.addr, event->source.first_ns);
}
