/* SPDX-License-Identifier: GPL-2.0-only */
/* rule.c - see rule.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pscan/score.h>

#include "duration.h"
#include "log.h"
#include "names.h"
#include "rule.h"

#define KEY_FIRST 0x1000 /* argp keys of the options: KEY_FIRST + enum rule_option */
#define LIST_BYTES_MAX 256
#define COOKIE_RATE_MAX 10000000UL /* more than a port of 10 Gbit/s brings */

static const char *const profiles[] = { [RULE_SOPHOS] = "sophos", [RULE_PSD] = "psd" };
_Static_assert(sizeof(profiles) / sizeof(profiles[0]) == RULE_PROFILE_MAX,
	       "a profile lacks its name");

static const char *const responds[] = {
	[PS_RESPOND_MONITOR] = "monitor",
	[PS_RESPOND_SOFT] = "soft",
	[PS_RESPOND_HARD] = "hard",
};

static const char *const unprovens[] = {
	[PS_UNPROVEN_SOFT] = "soft",
	[PS_UNPROVEN_COOKIE] = "cookie",
	[PS_UNPROVEN_FULL] = "full",
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "The rule:", 1 },
	{ "profile", KEY_FIRST + RULE_OPT_PROFILE, "NAME", 0,
	  "sophos (default): 21 points within 300ms; psd: as the kernel module xt_psd, no gap "
	  "above 3s",
	  1 },
	{ "threshold", KEY_FIRST + RULE_OPT_THRESHOLD, "N", 0, "points that make a scan (21)", 1 },
	{ "window", KEY_FIRST + RULE_OPT_WINDOW, "TIME", 0, "how long points count (300ms)", 1 },
	{ "weight-low", KEY_FIRST + RULE_OPT_WEIGHT_LOW, "N", 0, "points of a low port (3)", 1 },
	{ "weight-high", KEY_FIRST + RULE_OPT_WEIGHT_HIGH, "N", 0, "points of any other port (1)",
	  1 },
	{ "weight-trap", KEY_FIRST + RULE_OPT_WEIGHT_TRAP, "N", 0, "points of a trap port (10)",
	  1 },
	{ "low-ports", KEY_FIRST + RULE_OPT_LOW_PORTS, "N", 0, "ports below N are low (1024)", 1 },
	{ "traps", KEY_FIRST + RULE_OPT_TRAPS, "LIST", 0, "trap ports (11,12,13,2000), or none",
	  1 },
	{ "count", KEY_FIRST + RULE_OPT_COUNT, "WHAT", 0,
	  "ports (default): each port scores once per window; packets: each packet scores", 1 },
	{ "types", KEY_FIRST + RULE_OPT_TYPES, "LIST", 0,
	  "which probes score: syn,ack,null,xmas,fin,maimon,other,udp (default: these) and reply",
	  1 },
	{ "slow", KEY_FIRST + RULE_OPT_SLOW, "on|off", 0,
	  "find slow, horizontal and distributed scans as well (on); off: the rule alone", 1 },
	{ NULL, 0, NULL, 0, "What a scanner gets:", 2 },
	{ "monitor", KEY_FIRST + RULE_OPT_MONITOR, NULL, 0, "tell, block nobody", 2 },
	{ "block", KEY_FIRST + RULE_OPT_BLOCK, "HOW", 0,
	  "soft (default): its established connections keep flowing; hard: nothing passes", 2 },
	{ "block-time", KEY_FIRST + RULE_OPT_BLOCK_TIME, "TIME", 0,
	  "length of a proven source's first block, from the last probe (10min); twice as long "
	  "each further time",
	  2 },
	{ "block-max", KEY_FIRST + RULE_OPT_BLOCK_MAX, "TIME", 0,
	  "length at which that stops (1d)", 2 },
	{ "unproven", KEY_FIRST + RULE_OPT_UNPROVEN, "HOW", 0,
	  "what a source gets whose address may be forged: soft (default): a short, soft block; "
	  "cookie: the same, and its SYNs are answered with SYN cookies; full: what a proven one "
	  "gets",
	  2 },
	{ "cookie-rate", KEY_FIRST + RULE_OPT_COOKIE_RATE, "N", 0,
	  "SYN cookies a second, at most (100000)", 2 },
	{ "unproven-time", KEY_FIRST + RULE_OPT_UNPROVEN_TIME, "TIME", 0,
	  "length of that block (1min), --block-time at most", 2 },
	{ "quiet-time", KEY_FIRST + RULE_OPT_QUIET_TIME, "TIME", 0,
	  "silence after which a source that is only watched is told again (1min)", 2 },
	{ 0 },
};

