// SPDX-License-Identifier: GPL-2.0-only
/* output.c - see output.h. What is listed, what is summed up, and in which order. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"
#include "scan/output.h"

/* Silent targets of a small scan are listed too; of a large one only those that answered. */
#define LIST_SILENT_MAX 256

int output_add(struct output *output, const struct output_format *format, const char *path,
	       bool resumed)
{
	const char *mode = resumed && format->appends ? "ae" : "we";
	struct output_target *target = calloc(1, sizeof(*target));
	int err;

	if (!target)
		return -ENOMEM;
	target->format = format;
	target->file = strcmp(path, "-") == 0 ? stdout : fopen(path, mode);
	if (!target->file) {
		err = -errno;
		log_error("cannot write %s: %s", path, strerror(-err));
		free(target);
		return err;
	}
	target->next = output->targets;
	output->targets = target;
	return 0;
}

void output_begin(struct output *output, const struct scan *scan)
{
	output->started_at = (__u64)time(NULL);
	for (struct output_target *t = output->targets; t; t = t->next) {
		if (t->format->begin)
			t->format->begin(output, t->file, scan);
		fflush(t->file);
	}
}

/*
 * No stack accepts a connection with window 0 and without any option; and
 * nobody runs services on nine of ten ports: something answers for the host.
 */
static const char *suspicion(const struct tally *tally)
{
	__u32 open = tally->counts[STATE_OPEN];

	if (open && tally->bare >= open)
		return "syn-proxy";
	if (open < OUTPUT_SUSPECT_MIN || open * 10 < tally->answered * 9)
		return NULL;
	return tally->bare * 2 > open ? "syn-proxy" : "tarpit";
}

void output_finding(struct output *output, const struct scan *scan, const struct host *host,
		    const struct finding *finding)
{
	const struct tally *tally = &host->tallies[scan->phase->kind == PHASE_UDP];

	if (finding->state == STATE_OPEN && suspicion(tally))
		return;
	for (struct output_target *t = output->targets; t; t = t->next)
		if (t->format->finding)
			t->format->finding(output, t->file, scan, host,
					   &scan->phase->units[finding->unit], finding);
}

static void find_name(const struct output *output, struct output_view *view)
{
	const char *given = targets_name(view->scan->targets, &view->host->addr);
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	if (given) {
		snprintf(view->name, sizeof(view->name), "%s", given);
		return;
	}
	if (output->options.numeric || view->host->status != HOST_UP)
		return;
	v4.sin_addr.s_addr = view->host->addr.w[3];
	memcpy(&v6.sin6_addr, view->host->addr.b, 16);
	if (ps_addr_is_v4(&view->host->addr))
		getnameinfo((struct sockaddr *)&v4, sizeof(v4), view->name, sizeof(view->name),
			    NULL, 0, NI_NAMEREQD);
	else
		getnameinfo((struct sockaddr *)&v6, sizeof(v6), view->name, sizeof(view->name),
			    NULL, 0, NI_NAMEREQD);
}

static void hide(struct output_view *view, bool udp, __u8 state, __u8 reason, __u32 count)
{
	view->hidden[view->hidden_count++] = (struct output_hidden){
		.udp = udp,
		.state = state,
		.reason = reason,
		.count = count,
	};
}

/* State of every unit of one phase: the answer, or what its silence means. */
static __u8 *states_of(const struct output_view *view, enum phase_kind kind,
		       const struct tally *tally, __u32 counts[STATE_MAX])
{
	const struct phase *phase = &view->scan->phases[kind];
	__u8 *states = calloc(phase->unit_count ? phase->unit_count : 1, 1);

	memset(counts, 0, STATE_MAX * sizeof(counts[0]));
	for (__u32 unit = 0; states && unit < phase->unit_count; unit++) {
		states[unit] = tally_has(tally, unit)
				       ? tally->outcome[unit]
				       : (__u8)scan_silence(view->scan, view->host, kind, unit);
		counts[states[unit]]++;
	}
	return states;
}

/* The kept details, by unit. */
static const struct finding **details_of(const struct phase *phase, const struct tally *tally)
{
	const struct finding **details = calloc(phase->unit_count + 1, sizeof(*details));

	for (__u32 i = 0; details && i < tally->finding_count; i++)
		details[tally->findings[i].unit] = &tally->findings[i];
	return details;
}

/* The reason most ports of a state have; kept details are enough to tell. */
static __u8 usual_reason(const struct tally *tally, __u8 state, enum scan_state silence)
{
	__u32 counts[REASON_MAX] = { 0 };
	__u8 best = REASON_NO_RESPONSE;

	if (state == STATE_UNKNOWN)
		return REASON_BLOCKED;
	for (__u32 i = 0; i < tally->finding_count; i++)
		if (tally->findings[i].state == state)
			counts[tally->findings[i].reason]++;
	if (state == silence && tally->counts[state] == 0)
		return REASON_NO_RESPONSE;
	for (__u8 reason = 0; reason < REASON_MAX; reason++)
		if (counts[reason] > counts[best])
			best = reason;
	return best;
}

