/* SPDX-License-Identifier: GPL-2.0-only */
/* report.c - see report.h. Opening, fan-out and write errors; no wording here. */
#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pscan/score.h>

#include "log.h"
#include "report.h"

#define SINKS_MAX 3

/* Where one format's records go. */
struct sink {
	const struct report_ops *ops;
	FILE *file;
	const char *name; /* for the message */
	bool owned;
	bool colour;
	bool torn; /* part of a record got out: start the next on a line of its own */
	bool told;
	__u64 lost;
};

struct report {
	struct sink sink[SINKS_MAX];
	unsigned int sinks;
	__s64 wall_ns;
	struct ps_rule rule;
	char *path;
};

static void add_sink(struct report *r, const struct report_ops *ops, FILE *file, const char *name)
{
	struct sink *sink = &r->sink[r->sinks++];

	sink->ops = ops;
	sink->file = file;
	sink->name = name;
	sink->colour = isatty(fileno(file)) && !getenv("NO_COLOR");
}

int report_open(const struct report_options *options, struct report **out)
{
	struct report *r = calloc(1, sizeof(*r));
	FILE *file;
	int err;

	if (!r)
		return -ENOMEM;
	r->wall_ns = options->wall_ns;
	r->rule = *options->rule;
	if (options->text)
		add_sink(r, &report_text, options->text, "standard output");
	if (options->json)
		add_sink(r, &report_json, options->json, "standard output");
	if (options->json_path) {
		r->path = strdup(options->json_path);
		file = r->path ? fopen(r->path, "ae") : NULL;
		if (!file) {
			err = -errno;
			log_error("opening %s for events: %s", options->json_path, strerror(-err));
			report_close(r);
			return err;
		}
		add_sink(r, &report_json, file, r->path);
		r->sink[r->sinks - 1].owned = true;
	}
	*out = r;
	return 0;
}

static void sink_failed(struct sink *sink, int err)
{
	sink->lost++;
	if (sink->told)
		return;
	sink->told = true;
	log_error("writing an event to %s: %s; going on, later events are tried again", sink->name,
		  strerror(err));
}

/* All of a record or, as far as the file allows, none of it. */
static void sink_write(struct sink *sink, const char *record)
{
	size_t bytes = strlen(record);
	int err;

	if (sink->torn)
		fputc('\n', sink->file);
	if (fwrite(record, 1, bytes, sink->file) == bytes && fflush(sink->file) == 0) {
		sink->torn = false;
		return;
	}
	err = errno;
	sink->torn = true;
	__fpurge(sink->file); /* what could not be written must not come out later */
	clearerr(sink->file);
	sink_failed(sink, err);
}

/* One record to each sink. @crowd: NULL for a source's event. */
static void tell(struct report *r, struct report_view *view, const struct slow_crowd *crowd)
{
	for (unsigned int i = 0; i < r->sinks; i++) {
		const struct report_ops *ops = r->sink[i].ops;
		char *record;

		view->colour = r->sink[i].colour;
		record = crowd ? ops->crowd(view, crowd) : ops->event(view);
		if (record)
			sink_write(&r->sink[i], record);
		else
			sink_failed(&r->sink[i], ENOMEM);
		free(record);
	}
}

void report_scan(struct report *r, const struct ps_event *event, const char *ifname,
		 const struct report_facts *facts)
{
	struct report_view view = {
		.event = event,
		.ifname = ifname,
		.rule = &r->rule,
		.wall_ns = r->wall_ns,
		.shape = shape_of(&event->source),
		.facts = { .tool = "" },
	};

	if (facts)
		view.facts = *facts;
	/* What the sweep counted one by one, the record only estimates. */
	if (event->engine == PS_ENGINE_SWEEP && view.shape.hosts < event->score) {
		view.shape.hosts = event->score;
		view.shape.shape = shape_from(view.shape.ports, view.shape.hosts);
	}
	report_points(&r->rule, &event->source, event->engine, view.points);
	tell(r, &view, NULL);
}

void report_event(struct report *r, const struct ps_event *event, const char *ifname)
{
	report_scan(r, event, ifname, NULL);
}

void report_crowd(struct report *r, const struct slow_crowd *crowd, const struct ps_event *event,
		  const char *ifname)
{
	struct report_view view = {
		.event = event,
		.ifname = ifname,
		.rule = &r->rule,
		.wall_ns = r->wall_ns,
	};

	tell(r, &view, crowd);
}

