/* SPDX-License-Identifier: GPL-2.0-only */
/* page.c - see page.h: choosing, writing whole files, and words shared by the formats. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "page.h"

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

/* Everything is on the disk under the temporary name, or an error says why not. */
static int write_all(const struct page_ops *ops, int fd, const struct model *m)
{
	FILE *out = fdopen(fd, "w");
	int err = 0;

	if (!out) {
		err = -errno;
		close(fd);
		return err;
	}
	ops->write(out, m);
	if (fflush(out) || ferror(out) || fsync(fd))
		err = errno ? -errno : -EIO;
	if (fclose(out) && !err)
		err = -errno;
	return err;
}

static mode_t wanted_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

int page_write(const struct page_ops *ops, const char *path, const struct model *m)
{
	char *part = NULL;
	int fd = -1, err = 0;

	if (asprintf(&part, "%s.XXXXXX", path) < 0) {
		log_error("writing %s: no memory", path);
		return -ENOMEM;
	}
	fd = mkstemp(part);
	if (fd < 0 || fchmod(fd, wanted_mode()))
		err = -errno;
	if (!err)
		err = write_all(ops, fd, m);
	if (!err && rename(part, path))
		err = -errno;
	if (err) {
		log_error("writing %s: %s", path, strerror(-err));
		if (fd >= 0)
			unlink(part);
	}
	free(part);
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
