// SPDX-License-Identifier: GPL-2.0-only
/*
 * output_json.c - one JSON object per line. The keys are a promise.
 *
 * "port" records come when they are found, flushed one by one, so that a
 * killed scan leaves valid output; "host" and "summary" records at the end.
 */
#include <json-c/json.h>
#include <time.h>

#include "scan/output.h"

static void put(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

static void put_text(struct json_object *object, const char *key, const char *text)
{
	put(object, key, json_object_new_string(text));
}

static void put_number(struct json_object *object, const char *key, __u64 number)
{
	put(object, key, json_object_new_int64((int64_t)number));
}

static void put_ms(struct json_object *object, const char *key, double ms)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", ms);
	put(object, key, json_object_new_double_s(ms, text));
}

static void put_time(struct json_object *object)
{
	struct timespec now;
	char text[40];
	size_t used;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	used = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + used, sizeof(text) - used, ".%03ldZ", now.tv_nsec / 1000000);
	put_text(object, "time", text);
}

static void emit(FILE *file, struct json_object *object)
{
	fprintf(file, "%s\n",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(file);
	json_object_put(object);
}

static struct json_object *record(const char *type, const char *address)
{
	struct json_object *object = json_object_new_object();

	put_text(object, "type", type);
	put_time(object);
	if (address)
		put_text(object, "address", address);
	return object;
}

static void put_port(struct json_object *object, __u16 port, bool udp, __u8 state, __u8 reason)
{
	const char *service = ports_service(port, udp);

	put_text(object, "protocol", output_proto(udp));
	put_number(object, "port", port);
	put_text(object, "state", scan_state_name(state));
	if (*service)
		put_text(object, "service", service);
	put_text(object, "reason", scan_reason_name(reason));
}

/* Closed ports are only counted: there are thousands, and nobody waits for them. */
static void finding(const struct output *output, FILE *file, const struct scan *scan,
		    const struct host *host, const struct unit *unit, const struct finding *found)
{
	struct json_object *object;
	char address[ADDR_TEXT_BYTES];

	if (found->state == STATE_CLOSED ||
	    (output->options.open_only && found->state != STATE_OPEN))
		return;
	object = record("port", addr_format(&host->addr, address));
	put_port(object, unit->port, scan->phase->kind == PHASE_UDP, found->state, found->reason);
	if (found->ttl)
		put_number(object, "ttl", found->ttl);
	if (found->rtt_us)
		put_ms(object, "rtt_ms", found->rtt_us / 1000.0);
	put_number(object, "tries", found->tries);
	put_text(object, "technique", unit->ops->name);
	if (found->bare)
		put_text(object, "suspect", "syn-proxy");
	emit(file, object);
}

/* Ports whose silence is the result become known only now. */
static void silent_ports(const struct output *output, FILE *file, const struct output_view *view)
{
	for (__u32 i = 0; i < view->row_count && !output->options.open_only; i++) {
		const struct output_row *row = &view->rows[i];
		struct json_object *object;

		if (row->tries || row->state == STATE_CLOSED)
			continue;
		object = record("port", view->address);
		put_port(object, row->port, row->udp, row->state, row->reason);
		put_text(object, "technique",
			 view->scan->phases[row->udp ? PHASE_UDP : PHASE_TCP].ops->name);
		emit(file, object);
	}
}

static void put_counts(struct json_object *object, const struct output_view *view)
{
	struct json_object *counts[2] = { json_object_new_object(), json_object_new_object() };
	__u32 listed[2][STATE_MAX] = { { 0 } };

	for (__u32 i = 0; i < view->row_count; i++)
		listed[view->rows[i].udp][view->rows[i].state]++;
	for (unsigned int i = 0; i < view->hidden_count; i++)
		listed[view->hidden[i].udp][view->hidden[i].state] += view->hidden[i].count;
	for (int udp = 0; udp < 2; udp++) {
		for (int state = STATE_OPEN; state < STATE_MAX; state++)
			if (listed[udp][state])
				put_number(counts[udp], scan_state_name((enum scan_state)state),
					   listed[udp][state]);
		if (json_object_object_length(counts[udp]))
			put(object, output_proto(udp), counts[udp]);
		else
			json_object_put(counts[udp]);
	}
}

static void host(const struct output *output, FILE *file, const struct output_view *view)
{
	static const char *const status[] = { "unknown", "up", "down" };
	const struct host *h = view->host;
	struct json_object *object, *blocked;

	silent_ports(output, file, view);
	object = record("host", view->address);
	if (view->name[0])
		put_text(object, "name", view->name);
	put_text(object, "status", status[h->status]);
	if (h->status == HOST_UP)
		put_text(object, "reason", scan_reason_name(h->up_reason));
	if (h->rtt.samples)
		put_ms(object, "rtt_ms", (double)h->rtt.srtt_ns / 1e6);
	if (h->loss.answers)
		put_ms(object, "loss_percent", loss_rate(&h->loss) * 100);
	if (h->canary.blocked) {
		blocked = json_object_new_object();
		put_number(blocked, "after_probe", h->canary.blocked_after);
		put_number(blocked, "after_ms", h->canary.blocked_ms);
		put(object, "blocked", blocked);
	}
	if (view->suspect)
		put_text(object, "suspect", view->suspect);
	put_counts(object, view);
	emit(file, object);
}

static void end(const struct output *output, FILE *file, const struct scan *scan)
{
	struct json_object *object = record("summary", NULL);

	put_text(object, "exit",
		 scan_interrupted  ? "interrupted"
		 : scan->timed_out ? "timeout"
				   : "done");
	put_number(object, "targets", scan->targets->count);
	put_number(object, "up", output->hosts_up);
	put_number(object, "open", output->open_ports);
	put_number(object, "probes", scan->counts.probes);
	put_number(object, "answers", scan->counts.answers);
	put_number(object, "dropped", scan_drops(scan));
	put_ms(object, "loss_percent", loss_rate(&scan->loss) * 100);
	put_ms(object, "elapsed_ms", (double)(scan->ended_ns - scan->started_ns) / 1e6);
	emit(file, object);
}

const struct output_format output_json = {
	.name = "JSON",
	.appends = true,
	.finding = finding,
	.host = host,
	.end = end,
};
