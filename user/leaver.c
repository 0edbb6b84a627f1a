/* SPDX-License-Identifier: GPL-2.0-only */
/* leaver.c - see leaver.h. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "leaver.h"
#include "log.h"
#include "privileges.h"

/* Signals of the terminal reach both of us; when to leave is the loader's to say. */
static void wait_for_word(int fd)
{
	char word;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	if (privileges_keep_identity(true))
		return;
	if (read(fd, &word, 1) != 1)
		return; /* the loader is gone, and what it attached stays */
	word = xdp_detach_all() ? 1 : 0;
	if (write(fd, &word, 1) != 1)
		log_debug("nobody waits to hear that everything is detached");
}

int leaver_start(struct leaver *l, const struct xdp *xdp)
{
	int ends[2], err;
	pid_t pid;

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
		close(xdp->root); /* the locks are the loader's alone, and die with it */
		close(xdp->lists);
		wait_for_word(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	l->fd = ends[0];
	return 0;
failed:
	log_error("cannot start the process that detaches at the end: %s", strerror(-err));
	return err;
}

int leaver_detach_all(struct leaver *l)
{
	char word = 0;
	int err = 0;

	if (l->fd < 0)
		return xdp_detach_all();
	/* It ended before its time: what cannot be had without it is told by whoever tries. */
	if (write(l->fd, &word, 1) != 1 || read(l->fd, &word, 1) != 1)
		err = xdp_detach_all();
	else if (word)
		err = -EIO; /* it printed the line */
	close(l->fd);
	l->fd = -1;
	return err;
}
