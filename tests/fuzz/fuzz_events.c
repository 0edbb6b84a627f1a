/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_events.c - recorded events (--events) that somebody else wrote, or that
 * were cut short: read, and written as every kind of page.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "model.h"
#include "page.h"

#define CHECK(condition)                \
	do {                            \
		if (!(condition))       \
			__builtin_trap(); \
	} while (0)

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

static void check(const struct model *model)
{
	CHECK(model->detected <= model->sources);
	for (unsigned int i = 0; i < model->sources; i++) {
		CHECK(model->source[i]->evidence_count <= PS_PROBES_MAX);
		CHECK(model->source[i]->probes <= MODEL_PROBES_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	FILE *in = bytes ? fmemopen((void *)data, bytes, "r") : NULL;
	struct model *model;

	if (!in)
		return 0;
	model = model_new("events <&\"#$%_\\^~{}>");
	if (model && model_read_events(model, in, "events") == 0 && model_close(model) == 0) {
		check(model);
		page_html.write(nowhere, model);
		page_tex.write(nowhere, model);
		page_json.write(nowhere, model);
		page_csv.write(nowhere, model);
	}
	model_free(model);
	fclose(in);
	return 0;
}
