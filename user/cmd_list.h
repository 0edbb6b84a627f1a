/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_list.h - what `block` and `allow` share: VERB [CIDR...] [--time T]
 * [--json] [--force], and how times and prefixes are shown.
 */
#ifndef PSCAN_USER_CMD_LIST_H
#define PSCAN_USER_CMD_LIST_H

#include "addr.h"

enum list_verb { LIST_ADD, LIST_DEL, LIST_LIST, LIST_FLUSH };

#define LIST_PREFIXES_MAX 256

struct list_arguments {
	bool has_flush;		/* in: the command knows `flush` and --force */
	enum list_verb verb;
	bool has_verb, json, force;
	struct prefix prefix[LIST_PREFIXES_MAX];
	unsigned int n;
	__u64 time_ns;		/* 0: for ever */
};

struct argp;

/* Parses; wrong usage does not return. @doc as in struct argp. */
void list_parse(int argc, char **argv, const char *doc, struct list_arguments *a);

struct xdp;

/* Before an edit, as xdp_lists_lock(), which ends with xdp_lists_unlock(); says what failed. */
int list_lock(const struct xdp *xdp);

/* "for ever", or the local time of a moment of the program's clock. Returns @out. */
const char *list_until(__u64 until_ns, char out[48]);

#endif
