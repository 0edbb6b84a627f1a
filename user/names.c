/* SPDX-License-Identifier: GPL-2.0-only */
/* names.c - see names.h. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "names.h"

#define ENTRIES(table) (sizeof(table) / sizeof((table)[0]))
#define ASSERT_COMPLETE(table, sentinel)                                                           \
	_Static_assert(ENTRIES(table) == (sentinel), #table " lacks a word of its enum")

static const char *const classes[] = {
	[PS_CLASS_NONE] = "NONE",     [PS_CLASS_SYN] = "SYN",     [PS_CLASS_ACK] = "ACK",
	[PS_CLASS_NULL] = "NULL",     [PS_CLASS_XMAS] = "XMAS",   [PS_CLASS_FIN] = "FIN",
	[PS_CLASS_MAIMON] = "MAIMON", [PS_CLASS_OTHER] = "OTHER", [PS_CLASS_UDP] = "UDP",
	[PS_CLASS_REPLY] = "REPLY",
};
ASSERT_COMPLETE(classes, PS_CLASS_MAX);

static const char *const actions[] = {
	[PS_ACTION_PASS] = "pass",
	[PS_ACTION_ALERT] = "alert",
	[PS_ACTION_BLOCK] = "block",
	[PS_ACTION_DROP] = "drop",
};
ASSERT_COMPLETE(actions, PS_ACTION_MAX);

static const char *const reasons[] = {
	[PS_REASON_NONE] = "none",   [PS_REASON_RULE] = "rule",   [PS_REASON_MONITOR] = "monitor",
	[PS_REASON_GUARD] = "guard", [PS_REASON_TABLE] = "table", [PS_REASON_MANUAL] = "manual",
};
ASSERT_COMPLETE(reasons, PS_REASON_MAX);

static const char *const engines[] = {
	[PS_ENGINE_BURST] = "burst",
	[PS_ENGINE_WALK] = "walk",
	[PS_ENGINE_SWEEP] = "sweep",
	[PS_ENGINE_CROWD] = "crowd",
};
ASSERT_COMPLETE(engines, PS_ENGINE_MAX);

static const char *const events[] = {
	[PS_EVENT_SCAN] = "scan",
	[PS_EVENT_RENEW] = "renew",
	[PS_EVENT_EXPIRE] = "expire",
	[PS_EVENT_PROVEN] = "proven",
};
ASSERT_COMPLETE(events, PS_EVENT_MAX);

static const char *const proofs[] = {
	[PS_PROOF_NONE] = "none",
	[PS_PROOF_HANDSHAKE] = "handshake",
	[PS_PROOF_COOKIE] = "cookie",
};
ASSERT_COMPLETE(proofs, PS_PROOF_MAX);

static const char *const parses[] = {
	[PS_PARSE_OK] = "ok",
	[PS_PARSE_NOT_IP] = "not_ip",
	[PS_PARSE_OTHER_PROTO] = "other_proto",
	[PS_PARSE_FRAGMENT] = "fragment",
	[PS_PARSE_SHORT_ETH] = "short_eth",
	[PS_PARSE_SHORT_IP] = "short_ip",
	[PS_PARSE_SHORT_L4] = "short_l4",
	[PS_PARSE_BAD_IP] = "bad_ip",
	[PS_PARSE_BAD_L4] = "bad_l4",
	[PS_PARSE_VLAN_DEPTH] = "vlan_depth",
	[PS_PARSE_EXT_DEPTH] = "ext_depth",
};
ASSERT_COMPLETE(parses, PS_PARSE_MAX);

static const char *const counts[] = {
	[PS_COUNT_FLOW] = "flow",
	[PS_COUNT_DROP] = "drop",
	[PS_COUNT_COOKIE] = "cookie",
	[PS_COUNT_COOKIE_OVER] = "cookie_over",
	[PS_COUNT_SPARED] = "spared",
	[PS_COUNT_UNSCORED] = "unscored",
	[PS_COUNT_REPLY] = "reply",
	[PS_COUNT_EXPLAINED] = "explained",
	[PS_COUNT_FORWARDED] = "forwarded",
	[PS_COUNT_FIRST] = "first",
	[PS_COUNT_AGAIN] = "again",
	[PS_COUNT_ALLOWED] = "allowed",
	[PS_COUNT_SCORED] = "scored",
	[PS_COUNT_ADMIT] = "admit",
	[PS_COUNT_EVICT] = "evict",
	[PS_COUNT_HELD] = "held",
	[PS_COUNT_SHED] = "shed",
	[PS_COUNT_SCAN] = "scan",
	[PS_COUNT_BLOCK] = "block",
	[PS_COUNT_TABLE] = "table",
	[PS_COUNT_EVENT_LOST] = "event_lost",
	[PS_COUNT_CONTACT_LOST] = "contact_lost",
};
ASSERT_COMPLETE(counts, PS_COUNT_MAX);

static const char *const allows[] = {
	[PS_ALLOW_USER] = "user",         [PS_ALLOW_OWN] = "own", [PS_ALLOW_GATEWAY] = "gateway",
	[PS_ALLOW_RESOLVER] = "resolver", [PS_ALLOW_SSH] = "ssh",
};
ASSERT_COMPLETE(allows, PS_ALLOW_MAX);

static const char *word(const char *const *table, size_t entries, unsigned int value)
{
	return value < entries ? table[value] : "?";
}

const char *names_class(unsigned int class)
{
	return word(classes, ENTRIES(classes), class);
}

const char *names_action(unsigned int action)
{
	return word(actions, ENTRIES(actions), action);
}

const char *names_reason(unsigned int reason)
{
	return word(reasons, ENTRIES(reasons), reason);
}

const char *names_engine(unsigned int engine)
{
	return word(engines, ENTRIES(engines), engine);
}

const char *names_event(unsigned int kind)
{
	return word(events, ENTRIES(events), kind);
}

const char *names_proof(unsigned int proof)
{
	return word(proofs, ENTRIES(proofs), proof);
}

const char *names_parse(unsigned int parse)
{
	return word(parses, ENTRIES(parses), parse);
}

const char *names_count(unsigned int count)
{
	return word(counts, ENTRIES(counts), count);
}

const char *names_allow(unsigned int kind)
{
	return word(allows, ENTRIES(allows), kind);
}

enum ps_class names_class_find(const char *name)
{
	for (int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++)
		if (strcasecmp(classes[c], name) == 0)
			return (enum ps_class)c;
	return PS_CLASS_NONE;
}

const char *names_service(__u16 port, bool udp)
{
	static const char *known[2][1 << 16]; /* "" is a remembered no */
	const char **slot = &known[udp][port];

	if (!*slot) {
		const struct servent *entry = getservbyport(htons(port), udp ? "udp" : "tcp");
		char *copy = entry ? strdup(entry->s_name) : NULL;

		*slot = copy ? copy : "";
	}
	return **slot ? *slot : NULL;
}
