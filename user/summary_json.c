/* SPDX-License-Identifier: GPL-2.0-only */
/* summary_json.c - the closing summary as one JSON object; see summary.h. */

#include "addr.h"
#include "json_out.h"
#include "names.h"
#include "report.h"
#include "slow/slow.h"
#include "summary.h"

static void add_time(struct json_object *o, const char *key, __u64 ns, __s64 wall_ns)
{
	char text[REPORT_TIME_BYTES];

	json_text(o, key, report_time_utc((__s64)ns + wall_ns, text));
}

static void add_types(struct json_object *o, const struct summary_source *s)
{
	struct json_object *types = json_object_new_object();

	for (unsigned int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++) {
		struct json_object *one;

		if (!s->packets[c] && !s->points_peak[c])
			continue;
		one = json_object_new_object();
		json_number(one, "packets", s->packets[c]);
		json_number(one, "points_peak", s->points_peak[c]);
		json_number(one, "points_now", s->points_now[c]);
		json_object_object_add(types, names_class(c), one);
	}
	json_object_object_add(o, "types", types);
}

static void add_ports(struct json_object *o, const struct summary_source *s)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < s->port_count; i++) {
		const struct summary_port *p = &s->ports[i];
		struct json_object *one = json_object_new_object();
		const char *service = names_service(p->port, p->udp);

		json_number(one, "port", p->port);
		json_text(one, "proto", p->udp ? "udp" : "tcp");
		if (service)
			json_text(one, "service", service);
		json_number(one, "packets", p->packets);
		json_object_array_add(list, one);
	}
	json_object_object_add(o, "saved_ports", list);
}

static struct json_object *source_json(const struct summary *s, const struct summary_source *it)
{
	struct json_object *o = json_object_new_object();
	char text[PREFIX_TEXT_BYTES];

	json_text(o, "source", source_format(&it->addr, text));
	json_text(o, "target", addr_format(&it->dst, text));
	json_text(o, "type", names_class(it->class));
	json_number(o, "score_now", it->score_now);
	json_number(o, "score_peak", it->score_peak);
	json_number(o, "detections", it->detections);
	json_text(o, "shape", shape_name(it->shape.shape));
	json_number(o, "ports", it->shape.ports);
	json_number(o, "hosts", it->shape.hosts);
	json_number(o, "tcp_packets", summary_tcp_packets(it));
	json_number(o, "udp_packets", summary_udp_packets(it));
	add_types(o, it);
	add_time(o, "first", it->first_ns, s->wall_ns);
	add_time(o, "last", it->last_ns, s->wall_ns);
	if (it->scan_ns)
		add_time(o, "detected", it->scan_ns, s->wall_ns);
	if (it->until_ns) {
		add_time(o, "until", it->until_ns, s->wall_ns);
		json_span(o, "span_s", it->span_ns, 1000000000);
		json_text(o, "engine", names_engine(it->engine));
		json_text(o, "proof", names_proof(it->proof));
		if (it->tool)
			json_text(o, "tool", slow_tool_name(it->tool));
	}
	json_number(o, "dropped", it->dropped);
	if (s->save_ports)
		add_ports(o, it);
	return o;
}

static struct json_object *counters_json(const struct ps_counters *counters)
{
	struct json_object *o = json_object_new_object();
	struct json_object *parse = json_object_new_object();
	struct json_object *stage = json_object_new_object();

	for (unsigned int i = 0; i < PS_PARSE_MAX; i++)
		json_number(parse, names_parse(i), counters->parse[i]);
	for (unsigned int i = 0; i < PS_COUNT_MAX; i++)
		json_number(stage, names_count(i), counters->stage[i]);
	json_object_object_add(o, "parse", parse);
	json_object_object_add(o, "stage", stage);
	return o;
}

struct json_object *summary_json(const struct summary *s)
{
	size_t listed = s->top && s->top < s->sources ? s->top : s->sources;
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_text(o, "event", "summary");
	json_number(o, "packets", s->packets);
	json_number(o, "lost", s->lost);
	json_number(o, "threshold", s->rule->threshold);
	json_object_object_add(o, "counters", counters_json(s->counters));
	json_number(o, "source_count", s->sources);
	for (size_t i = 0; i < listed; i++)
		json_object_array_add(list, source_json(s, &s->source[i]));
	json_object_object_add(o, "sources", list);
	return o;
}
