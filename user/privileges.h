/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * privileges.h - giving up what is no longer needed, in two steps: first what
 * the process may do to others (identity, capabilities), then which system
 * calls it can still make. The order of a command that reads strangers' bytes:
 * open what needs root, privileges_drop(), open what is written (before, where
 * root itself will own it), privileges_confine(), and only then read.
 *
 * Neither step can be undone, and neither can be inherited by another program:
 * no role can execute one.
 */
#ifndef PSCAN_USER_PRIVILEGES_H
#define PSCAN_USER_PRIVILEGES_H

#include <stdbool.h>

enum privileges_role {
	PRIVILEGES_READER,	/* parses files: no socket, no bpf() */
	PRIVILEGES_WATCHER,	/* parses packets of open captures; asks rtnetlink */
	PRIVILEGES_SCANNER,	/* sends and receives; connects as any user may */
	PRIVILEGES_LOADER,	/* reads and writes maps, removes pins, asks netlink */
	PRIVILEGES_MAX
};

/*
 * Keeps CAP_NET_ADMIN for the loader (netlink answers some questions to nobody
 * else) and its identity (the pins are its own); the other roles keep nothing
 * and become, under sudo, the invoking user: what they write is that user's.
 * Root itself becomes nobody. 0, or negative errno after a line.
 */
int privileges_drop(enum privileges_role role);

/* Will a reader become nobody: then what it writes is opened before (see also whole.h). */
bool privileges_change_identity(void);

/*
 * Gives up capabilities and no identity, for processes that read no stranger's bytes: one
 * that writes a file keeps none, one that @detaches what that takes. As privileges_drop().
 */
int privileges_keep_identity(bool detaches);

/*
 * Allows the role's system calls and refuses all others with EPERM: what was
 * not foreseen fails like any call can, and ends nobody.
 * @writes  files are still to be made and renamed: pages, resume files
 * Says so and goes on where the kernel has no seccomp. 0, or negative errno
 * after a line.
 */
int privileges_confine(enum privileges_role role, bool writes);

#endif
