// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe_icmp.c - echo requests for host discovery, and what ICMP errors say
 * about the probe they quote.
 */
#include <string.h>

#include <pscan/wire.h>

#include "scan/probe.h"

enum { ECHO_REPLY_V4 = 0, ECHO_V4 = 8, ECHO_V6 = 128, ECHO_REPLY_V6 = 129 };

/* RFC 792 */
enum { UNREACH_V4 = 3, TIME_EXCEEDED_V4 = 11 };

/* RFC 4443 */
enum { UNREACH_V6 = 1, TIME_EXCEEDED_V6 = 3 };

/* The cookie fills identifier and sequence number, which an answer repeats. */
static size_t build(const struct probe_context *context, const struct probe *probe, __u8 *out)
{
	struct ps_icmp *icmp = (struct ps_icmp *)out;

	memset(out, 0, sizeof(*icmp));
	icmp->type = probe->ops->proto == PS_IP_ICMP ? ECHO_V4 : ECHO_V6;
	icmp->rest = ps_htonl(cookie_make(&context->key, &probe->target, 0, 0, probe->attempt));
	return sizeof(*icmp);
}

static bool match(const struct probe_context *context, const struct probe_ops *ops,
		  const struct ps_packet *reply, const __u8 *payload, const __u8 *end,
		  struct answer *answer)
{
	__u8 type = ops->proto == PS_IP_ICMP ? ECHO_REPLY_V4 : ECHO_REPLY_V6;

	(void)payload;
	(void)end;
	if (reply->icmp_type != type ||
	    !cookie_check(&context->key, &reply->src, 0, 0, reply->ack, &answer->attempt))
		return false;
	answer->attempt_known = true;
	answer->state = STATE_UP;
	answer->reason = REASON_ECHO_REPLY;
	return true;
}

static bool match_quote(const struct probe_context *context, const struct probe_ops *ops,
			const struct ps_packet *quote, struct answer *answer)
{
	(void)ops;
	answer->attempt_known = true;
	return cookie_check(&context->key, &quote->dst, 0, 0, quote->ack, &answer->attempt);
}

const struct probe_ops probe_icmp_echo = {
	.name = "echo",
	.proto = PS_IP_ICMP,
	.build = build,
	.match = match,
	.match_quote = match_quote,
};

const struct probe_ops probe_icmp6_echo = {
	.name = "echo",
	.proto = PS_IP_ICMPV6,
	.build = build,
	.match = match,
	.match_quote = match_quote,
};

/* Type 3 codes; those not listed are no verdict on a port. */
static enum scan_reason unreach_v4(__u8 code)
{
	switch (code) {
	case 0:
		return REASON_NET_UNREACH;
	case 1:
		return REASON_HOST_UNREACH;
	case 2:
		return REASON_PROTO_UNREACH;
	case 3:
		return REASON_PORT_UNREACH;
	case 9:
	case 10:
	case 13:
		return REASON_ADMIN_PROHIBITED;
	default:
		return REASON_MAX;
	}
}

/* RFC 4443 section 3.1 */
static enum scan_reason unreach_v6(__u8 code)
{
	switch (code) {
	case 0:
		return REASON_NET_UNREACH;
	case 1:
	case 5:
	case 6:
		return REASON_ADMIN_PROHIBITED;
	case 3:
		return REASON_HOST_UNREACH;
	case 4:
		return REASON_PORT_UNREACH;
	default:
		return REASON_MAX;
	}
}

bool probe_icmp_error(const struct ps_packet *error, const struct probe_ops *ops, bool from_target,
		      struct answer *answer)
{
	bool v4 = error->bits & PS_PKT_V4;
	enum scan_reason reason = REASON_MAX;

	if (error->icmp_type == (v4 ? UNREACH_V4 : UNREACH_V6))
		reason = v4 ? unreach_v4(error->icmp_code) : unreach_v6(error->icmp_code);
	else if (error->icmp_type == (v4 ? TIME_EXCEEDED_V4 : TIME_EXCEEDED_V6))
		reason = REASON_TTL_EXCEEDED;
	if (reason == REASON_MAX)
		return false;
	answer->reason = reason;
	answer->state = STATE_FILTERED;
	/* Only the target knows that nobody listens; from anyone else it is a refusal. */
	if (reason == REASON_PORT_UNREACH && from_target && ops->proto == PS_IP_UDP)
		answer->state = STATE_CLOSED;
	return true;
}
