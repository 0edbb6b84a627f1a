/* SPDX-License-Identifier: GPL-2.0-only */
/* detector.c - a run over capture files, and what it shares with a live one;
 * see detector.h and detector_run.h. */
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "detector_run.h"
#include "json_out.h"
#include "log.h"
#include "page.h"
#include "privileges.h"
#include "summary_engine.h"
#include "whole.h"

/* The same capture must give the same report: nothing random in offline runs.
 * What a capture's author could gain is a neighbour in a bucket. */
#define FILE_SEED 0x707363616e2d7864ULL

static volatile sig_atomic_t stopped;
static struct input_pcap *volatile running;

static void on_signal(int signal)
{
	struct input_pcap *in = running;

	(void)signal;
	stopped = 1;
	if (in)
		input_pcap_stop(in);
}

bool detector_stopped(void)
{
	return stopped;
}

void detector_signals(struct input_pcap *in)
{
	struct sigaction stop = { .sa_handler = on_signal };

	running = in;
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
}

void detector_tell(struct detector *d, const struct ps_event *event,
		   const struct report_facts *facts)
{
	char ifname[IF_NAMESIZE];

	if (d->model)
		model_event(d->model, event, &d->engine.cfg.rule, d->shift_ns);
	report_wall(d->report, -(__s64)d->shift_ns);
	report_scan(d->report, event,
		    event->ifindex ? if_indextoname(event->ifindex, ifname) : NULL, facts);
}

static void on_event(const struct ps_event *event, void *data)
{
	struct detector *d = data;

	struct report_facts facts = {
		.tool = slow_tool_name(d->tool),
		.handshake = event->proof == PS_PROOF_HANDSHAKE,
	};

	detector_tell(d, event, &facts);
	if (d->slow && event->kind == PS_EVENT_SCAN)
		slow_told(d->slow, event);
}

static void judge_next(struct detector *d)
{
	struct detector_ahead *next = &d->ahead[d->judged++ % DETECTOR_AHEAD];

	d->shift_ns = next->shift_ns;
	if (store_expires(&d->engine.store, next->packet.it.now_ns))
		engine_expire(&d->engine, next->packet.it.now_ns);
	d->judged_packet = &next->packet;
	d->tool = SLOW_TOOL_NONE;
	engine_judge(&d->engine, &next->packet);
	if (d->slow)
		detector_slow_see(d, next);
	if (d->model)
		model_packet(d->model, &next->packet, next->shift_ns);
}

static void on_frame(const struct engine_frame *frame, __u64 at_ns, void *data)
{
	struct detector *d = data;
	__u64 now_ns = clock_advance(&d->clock, at_ns, d->engine.cfg.rule.window_ns);
	struct detector_ahead *next;

	if (d->packets - d->judged == DETECTOR_AHEAD)
		judge_next(d);
	next = &d->ahead[d->packets++ % DETECTOR_AHEAD];
	next->shift_ns = d->clock.shift_ns;
	engine_parse(&d->engine, frame, now_ns, &next->packet);
	if (d->slow)
		detector_slow_parsed(d, frame, next);
}

static int copy_prefixes(struct prefixes *to, const struct prefixes *from)
{
	int err = 0;

	for (size_t i = 0; i < from->n && !err; i++)
		err = prefixes_add(to, &from->prefix[i]);
	return err;
}

/* What the pages are made from: the caller's model, or one of our own for -l. */
static int start_model(struct detector *d, const char *title)
{
	d->model = d->options->model;
	if (d->model || !d->options->tex_path)
		return 0;
	d->model = model_new(title);
	if (d->model)
		return 0;
	log_error("preparing %s: no memory", d->options->tex_path);
	return -ENOMEM;
}

static int start_report(struct detector *d, const struct ps_rule *rule)
{
	const struct detector_options *o = d->options;
	struct report_options told = { .json_path = o->events_path, .rule = rule };

	if (!o->quiet && o->json)
		told.json = stdout;
	else if (!o->quiet)
		told.text = stdout;
	return report_open(&told, &d->report);
}

static int start_lists(struct detector *d)
{
	int err = copy_prefixes(&d->engine.store.dst, &d->options->dst);

	if (!err)
		err = copy_prefixes(&d->engine.store.allow, &d->options->allow);
	if (!err)
		err = copy_prefixes(&d->engine.store.deny, &d->options->deny);
	if (err)
		log_error("copying the address lists: %s", strerror(-err));
	return err;
}

int detector_start(struct detector *d, const struct detector_options *o,
		   const struct ps_rule *rule, __u64 seed, const char *title)
{
	struct ps_config cfg = engine_config(rule, seed, o->save_ports);
	int err;

	memset(d, 0, sizeof(*d));
	d->options = o;
	err = start_model(d, title);
	if (!err)
		err = start_report(d, rule);
	if (!err)
		err = engine_init(&d->engine, &cfg, EVIDENCE_FLOWS, on_event, d);
	if (!err)
		err = start_lists(d);
	return err ? err : detector_slow_start(d, seed);
}

