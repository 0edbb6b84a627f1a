/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_attach.c - `attach`: options in, program on the interfaces, session run. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pscan/verdict.h>

#include "cmd.h"
#include "duration.h"
#include "guard.h"
#include "leaver.h"
#include "log.h"
#include "rule.h"
#include "session.h"
#include "xdp_maps.h"
#include "xdp_probe.h"

#define INTERFACES_MAX 32
#define PREFIXES_MAX 1024

enum {
	OPT_ALLOW = 0x2000,
	OPT_MODE,
	OPT_EVENTS,
	OPT_KEEP,
	OPT_CONFIRM,
	OPT_SOURCES,
	OPT_PROBE_RATE,
	OPT_JSON,
	OPT_PCAP,
	OPT_DISPATCHER,
	OPT_GROUP,
};

static const struct argp_option options[] = {
	{ "device", 'd', "IFACE", 0, "attach here, too (the same as naming it)", 0 },
	{ "allow", OPT_ALLOW, "CIDR", 0, "neither score nor block these sources (repeatable)", 0 },
	{ "dst", 'i', "CIDR", 0, "score only what is sent to these (repeatable; default: all)",
	  0 },
	{ "dst-ip", 0, "CIDR", OPTION_ALIAS, NULL, 0 },
	{ "mode", OPT_MODE, "MODE", 0, "auto, native or generic (default auto)", 0 },
	{ "dispatcher", OPT_DISPATCHER, NULL, 0,
	  "attach through a libxdp dispatcher, which other programs can join", 0 },
	{ "keep", OPT_KEEP, NULL, 0, "leave it enforcing on exit", 0 },
	{ "confirm", OPT_CONFIRM, "TIME", 0,
	  "detach again unless `pscan-xdp confirm` comes within TIME", 0 },
	{ "sources", OPT_SOURCES, "N", 0, "sources tracked at a time (default 65536)", 0 },
	{ "probe-rate", OPT_PROBE_RATE, "N", 0,
	  "in a flood, probes a second that pass before they are tried again (default 20000; 0: all)",
	  0 },
	{ "group", OPT_GROUP, "NAME", 0, "let this group run stats, status, why and lists", 0 },
	{ "save-ports", 's', NULL, 0, "count per source which ports were probed, and how often", 0 },
	{ "max-packets", 'm', "N", 0, "end after N packets", 0 },
	{ "events", OPT_EVENTS, "FILE", 0, "append every event to FILE, one JSON object a line", 0 },
	{ "json", OPT_JSON, NULL, 0, "JSON on stdout: an object per event, then the summary", 0 },
	{ "pcap", OPT_PCAP, NULL, 0, "watch through libpcap instead, blocking nobody; `attach --pcap "
	  "--help` has the options", 0 },
	{ "verbose", 'v', NULL, 0, "say what happens at each poll", 0 },
	{ 0 },
};

struct arguments {
	struct rule_options rule;
	struct session_options session;
	const char *ifname[INTERFACES_MAX];
	unsigned int interfaces;
	struct prefix allow[PREFIXES_MAX], dst[PREFIXES_MAX];
	unsigned int n_allow, n_dst;
	unsigned int bucket_bits, probe_rate;
	enum xdp_mode mode;
	bool dispatcher, keep, save_ports, asked_rate;
	gid_t group; /* 0: nobody's */
};

static error_t add_interface(struct arguments *a, const char *name, struct argp_state *state)
{
	if (a->interfaces == INTERFACES_MAX)
		argp_error(state, "more than %d interfaces", INTERFACES_MAX);
	for (unsigned int i = 0; i < a->interfaces; i++)
		if (strcmp(a->ifname[i], name) == 0)
			return 0;
	a->ifname[a->interfaces++] = name;
	return 0;
}

static error_t add_prefix(struct prefix *list, unsigned int *n, const char *option,
			  const char *text, struct argp_state *state)
{
	if (*n == PREFIXES_MAX)
		argp_error(state, "more than %d times %s", PREFIXES_MAX, option);
	if (!prefix_parse(text, &list[*n]))
		argp_error(state, "%s '%s': not an address or CIDR prefix (such as 192.0.2.0/24, "
			   "with no bits set behind the length)", option, text);
	++*n;
	return 0;
}

static unsigned long number(const char *option, const char *text, unsigned long least,
			    unsigned long most, struct argp_state *state)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < least || n > most)
		argp_error(state, "%s '%s': a number from %lu to %lu is needed", option, text, least,
			   most);
	return n;
}

