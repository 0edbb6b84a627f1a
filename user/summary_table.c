/* SPDX-License-Identifier: GPL-2.0-only */
/* summary_table.c - the sources as a table, one line each, for `stats`; see summary.h. */
#include <inttypes.h>
#include <string.h>

#include "addr.h"
#include "duration.h"
#include "names.h"
#include "summary.h"

/* Whole seconds: a column of nanoseconds helps nobody. */
static const char *span(__u64 ns, char out[DURATION_TEXT_BYTES])
{
	__u64 s = ns / 1000000000ULL;

	if (s < 120)
		snprintf(out, DURATION_TEXT_BYTES, "%llus", (unsigned long long)s);
	else if (s < 7200)
		snprintf(out, DURATION_TEXT_BYTES, "%llumin", (unsigned long long)(s / 60));
	else if (s < 172800)
		snprintf(out, DURATION_TEXT_BYTES, "%lluh", (unsigned long long)(s / 3600));
	else
		snprintf(out, DURATION_TEXT_BYTES, "%llud", (unsigned long long)(s / 86400));
	return out;
}

static void count_text(char out[16], unsigned int n, bool pinned)
{
	snprintf(out, 16, "%u%s", n, pinned ? "+" : "");
}

static void print_row(const struct summary *s, const struct summary_source *src, FILE *out)
{
	char addr[PREFIX_TEXT_BYTES], ago[DURATION_TEXT_BYTES], left[DURATION_TEXT_BYTES];
	char ports[16], hosts[16], state[DURATION_TEXT_BYTES + 32];

	count_text(ports, src->shape.ports, src->shape.ports_pinned);
	count_text(hosts, src->shape.hosts, src->shape.hosts_pinned);
	if (src->until_ns)
		snprintf(state, sizeof(state), "blocked, %s left, %s",
			 span(ps_since(s->now_ns, src->until_ns), left),
			 src->proof ? "proven" : "unproven");
	else
		snprintf(state, sizeof(state), "%s", src->detections ? "was detected" : "watched");
	fprintf(out, "%-24s %5u %5u %-7s %-10s %6s %6s %9llu %9llu %7s  %s\n",
		source_format(&src->addr, addr), src->score_now, src->score_peak,
		names_class(src->class), shape_name(src->shape.shape), ports, hosts,
		(unsigned long long)(summary_tcp_packets(src) + summary_udp_packets(src)),
		(unsigned long long)src->dropped, span(ps_since(src->last_ns, s->now_ns), ago),
		state);
}

static void print_counts(const struct summary *s, FILE *out)
{
	const __u64 *stage = s->counters->stage;

	fprintf(out, "%llu packets: %llu dropped, %llu probes scored, %llu explained by own sockets, "
		"%llu first sights; %llu scans, %llu blocks, %llu events lost\n",
		(unsigned long long)s->packets,
		(unsigned long long)(stage[PS_COUNT_DROP] + stage[PS_COUNT_BLOCK]),
		(unsigned long long)stage[PS_COUNT_SCORED],
		(unsigned long long)(stage[PS_COUNT_EXPLAINED] + stage[PS_COUNT_FLOW]),
		(unsigned long long)stage[PS_COUNT_FIRST], (unsigned long long)stage[PS_COUNT_SCAN],
		(unsigned long long)stage[PS_COUNT_BLOCK], (unsigned long long)s->lost);
}

void summary_table(const struct summary *s, FILE *out)
{
	size_t n = s->top && s->top < s->sources ? s->top : s->sources;

	print_counts(s, out);
	if (!s->sources) {
		fprintf(out, "no source has probed more than one port yet\n");
		return;
	}
	fprintf(out, "%-24s %5s %5s %-7s %-10s %6s %6s %9s %9s %7s  %s\n", "SOURCE", "SCORE", "PEAK",
		"TYPE", "SHAPE", "PORTS", "HOSTS", "PROBES", "DROPPED", "AGO", "STATE");
	for (size_t i = 0; i < n; i++)
		print_row(s, &s->source[i], out);
	if (n < s->sources)
		fprintf(out, "and %zu more (--top 0 lists all)\n", s->sources - n);
	fprintf(out, "a score of %u is a scan\n", s->rule->threshold);
}
