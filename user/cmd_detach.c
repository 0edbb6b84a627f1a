/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_detach.c - `detach`: takes the program off interfaces, whoever runs. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "log.h"
#include "xdp.h"

#define INTERFACES_MAX 32

struct arguments {
	const char *ifname[INTERFACES_MAX];
	unsigned int interfaces;
	bool all;
};

static const struct argp_option options[] = {
	{ "all", 'a', NULL, 0, "every interface, and forget all state", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'a':
		a->all = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->interfaces == INTERFACES_MAX)
			argp_error(state, "more than %d interfaces", INTERFACES_MAX);
		a->ifname[a->interfaces++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (a->all == (a->interfaces > 0))
			argp_error(state, "name interfaces, or say --all");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "IFACE... | --all",
	.doc = "Takes pscan-xdp off interfaces. With the last of them counters, records and blocks "
	       "go, too.",
};

static int detach_one(const char *ifname)
{
	struct xdp_link links[64];
	int n = xdp_links(links, 64);

	for (int i = 0; i < n; i++)
		if (strcmp(links[i].ifname, ifname) == 0)
			return xdp_detach(links[i].ifindex, ifname);
	if (n < 0)
		log_error("cannot detach from %s: reading " XDP_ROOT ": %s%s", ifname, strerror(-n),
			  n == -EACCES ? "; run as root" : "");
	else if (if_nametoindex(ifname))
		log_error("pscan-xdp is not attached to %s", ifname);
	else
		log_error("there is no interface '%s'; `pscan-xdp status` lists those attached",
			  ifname);
	return -1;
}

int cmd_detach(int argc, char **argv)
{
	struct arguments a = { 0 };
	int err = 0;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return EXIT_USAGE;
	if (a.all)
		return xdp_detach_all() ? EXIT_FAILED : EXIT_DONE;
	for (unsigned int i = 0; i < a.interfaces; i++)
		err |= detach_one(a.ifname[i]);
	if (xdp_release_if_unused() < 0)
		err = -1;
	return err ? EXIT_FAILED : EXIT_DONE;
}
