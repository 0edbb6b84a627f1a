/* SPDX-License-Identifier: GPL-2.0-only */
/* model_capture.c - fills a model from the engine while it runs; see model.h. */
#include <string.h>

#include "model.h"
#include "report.h"

static void take_evidence(struct model_source *s, const struct ps_source *record,
			  unsigned int engine)
{
	__u8 order[PS_PROBES_MAX];

	s->evidence_count = report_order(record, engine, record->last_ns, order);
	for (unsigned int i = 0; i < s->evidence_count; i++) {
		const struct ps_probe *probe = &record->probe[order[i]];

		s->evidence[i] =
			(struct model_evidence){ .age_ms = report_age_ms(record, engine, probe,
									 record->last_ns),
						 .port = probe->port,
						 .class = probe->class,
						 .points = probe->points };
	}
}

void model_event(struct model *m, const struct ps_event *e, const struct ps_rule *rule,
		 __u64 shift_ns)
{
	struct model_source *s = model_take(m, &e->source.addr);

	s->dropped = e->dropped;
	if (e->until_ns)
		s->until_ns = e->until_ns - shift_ns;
	if (e->kind != PS_EVENT_SCAN || s->detected_ns)
		return;
	s->detected_ns = e->at_ns - shift_ns;
	s->score = e->score;
	s->class = (enum ps_class)e->class;
	s->action = (enum ps_action)e->action;
	s->reason = (enum ps_reason)e->reason;
	s->shape = shape_of(&e->source);
	report_points(rule, &e->source, e->engine, s->points);
	take_evidence(s, &e->source, e->engine);
}

/* Was it a probe, and did the source earn a record with it or before? */
static bool worth_following(const struct engine_packet *packet, enum ps_class class)
{
	if (packet->parsed != PS_PARSE_OK || packet->answered || class == PS_CLASS_NONE ||
	    class == PS_CLASS_REPLY)
		return false;
	return packet->stage == PS_COUNT_SCORED || packet->stage == PS_COUNT_DROP;
}

void model_packet(struct model *m, const struct engine_packet *packet, __u64 shift_ns)
{
	const struct ps_sighting *it = &packet->it;
	const struct ps_packet *p = &it->packet;
	__u64 at_ns = it->now_ns - shift_ns, age_ns;
	struct model_source *s;
	enum ps_class class = ps_classify(p);

	if (!worth_following(packet, class))
		return;
	s = model_take(m, &p->src);
	if (packet->stage == PS_COUNT_SCORED && it->sight == PS_SIGHT_SECOND) {
		age_ns = ps_mark_age_ns(it->mark, it->now_ns);
		model_probe(s, at_ns > age_ns ? at_ns - age_ns : at_ns, ps_mark_port(it->mark),
			    ps_mark_class(it->mark), false);
		model_tally(m, &p->dst, ps_mark_port(it->mark),
			    ps_mark_class(it->mark) == PS_CLASS_UDP);
	}
	model_probe(s, at_ns, p->dport, class, packet->stage == PS_COUNT_DROP);
	model_tally(m, &p->dst, p->dport, class == PS_CLASS_UDP);
	if (!s->first_ns)
		s->first_ns = s->probe[0].at_ns;
	s->last_ns = at_ns;
	s->dst = p->dst;
}

int model_summary(struct model *m, const struct summary *summary)
{
	m->packets = summary->packets;
	m->threshold = summary->rule->threshold;
	m->counters = *summary->counters;
	for (size_t i = 0; i < summary->sources; i++) {
		const struct summary_source *from = &summary->source[i];
		struct model_source *s = lru_find(m->followed, &from->addr);

		if (!s)
			continue;
		memcpy(s->packets, from->packets, sizeof(s->packets));
		s->detections = from->detections;
		s->dropped = from->dropped;
		if (!s->detected_ns) {
			s->score = from->score_peak;
			s->class = from->class;
		}
		/* The events' count is that of the crossing probe; this is all of it. */
		s->shape = from->shape;
	}
	return model_close(m);
}
