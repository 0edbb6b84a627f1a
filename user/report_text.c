/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report_text.c - one line per event for a person. Its wording may change;
 * programs read the JSON.
 *
 *	2026-01-31 23:59:59.123 SCAN 198.51.100.7 SYN 21/21 points, 7 ports 22 23 ... of
 *	203.0.113.5, vertical, BLOCKED until 00:09:59.123 (eth0)
 */
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "names.h"
#include "report.h"
#include "slow/slow.h"

#define PORTS_NAMED_MAX 12 /* more would push the rest off the line */

#define RED "\033[1;31m"
#define YELLOW "\033[1;33m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

static const char *const verbs[] = {
	[PS_EVENT_SCAN] = "SCAN",
	[PS_EVENT_RENEW] = "RENEW",
	[PS_EVENT_EXPIRE] = "EXPIRE",
	[PS_EVENT_PROVEN] = "PROVEN",
};
_Static_assert(sizeof(verbs) / sizeof(verbs[0]) == PS_EVENT_MAX, "an event lacks its verb");

static const char *colour_of(const struct report_view *v)
{
	if (!v->colour)
		return "";
	if (v->event->kind == PS_EVENT_EXPIRE)
		return GREEN;
	return v->event->action == PS_ACTION_ALERT ? YELLOW : RED;
}

/* The same port of another host. */
static bool was_named(const struct ps_source *s, const __u8 *order, unsigned int i)
{
	for (unsigned int j = 0; j < i; j++)
		if (s->probe[order[j]].port == s->probe[order[i]].port &&
		    ps_class_is_udp(s->probe[order[j]].class) ==
			    ps_class_is_udp(s->probe[order[i]].class))
			return true;
	return false;
}

static void write_ports(FILE *out, const struct report_view *v)
{
	const struct ps_source *s = &v->event->source;
	__u8 order[PS_PROBES_MAX];
	unsigned int held = report_order(s, v->event->engine, s->last_ns, order);

	fprintf(out, "%u%s port%s", v->shape.ports, v->shape.ports_pinned ? "+" : "",
		v->shape.ports == 1 ? "" : "s");
	if (!v->shape.ports_exact || held > PORTS_NAMED_MAX)
		return;
	for (unsigned int i = 0; i < held; i++) {
		const struct ps_probe *probe = &s->probe[order[i]];
		bool udp = probe->class == PS_CLASS_UDP;

		if (was_named(s, order, i))
			continue;
		/* The type says UDP already unless the evidence is mixed. */
		fprintf(out, " %u%s", probe->port,
			udp && v->event->class != PS_CLASS_UDP ? "/udp" : "");
	}
}

static void write_targets(FILE *out, const struct report_view *v)
{
	char text[ADDR_TEXT_BYTES];

	if (v->shape.hosts > 1)
		fprintf(out, " of %u%s hosts, last %s", v->shape.hosts,
			v->shape.hosts_pinned ? "+" : "", addr_format(&v->event->source.dst, text));
	else
		fprintf(out, " of %s", addr_format(&v->event->source.dst, text));
	fprintf(out, ", %s", shape_name(v->shape.shape));
}

/* What a block rests on; the TTLs are a hint, and said when they disagree. */
static void write_proof(FILE *out, const struct ps_event *e)
{
	if (e->proof)
		fprintf(out, ", proven by a %s", names_proof(e->proof));
	else if (e->proof_ttl)
		fprintf(out, ", unproven: a handshake came with TTL %u, its probe with %u",
			e->proof_ttl, e->ttl);
	else
		fputs(", unproven", out);
}

static void write_action(FILE *out, const struct report_view *v)
{
	const struct ps_event *e = v->event;
	char time[REPORT_TIME_BYTES];
	const char *until = report_time_of_day((__s64)e->until_ns + v->wall_ns, time);

	if (e->kind == PS_EVENT_EXPIRE)
		fprintf(out, "block ended, %llu dropped",
			(unsigned long long)e->dropped);
	else if (e->kind == PS_EVENT_RENEW)
		fprintf(out, "still BLOCKED until %s, %llu dropped", until,
			(unsigned long long)e->dropped);
	else if (e->action == PS_ACTION_BLOCK || e->kind == PS_EVENT_PROVEN)
		fprintf(out, "BLOCKED until %s", until);
	else if (e->reason == PS_REASON_GUARD)
		fprintf(out, "ALERT, never to be blocked");
	else if (e->reason == PS_REASON_TABLE)
		fprintf(out, "ALERT, not blocked: the block list refused it");
	else
		fprintf(out, "ALERT, monitoring only");
	if (e->kind == PS_EVENT_SCAN || e->kind == PS_EVENT_PROVEN)
		write_proof(out, e);
}

