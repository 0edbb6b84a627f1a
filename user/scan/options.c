// SPDX-License-Identifier: GPL-2.0-only
/* options.c - see options.h. One argp table; nmap's two-letter names are argv.c's. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "log.h"
#include "scan/argv.h"
#include "scan/options_draft.h"

enum {
	OPT_CONNECT = 1000,
	OPT_SYN,
	OPT_FIN,
	OPT_NULL,
	OPT_XMAS,
	OPT_MAIMON,
	OPT_ACK,
	OPT_WINDOW,
	OPT_UDP,
	OPT_PING,
	OPT_FLAGS,
	OPT_NO_PING,
	OPT_LIST,
	OPT_EXCLUDE,
	OPT_EXCLUDE_FILE,
	OPT_ALL_ADDRESSES,
	OPT_TOP_PORTS,
	OPT_TTL,
	OPT_RATE,
	OPT_MIN_RATE,
	OPT_MAX_RATE,
	OPT_RETRIES,
	OPT_TIMEOUT,
	OPT_HOST_TIMEOUT,
	OPT_DELAY,
	OPT_CONNECTIONS,
	OPT_STOP,
	OPT_OPEN,
	OPT_REASON,
	OPT_JSON,
	OPT_XML,
	OPT_GREPABLE,
	OPT_TEXT,
	OPT_DRY_RUN,
	OPT_SEED,
	OPT_SHARD,
	OPT_RESUME,
	OPT_RESUME_FILE,
};

#define HEAD(title)                                                                                \
	{                                                                                          \
		.doc = (title)                                                                     \
	}

static const struct argp_option table[] = {
	HEAD("Techniques (one for TCP; -sU can be added):"),
	{ "connect", OPT_CONNECT, NULL, 0, "-sT: full connections; needs no privilege (default)",
	  0 },
	{ "syn", OPT_SYN, NULL, 0, "-sS: half-open", 0 },
	{ "fin", OPT_FIN, NULL, 0, "-sF: FIN", 0 },
	{ "null", OPT_NULL, NULL, 0, "-sN: no control bit", 0 },
	{ "xmas", OPT_XMAS, NULL, 0, "-sX: FIN, PSH and URG", 0 },
	{ "maimon", OPT_MAIMON, NULL, 0, "-sM: FIN and ACK", 0 },
	{ "ack", OPT_ACK, NULL, 0, "-sA: ACK; tells filtered from unfiltered only", 0 },
	{ "window", OPT_WINDOW, NULL, 0, "-sW: ACK; a reset with a window means open", 0 },
	{ "flags", OPT_FLAGS, "LIST", 0, "TCP control bits: \"syn,ack\", \"SA\", a number or none",
	  0 },
	{ "udp", OPT_UDP, NULL, 0, "-sU: UDP, with payloads for known services", 0 },
	{ "ping", OPT_PING, NULL, 0, "-sn, -sP: host discovery only", 0 },
	{ "no-ping", OPT_NO_PING, NULL, 0, "-Pn, -P0: take every target as up", 0 },
	HEAD("Targets and ports:"),
	{ "target", 'u', "HOST", 0, "Another way to name a target", 0 },
	{ "list", OPT_LIST, "FILE", 0, "-iL: targets from a file (- for stdin)", 0 },
	{ "exclude", OPT_EXCLUDE, "TARGETS", 0, "Leave these out (comma-separated)", 0 },
	{ "exclude-file", OPT_EXCLUDE_FILE, "FILE", 0, "Leave out what the file lists", 0 },
	{ "all-addresses", OPT_ALL_ADDRESSES, NULL, 0, "Every address of a host name", 0 },
	{ "ipv4", '4', NULL, 0, "Host names to IPv4 only", 0 },
	{ "ipv6", '6', NULL, 0, "Host names to IPv6 only", 0 },
	{ "ports", 'p', "LIST", 0, "22,80,1000-2000,http,T:25,U:53; - for all (default 1-1023)",
	  0 },
	{ "top-ports", OPT_TOP_PORTS, "N", 0, "The N likeliest ports", 0 },
	{ "fast", 'F', NULL, 0, "The 100 likeliest ports", 0 },
	HEAD("How probes leave:"),
	{ "interface", 'e', "NAME", 0, "Use this interface", 0 },
	{ "source", 'S', "ADDRESS", 0, "Use this source address", 0 },
	{ "source-port", 'g', "PORT", 0, "Use this source port (raw techniques)", 0 },
	{ "ttl", OPT_TTL, "N", 0, "Time to live (default 64)", 0 },
	HEAD("Timing (times are seconds, or carry ms, s, min or h):"),
	{ "timing", 'T', "0-5", 0, "Template, from paranoid to insane (default 3)", 0 },
	{ "rate", OPT_RATE, "PPS", 0, "Exactly this many probes a second", 0 },
	{ "min-rate", OPT_MIN_RATE, "PPS", 0, "Loss does not slow the scan below this", 0 },
	{ "max-rate", OPT_MAX_RATE, "PPS", 0, "Never faster than this", 0 },
	{ "retries", OPT_RETRIES, "N", 0, "Probe an unanswered port again at most N times", 0 },
	{ "timeout", OPT_TIMEOUT, "TIME", 0, "Wait this long before any round trip is known", 0 },
	{ "host-timeout", OPT_HOST_TIMEOUT, "TIME", 0, "End the scan after this", 0 },
	{ "delay", OPT_DELAY, "TIME", 0, "Time between two probes", 0 },
	{ "connections", OPT_CONNECTIONS, "N", 0, "Sockets of --connect at once (default 1000)",
	  0 },
	{ "stop-when-blocked", OPT_STOP, NULL, 0, "Give a target up once it stops answering", 0 },
	HEAD("Output:"),
	{ "open", OPT_OPEN, NULL, 0, "Only open ports", 0 },
	{ "reason", OPT_REASON, NULL, 0,
	  "TTL and tries of each answer, reasons of what is not shown", 0 },
	{ "numeric", 'n', NULL, 0, "Do not look up names of addresses", 0 },
	{ "verbose", 'v', NULL, 0, "List every port; say more", 0 },
	{ "json", OPT_JSON, "FILE", OPTION_ARG_OPTIONAL,
	  "A JSON object per line (stdout without FILE)", 0 },
	{ "xml", OPT_XML, "FILE", 0, "-oX: XML as nmap's", 0 },
	{ "grepable", OPT_GREPABLE, "FILE", 0, "-oG: one line per host", 0 },
	{ "text", OPT_TEXT, "FILE", 0, "-oN: the table", 0 },
	{ "dry-run", OPT_DRY_RUN, NULL, 0, "List what would be sent; open no socket", 0 },
	HEAD("Parts of a scan:"),
	{ "seed", OPT_SEED, "N", 0, "Order of the probes (default random)", 0 },
	{ "shard", OPT_SHARD, "I/N", 0, "Part I of N (from 1); needs --seed", 0 },
	{ "resume", OPT_RESUME, "FILE", 0, "Go on where an interrupted scan stopped", 0 },
	{ "resume-file", OPT_RESUME_FILE, "FILE", 0,
	  "Where an interrupted scan is saved (default pscan-xdp.resume)", 0 },
	{ 0 },
};

static void refuse(struct draft *draft, const char *what, const char *text, const char *expected)
{
	log_error("bad %s \"%s\": expected %s", what, text, expected);
	draft->err = -EINVAL;
}

static bool parse_number(const char *text, __u64 low, __u64 high, __u64 *out)
{
	char *rest;
	unsigned long long n;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &rest, 10);
	if (errno || *rest || n < low || n > high)
		return false;
	*out = n;
	return true;
}

/* The program's durations (300ms, 5s, 10min, ...), and as nmap has it: plain seconds, "m". */
static bool parse_time(const char *text, __u64 *ns)
{
	char *rest;
	double value = strtod(text, &rest);

	if (duration_parse(text, ns))
		return true;
	if (*text < '0' || *text > '9' || (*rest && strcmp(rest, "m") != 0))
		return false;
	value *= *rest ? 60 : 1;
	if (!(value < 1e7))
		return false;
	*ns = (__u64)(value * 1e9);
	return true;
}

