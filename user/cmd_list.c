/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_list.c - see cmd_list.h. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd_list.h"
#include "collect.h"
#include "duration.h"
#include "log.h"
#include "report.h"
#include "xdp_maps.h"

enum { OPT_FORCE = 0x2000 };

/* The first belongs to commands that know flush. */
static const struct argp_option options[] = {
	{ "force", OPT_FORCE, NULL, 0,
	  "add even what covers an address that must not be blocked", 0 },
	{ "time", 't', "TIME", 0, "end by itself after TIME, such as 30min (default: never)", 0 },
	{ "json", 'j', NULL, 0, "`list` as one JSON array", 0 },
	{ 0 },
};

static void parse_verb(struct list_arguments *a, const char *word, struct argp_state *state)
{
	static const char *const verbs[] = {
		[LIST_ADD] = "add", [LIST_DEL] = "del", [LIST_LIST] = "list", [LIST_FLUSH] = "flush",
	};

	for (unsigned int v = 0; v < 3u + a->has_flush; v++) {
		if (strcmp(word, verbs[v]) == 0) {
			a->verb = (enum list_verb)v;
			a->has_verb = true;
			return;
		}
	}
	argp_error(state, "'%s': add, del%s list%s is needed", word, a->has_flush ? "," : " or",
		   a->has_flush ? " or flush" : "");
}

/* An option that would have no effect is an error, not a silence. */
static void refuse_misplaced(const struct list_arguments *a, struct argp_state *state)
{
	if (a->time_ns && a->verb != LIST_ADD)
		argp_error(state, "--time goes with `add`");
	if (a->force && a->verb != LIST_ADD)
		argp_error(state, "--force goes with `add`");
	if (a->json && a->verb != LIST_LIST)
		argp_error(state, "--json goes with `list`");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct list_arguments *a = state->input;
	bool takes_prefix;

	switch (key) {
	case 't':
		if (!duration_parse(arg, &a->time_ns) || !a->time_ns)
			argp_error(state, "--time '%s': a length of time such as 90s, 30min or 12h",
				   arg);
		return 0;
	case 'j':
		a->json = true;
		return 0;
	case OPT_FORCE:
		a->force = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!a->has_verb) {
			parse_verb(a, arg, state);
			return 0;
		}
		if (a->n == LIST_PREFIXES_MAX)
			argp_error(state, "more than %d prefixes at once", LIST_PREFIXES_MAX);
		if (!prefix_parse(arg, &a->prefix[a->n]))
			argp_error(state, "'%s': not an address or CIDR prefix (such as "
				   "192.0.2.0/24, with no bits set behind the length)", arg);
		a->n++;
		return 0;
	case ARGP_KEY_END:
		if (!a->has_verb)
			argp_error(state, "what to do?");
		takes_prefix = a->verb == LIST_ADD || a->verb == LIST_DEL;
		if (takes_prefix != (a->n > 0))
			argp_error(state, takes_prefix ? "which address or prefix?" :
							 "no address is needed");
		refuse_misplaced(a, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

void list_parse(int argc, char **argv, const char *doc, struct list_arguments *a)
{
	struct argp argp = { .options = options + 1, .parser = parse, .doc = doc,
			     .args_doc = "add|del CIDR...\nlist" };

	if (a->has_flush) {
		argp.options = options;
		argp.args_doc = "add|del CIDR...\nlist\nflush";
	}
	argp_parse(&argp, argc, argv, 0, NULL, a);
}

int list_lock(const struct xdp *xdp)
{
	int err = xdp_lists_lock(xdp);

	if (err)
		log_error("cannot edit the lists: %s",
			  err == -EBUSY ? "another pscan-xdp has been at it for seconds; is it stopped?" :
					  strerror(-err));
	return err;
}

const char *list_until(__u64 until_ns, char out[48])
{
	if (!until_ns)
		return "for ever";
	return report_time((__s64)until_ns + collect_wall_ns(), out);
}
