/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_report.c - `pscan-xdp report`: recorded events or a capture as a page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "detector.h"
#include "log.h"
#include "page.h"
#include "privileges.h"
#include "whole.h"

struct arguments {
	struct detector_options options;
	const char *out;
	char *in;
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "where to: FILE.html, .tex, .json or .csv", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->options;
		return 0;
	case 'o':
		a->out = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (a->in)
			argp_error(state, "one file at a time");
		a->in = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->in || !a->out)
			argp_error(state, "say what to read, and with -o where to write");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Events begin with a brace, and no capture does. */
static bool holds_events(FILE *in)
{
	int first = getc(in);

	ungetc(first, in);
	return first == '{';
}

/* Fills @model from whichever of the two @a->in is. */
static int fill(struct arguments *a, struct model *model)
{
	FILE *in;
	int err;

	if (strcmp(a->in, "-") == 0)
		return detector_run_files(&a->options, &a->in, 1);
	in = fopen(a->in, "re");
	if (!in) {
		err = -errno;
		log_error("opening %s: %s", a->in, strerror(-err));
		return err;
	}
	if (holds_events(in)) {
		err = privileges_drop(PRIVILEGES_READER);
		if (!err)
			err = privileges_confine(PRIVILEGES_READER, true);
		if (!err)
			err = model_read_events(model, in, a->in);
		if (!err)
			err = model_close(model);
		fclose(in);
		return err;
	}
	fclose(in);
	return detector_run_files(&a->options, &a->in, 1);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (strcmp(path, "-") == 0)
		return "standard input";
	return slash ? slash + 1 : path;
}

static int report(struct arguments *a)
{
	const struct page_ops *ops = page_find(a->out);
	struct model *model;
	int err, write_err;

	if (!ops)
		return EXIT_USAGE;
	model = model_new(base_name(a->in));
	if (!model) {
		log_error("reporting on %s: no memory", a->in);
		return EXIT_FAILED;
	}
	a->options.model = model;
	a->options.quiet = true;
	err = whole_prepare(a->out);
	if (!err)
		err = fill(a, model);
	/* A damaged capture is reported as far as it could be read; of nothing there is no page. */
	write_err = model->source && (!err || model->sources) ? page_write(ops, a->out, model) : err;
	model_free(model);
	return err || write_err ? EXIT_FAILED : EXIT_DONE;
}

int cmd_report(int argc, char **argv)
{
	static const struct argp_child children[] = { { &detector_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "EVENTS|CAPTURE -o FILE",
		.doc = "Makes a page of recorded events (--events FILE of attach and replay) or of "
		       "a "
		       "capture: HTML with charts, LaTeX, JSON or CSV.",
		.children = children,
	};
	struct arguments a = { .in = NULL };
	int code = EXIT_USAGE;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a) == 0)
		code = report(&a);
	detector_options_free(&a.options);
	return code;
}