static void take_rate(struct draft *draft, const char *text, double *rate)
{
	char *rest;
	double value = strtod(text, &rest);

	if (*text < '0' || *text > '9' || *rest || !(value > 0) || value > 1e8)
		refuse(draft, "rate", text, "probes a second, 0.001 to 100000000");
	else
		*rate = value;
}

static void take_time(struct draft *draft, const char *text, __u64 *ns)
{
	if (!parse_time(text, ns))
		refuse(draft, "time", text,
		       "seconds, or a number with a unit such as ms, s, min or h");
}

static void take_word(struct draft *draft, char ***words, size_t *n, char *word)
{
	char **grown = reallocarray(*words, *n + 1, sizeof(*grown));

	if (!grown) {
		draft->err = -ENOMEM;
		return;
	}
	*words = grown;
	grown[(*n)++] = word;
}

static void take_technique(struct draft *draft, const struct probe_ops *ops)
{
	if (draft->tcp && draft->tcp != ops) {
		log_error("--%s and --%s exclude each other: one TCP technique per scan",
			  draft->tcp->name, ops->name);
		draft->err = -EINVAL;
	}
	draft->tcp = ops;
}

static void take_flags(struct draft *draft, const char *text)
{
	__u8 flags;

	if (!probe_tcp_flags_parse(text, &flags)) {
		refuse(draft, "control bits", text,
		       "names or letters of TCP flags, a number or none");
		return;
	}
	probe_tcp_custom(&draft->options->custom, flags);
	take_technique(draft, &draft->options->custom);
}

