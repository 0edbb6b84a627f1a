/* SPDX-License-Identifier: GPL-2.0-only */
/* summary.c - see summary.h. Filling and sorting; the text is in summary_text.c,
 * the JSON in summary_json.c. */
#include <stdlib.h>
#include <string.h>

#include <pscan/verdict.h>

#include "report.h"
#include "summary.h"

static const char *const sorts[] = {
	[SUMMARY_BY_SCORE] = "score",
	[SUMMARY_BY_PACKETS] = "packets",
	[SUMMARY_BY_LAST] = "last",
	[SUMMARY_BY_ADDR] = "addr",
};
_Static_assert(sizeof(sorts) / sizeof(sorts[0]) == SUMMARY_SORT_MAX, "a sort lacks its name");

__u64 summary_udp_packets(const struct summary_source *s)
{
	return s->packets[PS_CLASS_UDP];
}

__u64 summary_tcp_packets(const struct summary_source *s)
{
	__u64 sum = 0;

	for (int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++)
		if (c != PS_CLASS_UDP)
			sum += s->packets[c];
	return sum;
}

static enum ps_class most_packets(const struct ps_source *s)
{
	enum ps_class best = PS_CLASS_NONE;

	for (int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++)
		if (s->packets[c] > s->packets[best])
			best = (enum ps_class)c;
	return best;
}

void summary_source(const struct ps_rule *rule, const struct ps_source *now,
		    const struct ps_block *block, const struct ps_source *then, __u64 now_ns,
		    struct summary_source *out)
{
	const struct ps_source *told = block ? &block->evidence : then;

	memset(out, 0, sizeof(*out));
	out->addr = now->addr;
	out->dst = now->dst;
	out->first_ns = now->first_ns;
	out->last_ns = now->last_ns;
	out->scan_ns = now->scan_ns;
	out->detections = now->detections;
	out->score_peak = now->peak;
	for (int c = 0; c < PS_CLASS_MAX; c++)
		out->packets[c] = now->packets[c];
	out->score_now = ps_score_by_class(rule, now, now_ns, out->points_now);
	report_points(rule, told ? told : now, block ? block->engine : PS_ENGINE_BURST,
		      out->points_peak);
	out->class = told ? ps_verdict_name(out->points_peak) : most_packets(now);
	out->shape = shape_of(now);
	if (block && block->until_ns > now_ns) {
		out->until_ns = block->until_ns;
		out->span_ns = block->span_ns;
		out->engine = block->engine;
		out->proof = block->proof;
		out->tool = block->tool;
	}
	if (block)
		out->dropped = block->packets;
}

bool summary_sort_parse(const char *text, enum summary_sort *out)
{
	for (int i = 0; i < SUMMARY_SORT_MAX; i++)
		if (strcmp(sorts[i], text) == 0) {
			*out = (enum summary_sort)i;
			return true;
		}
	return false;
}

static int down(__u64 a, __u64 b)
{
	return (a < b) - (a > b);
}

static __u64 all_packets(const struct summary_source *s)
{
	return summary_tcp_packets(s) + summary_udp_packets(s) + s->dropped;
}

static int by_addr(const void *a, const void *b)
{
	const struct summary_source *x = a, *y = b;

	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

static int by_packets(const void *a, const void *b)
{
	int order = down(all_packets(a), all_packets(b));

	return order ? order : by_addr(a, b);
}

static int by_score(const void *a, const void *b)
{
	const struct summary_source *x = a, *y = b;
	int order = down(x->score_peak, y->score_peak);

	return order ? order : by_packets(a, b);
}

static int by_last(const void *a, const void *b)
{
	const struct summary_source *x = a, *y = b;
	int order = down(x->last_ns, y->last_ns);

	return order ? order : by_addr(a, b);
}

void summary_sort(struct summary *s, enum summary_sort by)
{
	static int (*const orders[])(const void *, const void *) = {
		[SUMMARY_BY_SCORE] = by_score,
		[SUMMARY_BY_PACKETS] = by_packets,
		[SUMMARY_BY_LAST] = by_last,
		[SUMMARY_BY_ADDR] = by_addr,
	};

	if (s->sources)
		qsort(s->source, s->sources, sizeof(*s->source), orders[by]);
}
