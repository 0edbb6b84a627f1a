/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_attach_pcap.c - `pscan-xdp attach --pcap IFACE...`: watching without
 * XDP, where the kernel has none. Options are those of `replay`.
 */
#include <errno.h>
#include <string.h>

#include "cmd.h"
#include "detector.h"
#include "log.h"

enum { KEY_PCAP = 0x3000 };

static const struct argp_option options[] = {
	{ "pcap", KEY_PCAP, NULL, 0, "watch through libpcap: no XDP, nobody is blocked", 0 },
	{ 0 },
};

static int add_device(struct detector_options *o, const char *name)
{
	for (unsigned int i = 0; i < o->devices; i++)
		if (strcmp(o->device[i], name) == 0)
			return 0;
	if (o->devices == DETECTOR_DEVICES_MAX) {
		log_error("watching %s: sixteen interfaces are possible, not more", name);
		return EINVAL;
	}
	o->device[o->devices++] = name;
	return 0;
}

/* Nothing is parsed and then ignored: who asks for a block is told that there is none. */
static int refuse_blocking(const struct detector_options *o)
{
	bool denies = o->deny.n;

	if (!denies && !o->rule.text[RULE_OPT_BLOCK])
		return 0;
	log_error("--pcap only watches: it cannot %s; attach without --pcap blocks",
		  denies ? "--deny" : "--block");
	return EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct detector_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		return 0;
	case KEY_PCAP:
		return 0;
	case ARGP_KEY_ARG:
		return add_device(o, arg);
	case ARGP_KEY_END:
		if (!o->devices)
			argp_error(state, "which interface? `ip -br link` lists them");
		return refuse_blocking(o);
	}
	return ARGP_ERR_UNKNOWN;
}

int cmd_attach_pcap(int argc, char **argv)
{
	static const struct argp_child children[] = { { &detector_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "--pcap IFACE...",
		.doc = "Detects port scans on interfaces through libpcap, and tells of them. Blocks "
		       "nobody: that takes XDP. Ctrl-C ends it with a summary.",
		.children = children,
	};
	struct detector_options o = { .devices = 0 };
	int code = EXIT_DONE;

	if (argp_parse(&argp, argc, argv, 0, NULL, &o))
		code = EXIT_USAGE;
	else if (detector_run_live(&o))
		code = EXIT_FAILED;
	detector_options_free(&o);
	return code;
}
