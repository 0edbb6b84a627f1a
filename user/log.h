/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - what the program says to its user on stderr. Results go to stdout
 * and are not logged.
 *
 * One failure, one message: the lowest function that can name the object
 * prints it (what was attempted, on what, why, what to do next) and returns a
 * negative errno; everyone above passes the code up in silence.
 */
#ifndef PSCAN_USER_LOG_H
#define PSCAN_USER_LOG_H

#include <stdbool.h>

extern bool log_verbose;	/* -v: log_debug() speaks */

/* Each appends a newline and keeps errno. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
