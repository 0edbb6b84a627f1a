// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe_tcp.c - the TCP techniques. They differ in their control bits and in
 * what a reset means; where the cookie comes back follows from the bits.
 *
 * RFC 9293 section 3.10.7: a segment without ACK is reset with our sequence
 * number (plus what it consumes) in the acknowledgement field; a segment with
 * ACK is reset with our acknowledgement number as the sequence. So both fields
 * of every probe carry the cookie, and an ICMP error quotes the sequence
 * number, which is within the 8 bytes it is sure to hold.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <pscan/wire.h>

#include "scan/probe.h"

/* RFC 9293 section 3.7.1. Firewalls drop SYNs without it; 1460 is Ethernet's. */
#define MSS_V4 1460
#define MSS_V6 1440

static size_t build(const struct probe_context *context, const struct probe *probe, __u8 *out)
{
	__u16 own = context->tcp_ports[probe->attempt % context->tcp_port_count];
	/* From one single port, a retry must be the same segment again: see PROBE_TCP_PORTS. */
	unsigned int attempt = context->tcp_port_count > 1 ? probe->attempt : 0;
	__u32 cookie = cookie_make(&context->key, &probe->target, probe->port, own, attempt);
	struct ps_tcp *tcp = (struct ps_tcp *)out;
	bool syn = probe->ops->flags & PS_TCP_SYN;
	size_t bytes = sizeof(*tcp) + (syn ? 4 : 0);

	memset(out, 0, bytes);
	tcp->sport = ps_htons(own);
	tcp->dport = ps_htons(probe->port);
	tcp->seq = ps_htonl(cookie);
	if (probe->ops->flags & PS_TCP_ACK)
		tcp->ack = ps_htonl(cookie);
	tcp->offset_res = (__u8)(bytes / 4 << 4);
	tcp->flags = probe->ops->flags;
	tcp->window = ps_htons(1024);
	if (syn) {
		__u16 mss = ps_addr_is_v4(&probe->target) ? MSS_V4 : MSS_V6;

		out[sizeof(*tcp)] = 2;     /* kind: MSS */
		out[sizeof(*tcp) + 1] = 4; /* length */
		out[sizeof(*tcp) + 2] = (__u8)(mss >> 8);
		out[sizeof(*tcp) + 3] = (__u8)mss;
	}
	return bytes;
}

static bool own_port(const struct probe_context *context, __u16 port)
{
	for (unsigned int i = 0; i < context->tcp_port_count; i++)
		if (context->tcp_ports[i] == port)
			return true;
	return false;
}

/* Our cookie in either field of the reply. */
static bool carries_cookie(const struct probe_context *context, const struct ps_packet *reply,
			   struct answer *answer)
{
	answer->attempt_known = context->tcp_port_count > 1;
	if ((reply->flags & PS_TCP_ACK) && cookie_check(&context->key, &reply->src, reply->sport,
							reply->dport, reply->ack, &answer->attempt))
		return true;
	return cookie_check(&context->key, &reply->src, reply->sport, reply->dport, reply->seq,
			    &answer->attempt);
}

static bool match(const struct probe_context *context, const struct probe_ops *ops,
		  const struct ps_packet *reply, const __u8 *payload, const __u8 *end,
		  struct answer *answer)
{
	__u8 flags = reply->flags & (PS_TCP_SYN | PS_TCP_ACK | PS_TCP_RST | PS_TCP_FIN);

	(void)payload;
	(void)end;
	if (!own_port(context, reply->dport) || (reply->bits & PS_PKT_TINY))
		return false;
	if (flags == PS_TCP_SYN && ops->flags == PS_TCP_SYN) {
		/* On loopback our own SYN to a port we hold ourselves comes by here. */
		if (own_port(context, reply->sport) && ps_addr_eq(&reply->src, &reply->dst))
			return false;
		/* A split handshake (RFC 9293 section 3.5, figure 8) acknowledges nothing yet. */
		answer->attempt = 0;
		answer->attempt_known = false;
		answer->state = STATE_OPEN;
		answer->reason = REASON_SYN;
		return true;
	}
	if (!carries_cookie(context, reply, answer))
		return false;
	if (flags & PS_TCP_RST) {
		answer->state = ops->reset;
		answer->reason = REASON_RESET;
		if (ops->reset_window && reply->window)
			answer->state = STATE_OPEN;
		return true;
	}
	if ((flags & (PS_TCP_SYN | PS_TCP_ACK)) != (PS_TCP_SYN | PS_TCP_ACK))
		return false;
	answer->state = STATE_OPEN;
	answer->reason = REASON_SYN_ACK;
	answer->bare =
		reply->window == 0 && reply->payload_off - reply->l4_off == sizeof(struct ps_tcp);
	return true;
}

