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

/* Bytes that may wait in the contact ring before one of this kind is dropped:
 * single packets, which anybody can forge by the million, and one port of many
 * targets leave half to the rest. */
PS_INLINE __u32 ps_contact_room(enum ps_contact_kind kind, enum ps_sight sight)
{
	bool single = kind == PS_CONTACT_PROBE &&
		      (sight == PS_SIGHT_FIRST || sight == PS_SIGHT_AGAIN);

	return single ? PS_CONTACTS_BYTES / 2 : PS_CONTACTS_BYTES;
}

#endif /* PSCAN_CONTACT_H */
