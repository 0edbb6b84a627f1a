/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_status.c - `status`: is it attached, where, how, under which rule, how full. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include <pscan/verdict.h>

#include "cmd.h"
#include "duration.h"
#include "json_out.h"
#include "log.h"
#include "names.h"
#include "rule.h"
#include "xdp_maps.h"

#define LINKS_MAX 64

struct status {
	struct xdp_link links[LINKS_MAX];
	int n_links;
	struct ps_config cfg;
	struct ps_counters counters;
	size_t sources, blocks, allows, denies;
	__u64 now_ns;
	bool loader;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "one JSON object", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key == 'j') {
		*(bool *)state->input = true;
		return 0;
	}
	if (key == ARGP_KEY_ARG)
		argp_error(state, "there is nothing to name");
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Shows interfaces, mode, program, uptime, rule, table fill and counters.",
};

static int on_source(const struct ps_source *s, void *data)
{
	(void)s;
	++*(size_t *)data;
	return 0;
}

static int on_block(const union ps_addr *addr, const struct ps_block *block, void *data)
{
	struct status *st = data;

	(void)addr;
	st->blocks += block->until_ns > st->now_ns;
	return 0;
}

static int on_allow(const struct prefix *prefix, const struct ps_allow *value, void *data)
{
	(void)prefix;
	(void)value;
	++*(size_t *)data;
	return 0;
}

static int on_deny(const struct prefix *prefix, const struct ps_deny *value, void *data)
{
	(void)prefix;
	(void)value;
	++*(size_t *)data;
	return 0;
}

static int read_status(const struct xdp *xdp, struct status *st)
{
	int err = xdp_config_get(xdp, &st->cfg);

	st->now_ns = xdp_now_ns();
	st->n_links = xdp_links(st->links, LINKS_MAX);
	st->loader = xdp_loader() && st->cfg.loader_pid; /* ... and not only starts */
	if (!err)
		err = xdp_counters(xdp, &st->counters);
	if (!err)
		err = xdp_each_source(xdp, on_source, &st->sources);
	if (!err)
		err = xdp_each_block(xdp, on_block, st);
	if (!err)
		err = xdp_each_allow(xdp, on_allow, &st->allows);
	if (!err)
		err = xdp_each_deny(xdp, on_deny, &st->denies);
	if (err)
		log_error("cannot read the program's maps: %s", strerror(-err));
	return err;
}

static size_t source_room(const struct ps_config *cfg)
{
	return (size_t)PS_WAYS << cfg->bucket_bits;
}

static void print_response(const struct ps_rule *rule)
{
	char block[DURATION_TEXT_BYTES], most[DURATION_TEXT_BYTES], unproven[DURATION_TEXT_BYTES];

	if (rule->respond == PS_RESPOND_MONITOR) {
		printf("response    alerts only\n");
		return;
	}
	printf("response    %s block for %s after the last probe, doubling up to %s\n",
	       rule_respond_name(rule->respond), duration_format(rule->block_ns, block),
	       duration_format(rule->block_max_ns, most));
	if (rule->unproven == PS_UNPROVEN_FULL)
		printf("unproven    the same\n");
	else
		printf("unproven    %s block for %s\n", rule_unproven_name(rule->unproven),
		       duration_format(ps_verdict_unproven_ns(rule), unproven));
}

static void print_probe_rate(const struct ps_config *cfg)
{
	if (cfg->probe_rate && cfg->rule.respond != PS_RESPOND_MONITOR)
		printf("floods      beyond %u probes a second, what is tried again passes\n",
		       cfg->probe_rate);
}

