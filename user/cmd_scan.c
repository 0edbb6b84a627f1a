// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_scan.c - the scan command: options in, the scanner called, exit code out.
 */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "log.h"
#include "scan/argv.h"
#include "scan/options.h"
#include "scan/progress.h"
#include "scan/resume.h"
#include "whole.h"

static void on_signal(int number)
{
	/* The second one means it. */
	if (scan_interrupted)
		signal(number, SIG_DFL);
	scan_interrupted = 1;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static const struct engine_ops *choose_engine(const struct scan_config *config)
{
	if (config->dry_run)
		return &engine_dry;
	if (config->tcp == &probe_tcp_connect)
		return &engine_connect;
	return &engine_packet;
}

/* The words as typed, for the formats that record them. */
static char *join(int argc, char **argv)
{
	size_t bytes = 1;
	char *text;

	for (int i = 0; i < argc; i++)
		bytes += strlen(argv[i]) + 1;
	text = calloc(bytes, 1);
	for (int i = 0; text && i < argc; i++) {
		strcat(text, argv[i]);
		if (i + 1 < argc)
			strcat(text, " ");
	}
	return text;
}

static int run(struct options *options, struct resume *resume, int argc, char **argv)
{
	struct scan scan = {
		.config = &options->config,
		.targets = &options->targets,
		.engine = choose_engine(&options->config),
		.output = &options->output,
		.resume = resume,
		.context = { .ttl = options->config.ttl },
	};
	bool opened = false;
	int err = 0;

	if (!options->stdout_taken && !options->config.dry_run)
		err = output_add(&options->output, &output_text, "-", false);
	if (!err && !options->config.dry_run)
		err = whole_prepare(options->resume_to);
	if (!err)
		err = scan_open(&scan);
	if (!err) {
		opened = true;
		catch_signals();
		output_begin(&options->output, &scan);
		err = scan_run(&scan);
		progress_clear();
	}
	if (opened) {
		int lost = output_end(&options->output, &scan);

		err = err ? err : lost;
		if (scan_interrupted && !options->config.dry_run &&
		    resume_save(&scan, options->resume_to, argc, argv) == 0)
			log_note("interrupted; go on with: pscan-xdp scan --resume %s",
				 options->resume_to);
	}
	scan_close(&scan);
	return err;
}

/* Options of a resumed scan are those it was started with; the order too. */
static int parse(struct options *options, struct resume **resume, int *argc, char ***argv)
{
	char **stored;
	int err = options_parse(options, *argc, *argv);

	if (err || !options->resume_from)
		return err;
	if (*argc > 3) {
		log_error("--resume takes all other options from its file");
		return -EINVAL;
	}
	err = resume_load(resume, options->resume_from);
	if (err)
		return err;
	stored = calloc((size_t)resume_argc(*resume) + 2, sizeof(*stored));
	if (!stored)
		return -ENOMEM;
	stored[0] = *argv[0];
	memcpy(stored + 1, resume_argv(*resume), (size_t)resume_argc(*resume) * sizeof(*stored));
	*argc = resume_argc(*resume) + 1;
	*argv = stored;
	memset(options, 0, sizeof(*options));
	options->resumed = true;
	err = options_parse(options, *argc, *argv);
	options->config.seed = resume_seed(*resume);
	return err;
}

int cmd_scan(int argc, char **argv)
{
	struct options *options = calloc(1, sizeof(*options));
	struct resume *resume = NULL;
	char **words = NULL, *arguments = join(argc, argv);
	int words_count = 0, code = EXIT_FAILED;

	if (options && arguments && sodium_init() >= 0)
		words = argv_translate(argc, argv, &words_count);
	if (words) {
		char **used = words;
		int used_count = words_count, err = parse(options, &resume, &used_count, &used);

		options->output.options.arguments = arguments;
		if (err)
			code = EXIT_USAGE;
		else if (run(options, resume, used_count, used) == 0)
			code = EXIT_DONE;
		if (used != words)
			free(used);
		options_free(options);
	}
	argv_free(words);
	resume_free(resume);
	free(arguments);
	free(options);
	return code;
}
