/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_replay.c - `pscan-xdp replay`: the detection over capture files. */
#include <errno.h>
#include <stdlib.h>

#include "cmd.h"
#include "detector.h"
#include "replay_xdp.h"
#include "log.h"

enum { KEY_XDP = 0x3000 };

static const struct argp_option options[] = {
	{ "xdp", KEY_XDP, NULL, 0,
	  "run each packet through the XDP program in the kernel, too, and list differences (root)",
	  0 },
	{ 0 },
};

struct replay {
	struct detector_options options;
	bool xdp;
	char **files;
	unsigned int n;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct replay *r = state->input;

	(void)arg;
	switch (key) {
	case KEY_XDP:
		r->xdp = true;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->options;
		return 0;
	case ARGP_KEY_ARGS:
		r->files = state->argv + state->next;
		r->n = (unsigned int)(state->argc - state->next);
		return 0;
	case ARGP_KEY_END:
		if (r->options.devices) {
			log_error("--device: replay reads files; `pscan-xdp attach --pcap %s` "
				  "watches "
				  "an interface",
				  r->options.device[0]);
			return EINVAL;
		}
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
	}
	return ARGP_ERR_UNKNOWN;
}

static int run(const struct replay *r)
{
	return r->xdp ? replay_xdp(&r->options, r->files, r->n)
		      : detector_run_files(&r->options, r->files, r->n);
}

int cmd_replay(int argc, char **argv)
{
	static const struct argp_child children[] = { { &detector_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "FILE...",
		.doc = "Shows what the detector makes of captures: pcap or pcapng, gzip or not, - "
		       "for "
		       "standard input. Verdicts are the XDP program's; nothing is blocked.",
		.children = children,
	};
	struct replay replay = { .n = 0 };
	int code = EXIT_USAGE;

	if (argp_parse(&argp, argc, argv, 0, NULL, &replay) == 0)
		code = run(&replay) ? EXIT_FAILED : EXIT_DONE;
	detector_options_free(&replay.options);
	return code;
}
