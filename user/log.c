/* SPDX-License-Identifier: GPL-2.0-only */
/* log.c - see log.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

bool log_verbose;

static void say(const char *prefix, const char *format, va_list args)
{
	int saved = errno;

	fflush(stdout);
	fprintf(stderr, "pscan-xdp: %s", prefix);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	errno = saved;
}

#define SAY(prefix)                          \
	do {                                 \
		va_list args;                \
		va_start(args, format);      \
		say(prefix, format, args);   \
		va_end(args);                \
	} while (0)

void log_error(const char *format, ...)
{
	SAY("");
}

void log_warn(const char *format, ...)
{
	SAY("warning: ");
}

void log_note(const char *format, ...)
{
	SAY("");
}

void log_debug(const char *format, ...)
{
	if (log_verbose)
		SAY("");
}
