/* SPDX-License-Identifier: GPL-2.0-only */
/* summary_text.c - the closing summary for a person; see summary.h. */
#include <string.h>

#include "addr.h"
#include "names.h"
#include "report.h"
#include "slow/slow.h"
#include "summary.h"

#define PORTS_PER_SOURCE_MAX 40 /* --save-ports; the JSON has them all */

typedef unsigned long long ull;

static void source_types(const struct summary_source *s, FILE *out)
{
	for (unsigned int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++) {
		if (!s->packets[c] && !s->points_peak[c])
			continue;
		fprintf(out, "    %-6s %10llu packets  %4u points at the peak, %u now\n",
			names_class(c), (ull)s->packets[c], s->points_peak[c], s->points_now[c]);
	}
}

static void source_ports(const struct summary_source *s, FILE *out)
{
	if (!s->port_count)
		return;
	fprintf(out, "    ports ");
	for (size_t i = 0; i < s->port_count && i < PORTS_PER_SOURCE_MAX; i++) {
		const struct summary_port *p = &s->ports[i];
		const char *service = names_service(p->port, p->udp);

		fprintf(out, "%s%u/%s", i ? ", " : "", p->port, p->udp ? "udp" : "tcp");
		if (service)
			fprintf(out, " (%s)", service);
		if (p->packets > 1)
			fprintf(out, " x%llu", (ull)p->packets);
	}
	if (s->port_count > PORTS_PER_SOURCE_MAX)
		fprintf(out, " and %zu more", s->port_count - PORTS_PER_SOURCE_MAX);
	fputc('\n', out);
}

static void one_source(const struct summary *s, const struct summary_source *it, FILE *out)
{
	char text[PREFIX_TEXT_BYTES], time[REPORT_TIME_BYTES];

	fprintf(out, "%s  score %u (peak %u of %u), %u detection%s", source_format(&it->addr, text),
		it->score_now, it->score_peak, s->rule->threshold, it->detections,
		it->detections == 1 ? "" : "s");
	if (it->detections)
		fprintf(out, ": %s", names_class(it->class));
	fprintf(out, ", %s: %u%s port%s of ", shape_name(it->shape.shape), it->shape.ports,
		it->shape.ports_pinned ? "+" : "", it->shape.ports == 1 ? "" : "s");
	if (it->shape.hosts > 1)
		fprintf(out, "%u%s hosts\n", it->shape.hosts, it->shape.hosts_pinned ? "+" : "");
	else
		fprintf(out, "%s\n", addr_format(&it->dst, text));
	fprintf(out, "    TCP    %10llu packets\n    UDP    %10llu packets\n",
		(ull)summary_tcp_packets(it), (ull)summary_udp_packets(it));
	source_types(it, out);
	if (it->until_ns)
		fprintf(out, "    blocked until %s (%s engine, %s%s), %llu dropped\n",
			report_time((__s64)it->until_ns + s->wall_ns, time),
			names_engine(it->engine), it->proof ? "proven by a " : "unproven",
			it->proof ? names_proof(it->proof) : "", (ull)it->dropped);
	if (it->tool)
		fprintf(out, "    packets as of %s\n", slow_tool_name(it->tool));
	if (!it->until_ns && it->dropped)
		fprintf(out, "    was blocked, %llu dropped\n", (ull)it->dropped);
	source_ports(it, out);
}

static void count_line(FILE *out, const char *name, __u64 value, const char *meaning)
{
	if (value)
		fprintf(out, "  %10llu %-11s %s\n", (ull)value, name, meaning);
}

/* In the order in which a packet meets the stages. */
static void totals(const struct summary *s, FILE *out)
{
	static const struct {
		enum ps_count count;
		const char *meaning;
	} lines[] = {
		{ PS_COUNT_FLOW, "belong to a flow known a moment ago" },
		{ PS_COUNT_DROP, "dropped at the gate: source blocked" },
		{ PS_COUNT_COOKIE, "answered with SYN cookies: source blocked without proof" },
		{ PS_COUNT_COOKIE_OVER, "of these unanswered, beyond --cookie-rate" },
		{ PS_COUNT_SPARED, "of blocked sources' established connections" },
		{ PS_COUNT_UNSCORED, "not scored: group address, other destination, ICMP, type" },
		{ PS_COUNT_REPLY, "replies that nothing asked for" },
		{ PS_COUNT_EXPLAINED, "explained by a socket or a flow" },
		{ PS_COUNT_FORWARDED, "may be replies to hosts behind this one" },
		{ PS_COUNT_FIRST, "first port of a source" },
		{ PS_COUNT_AGAIN, "the same port of such a source" },
		{ PS_COUNT_ALLOWED, "from allowed sources" },
		{ PS_COUNT_SCORED, "probes scored" },
		{ PS_COUNT_EVICT, "sources forgotten to make room" },
		{ PS_COUNT_HELD, "probes dropped until tried again, beyond --probe-rate" },
		{ PS_COUNT_SHED, "SYNs of a flood dropped likewise, unscored" },
		{ PS_COUNT_SCAN, "scans" },
		{ PS_COUNT_BLOCK, "blocks" },
		{ PS_COUNT_TABLE, "blocks refused by a full table" },
		{ PS_COUNT_EVENT_LOST, "events lost" },
		{ PS_COUNT_CONTACT_LOST, "first packets that the slow engines missed" },
	};

	fprintf(out, "%llu packets", (ull)s->packets);
	if (s->lost)
		fprintf(out, ", %llu more lost before they were seen", (ull)s->lost);
	fputs(":\n", out);
	for (unsigned int i = PS_PARSE_OK + 1; i < PS_PARSE_MAX; i++)
		count_line(out, names_parse(i), s->counters->parse[i], "(parser)");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		count_line(out, names_count(lines[i].count), s->counters->stage[lines[i].count],
			   lines[i].meaning);
}

void summary_text(const struct summary *s, FILE *out)
{
	size_t listed = s->top && s->top < s->sources ? s->top : s->sources;

	totals(s, out);
	if (!s->sources)
		fputs("no source probed two ports\n", out);
	for (size_t i = 0; i < listed; i++)
		one_source(s, &s->source[i], out);
	if (listed < s->sources)
		fprintf(out, "and %zu more sources\n", s->sources - listed);
	fflush(out);
}
