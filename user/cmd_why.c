/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_why.c - `why ADDRESS`: on what evidence a source is blocked, or is not. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pscan/score.h>

#include "addr.h"
#include "cmd.h"
#include "cmd_list.h"
#include "collect.h"
#include "duration.h"
#include "json_out.h"
#include "log.h"
#include "names.h"
#include "report.h"
#include "rule.h"
#include "slow/slow.h"
#include "xdp_maps.h"

struct answer {
	union ps_addr addr;
	union ps_addr blocks;	/* what the block names: the address, or its /64 */
	struct ps_config cfg;
	struct ps_block block;
	struct ps_source source;
	struct ps_allow allow;
	struct prefix deny_prefix;
	struct ps_deny deny;
	bool blocked, denied, allowed, known;
	__u64 now_ns;
};

struct arguments {
	union ps_addr addr;
	bool has_addr, json;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "one JSON object", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'j':
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->has_addr)
			argp_error(state, "one address at a time");
		if (!addr_parse(arg, &a->addr))
			argp_error(state, "'%s': not an IPv4 or IPv6 address", arg);
		a->has_addr = true;
		return 0;
	case ARGP_KEY_END:
		if (!a->has_addr)
			argp_error(state, "which address?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "ADDRESS",
	.doc = "Shows the evidence a block rests on: ports, types, times, points and deadline; or, for "
	       "a source that is not blocked, what it has gathered so far.",
};

static int covering(const struct prefix *prefix, const struct ps_deny *value, void *data)
{
	struct answer *w = data;

	if (!prefix_covers(prefix, &w->addr) || (value->until_ns && value->until_ns <= w->now_ns))
		return 0;
	if (w->denied && prefix->bits < w->deny_prefix.bits)
		return 0;
	w->denied = true;
	w->deny_prefix = *prefix;
	w->deny = *value;
	return 0;
}

/* The block in force against the address, its own or its /64's. */
static bool find_block(const struct xdp *xdp, struct answer *w)
{
	w->blocks = w->addr;
	if (xdp_block_get(xdp, &w->blocks, &w->block) == 0 && w->block.until_ns > w->now_ns)
		return true;
	if (!ps_addr_has_net(&w->addr))
		return false;
	ps_addr_net(&w->blocks, &w->addr);
	return xdp_block_get(xdp, &w->blocks, &w->block) == 0 && w->block.until_ns > w->now_ns;
}

static int look_up(const struct xdp *xdp, struct answer *w)
{
	int err = xdp_config_get(xdp, &w->cfg);

	w->now_ns = xdp_now_ns();
	w->blocked = find_block(xdp, w);
	w->allowed = xdp_allow_find(xdp, &w->addr, &w->allow) == 0;
	if (!err)
		err = xdp_each_deny(xdp, covering, w);
	if (!err) {
		err = xdp_source_get(xdp, &w->addr, &w->source);
		w->known = !err;
		err = err == -ENOENT ? 0 : err;
	}
	if (err)
		log_error("cannot read the program's maps: %s", strerror(-err));
	return err;
}

/* ---- text ----------------------------------------------------------------- */

static void print_evidence(const struct ps_source *s, unsigned int engine, __u64 at_ns)
{
	__u8 order[PS_PROBES_MAX];
	unsigned int n = report_order(s, engine, at_ns, order), sum = 0;
	double first = n ? report_age_ms(s, engine, &s->probe[order[0]], at_ns) : 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct ps_probe *e = &s->probe[order[i]];
		bool udp = e->class == PS_CLASS_UDP;
		const char *service = names_service(e->port, udp);

		sum += e->points;
		printf("  %+10.3f ms  %s/%-6u %-12s %-7s %3u points, sum %u%s\n",
		       first - report_age_ms(s, engine, e, at_ns), udp ? "udp" : "tcp", e->port,
		       service ? service : "", names_class(e->class), e->points, sum,
		       e->points || engine != PS_ENGINE_BURST ? "" : ": open");
	}
}

/* What the block rests on beside the evidence, and what it is worth. */
static void print_proof(const struct ps_block *b)
{
	char span[DURATION_TEXT_BYTES];

	printf("%s block for %s after the last packet, found by the %s engine\n",
	       rule_respond_name(b->respond), duration_format(b->span_ns, span),
	       names_engine(b->engine));
	if (b->proof == PS_PROOF_COOKIE)
		printf("proven: it completed handshakes with ports where nobody listens\n");
	else if (b->proof)
		printf("proven: it completed a handshake that began with one of its probes\n");
	else
		printf("unproven: nothing shows that the probes came from this address\n");
	if (b->proof_ttl)
		printf("hint: TTL %u of the handshake, %u of the crossing probe%s\n", b->proof_ttl,
		       b->ttl, b->proof_ttl == b->ttl ? "" : ": not the same way, so the handshake proves nothing");
	if (b->tool)
		printf("packets as of %s, which anybody can send\n", slow_tool_name(b->tool));
}

