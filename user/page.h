/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * page.h - a model as a file for people or programs: one struct page_ops and
 * one file per format, chosen by the file's ending. A page shows and decides
 * nothing. Titles, addresses and names come from strangers: each format quotes
 * them its own way.
 */
#ifndef PSCAN_USER_PAGE_H
#define PSCAN_USER_PAGE_H

#include <stdio.h>

#include "model.h"

struct page_ops {
	const char *ending;	/* ".html" */
	void (*write)(FILE *out, const struct model *model);
};

extern const struct page_ops page_html;
extern const struct page_ops page_tex;
extern const struct page_ops page_json;
extern const struct page_ops page_csv;

/* The format of a file name; NULL with a line printed when there is none. */
const struct page_ops *page_find(const char *path);

/*
 * Writes to a file beside @path and renames it when it is whole, so that a
 * reader never sees half a page. 0, or negative errno with one line printed.
 */
int page_write(const struct page_ops *ops, const char *path, const struct model *model);

/* Axis of a chart in a page: the port's place between 0 (port 0) and 1 (65535).
 * Logarithmic: half of the height for the ports below 256, which is where scans are. */
double page_port_place(__u16 port);

/* "1.2 ms", "3.4 s", "5 min": a span for a person. Returns @out. */
#define PAGE_SPAN_BYTES 32
const char *page_span(__u64 ns, char out[PAGE_SPAN_BYTES]);

/* "blocked", "seen, nobody was to be blocked", ... of a source. */
const char *page_outcome(const struct model_source *source);

/* Charts of page_html.c, in page_chart.c. */
void page_chart_timeline(FILE *out, const struct model_source *source, unsigned int id);
void page_chart_overview(FILE *out, const struct model *model);
void page_chart_ports(FILE *out, const struct model *model);
void page_chart_bars(FILE *out, const char *title, const struct model_count *count,
		     unsigned int n, unsigned int most, bool ports);
void page_html_text(FILE *out, const char *text);

#endif