struct ps_rule rule_default(enum rule_profile profile)
{
	struct ps_rule rule = {
		.window_ns = 300ULL * 1000000,
		.block_ns = 600ULL * 1000000000,
		.block_max_ns = 86400ULL * 1000000000,
		.unproven_ns = 60ULL * 1000000000,
		.quiet_ns = 60ULL * 1000000000,
		.classes = PS_CLASSES_DEFAULT,
		.cookie_rate = 100000,
		.threshold = 21,
		.low_ports = 1024,
		.traps = { 11, 12, 13, 2000, 11, 11, 11, 11 },
		.weight_low = 3,
		.weight_high = 1,
		.weight_trap = 10,
		.window = PS_WINDOW_SLIDE,
		.count_by = PS_BY_PORT,
		.respond = PS_RESPOND_SOFT,
		.unproven = PS_UNPROVEN_SOFT,
	};

	if (profile == RULE_PSD) {
		rule.window_ns = 3ULL * 1000000000;
		rule.window = PS_WINDOW_GAP;
		memset(rule.traps, 0, sizeof(rule.traps));
	}
	return rule;
}

const char *rule_respond_name(unsigned int respond)
{
	return respond <= PS_RESPOND_HARD ? responds[respond] : "?";
}

const char *rule_unproven_name(unsigned int unproven)
{
	return unproven <= PS_UNPROVEN_FULL ? unprovens[unproven] : "?";
}

const char *rule_profile_name(unsigned int profile)
{
	return profile < RULE_PROFILE_MAX ? profiles[profile] : "?";
}

const char *rule_traps_format(const struct ps_rule *rule, char out[RULE_TRAPS_TEXT_BYTES])
{
	size_t used = 0;

	if (!rule->traps[0])
		return strcpy(out, "none");
	for (int i = 0; i < PS_TRAPS_MAX; i++) {
		if (i && rule->traps[i] == rule->traps[0])
			continue; /* an unused entry repeats the first */
		used += (size_t)snprintf(out + used, RULE_TRAPS_TEXT_BYTES - used, "%s%u",
					 i ? "," : "", rule->traps[i]);
	}
	return out;
}

static bool parse_number(const char *text, unsigned long least, unsigned long most,
			 unsigned long *out)
{
	unsigned long value;
	char *rest;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &rest, 10);
	if (errno || *rest || value < least || value > most)
		return false;
	*out = value;
	return true;
}

static int refuse(const char *option, const char *text, const char *why)
{
	log_error("--%s %s: %s", option, text, why);
	return -EINVAL;
}

static int apply_number(const char *option, const char *text, unsigned long least,
			unsigned long most, unsigned long *out)
{
	if (parse_number(text, least, most, out))
		return 0;
	log_error("--%s %s: must be a whole number from %lu to %lu", option, text, least, most);
	return -EINVAL;
}

static int apply_u8(const char *option, const char *text, __u8 *out)
{
	unsigned long value = 0;
	int err = apply_number(option, text, 1, 255, &value);

	if (!err)
		*out = (__u8)value;
	return err;
}

static int apply_u16(const char *option, const char *text, unsigned long least, __u16 *out)
{
	unsigned long value = 0;
	int err = apply_number(option, text, least, 65535, &value);

	if (!err)
		*out = (__u16)value;
	return err;
}

static int apply_time(const char *option, const char *text, __u64 *out)
{
	if (duration_parse(text, out))
		return 0;
	return refuse(option, text, "must be a time with its unit, as 300ms, 3s, 10min, 2h or 1d");
}

