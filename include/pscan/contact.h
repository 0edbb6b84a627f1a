/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * contact.h - what the slow engines are told about a packet. They run in user
 * space, where hours of memory are cheap, and at their own pace.
 */
#ifndef PSCAN_CONTACT_H
#define PSCAN_CONTACT_H

#include "abi.h"
#include "mark.h"
#include "wire.h"

/* @p parsed with PS_PARSE_OK. */
PS_INLINE void ps_contact_fill(struct ps_contact *c, const struct ps_packet *p,
			       enum ps_contact_kind kind, enum ps_class class, __u32 ifindex,
			       __u64 now_ns)
{
	c->at_ns = now_ns;
	c->src = p->src;
	c->dst = p->dst;
	c->seq = p->seq;
	c->ifindex = ifindex;
	c->sport = p->sport;
	c->dport = p->dport;
	c->window = p->window;
	c->ip_id = p->ip_id;
	c->kind = (__u8)kind;
	c->class = (__u8)class;
	c->ttl = p->ttl;
	c->options = 0;
	if (p->proto == PS_IP_TCP && !(p->bits & PS_PKT_TINY))
		c->options = (__u8)(p->payload_off - p->l4_off - sizeof(struct ps_tcp));
	c->pad = 0;
}

/* What anybody can forge by the million: a single packet, or one port of many targets. */
PS_INLINE bool ps_contact_single(enum ps_contact_kind kind, enum ps_sight sight)
{
	return kind == PS_CONTACT_PROBE && (sight == PS_SIGHT_FIRST || sight == PS_SIGHT_AGAIN);
}

/* Bytes that may wait in the contact ring before one of this kind is dropped:
 * what can be forged leaves half to the rest. */
PS_INLINE __u32 ps_contact_room(enum ps_contact_kind kind, enum ps_sight sight)
{
	return ps_contact_single(kind, sight) ? PS_CONTACTS_BYTES / 2 : PS_CONTACTS_BYTES;
}

/*
 * Under a flood of forged sources the ring holds the first few of each poll, and
 * a slow scan's next probe is hardly ever among them. So a part of the sources
 * is looked at, all packets of each, and after some seconds the next part
 * (user/slow/sample.h). @sample: a mask over eight bits of the source's hash, and
 * above it the value that they must have; whose turn it is cannot be told
 * without the seed.
 */
PS_INLINE bool ps_contact_sampled(__u16 sample, __u64 hash, enum ps_sight sight)
{
	return !ps_contact_single(PS_CONTACT_PROBE, sight) ||
	       (hash >> 56 & sample & 0xff) == sample >> 8;
}

#endif /* PSCAN_CONTACT_H */