static bool listed(const struct output *output, const struct output_view *view, __u8 state,
		   const __u32 counts[STATE_MAX])
{
	if (state == STATE_NONE)
		return false;
	if (state == STATE_OPEN)
		return !view->suspect || output->options.all_rows;
	if (output->options.open_only)
		return false;
	return output->options.all_rows || counts[state] <= OUTPUT_ROWS_MAX;
}

static void add_row(struct output_view *view, enum phase_kind kind, const struct finding *finding,
		    __u32 unit, __u8 state)
{
	struct output_row *row = &view->rows[view->row_count++];

	*row = (struct output_row){
		.port = view->scan->phases[kind].units[unit].port,
		.udp = kind == PHASE_UDP,
		.state = state,
		.reason = state == STATE_UNKNOWN ? REASON_BLOCKED
			  : state == STATE_CLOSED && !finding && kind != PHASE_UDP
				  ? REASON_RESET
				  : REASON_NO_RESPONSE,
	};
	if (finding) {
		row->reason = finding->reason;
		row->ttl = finding->ttl;
		row->tries = finding->tries;
		row->rtt_us = finding->rtt_us;
	}
}

static int view_phase(const struct output *output, struct output_view *view, enum phase_kind kind)
{
	const struct tally *tally = &view->host->tallies[kind == PHASE_UDP];
	__u32 counts[STATE_MAX], wanted = 0;
	struct output_row *grown;
	__u8 *states = states_of(view, kind, tally, counts);

	const struct finding **details = details_of(&view->scan->phases[kind], tally);

	if (!states || !details) {
		free(states);
		free(details);
		return -ENOMEM;
	}
	if (!view->suspect)
		view->suspect = suspicion(tally);
	view->open_count += counts[STATE_OPEN];
	for (__u8 state = STATE_OPEN; state < STATE_MAX; state++) {
		if (counts[state] && listed(output, view, state, counts))
			wanted += counts[state];
		else if (counts[state])
			hide(view, kind == PHASE_UDP, state,
			     usual_reason(tally, state, view->scan->phases[kind].ops->silence),
			     counts[state]);
	}
	grown = reallocarray(view->rows, view->row_count + wanted + 1, sizeof(*grown));
	if (grown) {
		view->rows = grown;
		for (__u32 unit = 0; unit < view->scan->phases[kind].unit_count; unit++)
			if (listed(output, view, states[unit], counts))
				add_row(view, kind, details[unit], unit, states[unit]);
	}
	free(states);
	free(details);
	return grown ? 0 : -ENOMEM;
}

static int compare_rows(const void *a, const void *b)
{
	const struct output_row *x = a, *y = b;

	if (x->udp != y->udp)
		return x->udp - y->udp;
	return (int)x->port - (int)y->port;
}

static int report_host(struct output *output, struct scan *scan, struct host *host)
{
	struct output_view view = { .scan = scan, .host = host };
	int err = 0;

	addr_format(&host->addr, view.address);
	find_name(output, &view);
	for (int kind = PHASE_TCP; kind <= PHASE_UDP && !err; kind++)
		if (scan->phase_used[kind])
			err = view_phase(output, &view, (enum phase_kind)kind);
	if (!err && view.row_count)
		qsort(view.rows, view.row_count, sizeof(*view.rows), compare_rows);
	output->open_ports += view.suspect ? 0 : view.open_count;
	for (struct output_target *t = output->targets; t && !err; t = t->next)
		if (t->format->host)
			t->format->host(output, t->file, &view);
	free(view.rows);
	return err;
}

/* Who a small scan did not hear from is a result as well. */
static void add_silent(struct scan *scan)
{
	union ps_addr addr;

	for (__u64 i = 0; i < scan->targets->count; i++) {
		struct host *host = hosts_find(&scan->hosts, i);

		if (host)
			continue;
		targets_at(scan->targets, i, &addr);
		host = hosts_get(&scan->hosts, i, &addr);
		if (!host)
			return;
		if (scan->pinged ||
		    (scan->engine->reachable && !scan->engine->reachable(scan, i, &addr)))
			host->status = HOST_DOWN;
	}
}

static int close_target(struct output_target *target)
{
	bool failed = fflush(target->file) != 0 || ferror(target->file);

	if (target->file != stdout && fclose(target->file) != 0)
		failed = true;
	return failed ? -EIO : 0;
}

int output_close(struct output *output)
{
	struct output_target *next;
	int err = 0;

	for (struct output_target *t = output->targets; t; t = next) {
		next = t->next;
		if (close_target(t) < 0) {
			err = -EIO;
			log_error("cannot write the %s report completely", t->format->name);
		}
		free(t);
	}
	output->targets = NULL;
	return err;
}

int output_end(struct output *output, struct scan *scan)
{
	int err = 0, closed;

	if (scan->targets->count <= LIST_SILENT_MAX)
		add_silent(scan);
	hosts_sort(&scan->hosts);
	for (size_t i = 0; i < scan->hosts.n; i++)
		output->hosts_up += scan->hosts.all[i]->status == HOST_UP;
	for (size_t i = 0; i < scan->hosts.n && !err; i++)
		err = report_host(output, scan, scan->hosts.all[i]);
	for (struct output_target *t = output->targets; t; t = t->next)
		if (t->format->end)
			t->format->end(output, t->file, scan);
	closed = output_close(output);
	return err ? err : closed;
}
