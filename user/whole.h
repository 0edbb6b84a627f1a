/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * whole.h - files that are there whole or not at all: pages, resume files. Written
 * under another name, synced, renamed.
 *
 * Who gives up root's identity can name nothing in root's folders any more. For
 * these a keeper is left behind: a process with that identity and no capability,
 * whose filter lets it do no more than write the one file that it was started for.
 */
#ifndef PSCAN_USER_WHOLE_H
#define PSCAN_USER_WHOLE_H

#include <stddef.h>

/* Before privileges_drop(): @path is to be written later. NULL: nothing is. 0, or a negative
 * errno after a line: it cannot be, or something is there that is no regular file. */
int whole_prepare(const char *path);

/* 0 or a negative errno; silent: the caller knows what the file is. */
int whole_write(const char *path, const char *bytes, size_t n);

#endif
