/* SPDX-License-Identifier: GPL-2.0-only */
/* whole.c - see whole.h. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "privileges.h"
#include "whole.h"

/* A report and a page beside it. */
#define KEEPERS_MAX 2

static struct keeper {
	char *path;
	int fd;
} keepers[KEEPERS_MAX];
static int n_keepers;

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t some = write(fd, bytes, n);

		if (some < 0 && errno != EINTR)
			return -errno;
		if (some > 0) {
			bytes += some;
			n -= (size_t)some;
		}
	}
	return 0;
}

/* -EPIPE when the other side is gone. */
static int read_all(int fd, char *bytes, size_t n)
{
	while (n) {
		ssize_t some = read(fd, bytes, n);

		if (some == 0)
			return -EPIPE;
		if (some < 0 && errno != EINTR)
			return -errno;
		if (some > 0) {
			bytes += some;
			n -= (size_t)some;
		}
	}
	return 0;
}

static mode_t wanted_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static int write_here(const char *path, const char *bytes, size_t n)
{
	char *part = NULL;
	int fd, err = 0;

	if (asprintf(&part, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkstemp(part);
	if (fd < 0 || fchmod(fd, wanted_mode()))
		err = -errno;
	if (!err)
		err = write_all(fd, bytes, n);
	if (!err && fsync(fd))
		err = -errno;
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (!err && rename(part, path))
		err = -errno;
	if (err && fd >= 0)
		unlink(part);
	free(part);
	return err;
}

/* ---- keepers ---------------------------------------------------------------- */

/* What comes is written, and nothing else is done; an end before all of it came leaves no file. */
static void keep(int fd, const char *path)
{
	char *bytes;
	size_t n;
	int err;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (privileges_keep_identity(false) || privileges_confine(PRIVILEGES_READER, true))
		return;
	while (read_all(fd, (char *)&n, sizeof(n)) == 0) {
		bytes = malloc(n ? n : 1);
		err = bytes ? read_all(fd, bytes, n) : -ENOMEM;
		if (err)
			return;
		err = write_here(path, bytes, n);
		free(bytes);
		if (write_all(fd, (const char *)&err, sizeof(err)))
			return;
	}
}

/* A device, a pipe: root's rename() would put a file in its place. */
static bool is_special(const char *path)
{
	struct stat there;

	return stat(path, &there) == 0 && !S_ISREG(there.st_mode);
}

int whole_prepare(const char *path)
{
	int ends[2], err;
	pid_t pid;

	if (path && is_special(path)) {
		log_error("%s is no regular file, and would be replaced by one; name another", path);
		return -EINVAL;
	}
	if (!path || !privileges_change_identity() || n_keepers == KEEPERS_MAX)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		err = -errno;
		goto failed;
	}
	pid = fork();
	if (pid < 0) {
		err = -errno;
		close(ends[0]);
		close(ends[1]);
		goto failed;
	}
	if (pid == 0) {
		close(ends[0]);
		keep(ends[1], path);
		_exit(0);
	}
	close(ends[1]);
	keepers[n_keepers].path = strdup(path);
	keepers[n_keepers++].fd = ends[0];
	return 0;
failed:
	log_error("cannot start the process that writes %s: %s", path, strerror(-err));
	return err;
}

static int hand_over(const struct keeper *k, const char *bytes, size_t n)
{
	int err = write_all(k->fd, (const char *)&n, sizeof(n)), theirs;

	if (!err)
		err = write_all(k->fd, bytes, n);
	if (!err)
		err = read_all(k->fd, (char *)&theirs, sizeof(theirs));
	return err ? err : theirs;
}

int whole_write(const char *path, const char *bytes, size_t n)
{
	for (int i = 0; i < n_keepers; i++)
		if (keepers[i].path && strcmp(keepers[i].path, path) == 0)
			return hand_over(&keepers[i], bytes, n);
	return write_here(path, bytes, n);
}