static int apply_traps(const char *text, struct ps_rule *rule)
{
	__u16 traps[PS_TRAPS_MAX];
	char list[LIST_BYTES_MAX], *rest = list, *item;
	unsigned long port;
	int n = 0;

	if (strcmp(text, "none") == 0) {
		memset(rule->traps, 0, sizeof(rule->traps));
		return 0;
	}
	if (strlen(text) >= sizeof(list))
		return refuse("traps", text, "the list is too long; eight ports are possible");
	strcpy(list, text);
	while ((item = strsep(&rest, ","))) {
		if (n == PS_TRAPS_MAX)
			return refuse("traps", text, "eight ports are possible, not more");
		if (!parse_number(item, 1, 65535, &port))
			return refuse("traps", text,
				      "must be ports from 1 to 65535 with commas between, or none");
		traps[n++] = (__u16)port;
	}
	for (int i = n; i < PS_TRAPS_MAX; i++)
		traps[i] = traps[0];
	memcpy(rule->traps, traps, sizeof(rule->traps));
	return 0;
}

static int apply_types(const char *text, struct ps_rule *rule)
{
	char list[LIST_BYTES_MAX], *rest = list, *item;
	__u32 classes = 0;

	if (strlen(text) < sizeof(list)) {
		strcpy(list, text);
		while ((item = strsep(&rest, ","))) {
			enum ps_class class = names_class_find(item);

			if (class == PS_CLASS_NONE)
				return refuse("types", text,
					      "must be some of "
					      "syn,ack,null,xmas,fin,maimon,other,udp,reply");
			classes |= 1U << class;
		}
		rule->classes = classes;
		return 0;
	}
	return refuse("types", text, "the list is too long; name each type once");
}

static int apply_count(const char *text, struct ps_rule *rule)
{
	if (strcmp(text, "ports") == 0)
		rule->count_by = PS_BY_PORT;
	else if (strcmp(text, "packets") == 0)
		rule->count_by = PS_BY_PACKET;
	else
		return refuse("count", text, "must be ports or packets");
	return 0;
}

static int apply_block(const char *text, struct ps_rule *rule)
{
	if (strcmp(text, "soft") == 0)
		rule->respond = PS_RESPOND_SOFT;
	else if (strcmp(text, "hard") == 0)
		rule->respond = PS_RESPOND_HARD;
	else
		return refuse("block", text, "must be soft or hard; --monitor blocks nobody");
	return 0;
}

static int apply_unproven(const char *text, struct ps_rule *rule)
{
	if (strcmp(text, "soft") == 0)
		rule->unproven = PS_UNPROVEN_SOFT;
	else if (strcmp(text, "cookie") == 0)
		rule->unproven = PS_UNPROVEN_COOKIE;
	else if (strcmp(text, "full") == 0)
		rule->unproven = PS_UNPROVEN_FULL;
	else
		return refuse("unproven", text, "must be soft, cookie or full");
	return 0;
}

static int apply_slow(const char *text, struct rule_options *o)
{
	o->slow = strcmp(text, "off") != 0;
	if (!o->slow || strcmp(text, "on") == 0)
		return 0;
	return refuse("slow", text, "must be on or off");
}

static int apply_cookie_rate(const char *text, struct ps_rule *rule)
{
	unsigned long rate = 0;
	int err = apply_number("cookie-rate", text, 1, COOKIE_RATE_MAX, &rate);

	if (!err)
		rule->cookie_rate = (__u32)rate;
	return err;
}

static int apply_profile(const char *text, struct rule_options *o)
{
	for (int p = 0; p < RULE_PROFILE_MAX; p++)
		if (strcmp(profiles[p], text) == 0) {
			o->profile = (enum rule_profile)p;
			return 0;
		}
	return refuse("profile", text, "must be sophos or psd");
}

