/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_replay.c - whole captures from a stranger: read, judged, summed up, and
 * written as every kind of page.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "input_pcap.h"
#include "json_out.h"
#include "page.h"
#include "report.h"
#include "rule.h"
#include "summary_engine.h"

struct run {
	struct engine engine;
	struct clock clock;
	struct model *model;
	struct report *report;
};

static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	nowhere = fopen("/dev/null", "w");
	stderr = nowhere; /* the fuzzer's own messages go to the descriptor */
	return !nowhere;
}

static void on_event(const struct ps_event *event, void *data)
{
	struct run *r = data;

	model_event(r->model, event, &r->engine.cfg.rule, r->clock.shift_ns);
	report_wall(r->report, -(__s64)r->clock.shift_ns);
	report_event(r->report, event, NULL);
}

static void on_frame(const struct engine_frame *frame, __u64 at_ns, void *data)
{
	struct run *r = data;
	__u64 now_ns = clock_advance(&r->clock, at_ns, r->engine.cfg.rule.window_ns);
	struct engine_packet packet;

	engine_expire(&r->engine, now_ns);
	engine_parse(&r->engine, frame, now_ns, &packet);
	engine_judge(&r->engine, &packet);
	model_packet(r->model, &packet, r->clock.shift_ns);
}

static void write_pages(const struct model *model)
{
	page_html.write(nowhere, model);
	page_tex.write(nowhere, model);
	page_json.write(nowhere, model);
	page_csv.write(nowhere, model);
}

static void sum_up(struct run *r)
{
	struct summary s = { .top = 5, .wall_ns = -(__s64)r->clock.shift_ns };

	if (summary_engine_fill(&r->engine, r->clock.now_ns, &s))
		return;
	summary_sort(&s, SUMMARY_BY_SCORE);
	summary_text(&s, nowhere);
	json_object_put(summary_json(&s));
	model_summary(r->model, &s);
	summary_engine_free(&s);
	write_pages(r->model);
}

static void replay(const char *path)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_config cfg = engine_config(&rule, 1, true);
	struct report_options told = { .text = nowhere, .json = nowhere, .rule = &rule };
	struct run *r = calloc(1, sizeof(*r));
	struct input_pcap *in;

	cfg.mark_bits = 6;
	cfg.bucket_bits = 2;
	r->model = model_new("fuzz <&\"#$%_\\^~{}>");
	if (input_pcap_file(input_pcap_descriptor(path), path, NULL, &in) == 0) {
		report_open(&told, &r->report);
		if (engine_init(&r->engine, &cfg, EVIDENCE_FLOWS, on_event, r) == 0) {
			while (input_pcap_run(in, 64, on_frame, r) > 0)
				;
			sum_up(r);
		}
		engine_free(&r->engine);
		report_close(r->report);
		input_pcap_close(in);
	}
	model_free(r->model);
	free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char path[64];
	int fd;

	fd = memfd_create("capture", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	replay(path);
	close(fd);
	return 0;
}