/* Buckets that hold at least @sources records: the next power of two. */
static unsigned int bits_for(unsigned long sources)
{
	unsigned int bits = 0;

	while (((unsigned long)PS_WAYS << bits) < sources)
		bits++;
	return bits;
}

static error_t parse_group(struct arguments *a, const char *name, struct argp_state *state)
{
	const struct group *group = getgrnam(name);

	if (!group)
		argp_error(state, "--group '%s': there is no such group", name);
	else
		a->group = group->gr_gid;
	return 0;
}

static error_t parse_mode(struct arguments *a, const char *text, struct argp_state *state)
{
	if (strcmp(text, "auto") == 0)
		a->mode = XDP_MODE_AUTO;
	else if (strcmp(text, "native") == 0)
		a->mode = XDP_MODE_NATIVE;
	else if (strcmp(text, "generic") == 0)
		a->mode = XDP_MODE_GENERIC;
	else
		argp_error(state, "--mode '%s': auto, native or generic", text);
	return 0;
}

static void check_options(const struct arguments *a, struct argp_state *state)
{
	if (!a->interfaces)
		argp_error(state, "which interface? `ip -br link` lists them");
	if (a->asked_rate && a->probe_rate && a->rule.text[RULE_OPT_MONITOR])
		argp_error(state, "--monitor drops nothing and --probe-rate says to: give one of them");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->rule;
		return 0;
	case 'd':
	case ARGP_KEY_ARG:
		return add_interface(a, arg, state);
	case OPT_ALLOW:
		return add_prefix(a->allow, &a->n_allow, "--allow", arg, state);
	case 'i':
		return add_prefix(a->dst, &a->n_dst, "--dst", arg, state);
	case OPT_MODE:
		return parse_mode(a, arg, state);
	case OPT_DISPATCHER:
		a->dispatcher = true;
		return 0;
	case OPT_KEEP:
		a->keep = true;
		return 0;
	case OPT_CONFIRM:
		if (!duration_parse(arg, &a->session.confirm_ns) || !a->session.confirm_ns)
			argp_error(state, "--confirm '%s': a length of time such as 60s", arg);
		return 0;
	case OPT_SOURCES:
		a->bucket_bits = bits_for(number("--sources", arg, 1024, 1 << 22, state));
		return 0;
	case OPT_PROBE_RATE:
		a->probe_rate = (unsigned int)number("--probe-rate", arg, 0, XDP_PROBE_RATE_MAX, state);
		a->asked_rate = true;
		return 0;
	case OPT_GROUP:
		return parse_group(a, arg, state);
	case 's':
		a->save_ports = true;
		return 0;
	case 'm':
		a->session.max_packets = number("--max-packets", arg, 1, ~0UL >> 1, state);
		return 0;
	case OPT_EVENTS:
		a->session.events = arg;
		return 0;
	case OPT_JSON:
		a->session.json = true;
		return 0;
	case OPT_PCAP: /* abbreviated: wants_pcap() knows the whole word only */
		argp_error(state, "write --pcap in full");
		return EINVAL;
	case 'v':
		log_verbose = true;
		return 0;
	case ARGP_KEY_END:
		check_options(a, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &rule_argp, 0, "The rule:", 1 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "IFACE...",
	.doc = "Detects port scans on interfaces and blocks who scans, in the kernel.\v"
	       "Runs in the foreground and tells each event on a line; Ctrl-C detaches and prints "
	       "a summary. Killed with SIGKILL it leaves the program enforcing, and the next "
	       "attach goes on with all that was counted and blocked. Own addresses, default "
	       "gateways, resolvers and the peer of the running SSH session are never blocked.",
	.children = children,
};

static bool attached(const char *ifname)
{
	struct xdp_link links[64];
	int n = xdp_links(links, 64);

	for (int i = 0; i < n; i++)
		if (strcmp(links[i].ifname, ifname) == 0)
			return true;
	return false;
}

#define HOW_BYTES 96

/* "native mode", or with the company that it has there. */
static const char *how(const struct xdp_link *link, char out[HOW_BYTES])
{
	const char *mode = link->native ? "native mode" : "generic mode";

	if (link->dispatcher)
		snprintf(out, HOW_BYTES, "%s, program %u of %u in a dispatcher", mode, link->place,
			 link->programs);
	else
		snprintf(out, HOW_BYTES, "%s", mode);
	return out;
}

static void tell_attached(const struct arguments *a, const struct xdp_link *link)
{
	char time[DURATION_TEXT_BYTES], proven[DURATION_TEXT_BYTES], text[HOW_BYTES];
	const struct ps_rule *rule = &a->rule.rule;

	if (!link->native && a->mode == XDP_MODE_AUTO)
		log_note("%s: its driver has no native XDP here, using generic mode: the same "
			 "verdicts, several times the cost per packet", link->ifname);
	if (a->session.confirm_ns)
		log_note("detaching in %s unless `pscan-xdp confirm` comes first",
			 duration_format(a->session.confirm_ns, time));
	if (rule->respond == PS_RESPOND_MONITOR)
		log_note("attached to %s (%s), alerts only", link->ifname, how(link, text));
	else
		log_note("attached to %s (%s), blocks scanners for %s, with proof for %s",
			 link->ifname, how(link, text),
			 duration_format(ps_verdict_unproven_ns(rule), time),
			 duration_format(rule->block_ns, proven));
}

static int attach_all(const struct arguments *a, const struct xdp *xdp)
{
	bool before[INTERFACES_MAX];
	struct xdp_link link;
	unsigned int done = 0;
	int err = 0;

	for (; done < a->interfaces && !err; done++) {
		before[done] = attached(a->ifname[done]);
		err = xdp_attach(xdp, a->ifname[done], a->mode, a->dispatcher, &link);
		if (!err)
			tell_attached(a, &link);
	}
	/* All or none: what this call attached goes again, what ran before stays. */
	for (unsigned int i = 0; err && i + 1 < done; i++)
		if (!before[i])
			xdp_detach(if_nametoindex(a->ifname[i]), a->ifname[i]);
	return err;
}

/* Was anything asked for that only the first loader decides? */
static bool asks_for_more(const struct arguments *a)
{
	bool more = a->n_allow || a->n_dst || a->bucket_bits || a->asked_rate || a->save_ports ||
		    a->group || a->session.events || a->session.json || a->session.max_packets ||
		    a->session.confirm_ns;

	for (int i = 0; i < RULE_OPT_MAX; i++)
		more = more || a->rule.text[i];
	return more;
}

/* A loader runs already: the interface joins what it watches, under its rule. */
static int join(const struct arguments *a)
{
	struct xdp_link link;
	struct xdp *xdp;
	struct ps_config cfg;
	char text[HOW_BYTES];
	int err;

	for (unsigned int i = 0; i < a->interfaces; i++) {
		if (attached(a->ifname[i])) {
			log_error("%s is already attached, and a running pscan-xdp reports it; "
				  "`pscan-xdp status` shows it", a->ifname[i]);
			return -EBUSY;
		}
	}
	err = xdp_open(&xdp);
	if (err)
		return err;
	err = xdp_open_prog(xdp);
	for (unsigned int i = 0; i < a->interfaces && !err; i++) {
		err = xdp_attach(xdp, a->ifname[i], a->mode, a->dispatcher, &link);
		if (!err && xdp_config_get(xdp, &cfg) == 0)
			log_note("attached to %s (%s); the pscan-xdp that runs already (pid %u) "
				 "reports it, under the rule it was started with", a->ifname[i],
				 how(&link, text), cfg.loader_pid);
		/* All or none, as when nobody runs yet. */
		for (unsigned int done = 0; err && done < i; done++)
			xdp_detach(if_nametoindex(a->ifname[done]), a->ifname[done]);
	}
	if (!err && asks_for_more(a))
		log_warn("that one's rule, lists and output stay as they are: of the options given "
			 "here only --mode and --dispatcher had an effect");
	xdp_close(xdp);
	return err;
}

static int set_lists(const struct arguments *a, const struct xdp *xdp)
{
	static struct guard guard;
	int err = xdp_lists_lock(xdp);

	guard_collect(&guard);
	err = err ? err : xdp_allow_refresh(xdp); /* entries may have outlived their config */
	for (unsigned int i = 0; i < a->n_allow && !err; i++) {
		err = xdp_allow_add(xdp, &a->allow[i], &(struct ps_allow){ .kind = PS_ALLOW_USER });
		/* An earlier run may have blocked them, and blocks ask no list. */
		if (!err && xdp_blocks_lift(xdp, &a->allow[i]) < 0)
			err = -EIO;
	}
	if (!err)
		err = xdp_dst_set(xdp, a->dst, a->n_dst);
	if (!err)
		err = guard_apply(xdp, &guard);
	xdp_lists_unlock(xdp);
	if (err)
		log_error("cannot fill the program's lists: %s%s", strerror(-err),
			  err == -ENOSPC ? "; the allow list holds 65536 prefixes" : "");
	return err;
}

static bool any_in_dispatcher(void)
{
	struct xdp_link links[64];
	int n = xdp_links(links, 64);

	for (int i = 0; i < n; i++)
		if (links[i].dispatcher)
			return true;
	return false;
}

/* @stays: in: what runs already is not ours to end; out: nor is what ran after us */
static int run(struct arguments *a, struct xdp *xdp, struct leaver *leaver, bool *stays)
{
	int err = set_lists(a, xdp);

	if (!err)
		err = xdp_share(a->group);
	if (!err)
		err = attach_all(a, xdp);
	if (!err && any_in_dispatcher())
		err = leaver_start(leaver, xdp);
	if (err)
		return err;
	err = session_run(xdp, &a->session);
	if (a->keep && err != -ETIMEDOUT && xdp_pins_hidden(xdp))
		log_error("cannot leave it enforcing: %s is not what it was, and nothing keeps the "
			  "program", XDP_BPFFS);
	else if (a->keep && err != -ETIMEDOUT)
		log_note("left enforcing; `pscan-xdp detach --all` ends it");
	*stays = a->keep && err != -ETIMEDOUT;
	return err;
}

/* Said before anything is attached, instead of after. */
static bool events_writable(const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;

	if (path && fd < 0)
		log_error("cannot write events to %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return !path || fd >= 0;
}

static bool cookies_possible(const struct ps_rule *rule)
{
	const char *missing = NULL;

	if (rule->unproven == PS_UNPROVEN_COOKIE && rule->respond != PS_RESPOND_MONITOR)
		missing = xdp_probe_cookies();
	if (missing)
		log_error("--unproven cookie cannot be used: %s", missing);
	return !missing;
}

/* --pcap is a command of its own behind one option: nothing of XDP applies. */
static bool wants_pcap(int argc, char *const *argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--pcap") == 0)
			return true;
	return false;
}

/* -EBUSY: another loader runs, and can be joined. */
static int load_or_wait(const struct xdp_load_options *load, struct xdp **xdp)
{
	int err, wait = 0;

	do {
		err = xdp_load(load, xdp);
		if (err == -EBUSY)
			wait = xdp_await_loader();
	} while (err == -EBUSY && wait == -ESRCH);
	return wait && err ? wait : err;
}

int cmd_attach(int argc, char **argv)
{
	static struct arguments a = { .probe_rate = XDP_PROBE_RATE };
	struct xdp_load_options load = { 0 };
	struct leaver leaver = { .fd = -1 };
	struct xdp *xdp;
	bool stays;
	int err;

	if (wants_pcap(argc, argv))
		return cmd_attach_pcap(argc, argv);
	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return EXIT_USAGE;
	for (unsigned int i = 0; i < a.interfaces; i++)
		if (xdp_attachable(a.ifname[i]))
			return EXIT_FAILED;
	if (!events_writable(a.session.events))
		return EXIT_FAILED;
	if (!cookies_possible(&a.rule.rule))
		return EXIT_FAILED;
	load.rule = a.rule.rule;
	load.save_ports = a.save_ports;
	load.probe_rate = a.probe_rate;
	load.bucket_bits = a.bucket_bits;
	a.session.rule = &a.rule.rule;
	a.session.slow = a.rule.slow;

	session_hold_signals();
	err = load_or_wait(&load, &xdp);
	if (err == -EBUSY)
		return join(&a) ? EXIT_FAILED : EXIT_DONE;
	if (err)
		return EXIT_FAILED;
	if (xdp->adopted)
		log_note("continuing with the counters and blocks of an earlier run");
	stays = xdp->adopted;
	err = run(&a, xdp, &leaver, &stays);
	/* After `detach`, another loader's pins may be where ours were. */
	if (xdp_holds_pins(xdp)) {
		if (stays)
			xdp_release_if_unused();
		else if (leaver_detach_all(&leaver))
			err = err ? err : -EIO;
	}
	xdp_close(xdp);
	return err ? EXIT_FAILED : EXIT_DONE;
}