static int apply_one(enum rule_option option, const char *text, struct ps_rule *rule)
{
	switch (option) {
	case RULE_OPT_THRESHOLD:
		return apply_u16("threshold", text, 1, &rule->threshold);
	case RULE_OPT_WINDOW:
		return apply_time("window", text, &rule->window_ns);
	case RULE_OPT_WEIGHT_LOW:
		return apply_u8("weight-low", text, &rule->weight_low);
	case RULE_OPT_WEIGHT_HIGH:
		return apply_u8("weight-high", text, &rule->weight_high);
	case RULE_OPT_WEIGHT_TRAP:
		return apply_u8("weight-trap", text, &rule->weight_trap);
	case RULE_OPT_LOW_PORTS:
		return apply_u16("low-ports", text, 0, &rule->low_ports);
	case RULE_OPT_TRAPS:
		return apply_traps(text, rule);
	case RULE_OPT_COUNT:
		return apply_count(text, rule);
	case RULE_OPT_TYPES:
		return apply_types(text, rule);
	case RULE_OPT_BLOCK:
		return apply_block(text, rule);
	case RULE_OPT_MONITOR:
		rule->respond = PS_RESPOND_MONITOR;
		return 0;
	case RULE_OPT_BLOCK_TIME:
		return apply_time("block-time", text, &rule->block_ns);
	case RULE_OPT_BLOCK_MAX:
		return apply_time("block-max", text, &rule->block_max_ns);
	case RULE_OPT_UNPROVEN:
		return apply_unproven(text, rule);
	case RULE_OPT_COOKIE_RATE:
		return apply_cookie_rate(text, rule);
	case RULE_OPT_UNPROVEN_TIME:
		return apply_time("unproven-time", text, &rule->unproven_ns);
	case RULE_OPT_QUIET_TIME:
		return apply_time("quiet-time", text, &rule->quiet_ns);
	case RULE_OPT_PROFILE: /* applied before all others */
	case RULE_OPT_SLOW:    /* no number of the rule */
	case RULE_OPT_MAX:
		break;
	}
	return 0;
}

int rule_apply(struct rule_options *o)
{
	struct ps_rule rule;
	int err = 0;

	if (o->text[RULE_OPT_MONITOR] && o->text[RULE_OPT_BLOCK]) {
		log_error("--monitor blocks nobody and --block %s says to block: give one of them",
			  o->text[RULE_OPT_BLOCK]);
		return -EINVAL;
	}
	o->profile = RULE_SOPHOS;
	o->slow = true;
	if (o->text[RULE_OPT_SLOW])
		err = apply_slow(o->text[RULE_OPT_SLOW], o);
	if (!err && o->text[RULE_OPT_PROFILE])
		err = apply_profile(o->text[RULE_OPT_PROFILE], o);
	rule = rule_default(o->profile);
	for (int i = RULE_OPT_PROFILE + 1; i < RULE_OPT_MAX && !err; i++)
		if (o->text[i])
			err = apply_one((enum rule_option)i, o->text[i], &rule);
	if (!err)
		err = rule_check(&rule);
	if (!err)
		o->rule = rule;
	return err;
}

int rule_check(const struct ps_rule *rule)
{
	__u32 least = ps_rule_least_weight(rule), most = least * PS_PROBES_MAX;
	char text[DURATION_TEXT_BYTES];

	if (!least)
		log_error("--%s 0: such ports could never score; must be 1 to 255",
			  rule->weight_high ? "weight-low" : "weight-high");
	else if (!rule->weight_trap)
		log_error("--weight-trap 0: must be 1 to 255; --traps none for no trap ports");
	else if (!rule->threshold || rule->threshold > most)
		log_error(
			"--threshold %u: must be 1 to %u, since a source's record holds %u probes "
			"and the smallest weight is %u",
			rule->threshold, most, PS_PROBES_MAX, least);
	else if (!rule->window_ns || rule->window_ns > PS_WINDOW_NS_MAX)
		log_error("--window %s: must be above 0 and at most 1min, as far as the marks' "
			  "clock reaches",
			  duration_format(rule->window_ns, text));
	else if (!rule->block_ns)
		log_error("--block-time 0s: must be above 0; --monitor blocks nobody");
	else if (!rule->unproven_ns)
		log_error("--unproven-time 0s: must be above 0; --monitor blocks nobody");
	else if (!ps_rule_valid(rule))
		log_error("the rule's numbers do not fit each other");
	else
		return 0;
	return -EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct rule_options *o = state->input;

	if (key >= KEY_FIRST && key < KEY_FIRST + RULE_OPT_MAX) {
		o->text[key - KEY_FIRST] = arg ? arg : "";
		return 0;
	}
	switch (key) {
	case ARGP_KEY_INIT:
		memset(o, 0, sizeof(*o));
		o->rule = rule_default(RULE_SOPHOS);
		o->slow = true;
		return 0;
	case ARGP_KEY_END:
		return -rule_apply(o);
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp rule_argp = { .options = options, .parser = parse };