static bool match_quote(const struct probe_context *context, const struct probe_ops *ops,
			const struct ps_packet *quote, struct answer *answer)
{
	(void)ops;
	answer->attempt_known = context->tcp_port_count > 1;
	return own_port(context, quote->sport) &&
	       cookie_check(&context->key, &quote->dst, quote->dport, quote->sport, quote->seq,
			    &answer->attempt);
}

#define TCP_PROBE(title, bits, on_silence, on_reset)                                               \
	.name = (title), .proto = PS_IP_TCP, .flags = (bits), .silence = (on_silence),             \
	.reset = (on_reset), .build = build, .match = match, .match_quote = match_quote

const struct probe_ops probe_tcp_syn = {
	TCP_PROBE("syn", PS_TCP_SYN, STATE_FILTERED, STATE_CLOSED),
};

const struct probe_ops probe_tcp_fin = {
	TCP_PROBE("fin", PS_TCP_FIN, STATE_OPEN_FILTERED, STATE_CLOSED),
};

const struct probe_ops probe_tcp_null = {
	TCP_PROBE("null", 0, STATE_OPEN_FILTERED, STATE_CLOSED),
};

const struct probe_ops probe_tcp_xmas = {
	TCP_PROBE("xmas", PS_TCP_FIN | PS_TCP_PSH | PS_TCP_URG, STATE_OPEN_FILTERED, STATE_CLOSED),
};

const struct probe_ops probe_tcp_maimon = {
	TCP_PROBE("maimon", PS_TCP_FIN | PS_TCP_ACK, STATE_OPEN_FILTERED, STATE_CLOSED),
};

const struct probe_ops probe_tcp_ack = {
	TCP_PROBE("ack", PS_TCP_ACK, STATE_FILTERED, STATE_UNFILTERED),
};

const struct probe_ops probe_tcp_window = {
	TCP_PROBE("window", PS_TCP_ACK, STATE_FILTERED, STATE_CLOSED),
	.reset_window = true,
};

/* The connect engine asks the system's own stack: nothing to build or to match. */
const struct probe_ops probe_tcp_connect = {
	.name = "connect",
	.proto = PS_IP_TCP,
	.silence = STATE_FILTERED,
	.reset = STATE_CLOSED,
};

void probe_tcp_custom(struct probe_ops *ops, __u8 flags)
{
	*ops = (struct probe_ops){
		TCP_PROBE("flags", flags, STATE_OPEN_FILTERED, STATE_CLOSED),
	};
	if ((flags & PS_TCP_SYN) && !(flags & PS_TCP_ACK))
		ops->silence = STATE_FILTERED;
}

static const struct {
	const char *name;
	char letter;
	__u8 bit;
} flag_names[] = {
	{ "fin", 'F', PS_TCP_FIN }, { "syn", 'S', PS_TCP_SYN }, { "rst", 'R', PS_TCP_RST },
	{ "psh", 'P', PS_TCP_PSH }, { "ack", 'A', PS_TCP_ACK }, { "urg", 'U', PS_TCP_URG },
	{ "ece", 'E', PS_TCP_ECE }, { "cwr", 'C', PS_TCP_CWR },
};

#define FLAG_COUNT (sizeof(flag_names) / sizeof(flag_names[0]))

static bool word_flags(const char *word, __u8 *flags)
{
	__u8 letters = 0;

	for (size_t i = 0; i < FLAG_COUNT; i++) {
		if (strcasecmp(word, flag_names[i].name) == 0) {
			*flags |= flag_names[i].bit;
			return true;
		}
	}
	for (const char *c = word; *c; c++) {
		size_t i = 0;

		while (i < FLAG_COUNT && flag_names[i].letter != *c)
			i++;
		if (i == FLAG_COUNT)
			return false;
		letters |= flag_names[i].bit;
	}
	*flags |= letters;
	return *word != '\0';
}

bool probe_tcp_flags_parse(const char *text, __u8 *flags)
{
	char copy[64], *save = NULL, *rest;
	unsigned long number = strtoul(text, &rest, 0);

	if (*text >= '0' && *text <= '9') {
		*flags = (__u8)number;
		return *rest == '\0' && number <= 0xff;
	}
	if (strcasecmp(text, "none") == 0) {
		*flags = 0;
		return true;
	}
	if (strlen(text) >= sizeof(copy) || *text == '\0')
		return false;
	strcpy(copy, text);
	*flags = 0;
	for (char *word = strtok_r(copy, ",+", &save); word; word = strtok_r(NULL, ",+", &save))
		if (!word_flags(word, flags))
			return false;
	return true;
}
