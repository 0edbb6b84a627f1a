/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unit.h - cmocka with the headers it wants before itself, and a way to read
 * what a function printed.
 */
#ifndef PSCAN_TESTS_UNIT_H
#define PSCAN_TESTS_UNIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* prove(1) reads TAP and nothing else. */
__attribute__((constructor)) static void unit_speaks_tap(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
}

/* Everything written to @file so far; freed by the caller. */
static inline char *unit_contents(FILE *file)
{
	long bytes;
	char *text;

	fflush(file);
	fseek(file, 0, SEEK_END);
	bytes = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)bytes + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)bytes, file), bytes);
	return text;
}

/* Sends stderr to a file until unit_stderr_end(), which returns what was written. */
struct unit_stderr {
	int saved;
	FILE *file;
};

static inline struct unit_stderr unit_stderr_begin(void)
{
	struct unit_stderr s = { .saved = dup(2), .file = tmpfile() };

	assert_non_null(s.file);
	fflush(stderr);
	dup2(fileno(s.file), 2);
	return s;
}

static inline char *unit_stderr_end(struct unit_stderr s)
{
	char *text;

	fflush(stderr);
	dup2(s.saved, 2);
	close(s.saved);
	text = unit_contents(s.file);
	fclose(s.file);
	return text;
}

#endif