bool detector_done(const struct detector *d)
{
	return stopped || (d->options->max_packets && d->packets >= d->options->max_packets);
}

int detector_take(struct detector *d, struct input_pcap *in)
{
	__u64 max = DETECTOR_BATCH, left = d->options->max_packets - d->packets;
	int n;

	if (d->options->max_packets && left < max)
		max = left;
	n = input_pcap_run(in, (int)max, on_frame, d);
	while (d->judged < d->packets)
		judge_next(d);
	return n;
}

/* The summary on stdout, as the options want it. */
static int tell_summary(struct detector *d, struct summary *s)
{
	summary_sort(s, d->options->sort);
	if (d->options->quiet)
		return 0;
	if (d->options->json)
		json_print(summary_json(s));
	else
		summary_text(s, stdout);
	if (fflush(stdout) || ferror(stdout)) {
		log_error("writing the summary to standard output: %s", strerror(errno));
		return -EIO;
	}
	return 0;
}

static int finish_model(struct detector *d, const struct summary *s)
{
	int err;

	if (!d->model)
		return 0;
	err = model_summary(d->model, s);
	if (err)
		log_error("preparing the report: no memory");
	else if (d->options->tex_path)
		err = page_write(&page_tex, d->options->tex_path, d->model);
	return err;
}

int detector_finish(struct detector *d)
{
	struct summary s = { .packets = d->packets,
			     .lost = d->lost,
			     .wall_ns = -(__s64)d->clock.shift_ns,
			     .top = d->options->top };
	int err, model_err;

	detector_slow_end(d);
	err = summary_engine_fill(&d->engine, d->clock.now_ns, &s);
	if (err) {
		log_error("summing up: no memory");
		return err;
	}
	err = tell_summary(d, &s);
	model_err = finish_model(d, &s);
	summary_engine_free(&s);
	if (d->clock.pieces)
		log_note("time stepped back by more than the window (pieces: %llu); each was "
			 "judged on its own",
			 (unsigned long long)d->clock.pieces + 1);
	if (report_lost(d->report))
		return -EIO; /* said when it happened */
	return err ? err : model_err;
}

void detector_free(struct detector *d)
{
	report_close(d->report);
	detector_slow_free(d);
	engine_free(&d->engine);
	if (d->model != d->options->model)
		model_free(d->model);
}

static int run_file(struct detector *d, int fd, const char *path)
{
	struct input_pcap *in = NULL;
	int n, err = input_pcap_file(fd, path, d->options->filter, &in);

	if (err)
		return err;
	detector_signals(in);
	do {
		n = detector_take(d, in);
	} while (n > 0 && !detector_done(d));
	detector_signals(NULL);
	input_pcap_close(in);
	return n < 0 ? n : 0;
}

/*
 * Opens what may take privileges to open, so that they can be given up before a byte of
 * it is looked at. What could not be opened is told in its turn; where there were too many
 * descriptors, it is tried again by then.
 */
static void open_files(char *const *files, unsigned int n, int *fds)
{
	struct rlimit files_open;

	if (getrlimit(RLIMIT_NOFILE, &files_open) == 0) {
		files_open.rlim_cur = files_open.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files_open);
	}
	for (unsigned int i = 0; i < n; i++)
		fds[i] = input_pcap_descriptor(files[i]);
}

/* What is written is the invoking user's under sudo, and root's when that is who asked. */
static int start_reading(struct detector *d, const struct detector_options *o, const char *title)
{
	bool before = privileges_change_identity();
	int err = whole_prepare(o->tex_path);

	if (!err && before)
		err = detector_start(d, o, &o->rule.rule, FILE_SEED, title);
	if (!err)
		err = privileges_drop(PRIVILEGES_READER);
	if (!err && !before)
		err = detector_start(d, o, &o->rule.rule, FILE_SEED, title);
	return err ? err : privileges_confine(PRIVILEGES_READER, o->model || o->tex_path);
}

int detector_run_files(const struct detector_options *o, char *const *files, unsigned int n)
{
	int *fds = calloc(n, sizeof(*fds)), first = 0, err;
	unsigned int i = 0;
	struct detector d = { .options = o };

	if (!fds) {
		log_error("opening %u captures: no memory", n);
		return -ENOMEM;
	}
	open_files(files, n, fds);
	err = start_reading(&d, o, n > 1 ? "captures" : files[0]);
	for (; i < n && !err && !detector_done(&d); i++) {
		int unread = run_file(&d, fds[i], files[i]);

		first = first ? first : unread;
	}
	if (!err)
		err = detector_finish(&d);
	detector_free(&d);
	for (; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(fds);
	return first ? first : err;
}
