/* SPDX-License-Identifier: GPL-2.0-only */
/* outcome_host.c - see outcome_host.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pscan/wire.h>

#include "listeners.h"
#include "outcome_host.h"

/* Judged together; bounds the questions that are under way. */
#define BATCH 256

/* A contact and what is known of it so far. */
struct pending {
	enum slow_outcome outcome;
	enum slow_outcome unanswered;	/* its outcome when the table knows of no answer */
	int query;			/* its question to the table; -1: none */
};

struct outcome_host {
	struct outcome_host_options options;
	struct listeners *listeners;
	struct ps_contact *waiting;	/* in the order they came */
	size_t n;
	__u64 lost;
	bool any_allowed;		/* an operator allowed somebody */
	union ps_addr dst;		/* asked about last: mostly it is the same again */
	bool local;			/* ... and is one of ours */
	struct pending pending[BATCH];
	struct conntrack_query query[BATCH];
	size_t queries;
};

int outcome_host_open(const struct outcome_host_options *options, struct outcome_host **out)
{
	struct outcome_host *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->options = *options;
	h->waiting = malloc(OUTCOME_HOST_MAX * sizeof(*h->waiting));
	err = h->waiting ? listeners_open(&h->listeners) : -ENOMEM;
	if (err) {
		outcome_host_close(h);
		return err;
	}
	*out = h;
	return 0;
}

void outcome_host_close(struct outcome_host *h)
{
	if (!h)
		return;
	listeners_close(h->listeners);
	free(h->waiting);
	free(h);
}

void outcome_host_wait(struct outcome_host *h, const struct ps_contact *contact)
{
	if (h->n < OUTCOME_HOST_MAX)
		h->waiting[h->n++] = *contact;
	else
		h->lost++;
}

static bool is_from(const struct ps_contact *c, const union ps_addr *source)
{
	if (ps_addr_is_net(source))
		return c->src.d[0] == source->d[0];
	return ps_addr_eq(&c->src, source);
}

enum slow_tool outcome_host_tool(const struct outcome_host *h, const union ps_addr *source)
{
	size_t from = h->n > OUTCOME_HOST_LOOKED_AT ? h->n - OUTCOME_HOST_LOOKED_AT : 0;

	for (size_t i = h->n; i > from; i--) {
		const struct ps_contact *c = &h->waiting[i - 1];
		enum slow_tool tool = SLOW_TOOL_NONE;

		if (c->kind == PS_CONTACT_PROBE && is_from(c, source))
			tool = slow_tool_guess(c);
		if (tool != SLOW_TOOL_NONE)
			return tool;
	}
	return SLOW_TOOL_NONE;
}

__u64 outcome_host_lost(const struct outcome_host *h)
{
	return h->lost;
}

static bool is_local(struct outcome_host *h, const union ps_addr *dst)
{
	if (!ps_addr_eq(&h->dst, dst)) {
		h->dst = *dst;
		h->local = xdp_local_has(h->options.xdp, dst);
	}
	return h->local;
}

static void ask(struct outcome_host *h, const struct ps_contact *c, struct pending *p)
{
	p->query = (int)h->queries;
	h->query[h->queries++] = (struct conntrack_query){
		.src = c->src,
		.dst = c->dst,
		.sport = c->sport,
		.dport = c->dport,
		.proto = c->class == PS_CLASS_UDP ? PS_IP_UDP : PS_IP_TCP,
	};
}

/*
 * What is for this host and finds no socket was refused, unless it was for a
 * published port (DNAT), which an answer shows. What is for others is judged by
 * the table alone: a TCP probe that nobody answered is closed to its sender, a
 * datagram says nothing by going unanswered.
 */
static void look(struct outcome_host *h, const struct ps_contact *c, struct pending *p,
		 bool sockets_known)
{
	const struct outcome_host_options *o = &h->options;
	bool tracks = o->conntrack && tracking_tracks(o->tracking, !ps_addr_is_v4(&c->dst));
	bool local = is_local(h, &c->dst);

	*p = (struct pending){ .outcome = SLOW_UNKNOWN, .query = -1 };
	if (c->kind == PS_CONTACT_HANDSHAKE || (local && c->class != PS_CLASS_UDP &&
						listeners_has(h->listeners, &c->dst, c->dport))) {
		p->outcome = SLOW_OPEN;
		return;
	}
	if (local && sockets_known)
		p->outcome = SLOW_CLOSED;
	p->unanswered = p->outcome;
	if (!local && c->class != PS_CLASS_UDP)
		p->unanswered = SLOW_CLOSED;
	if (tracks)
		ask(h, c, p);
}

static void settle(const struct outcome_host *h, struct pending *p)
{
	if (p->query >= 0)
		p->outcome = h->query[p->query].flow == CONNTRACK_ANSWERED ? SLOW_OPEN :
									     p->unanswered;
}

static int on_allow(const struct prefix *prefix, const struct ps_allow *value, void *data)
{
	(void)prefix;
	*(bool *)data = value->kind == PS_ALLOW_USER;
	return *(bool *)data;
}

static bool allowed(const struct outcome_host *h, const struct ps_contact *c)
{
	struct ps_allow allow;

	return h->any_allowed && xdp_allow_find(h->options.xdp, &c->src, &allow) == 0 &&
	       allow.kind == PS_ALLOW_USER;
}

static int judge(struct outcome_host *h, const struct ps_contact *contacts, size_t n,
		 bool sockets_known)
{
	int err = 0;

	h->queries = 0;
	for (size_t i = 0; i < n; i++)
		look(h, &contacts[i], &h->pending[i], sockets_known);
	if (h->queries)
		err = conntrack_find(h->options.conntrack, h->query, h->queries);
	for (size_t i = 0; i < n; i++) {
		if (!err)
			settle(h, &h->pending[i]);
		if (!allowed(h, &contacts[i]))
			slow_contact(h->options.slow, &contacts[i], h->pending[i].outcome);
	}
	return err;
}

int outcome_host_judge(struct outcome_host *h, __u64 now_ns)
{
	size_t due = 0;
	int err = 0;

	while (due < h->n && ps_since(h->waiting[due].at_ns, now_ns) >= OUTCOME_HOST_WAIT_NS)
		due++;
	if (due) {
		int unknown = listeners_refresh(h->listeners), res;

		err = unknown;
		h->any_allowed = false;
		xdp_each_allow(h->options.xdp, on_allow, &h->any_allowed);
		h->dst = (union ps_addr){ .d = { 0 } }; /* addresses come and go */
		h->local = false;
		for (size_t i = 0; i < due; i += BATCH) {
			res = judge(h, h->waiting + i, due - i < BATCH ? due - i : BATCH, !unknown);
			err = err ? err : res;
		}
	}
	h->n -= due;
	memmove(h->waiting, h->waiting + due, h->n * sizeof(*h->waiting));
	return err;
}