static void take_shard(struct draft *draft, const char *text)
{
	unsigned long long i, n;
	int used = 0;

	if (sscanf(text, "%llu/%llu%n", &i, &n, &used) != 2 || text[used] || i < 1 || i > n) {
		refuse(draft, "shard", text, "I/N with I from 1 to N");
		return;
	}
	draft->options->config.shard = i - 1;
	draft->options->config.shards = n;
}

static void take_ports(struct draft *draft, const char *text, bool top)
{
	int err = top ? ports_top(&draft->options->config.ports, text)
		      : ports_parse(&draft->options->config.ports, text);

	draft->ports_given = true;
	if (err)
		draft->err = err;
}

/* Opened when everything else is known to be right, so that a bad option leaves no file. */
static void take_output(struct draft *draft, const struct output_format *format, const char *path)
{
	if (draft->output_count == OUTPUTS_MAX) {
		refuse(draft, "output", path, "fewer outputs");
		return;
	}
	draft->outputs[draft->output_count].format = format;
	draft->outputs[draft->output_count++].path = path;
	if (strcmp(path, "-") == 0)
		draft->options->stdout_taken = true;
}

static const struct probe_ops *technique_of(int key)
{
	static const struct probe_ops *const techniques[] = {
		&probe_tcp_connect, &probe_tcp_syn,    &probe_tcp_fin, &probe_tcp_null,
		&probe_tcp_xmas,    &probe_tcp_maimon, &probe_tcp_ack, &probe_tcp_window,
	};

	return key >= OPT_CONNECT && key <= OPT_WINDOW ? techniques[key - OPT_CONNECT] : NULL;
}

static bool on_flag(struct draft *draft, int key)
{
	struct scan_config *config = &draft->options->config;
	struct output_options *output = &draft->options->output.options;

	switch (key) {
	case OPT_UDP:
		return config->udp = true;
	case OPT_PING:
		return config->ping_only = true;
	case OPT_NO_PING:
		return config->no_ping = true;
	case OPT_ALL_ADDRESSES:
		return draft->resolve.all_addresses = true;
	case OPT_STOP:
		return config->stop_when_blocked = true;
	case OPT_OPEN:
		return output->open_only = true;
	case OPT_REASON:
		return output->reason = true;
	case OPT_DRY_RUN:
		return config->dry_run = true;
	case 'n':
		return output->numeric = true;
	case 'v':
		log_verbose = true;
		return output->all_rows = true;
	case '4':
	case '6':
		draft->resolve.family = key == '4' ? AF_INET : AF_INET6;
		return true;
	default:
		return false;
	}
}

static bool on_timing(struct draft *draft, int key, const char *arg)
{
	__u64 n;

	switch (key) {
	case 'T':
		if (parse_number(arg, 0, TIMING_TEMPLATES - 1, &n))
			draft->level = (unsigned int)n;
		else
			refuse(draft, "timing template", arg, "0 to 5");
		return true;
	case OPT_RATE:
		take_rate(draft, arg, &draft->rate);
		return true;
	case OPT_MIN_RATE:
		take_rate(draft, arg, &draft->min_rate);
		return true;
	case OPT_MAX_RATE:
		take_rate(draft, arg, &draft->max_rate);
		return true;
	case OPT_RETRIES:
		if (parse_number(arg, 0, 30, &n))
			draft->retries = (long)n;
		else
			refuse(draft, "number of retries", arg, "0 to 30");
		return true;
	case OPT_TIMEOUT:
		take_time(draft, arg, &draft->timeout_ns);
		return true;
	case OPT_HOST_TIMEOUT:
		take_time(draft, arg, &draft->host_timeout_ns);
		return true;
	case OPT_DELAY:
		take_time(draft, arg, &draft->delay_ns);
		return true;
	default:
		return false;
	}
}