void report_rule(struct report *r, const struct ps_rule *rule)
{
	r->rule = *rule;
}

void report_wall(struct report *r, __s64 wall_ns)
{
	r->wall_ns = wall_ns;
}

__u64 report_lost(const struct report *r)
{
	__u64 lost = 0;

	for (unsigned int i = 0; i < r->sinks; i++)
		lost += r->sink[i].lost;
	return lost;
}

void report_close(struct report *r)
{
	if (!r)
		return;
	for (unsigned int i = 0; i < r->sinks; i++)
		if (r->sink[i].owned && fclose(r->sink[i].file))
			sink_failed(&r->sink[i], errno);
	free(r->path);
	free(r);
}

static const char *format_time(__s64 epoch_ns, bool utc, char out[REPORT_TIME_BYTES])
{
	__s64 ms = epoch_ns >= 0 ? epoch_ns / 1000000 : 0; /* no capture is older than 1970 */
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	size_t used;

	if (utc)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	used = strftime(out, REPORT_TIME_BYTES - 6, utc ? "%FT%T" : "%F %T", &tm);
	snprintf(out + used, REPORT_TIME_BYTES - used, ".%03d%s", (int)(ms % 1000),
		 utc ? "Z" : "");
	return out;
}

const char *report_time(__s64 epoch_ns, char out[REPORT_TIME_BYTES])
{
	return format_time(epoch_ns, false, out);
}

const char *report_time_of_day(__s64 epoch_ns, char out[REPORT_TIME_BYTES])
{
	char *space = strchr(format_time(epoch_ns, false, out), ' ');

	return space ? space + 1 : out;
}

const char *report_time_utc(__s64 epoch_ns, char out[REPORT_TIME_BYTES])
{
	return format_time(epoch_ns, true, out);
}

double report_age_ms(const struct ps_source *s, unsigned int engine, const struct ps_probe *probe,
		     __u64 at_ns)
{
	__s32 ticks = (__s32)((__u32)(at_ns >> PS_TICK_SHIFT) - probe->at);

	if (engine != PS_ENGINE_BURST)
		return (double)(__s64)(at_ns - s->first_ns) / 1e6 - probe->at;
	return (double)ticks * (1 << PS_TICK_SHIFT) / 1e6;
}

void report_points(const struct ps_rule *rule, const struct ps_source *s, unsigned int engine,
		   __u32 *points)
{
	if (engine == PS_ENGINE_BURST) {
		ps_score_by_class(rule, s, s->last_ns, points);
		return;
	}
	memset(points, 0, PS_CLASS_SLOTS * sizeof(*points));
	for (int i = 0; i < s->probes && i < PS_PROBES_MAX; i++)
		points[s->probe[i].class % PS_CLASS_SLOTS] += s->probe[i].points;
}

const char *report_span(__u64 ns, char out[REPORT_TIME_BYTES])
{
	double seconds = (double)ns / 1e9;

	if (seconds < 60)
		snprintf(out, REPORT_TIME_BYTES, "%.1fs", seconds);
	else if (seconds < 2 * 3600)
		snprintf(out, REPORT_TIME_BYTES, "%.0fmin", seconds / 60);
	else
		snprintf(out, REPORT_TIME_BYTES, "%.1fh", seconds / 3600);
	return out;
}

unsigned int report_order(const struct ps_source *s, unsigned int engine, __u64 at_ns,
			  __u8 order[PS_PROBES_MAX])
{
	unsigned int held = s->probes < PS_PROBES_MAX ? s->probes : PS_PROBES_MAX;
	/* Both count upwards and wrap; the slow engines' latest is not after this. */
	__u32 now = engine == PS_ENGINE_BURST
			    ? (__u32)(at_ns >> PS_TICK_SHIFT)
			    : (__u32)(ps_since(s->first_ns, at_ns) / 1000000);

	for (unsigned int i = 0; i < held; i++) {
		unsigned int place = i;

		for (; place; place--) {
			if ((__s32)(now - s->probe[order[place - 1]].at) >=
			    (__s32)(now - s->probe[i].at))
				break;
			order[place] = order[place - 1];
		}
		order[place] = (__u8)i;
	}
	return held;
}
