/* SPDX-License-Identifier: GPL-2.0-only */
/* page.c - see page.h: choosing, writing whole files, and words shared by the formats. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "page.h"
#include "whole.h"

static const struct page_ops *const formats[] = { &page_html, &page_tex, &page_json, &page_csv };

const struct page_ops *page_find(const char *path)
{
	size_t bytes = strlen(path);

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		size_t ending = strlen(formats[i]->ending);

		if (bytes > ending && strcmp(path + bytes - ending, formats[i]->ending) == 0)
			return formats[i];
	}
	log_error("writing %s: its ending must be .html, .tex, .json or .csv", path);
	return NULL;
}

int page_write(const struct page_ops *ops, const char *path, const struct model *m)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	int err = 0;

	if (out)
		ops->write(out, m);
	if (!out || ferror(out))
		err = -ENOMEM;
	if (out && fclose(out))
		err = -ENOMEM;
	if (!err)
		err = whole_write(path, text, bytes);
	if (err)
		log_error("writing %s: %s", path, strerror(-err));
	free(text);
	return err;
}

double page_port_place(__u16 port)
{
	return log2(1.0 + port) / 16.0;
}

const char *page_span(__u64 ns, char out[PAGE_SPAN_BYTES])
{
	double s = (double)ns / 1e9;

	if (s < 1e-3)
		snprintf(out, PAGE_SPAN_BYTES, "%.0f µs", s * 1e6);
	else if (s < 1)
		snprintf(out, PAGE_SPAN_BYTES, "%.0f ms", s * 1e3);
	else if (s < 120)
		snprintf(out, PAGE_SPAN_BYTES, "%.1f s", s);
	else if (s < 7200)
		snprintf(out, PAGE_SPAN_BYTES, "%.0f min", s / 60);
	else if (s < 172800)
		snprintf(out, PAGE_SPAN_BYTES, "%.1f h", s / 3600);
	else
		snprintf(out, PAGE_SPAN_BYTES, "%.1f days", s / 86400);
	return out;
}

const char *page_outcome(const struct model_source *s)
{
	if (!s->detected_ns)
		return "below the threshold";
	if (s->action == PS_ACTION_BLOCK)
		return "blocked";
	if (s->reason == PS_REASON_GUARD)
		return "told; never to be blocked";
	if (s->reason == PS_REASON_TABLE)
		return "told; the block list refused it";
	return "told; monitoring only";
}
