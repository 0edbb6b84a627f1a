/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * model_events.c - fills a model from recorded events (--events); see model.h.
 * The file may be cut short or hold other programs' lines: what makes no sense
 * is counted and left out.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "model.h"
#include "names.h"

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

static __u64 number_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_uint64(value) : 0;
}

/* The value whose name(value) is @text; @max when there is none. */
static unsigned int value_of(const char *(*name)(unsigned int), unsigned int max, const char *text)
{
	unsigned int i = 0;

	while (i < max && strcmp(name(i), text) != 0)
		i++;
	return i;
}

static enum shape shape_find(const char *text)
{
	for (int i = 0; i < SHAPE_MAX; i++)
		if (strcmp(shape_name((enum shape)i), text) == 0)
			return (enum shape)i;
	return SHAPE_NONE;
}

static void take_by_class(struct json_object *o, const char *key, __u64 *packets, __u32 *points)
{
	struct json_object *all;

	if (!json_object_object_get_ex(o, key, &all) || !json_object_is_type(all, json_type_object))
		return;
	json_object_object_foreach(all, name, value)
	{
		enum ps_class class = names_class_find(name);

		if (packets)
			packets[class] = json_object_get_uint64(value);
		else
			points[class] = (__u32)json_object_get_uint64(value);
	}
}

static void take_evidence(struct model *m, struct model_source *s, struct json_object *o,
			  __u64 at_ns)
{
	struct json_object *list, *one, *age;
	size_t n;

	if (!json_object_object_get_ex(o, "evidence", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	n = json_object_array_length(list);
	s->evidence_count = 0;
	for (size_t i = 0; i < n && i < PS_PROBES_MAX; i++) {
		struct model_evidence *e = &s->evidence[s->evidence_count];

		one = json_object_array_get_idx(list, i);
		if (!json_object_is_type(one, json_type_object))
			continue;
		e->port = (__u16)number_of(one, "port");
		e->class = (__u8)names_class_find(text_of(one, "type"));
		e->points = (__u8)number_of(one, "points");
		e->age_ms = json_object_object_get_ex(one, "age_ms", &age)
				    ? json_object_get_double(age)
				    : 0;
		if (!(e->age_ms > -1e9 && e->age_ms < 1e9))
			e->age_ms = 0;
		s->evidence_count++;
		model_probe(s, at_ns - (__u64)(__s64)(e->age_ms * 1e6), e->port,
			    (enum ps_class)e->class, false);
		model_tally(m, &s->dst, e->port, e->class == PS_CLASS_UDP);
	}
}

static void take_scan(struct model *m, struct model_source *s, struct json_object *o, __u64 at_ns)
{
	addr_parse(text_of(o, "target"), &s->dst);
	s->detections = (unsigned int)number_of(o, "detections");
	memset(s->packets, 0, sizeof(s->packets));
	take_by_class(o, "packets", s->packets, NULL);
	s->shape.shape = shape_find(text_of(o, "shape"));
	s->shape.ports = (unsigned int)number_of(o, "ports");
	s->shape.hosts = (unsigned int)number_of(o, "hosts");
	if (!s->detected_ns) {
		s->detected_ns = at_ns;
		s->score = (__u32)number_of(o, "score");
		s->class = names_class_find(text_of(o, "type"));
		s->action = value_of(names_action, PS_ACTION_MAX, text_of(o, "action"));
		s->reason = value_of(names_reason, PS_REASON_MAX, text_of(o, "reason"));
		take_by_class(o, "points", NULL, s->points);
	}
	take_evidence(m, s, o, at_ns);
	if (!s->first_ns)
		s->first_ns = s->probes ? s->probe[0].at_ns : at_ns;
	if (!m->threshold)
		m->threshold = (__u32)number_of(o, "threshold");
}

/* One line. False when it is no event of ours. */
static bool take_event(struct model *m, struct json_object *o)
{
	unsigned int kind = value_of(names_event, PS_EVENT_MAX, text_of(o, "event"));
	__u64 at_ns = number_of(o, "time_ns");
	struct model_source *s;
	union ps_addr addr;

	/* Of --json, and the events before it say the same; or about a host, no source's. */
	if (strcmp(text_of(o, "event"), "summary") == 0 ||
	    strcmp(text_of(o, "event"), "crowd") == 0)
		return true;
	if (kind == PS_EVENT_MAX || !at_ns || !source_parse(text_of(o, "source"), &addr))
		return false;
	s = model_take(m, &addr);
	if (kind == PS_EVENT_SCAN)
		take_scan(m, s, o, at_ns);
	if (!s->first_ns)
		s->first_ns = at_ns;
	if (at_ns > s->last_ns)
		s->last_ns = at_ns;
	s->dropped = number_of(o, "dropped");
	if (number_of(o, "until_ns"))
		s->until_ns = number_of(o, "until_ns");
	return true;
}

int model_read_events(struct model *m, FILE *in, const char *path)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t bytes;

	while ((bytes = getline(&line, &room, in)) >= 0) {
		struct json_object *o = json_tokener_parse(line);

		if (bytes > 1 && (!json_object_is_type(o, json_type_object) || !take_event(m, o)))
			m->unreadable++;
		json_object_put(o);
	}
	free(line);
	if (ferror(in)) {
		int err = -errno;

		log_error("reading %s: %s", path, strerror(-err));
		return err;
	}
	if (m->unreadable)
		log_warn("%s: %llu lines are no events and were left out", path,
			 (unsigned long long)m->unreadable);
	return 0;
}
