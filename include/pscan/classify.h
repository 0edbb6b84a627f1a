/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * classify.h - which probe does a packet resemble. Flags and protocol only:
 * whether it is one is for the evidence stage to say.
 */
#ifndef PSCAN_CLASSIFY_H
#define PSCAN_CLASSIFY_H

#include "abi.h"
#include "wire.h"

/* Resolvers ask from ports from here on (dnsmasq, unbound and BIND alike, unless told). */
#define PS_DNS_CLIENT_LOW 1024

/* The control bits that name a probe; ECN's two (RFC 3168) say nothing. */
#define PS_TCP_NAMING 0x3f

/*
 * A DNS response to a port that a resolver may have asked from. It asks from another port each
 * time (RFC 5452 section 4.5), several servers at once or the next one when the first takes long,
 * and is gone from the port when a slower one answers: to the ports that nobody has any more come
 * as many answers as there were questions, and all together when a link recovers.
 */
PS_INLINE bool ps_is_dns_answer(const struct ps_packet *p)
{
	return (p->bits & PS_PKT_DNS) && p->dport >= PS_DNS_CLIENT_LOW;
}

/* @p parsed with PS_PARSE_OK. */
PS_INLINE enum ps_class ps_classify(const struct ps_packet *p)
{
	__u8 flags = p->flags & PS_TCP_NAMING;

	if (p->proto == PS_IP_UDP)
		return PS_CLASS_UDP;
	if (p->proto != PS_IP_TCP)
		return PS_CLASS_NONE;
	if (p->bits & PS_PKT_TINY)
		return PS_CLASS_OTHER;
	switch (flags) {
	case PS_TCP_SYN:
		return PS_CLASS_SYN;
	case PS_TCP_ACK:
		return PS_CLASS_ACK;
	case 0:
		return PS_CLASS_NULL;
	case PS_TCP_FIN | PS_TCP_PSH | PS_TCP_URG:
		return PS_CLASS_XMAS;
	case PS_TCP_FIN:
		return PS_CLASS_FIN;
	case PS_TCP_FIN | PS_TCP_ACK:
		return PS_CLASS_MAIMON;
	}
	/* RFC 9293 section 3.10.7.1: a RST is never answered, so it probes nothing. Nobody
	 * sends it in pieces, nor a SYN+ACK: the next would write over the flags (RFC 3128). */
	if ((flags & PS_TCP_RST || flags == (PS_TCP_SYN | PS_TCP_ACK)) && !(p->bits & PS_PKT_FRAG))
		return PS_CLASS_REPLY;
	return PS_CLASS_OTHER;
}

/* A segment that may belong to a synchronized connection: ACK set, SYN and RST
 * clear. Only these can pass by the known-flow cache and a soft block. */
PS_INLINE bool ps_may_be_established(const struct ps_packet *p)
{
	return p->proto == PS_IP_TCP &&
	       (p->flags & (PS_TCP_ACK | PS_TCP_SYN | PS_TCP_RST)) == PS_TCP_ACK;
}

/*
 * Neighbour discovery (RFC 4861 sections 7.1.1 and 7.1.2), which is to IPv6 what
 * ARP is to IPv4. No block stops it: without it an open connection dies with the
 * neighbours' memory of each other. The hop limit says that the sender is on this
 * link, where it could as well forge another's; it probes no port.
 */
PS_INLINE bool ps_is_neighbour(const struct ps_packet *p)
{
	return p->proto == PS_IP_ICMPV6 && p->ttl == 255 &&
	       (p->icmp_type == PS_ICMPV6_SOLICIT || p->icmp_type == PS_ICMPV6_ADVERT);
}

/* Is the probe to be held against the sender's /64 as well? Not within one network. */
PS_INLINE bool ps_wants_net(const struct ps_packet *p)
{
	return ps_addr_has_net(&p->src) && p->src.d[0] != p->dst.d[0];
}

/* Could be an answer to something of ours, so a socket must be asked. */
PS_INLINE bool ps_may_be_reply(const struct ps_packet *p)
{
	return p->proto == PS_IP_UDP ||
	       (p->proto == PS_IP_TCP && (p->flags & (PS_TCP_ACK | PS_TCP_RST)));
}

/* What a host sends to answer. Of UDP it is scored only where REPLY is wanted as well. */
PS_INLINE bool ps_is_answer(const struct ps_packet *p, enum ps_class class)
{
	return class == PS_CLASS_REPLY || ps_is_dns_answer(p);
}

/* Does the rule score this packet of @class, and is it from one host, for one host alone? */
PS_INLINE bool ps_wanted(const struct ps_rule *rule, const struct ps_packet *p,
			 enum ps_class class)
{
	__u32 wanted = 1U << class | (__u32)ps_is_dns_answer(p) << PS_CLASS_REPLY;

	return (rule->classes & wanted) == wanted && !(p->bits & PS_PKT_GROUP) &&
	       !ps_addr_is_none(&p->src);
}

#endif /* PSCAN_CLASSIFY_H */