static void print_rule(const struct ps_rule *rule)
{
	char window[DURATION_TEXT_BYTES], traps[RULE_TRAPS_TEXT_BYTES];

	printf("rule        %u points within %s%s; ports below %u count %u, others %u, %s count %u; "
	       "by %s\n", rule->threshold, rule->window == PS_WINDOW_GAP ? "gaps of " : "",
	       duration_format(rule->window_ns, window), rule->low_ports, rule->weight_low,
	       rule->weight_high, rule_traps_format(rule, traps), rule->weight_trap,
	       rule->count_by == PS_BY_PORT ? "distinct port" : "packet");
	print_response(rule);
	printf("types       ");
	for (unsigned int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++)
		if (rule->classes & 1U << c)
			printf("%s ", names_class(c));
	printf("score\n");
}

static void print_counters(const struct ps_counters *c)
{
	for (unsigned int i = 0; i < PS_PARSE_MAX; i++)
		if (c->parse[i])
			printf("  %-14s %14llu\n", names_parse(i), (unsigned long long)c->parse[i]);
	printf("of those parsed\n");
	for (unsigned int i = 0; i < PS_COUNT_MAX; i++)
		if (c->stage[i])
			printf("  %-14s %14llu\n", names_count(i), (unsigned long long)c->stage[i]);
}

static void print_links(const struct status *st)
{
	for (int i = 0; i < st->n_links; i++) {
		const struct xdp_link *link = &st->links[i];

		printf("%-11s %s (%s mode, program %u", i ? "" : "attached to",
		       link->ifname[0]	 ? link->ifname :
		       link->elsewhere	 ? "(in another network namespace)" :
					   "(removed interface)",
		       link->native ? "native" : "generic", link->prog_id);
		if (link->dispatcher)
			printf(", %u of %u in dispatcher %u", link->place, link->programs,
			       link->dispatcher);
		printf(")\n");
	}
}

static void print_text(const struct status *st)
{
	char up[DURATION_TEXT_BYTES];

	print_links(st);
	if (st->loader)
		printf("loader      pid %u\n", st->cfg.loader_pid);
	else
		printf("loader      none: the kernel detects and blocks, nobody reports\n");
	printf("up          %s\n", duration_format((st->now_ns - st->cfg.started_ns) / 1000000000ULL *
						   1000000000ULL, up));
	print_rule(&st->cfg.rule);
	print_probe_rate(&st->cfg);
	printf("tables      %zu of %zu sources, %zu of %d blocks, %zu of %d allowed, %zu of %d denied "
	       "prefixes\n", st->sources, source_room(&st->cfg), st->blocks, PS_BLOCKS_MAX,
	       st->allows, PS_PREFIXES_MAX, st->denies, PS_PREFIXES_MAX);
	printf("events lost %llu\n",
	       (unsigned long long)st->counters.stage[PS_COUNT_EVENT_LOST]);
	printf("packets by parse result\n");
	print_counters(&st->counters);
}

static struct json_object *rule_json(const struct ps_rule *rule)
{
	struct json_object *json = json_object_new_object(), *traps = json_object_new_array();
	struct json_object *types = json_object_new_array();

	for (int i = 0; i < PS_TRAPS_MAX; i++)
		if (rule->traps[i] && (i == 0 || rule->traps[i] != rule->traps[0]))
			json_object_array_add(traps, json_object_new_int(rule->traps[i]));
	json_number(json, "threshold", rule->threshold);
	json_span(json, "window_ms", rule->window_ns, 1000000);
	json_text(json, "window", rule->window == PS_WINDOW_GAP ? "gap" : "slide");
	json_number(json, "low_ports", rule->low_ports);
	json_number(json, "weight_low", rule->weight_low);
	json_number(json, "weight_high", rule->weight_high);
	json_number(json, "weight_trap", rule->weight_trap);
	json_object_object_add(json, "traps", traps);
	json_text(json, "count", rule->count_by == PS_BY_PORT ? "ports" : "packets");
	json_text(json, "response", rule_respond_name(rule->respond));
	json_span(json, "block_s", rule->block_ns, 1000000000);
	json_span(json, "block_max_s", rule->block_max_ns, 1000000000);
	json_text(json, "unproven", rule_unproven_name(rule->unproven));
	json_number(json, "cookie_rate", rule->cookie_rate);
	json_span(json, "unproven_s", rule->unproven_ns, 1000000000);
	json_span(json, "quiet_s", rule->quiet_ns, 1000000000);
	for (unsigned int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++)
		if (rule->classes & 1U << c)
			json_object_array_add(types, json_object_new_string(names_class(c)));
	json_object_object_add(json, "types", types);
	return json;
}

