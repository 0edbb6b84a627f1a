/* SPDX-License-Identifier: GPL-2.0-only */
/* page_data.c - the report for programs: JSON (one object) and CSV (a line per
 * source, RFC 4180). Column names and keys are a promise. */
#include "json_out.h"
#include "names.h"
#include "page.h"
#include "report.h"

typedef unsigned long long ull;

static void json_time(struct json_object *o, const char *key, __u64 ns)
{
	char text[REPORT_TIME_BYTES];

	if (ns)
		json_text(o, key, report_time_utc((__s64)ns, text));
}

static struct json_object *evidence_json(const struct model_source *s)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < s->evidence_count; i++) {
		const struct model_evidence *e = &s->evidence[i];
		struct json_object *o = json_object_new_object();
		char age[32];

		snprintf(age, sizeof(age), "%.3f", e->age_ms);
		json_number(o, "port", e->port);
		json_text(o, "proto", e->class == PS_CLASS_UDP ? "udp" : "tcp");
		json_text(o, "type", names_class(e->class));
		json_number(o, "points", e->points);
		json_object_object_add(o, "age_ms", json_object_new_double_s(e->age_ms, age));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *source_json(const struct model_source *s)
{
	struct json_object *o = json_object_new_object(), *packets = json_object_new_object();
	char text[PREFIX_TEXT_BYTES];

	json_text(o, "source", source_format(&s->addr, text));
	json_text(o, "target", addr_format(&s->dst, text));
	json_text(o, "type", names_class(s->class));
	json_text(o, "shape", shape_name(s->shape.shape));
	json_number(o, "ports", s->shape.ports);
	json_number(o, "hosts", s->shape.hosts);
	json_number(o, "score", s->score);
	json_number(o, "detections", s->detections);
	if (s->detected_ns) {
		json_text(o, "action", names_action(s->action));
		json_text(o, "reason", names_reason(s->reason));
	}
	json_time(o, "first", s->first_ns);
	json_time(o, "last", s->last_ns);
	json_time(o, "detected", s->detected_ns);
	json_time(o, "until", s->until_ns);
	json_number(o, "dropped", s->dropped);
	for (unsigned int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++)
		if (s->packets[c])
			json_number(packets, names_class(c), s->packets[c]);
	json_object_object_add(o, "packets", packets);
	json_object_object_add(o, "evidence", evidence_json(s));
	return o;
}

static struct json_object *counts_json(const struct model_count *count, unsigned int n, bool ports)
{
	struct json_object *list = json_object_new_array();
	char text[PREFIX_TEXT_BYTES];

	for (unsigned int i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		if (ports) {
			json_number(o, "port", count[i].port);
			json_text(o, "proto", count[i].udp ? "udp" : "tcp");
		} else {
			json_text(o, "target", addr_format(&count[i].addr, text));
		}
		json_number(o, "probes", count[i].packets);
		json_object_array_add(list, o);
	}
	return list;
}

static void json(FILE *out, const struct model *m)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	json_text(o, "title", m->title);
	json_time(o, "first", m->start_ns);
	json_time(o, "last", m->end_ns);
	json_number(o, "packets", m->packets);
	json_number(o, "threshold", m->threshold);
	json_number(o, "detected", m->detected);
	json_number(o, "source_count", m->sources);
	json_number(o, "forgotten", m->forgotten);
	json_number(o, "unreadable", m->unreadable);
	for (unsigned int i = 0; i < m->sources; i++)
		json_object_array_add(list, source_json(m->source[i]));
	json_object_object_add(o, "sources", list);
	json_object_object_add(o, "ports", counts_json(m->port, m->port_count, true));
	json_object_object_add(o, "targets", counts_json(m->target, m->target_count, false));
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

/* No field can hold a comma, a quote or a line's end: nothing needs quoting. */
static void csv(FILE *out, const struct model *m)
{
	char addr[PREFIX_TEXT_BYTES], time[REPORT_TIME_BYTES];

	fputs("source,type,shape,ports,hosts,target,score,detections,first,last,detected,until,"
	      "dropped,action\r\n",
	      out);
	for (unsigned int i = 0; i < m->sources; i++) {
		const struct model_source *s = m->source[i];

		fprintf(out, "%s,%s,%s,%u,%u,", source_format(&s->addr, addr), names_class(s->class),
			shape_name(s->shape.shape), s->shape.ports, s->shape.hosts);
		fprintf(out, "%s,%u,%u,", addr_format(&s->dst, addr), s->score, s->detections);
		fprintf(out, "%s,", report_time_utc((__s64)s->first_ns, time));
		fprintf(out, "%s,", report_time_utc((__s64)s->last_ns, time));
		fprintf(out, "%s,",
			s->detected_ns ? report_time_utc((__s64)s->detected_ns, time) : "");
		fprintf(out, "%s,", s->until_ns ? report_time_utc((__s64)s->until_ns, time) : "");
		fprintf(out, "%llu,%s\r\n", (ull)s->dropped,
			s->detected_ns ? names_action(s->action) : "");
	}
}

const struct page_ops page_json = { .ending = ".json", .write = json };
const struct page_ops page_csv = { .ending = ".csv", .write = csv };
