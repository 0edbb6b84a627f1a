/* SPDX-License-Identifier: GPL-2.0-only */
/* detector_options.c - the options of detector.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detector.h"
#include "log.h"

#define SUMMARY_TOP 20

enum {
	KEY_FILTER = 0x2000,
	KEY_JSON,
	KEY_EVENTS,
	KEY_SORT,
	KEY_TOP,
	KEY_ALLOW,
	KEY_DENY,
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What is watched:", 3 },
	{ "device", 'd', "IFACE", 0, "interface to watch; may be given several times", 3 },
	{ "dst-ip", 'i', "ADDR[/N]", 0,
	  "score only what is sent there; may be given several times (the interface's own "
	  "addresses; for capture files: all)",
	  3 },
	{ "filter", KEY_FILTER, "EXPR", 0, "only packets that match this pcap-filter(7) expression",
	  3 },
	{ "max-packets", 'm', "N", 0, "stop after N packets", 3 },
	{ "allow", KEY_ALLOW, "ADDR[/N]", 0, "never score this source; may be given several times",
	  3 },
	{ "deny", KEY_DENY, "ADDR[/N]", 0, "block this source outright; may be given several times",
	  3 },
	{ NULL, 0, NULL, 0, "What is told:", 4 },
	{ "save-ports", 's', NULL, 0, "count which ports each source probed, and how often", 4 },
	{ "log-file", 'l', "FILE.tex", 0, "write a LaTeX report at the end", 4 },
	{ "events", KEY_EVENTS, "FILE", 0, "append events to FILE, one JSON object per line", 4 },
	{ "json", KEY_JSON, NULL, 0, "events and summary as JSON, one object per line", 4 },
	{ "sort", KEY_SORT, "HOW", 0, "order of the summary: score (default), packets, last, addr",
	  4 },
	{ "top", KEY_TOP, "N", 0, "list N sources in the summary (20); 0: all", 4 },
	{ "verbose", 'v', NULL, 0, "say more about what is done", 4 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

static int refuse(const char *option, const char *text, const char *why)
{
	log_error("%s %s: %s", option, text, why);
	return EINVAL;
}

static int parse_count(const char *option, const char *text, __u64 least, __u64 *out)
{
	unsigned long long value;
	char *rest;

	errno = 0;
	value = strtoull(text, &rest, 10);
	if (*text < '0' || *text > '9' || *rest || errno || value < least)
		return refuse(option, text,
			      least ? "must be a whole number above 0" : "must be a whole number");
	*out = value;
	return 0;
}

static int parse_prefix(const char *option, const char *text, struct prefixes *list)
{
	struct prefix prefix;
	int err;

	if (!prefix_parse(text, &prefix))
		return refuse(option, text,
			      "must be an address, or a prefix without bits behind its length");
	err = prefixes_add(list, &prefix);
	return err ? refuse(option, text, strerror(-err)) : 0;
}

static int parse_device(struct detector_options *o, const char *name)
{
	if (o->devices == DETECTOR_DEVICES_MAX)
		return refuse("--device", name, "sixteen interfaces are possible, not more");
	o->device[o->devices++] = name;
	return 0;
}

static int parse_top(struct detector_options *o, const char *text)
{
	__u64 top;
	int err = parse_count("--top", text, 0, &top);

	if (!err)
		o->top = top > 0xffffffff ? 0 : (__u32)top;
	return err;
}

static void set_defaults(struct detector_options *o)
{
	memset(o, 0, sizeof(*o));
	o->sort = SUMMARY_BY_SCORE;
	o->top = SUMMARY_TOP;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct detector_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		set_defaults(o);
		state->child_inputs[0] = &o->rule;
		return 0;
	case 'd':
		return parse_device(o, arg);
	case 'i':
		return parse_prefix("--dst-ip", arg, &o->dst);
	case KEY_ALLOW:
		return parse_prefix("--allow", arg, &o->allow);
	case KEY_DENY:
		return parse_prefix("--deny", arg, &o->deny);
	case KEY_FILTER:
		o->filter = arg;
		return 0;
	case 'm':
		return parse_count("--max-packets", arg, 1, &o->max_packets);
	case 's':
		o->save_ports = true;
		return 0;
	case 'l':
		o->tex_path = arg;
		return 0;
	case KEY_EVENTS:
		o->events_path = arg;
		return 0;
	case KEY_JSON:
		o->json = true;
		return 0;
	case KEY_SORT:
		if (summary_sort_parse(arg, &o->sort))
			return 0;
		return refuse("--sort", arg, "must be score, packets, last or addr");
	case KEY_TOP:
		return parse_top(o, arg);
	case 'v':
		log_verbose = true;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &rule_argp, 0, NULL, 0 }, { 0 } };

const struct argp detector_argp = { .options = options, .parser = parse, .children = children };

void detector_options_free(struct detector_options *o)
{
	prefixes_clear(&o->dst);
	prefixes_clear(&o->allow);
	prefixes_clear(&o->deny);
}
