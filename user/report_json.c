/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report_json.c - one JSON object per event and line (NDJSON). The keys are a
 * promise: they are added to, never renamed.
 */
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "json_out.h"
#include "names.h"
#include "report.h"
#include "slow/slow.h"

static void add_ends(struct json_object *o, const struct ps_source *s)
{
	char text[PREFIX_TEXT_BYTES];

	json_text(o, "source", source_format(&s->addr, text));
	json_text(o, "target", addr_format(&s->dst, text));
}

/* Classes that have any, by name. */
static struct json_object *by_class(const __u32 *values)
{
	struct json_object *o = json_object_new_object();

	for (unsigned int c = 1; c < PS_CLASS_MAX; c++)
		if (values[c])
			json_number(o, names_class(c), values[c]);
	return o;
}

struct json_object *report_evidence_json(const struct ps_source *s, unsigned int engine,
					 __u64 at_ns)
{
	struct json_object *list = json_object_new_array();
	__u8 order[PS_PROBES_MAX];
	unsigned int held = report_order(s, engine, at_ns, order);

	for (unsigned int i = 0; i < held; i++) {
		const struct ps_probe *probe = &s->probe[order[i]];
		struct json_object *o = json_object_new_object();
		char age[32];

		/* Microseconds are all that a tick holds; %g would print its rounding error. */
		snprintf(age, sizeof(age), "%.3f", report_age_ms(s, engine, probe, at_ns));
		json_number(o, "port", probe->port);
		json_text(o, "proto", probe->class == PS_CLASS_UDP ? "udp" : "tcp");
		json_text(o, "type", names_class(probe->class));
		json_number(o, "points", probe->points);
		json_object_object_add(o, "age_ms",
				       json_object_new_double_s(strtod(age, NULL), age));
		json_object_array_add(list, o);
	}
	return list;
}

static void add_shape(struct json_object *o, const struct shape_counts *c)
{
	json_text(o, "shape", shape_name(c->shape));
	json_number(o, "ports", c->ports);
	json_object_object_add(o, "ports_exact", json_object_new_boolean(c->ports_exact));
	json_number(o, "hosts", c->hosts);
}

static void add_head(struct json_object *o, const struct report_view *v)
{
	const struct ps_event *e = v->event;
	char time[REPORT_TIME_BYTES];

	json_text(o, "event", names_event(e->kind));
	json_text(o, "time", report_time_utc((__s64)e->at_ns + v->wall_ns, time));
	json_number(o, "time_ns", e->at_ns + (__u64)v->wall_ns);
	if (v->ifname)
		json_text(o, "interface", v->ifname);
	add_ends(o, &e->source);
	json_text(o, "type", names_class(e->class));
	json_text(o, "engine", names_engine(e->engine));
}

static void add_verdict(struct json_object *o, const struct report_view *v)
{
	const struct ps_event *e = v->event;
	char time[REPORT_TIME_BYTES];

	json_text(o, "action", names_action(e->action));
	json_text(o, "reason", names_reason(e->reason));
	if (e->until_ns) {
		json_text(o, "until", report_time_utc((__s64)e->until_ns + v->wall_ns, time));
		json_number(o, "until_ns", e->until_ns + (__u64)v->wall_ns);
	}
	json_text(o, "engine", names_engine(e->engine));
	json_text(o, "proof", names_proof(e->proof));
	json_number(o, "ttl", e->ttl);
	if (e->proof_ttl)
		json_number(o, "proof_ttl", e->proof_ttl);
	json_number(o, "dropped", e->dropped);
	json_number(o, "detections", e->source.detections);
}

static void add_facts(struct json_object *o, const struct report_view *v)
{
	const struct report_facts *facts = &v->facts;

	if (facts->tool && facts->tool[0])
		json_text(o, "tool", facts->tool);
	if (v->event->kind == PS_EVENT_SCAN)
		json_object_object_add(o, "handshake", json_object_new_boolean(facts->handshake));
}

/* The object as a line; @o goes. */
static char *line_of(struct json_object *o)
{
	const char *text = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *record = NULL;

	if (text && asprintf(&record, "%s\n", text) < 0)
		record = NULL;
	json_object_put(o);
	return record;
}

static char *json_event(const struct report_view *v)
{
	const struct ps_event *e = v->event;
	struct json_object *o = json_object_new_object();

	add_head(o, v);
	json_number(o, "score", e->score);
	json_number(o, "type_score", e->class_score);
	json_number(o, "threshold", v->rule->threshold);
	add_verdict(o, v);
	add_facts(o, v);
	add_shape(o, &v->shape);
	json_object_object_add(o, "packets", by_class(e->source.packets));
	json_object_object_add(o, "points", by_class(v->points));
	json_number(o, "first_ns", e->source.first_ns + (__u64)v->wall_ns);
	json_object_object_add(o, "evidence",
			       report_evidence_json(&e->source, e->engine, e->source.last_ns));
	return line_of(o);
}

static char *json_crowd(const struct report_view *v, const struct slow_crowd *c)
{
	const struct ps_event *e = v->event;
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	char text[ADDR_TEXT_BYTES], time[REPORT_TIME_BYTES];

	json_text(o, "event", "crowd");
	json_text(o, "time", report_time_utc((__s64)e->at_ns + v->wall_ns, time));
	json_number(o, "time_ns", e->at_ns + (__u64)v->wall_ns);
	if (v->ifname)
		json_text(o, "interface", v->ifname);
	json_text(o, "target", addr_format(&c->dst, text));
	json_text(o, "type", names_class(e->class));
	json_text(o, "engine", names_engine(e->engine));
	json_text(o, "action", names_action(e->action));
	json_object_object_add(o, "decoys", json_object_new_boolean(c->decoys));
	json_number(o, "sources", c->sources);
	json_number(o, "ports", c->ports);
	json_number(o, "probes", c->probes);
	json_number(o, "first_ns", c->first_ns + (__u64)v->wall_ns);
	for (unsigned int i = 0; i < c->sources && i < SLOW_CROWD_SOURCES; i++)
		json_object_array_add(
			list, json_object_new_string(addr_format(&c->source[i], text)));
	json_object_object_add(o, "source_list", list);
	list = json_object_new_array();
	for (unsigned int i = 0; i < c->ports && i < SLOW_CROWD_PORTS; i++)
		json_object_array_add(list, json_object_new_int(c->port[i]));
	json_object_object_add(o, "port_list", list);
	return line_of(o);
}

const struct report_ops report_json = { .name = "json",
					.event = json_event,
					.crowd = json_crowd };
