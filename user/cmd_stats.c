/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_stats.c - `stats`: who probes, how close to the threshold, what is blocked. */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "cmd.h"
#include "collect.h"
#include "json_out.h"
#include "log.h"

enum { OPT_TOP = 0x2000, OPT_SOURCE, OPT_SORT, OPT_JSON };

#define WATCH_MS 1000

struct arguments {
	enum summary_sort sort;
	union ps_addr source;
	__u32 top;
	bool only, watch, json;
};

static const struct argp_option options[] = {
	{ "watch", 'w', NULL, 0, "again every second, until Ctrl-C", 0 },
	{ "top", OPT_TOP, "N", 0, "list N sources (default 20; 0: all)", 0 },
	{ "source", OPT_SOURCE, "ADDRESS", 0, "this source alone", 0 },
	{ "sort", OPT_SORT, "KEY", 0, "score, packets, last or addr (default score)", 0 },
	{ "json", OPT_JSON, NULL, 0, "one JSON object", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	char *end;

	switch (key) {
	case 'w':
		a->watch = true;
		return 0;
	case OPT_TOP:
		a->top = (__u32)strtoul(arg, &end, 10);
		if (*arg < '0' || *arg > '9' || *end)
			argp_error(state, "--top '%s': a number is needed", arg);
		return 0;
	case OPT_SOURCE:
		if (!addr_parse(arg, &a->source))
			argp_error(state, "--source '%s': not an IPv4 or IPv6 address", arg);
		a->only = true;
		return 0;
	case OPT_SORT:
		if (!summary_sort_parse(arg, &a->sort))
			argp_error(state, "--sort '%s': score, packets, last or addr", arg);
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "there is nothing to name; --source ADDRESS picks one source");
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Shows sources, scores, blocks and where packets left the detection flow. Works while "
	       "the loader runs and after it was killed.",
};

static int print_once(const struct xdp *xdp, const struct arguments *a)
{
	struct collected c;
	int err = collect(xdp, a->only ? &a->source : NULL, &c);

	if (err)
		return err;
	c.summary.top = a->top;
	c.summary.lost = c.counters.stage[PS_COUNT_EVENT_LOST];
	summary_sort(&c.summary, a->sort);
	if (a->json) {
		json_print(summary_json(&c.summary));
	} else {
		if (a->watch && isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		if (a->only)
			summary_text(&c.summary, stdout);
		else
			summary_table(&c.summary, stdout);
	}
	collect_free(&c);
	return fflush(stdout) ? -errno : 0;
}

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int watch(const struct xdp *xdp, const struct arguments *a)
{
	struct sigaction action = { .sa_handler = on_signal };
	int err = 0;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (!stop && !err) {
		err = print_once(xdp, a);
		poll(NULL, 0, WATCH_MS); /* a signal ends it early */
	}
	return err;
}

int cmd_stats(int argc, char **argv)
{
	struct arguments a = { .top = 20 };
	struct xdp *xdp;
	int err;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return EXIT_USAGE;
	if (xdp_open_reader(&xdp))
		return EXIT_FAILED;
	err = a.watch ? watch(xdp, &a) : print_once(xdp, &a);
	xdp_close(xdp);
	return err ? EXIT_FAILED : EXIT_DONE;
}