/* NULL, which is null, for a program that is attached by itself. */
static struct json_object *dispatcher_json(const struct xdp_link *link)
{
	struct json_object *json = link->dispatcher ? json_object_new_object() : NULL;

	if (json) {
		json_number(json, "program_id", link->dispatcher);
		json_number(json, "place", link->place);
		json_number(json, "programs", link->programs);
	}
	return json;
}

static struct json_object *links_json(const struct status *st)
{
	struct json_object *links = json_object_new_array();

	for (int i = 0; i < st->n_links; i++) {
		struct json_object *link = json_object_new_object();

		json_text(link, "ifname", st->links[i].ifname);
		json_number(link, "ifindex", st->links[i].ifindex);
		json_text(link, "mode", st->links[i].native ? "native" : "generic");
		json_number(link, "program_id", st->links[i].prog_id);
		json_object_object_add(link, "dispatcher", dispatcher_json(&st->links[i]));
		json_object_array_add(links, link);
	}
	return links;
}

static struct json_object *fill_json(size_t used, size_t room)
{
	struct json_object *fill = json_object_new_object();

	json_number(fill, "used", used);
	json_number(fill, "room", room);
	return fill;
}

static struct json_object *counters_json(const struct ps_counters *c)
{
	struct json_object *json = json_object_new_object(), *parse_json, *stage_json;

	parse_json = json_object_new_object();
	stage_json = json_object_new_object();
	for (unsigned int i = 0; i < PS_PARSE_MAX; i++)
		json_number(parse_json, names_parse(i), c->parse[i]);
	for (unsigned int i = 0; i < PS_COUNT_MAX; i++)
		json_number(stage_json, names_count(i), c->stage[i]);
	json_object_object_add(json, "parse", parse_json);
	json_object_object_add(json, "stage", stage_json);
	return json;
}

static void print_json(const struct status *st)
{
	struct json_object *json = json_object_new_object(), *tables = json_object_new_object();

	json_object_object_add(tables, "sources", fill_json(st->sources, source_room(&st->cfg)));
	json_object_object_add(tables, "blocks", fill_json(st->blocks, PS_BLOCKS_MAX));
	json_object_object_add(tables, "allow", fill_json(st->allows, PS_PREFIXES_MAX));
	json_object_object_add(tables, "deny", fill_json(st->denies, PS_PREFIXES_MAX));
	json_object_object_add(json, "interfaces", links_json(st));
	if (st->loader)
		json_number(json, "loader_pid", st->cfg.loader_pid);
	else
		json_text(json, "loader_pid", NULL);
	json_number(json, "up_s", (st->now_ns - st->cfg.started_ns) / 1000000000ULL);
	json_object_object_add(json, "rule", rule_json(&st->cfg.rule));
	json_number(json, "probe_rate", st->cfg.probe_rate);
	json_number(json, "queues", 1U << st->cfg.queue_bits);
	json_object_object_add(json, "save_ports", json_object_new_boolean(st->cfg.save_ports));
	json_object_object_add(json, "tables", tables);
	json_object_object_add(json, "counters", counters_json(&st->counters));
	json_print(json);
}

int cmd_status(int argc, char **argv)
{
	static struct status st;
	bool json = false;
	struct xdp *xdp;
	int err;

	if (argp_parse(&argp, argc, argv, 0, NULL, &json))
		return EXIT_USAGE;
	if (xdp_open_reader(&xdp))
		return EXIT_FAILED;
	err = read_status(xdp, &st);
	if (!err && json)
		print_json(&st);
	else if (!err)
		print_text(&st);
	xdp_close(xdp);
	return err ? EXIT_FAILED : EXIT_DONE;
}
