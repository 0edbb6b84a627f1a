// SPDX-License-Identifier: GPL-2.0-only
/* state_names.c - states and reasons as words; the words are part of the JSON promise. */
#include "scan/probe.h"

static const char *const states[STATE_MAX] = {
	[STATE_NONE] = "none",
	[STATE_OPEN] = "open",
	[STATE_CLOSED] = "closed",
	[STATE_FILTERED] = "filtered",
	[STATE_UNFILTERED] = "unfiltered",
	[STATE_OPEN_FILTERED] = "open|filtered",
	[STATE_UNKNOWN] = "unknown",
	[STATE_UP] = "up",
};

static const char *const reasons[REASON_MAX] = {
	[REASON_NO_RESPONSE] = "no-response",
	[REASON_SYN_ACK] = "syn-ack",
	[REASON_SYN] = "split-handshake-syn",
	[REASON_RESET] = "reset",
	[REASON_UDP_RESPONSE] = "udp-response",
	[REASON_ECHO_REPLY] = "echo-reply",
	[REASON_ARP_REPLY] = "arp-response",
	[REASON_ND_REPLY] = "nd-response",
	[REASON_CONN_ACCEPTED] = "connected",
	[REASON_CONN_REFUSED] = "conn-refused",
	[REASON_NET_UNREACH] = "net-unreach",
	[REASON_HOST_UNREACH] = "host-unreach",
	[REASON_PROTO_UNREACH] = "proto-unreach",
	[REASON_PORT_UNREACH] = "port-unreach",
	[REASON_ADMIN_PROHIBITED] = "admin-prohibited",
	[REASON_TTL_EXCEEDED] = "time-exceeded",
	[REASON_BLOCKED] = "blocked",
	[REASON_USER_SET] = "user-set",
};

const char *scan_state_name(enum scan_state state)
{
	return state < STATE_MAX && states[state] ? states[state] : "?";
}

const char *scan_reason_name(enum scan_reason reason)
{
	return reason < REASON_MAX && reasons[reason] ? reasons[reason] : "?";
}