static void take_number(struct draft *draft, const char *what, const char *arg, __u64 high,
			__u64 *out)
{
	char expected[40];

	snprintf(expected, sizeof(expected), "1 to %llu", (unsigned long long)high);
	if (!parse_number(arg, 1, high, out))
		refuse(draft, what, arg, expected);
}

static bool on_value(struct draft *draft, int key, char *arg)
{
	struct scan_config *config = &draft->options->config;
	__u64 n = 0;

	switch (key) {
	case 'u':
	case ARGP_KEY_ARG:
		take_word(draft, &draft->targets, &draft->target_count, arg);
		return true;
	case OPT_EXCLUDE:
		take_word(draft, &draft->excludes, &draft->exclude_count, arg);
		return true;
	case OPT_LIST:
		draft->list = arg;
		return true;
	case OPT_EXCLUDE_FILE:
		draft->exclude_file = arg;
		return true;
	case OPT_FLAGS:
		take_flags(draft, arg);
		return true;
	case 'p':
	case OPT_TOP_PORTS:
		take_ports(draft, arg, key == OPT_TOP_PORTS);
		return true;
	case 'F':
		take_ports(draft, "100", true);
		return true;
	case 'e':
		draft->interface = arg;
		return true;
	case 'S':
		config->route.source_set = addr_parse(arg, &config->route.source);
		if (!config->route.source_set)
			refuse(draft, "source address", arg, "an IPv4 or IPv6 address");
		return true;
	case 'g':
		take_number(draft, "source port", arg, 65535, &n);
		config->source_port = (__u16)n;
		return true;
	case OPT_TTL:
		take_number(draft, "time to live", arg, 255, &n);
		config->ttl = (__u8)n;
		return true;
	case OPT_CONNECTIONS:
		take_number(draft, "number of connections", arg, 100000, &n);
		config->connects_max = (unsigned int)n;
		return true;
	case OPT_SEED:
		draft->seed_given = parse_number(arg, 0, ~0ULL >> 1, &config->seed);
		if (!draft->seed_given)
			refuse(draft, "seed", arg, "a number");
		return true;
	case OPT_SHARD:
		take_shard(draft, arg);
		return true;
	default:
		return false;
	}
}

static bool on_output(struct draft *draft, int key, const char *arg)
{
	switch (key) {
	case OPT_JSON:
		take_output(draft, &output_json, arg ? arg : "-");
		return true;
	case OPT_XML:
		take_output(draft, &output_xml, arg);
		return true;
	case OPT_GREPABLE:
		take_output(draft, &output_grep, arg);
		return true;
	case OPT_TEXT:
		take_output(draft, &output_text, arg);
		return true;
	case OPT_RESUME:
		draft->options->resume_from = arg;
		return true;
	case OPT_RESUME_FILE:
		draft->options->resume_to = arg;
		return true;
	default:
		return false;
	}
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct draft *draft = state->input;
	const struct probe_ops *technique = technique_of(key);

	if (technique)
		take_technique(draft, technique);
	else if (!on_flag(draft, key) && !on_timing(draft, key, arg) &&
		 !on_value(draft, key, arg) && !on_output(draft, key, arg))
		return ARGP_ERR_UNKNOWN;
	return draft->err ? draft->err : 0;
}

static const struct argp argp = {
	.options = table,
	.parser = on_option,
	.args_doc = "[TARGET...]",
	.doc = "Scan hosts for open ports.\n\nA target is a host name, an address, ADDRESS/LENGTH, "
	       "FIRST-LAST or an octet pattern such as 198.51.100.1-9,20. Without one, localhost "
	       "is "
	       "scanned. Scan only what you are allowed to.",
};

int options_parse(struct options *options, int argc, char **argv)
{
	struct draft draft = { .options = options, .level = TIMING_DEFAULT, .retries = -1 };
	int err;

	options->config.ttl = 64;
	options->config.shards = 1;
	options->config.connects_max = 1000;
	options->resume_to = "pscan-xdp.resume";
	err = argp_parse(&argp, argc, argv, 0, NULL, &draft);
	if (!err)
		err = draft.err;
	if (!err && !options->resume_from)
		err = draft_finish(&draft);
	free(draft.targets);
	free(draft.excludes);
	return err ? -EINVAL : 0;
}

void options_free(struct options *options)
{
	output_close(&options->output);
	targets_free(&options->targets);
}