static void print_text(const struct answer *w)
{
	char addr[ADDR_TEXT_BYTES], time[48], prefix[PREFIX_TEXT_BYTES];
	__s64 wall_ns = collect_wall_ns();
	__u32 points[PS_CLASS_SLOTS];

	addr_format(&w->addr, addr);
	if (w->denied)
		printf("%s is blocked by hand (%s) until %s, %llu packets dropped\n", addr,
		       prefix_format(&w->deny_prefix, prefix), list_until(w->deny.until_ns, time),
		       (unsigned long long)w->deny.packets);
	if (w->allowed)
		printf("%s %s (%s)\n", addr, w->allow.kind == PS_ALLOW_USER ?
		       "is on the allow list: neither scored nor blocked" :
		       "must never be blocked", names_allow(w->allow.kind));
	if (w->blocked) {
		printf("%s is blocked for a %s scan since %s\n", source_format(&w->blocks, prefix),
		       names_class(w->block.class),
		       report_time((__s64)w->block.since_ns + wall_ns, time));
		printf("until %s, %llu packets (%llu bytes) dropped, deadline renewed and told %u times\n",
		       list_until(w->block.until_ns, time), (unsigned long long)w->block.packets,
		       (unsigned long long)w->block.bytes, w->block.renewals);
		print_proof(&w->block);
		if (w->block.engine == PS_ENGINE_BURST)
			printf("score %u of %u reached with the evidence then:\n", w->block.score,
			       w->cfg.rule.threshold);
		else
			printf("found by the %s engine, beside the rule, with the evidence then:\n",
			       names_engine(w->block.engine));
		print_evidence(&w->block.evidence, w->block.engine, w->block.since_ns);
	} else if (w->known) {
		printf("%s is not blocked: score now %u of %u (highest %u), last probe %s\n", addr,
		       ps_score_by_class(&w->cfg.rule, &w->source, w->now_ns, points),
		       w->cfg.rule.threshold, w->source.peak,
		       report_time((__s64)w->source.last_ns + wall_ns, time));
		printf("its latest evidence:\n");
		print_evidence(&w->source, PS_ENGINE_BURST, w->source.last_ns);
	} else if (!w->denied) {
		printf("nothing is held against %s\n", addr);
	}
}

/* ---- JSON ------------------------------------------------------------------ */

static struct json_object *block_json(const struct answer *w)
{
	struct json_object *o = json_object_new_object();
	__s64 wall_ns = collect_wall_ns();
	char time[48], text[PREFIX_TEXT_BYTES];

	json_text(o, "source", source_format(&w->blocks, text));
	json_text(o, "type", names_class(w->block.class));
	json_text(o, "reason", names_reason(w->block.reason));
	json_text(o, "since", report_time_utc((__s64)w->block.since_ns + wall_ns, time));
	json_text(o, "until", report_time_utc((__s64)w->block.until_ns + wall_ns, time));
	json_text(o, "response", rule_respond_name(w->block.respond));
	json_span(o, "span_s", w->block.span_ns, 1000000000);
	json_text(o, "engine", names_engine(w->block.engine));
	json_text(o, "proof", names_proof(w->block.proof));
	json_number(o, "ttl", w->block.ttl);
	if (w->block.proof_ttl)
		json_number(o, "proof_ttl", w->block.proof_ttl);
	if (w->block.tool)
		json_text(o, "tool", slow_tool_name(w->block.tool));
	json_number(o, "dropped", w->block.packets);
	json_number(o, "dropped_bytes", w->block.bytes);
	json_number(o, "score", w->block.score);
	json_object_object_add(o, "evidence",
			       report_evidence_json(&w->block.evidence, w->block.engine,
						    w->block.since_ns));
	return o;
}

static struct json_object *source_json(const struct answer *w)
{
	struct json_object *o = json_object_new_object();
	__u32 points[PS_CLASS_SLOTS];

	json_number(o, "score", ps_score_by_class(&w->cfg.rule, &w->source, w->now_ns, points));
	json_number(o, "peak", w->source.peak);
	json_number(o, "detections", w->source.detections);
	json_object_object_add(o, "evidence", report_evidence_json(&w->source, PS_ENGINE_BURST, w->now_ns));
	return o;
}

static void print_json(const struct answer *w)
{
	struct json_object *o = json_object_new_object();
	char text[PREFIX_TEXT_BYTES];

	json_text(o, "source", addr_format(&w->addr, text));
	json_number(o, "threshold", w->cfg.rule.threshold);
	json_object_object_add(o, "block", w->blocked ? block_json(w) : NULL);
	json_text(o, "manual", w->denied ? prefix_format(&w->deny_prefix, text) : NULL);
	json_text(o, "allow", w->allowed ? names_allow(w->allow.kind) : NULL);
	json_object_object_add(o, "record", w->known ? source_json(w) : NULL);
	json_print(o);
}

int cmd_why(int argc, char **argv)
{
	struct arguments a = { 0 };
	static struct answer w;
	struct xdp *xdp;
	int err;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return EXIT_USAGE;
	if (xdp_open_reader(&xdp))
		return EXIT_FAILED;
	w.addr = a.addr;
	err = look_up(xdp, &w);
	if (!err && a.json)
		print_json(&w);
	else if (!err)
		print_text(&w);
	xdp_close(xdp);
	return err ? EXIT_FAILED : EXIT_DONE;
}