/* How much, and within what time. */
static void write_score(FILE *out, const struct report_view *v)
{
	const struct ps_event *e = v->event;
	char span[REPORT_TIME_BYTES];

	report_span(ps_since(e->source.first_ns, e->source.last_ns), span);
	if (e->engine == PS_ENGINE_WALK)
		fprintf(out, " slow: %u closed ports in %s, ", e->score, span);
	else if (e->engine == PS_ENGINE_SWEEP)
		fprintf(out, " sweep: %u hosts in vain in %s, ", e->score, span);
	else
		fprintf(out, " %u/%u points, ", e->score, v->rule->threshold);
}

static void write_facts(FILE *out, const struct report_facts *facts)
{
	if (facts->handshake)
		fputs(", handshakes completed", out);
	if (facts->tool && facts->tool[0])
		fprintf(out, ", packets as of %s", facts->tool);
}

static char *text_event(const struct report_view *v)
{
	const struct ps_event *e = v->event;
	char time[REPORT_TIME_BYTES], source[PREFIX_TEXT_BYTES];
	char *record = NULL;
	size_t bytes;
	FILE *out = open_memstream(&record, &bytes);

	if (!out)
		return NULL;
	fprintf(out, "%s %s%s%s %s %s", report_time((__s64)e->at_ns + v->wall_ns, time),
		colour_of(v), verbs[e->kind < PS_EVENT_MAX ? e->kind : PS_EVENT_SCAN],
		v->colour ? PLAIN : "", source_format(&e->source.addr, source),
		names_class(e->class));
	if (e->kind == PS_EVENT_SCAN) {
		write_score(out, v);
		write_ports(out, v);
		write_targets(out, v);
	}
	write_facts(out, &v->facts);
	fputs(", ", out);
	write_action(out, v);
	if (v->ifname)
		fprintf(out, " (%s)", v->ifname);
	fputc('\n', out);
	return fclose(out) ? free(record), NULL : record;
}

#define SOURCES_NAMED_MAX 5

static char *text_crowd(const struct report_view *v, const struct slow_crowd *c)
{
	const struct ps_event *e = v->event;
	char time[REPORT_TIME_BYTES], addr[ADDR_TEXT_BYTES], span[REPORT_TIME_BYTES];
	unsigned int named = c->sources < SOURCES_NAMED_MAX ? c->sources : SOURCES_NAMED_MAX;
	char *record = NULL;
	size_t bytes;
	FILE *out = open_memstream(&record, &bytes);

	if (!out)
		return NULL;
	fprintf(out, "%s %sCROWD%s %s %s: %u sources, %u ports, %u probes in %s: ",
		report_time((__s64)e->at_ns + v->wall_ns, time), v->colour ? YELLOW : "",
		v->colour ? PLAIN : "", addr_format(&c->dst, addr), names_class(e->class),
		c->sources, c->ports, c->probes,
		report_span(ps_since(c->first_ns, e->at_ns), span));
	for (unsigned int i = 0; i < named; i++)
		fprintf(out, "%s%s", i ? " " : "", addr_format(&c->source[i], addr));
	if (named < c->sources)
		fprintf(out, " and %u more", c->sources - named);
	fputs(c->decoys ? ", DECOYS: at most one of them is real" : ", a shared scan", out);
	fputs(", ALERT, nobody is blocked for it", out);
	if (v->ifname)
		fprintf(out, " (%s)", v->ifname);
	fputc('\n', out);
	return fclose(out) ? free(record), NULL : record;
}

const struct report_ops report_text = { .name = "text",
					.event = text_event,
					.crowd = text_crowd };
