/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_replay.c - `pscan-xdp replay`: the detection over capture files. */
#include <errno.h>
#include <stdlib.h>

#include "cmd.h"
#include "detector.h"
#include "log.h"

struct replay {
	struct detector_options options;
	char **files;
	unsigned int n;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct replay *r = state->input;

	(void)arg;
	switch (key) {
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

int cmd_replay(int argc, char **argv)
{
	static const struct argp_child children[] = { { &detector_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "FILE...",
		.doc = "Shows what the detector makes of captures: pcap or pcapng, gzip or not, - "
		       "for "
		       "standard input. Verdicts are the XDP program's; nothing is blocked.",
		.children = children,
	};
	struct replay replay = { .n = 0 };
	int code = EXIT_DONE;

	if (argp_parse(&argp, argc, argv, 0, NULL, &replay))
		code = EXIT_USAGE;
	else if (detector_run_files(&replay.options, replay.files, replay.n))
		code = EXIT_FAILED;
	detector_options_free(&replay.options);
	return code;
}
