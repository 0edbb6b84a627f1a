/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * visit.c - opens N connections, evenly over a time, and prints how many were
 * answered at once, before their SYN had to be repeated. One process that
 * sleeps in between: whoever shares its CPU is not held up by it.
 *
 *	visit ADDRESS PORT N SECONDS
 */
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define VISITS_MAX 1000
#define PATIENCE_MS 900 /* an unanswered SYN is repeated after a second */

static struct pollfd open_fd[VISITS_MAX];
static long begun_ms[VISITS_MAX];

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int begin(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		err(1, "socket");
	connect(fd, (const struct sockaddr *)to, sizeof(*to));
	return fd;
}

/* Closes those that were answered, and those that have waited for too long. Returns the former. */
static int settle(int n)
{
	int answered = 0;

	for (int i = 0; i < n; i++) {
		if (open_fd[i].fd < 0 || (!open_fd[i].revents && now_ms() - begun_ms[i] < PATIENCE_MS))
			continue;
		answered += open_fd[i].revents == POLLOUT;
		close(open_fd[i].fd);
		open_fd[i].fd = -1; /* poll() passes over it from now on */
	}
	return answered;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	long start = now_ms(), gap_ms;
	int n, begun = 0, answered = 0;

	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		errx(2, "usage: visit ADDRESS PORT N SECONDS");
	to.sin_port = htons((in_port_t)atoi(argv[2]));
	n = atoi(argv[3]);
	if (n < 1 || n > VISITS_MAX)
		errx(2, "N is from 1 to %d", VISITS_MAX);
	gap_ms = (long)(atof(argv[4]) * 1000) / n;
	while (begun < n || now_ms() < begun_ms[n - 1] + PATIENCE_MS) {
		if (begun < n && now_ms() >= start + begun * gap_ms) {
			begun_ms[begun] = now_ms();
			open_fd[begun].events = POLLOUT;
			open_fd[begun++].fd = begin(&to);
		}
		poll(open_fd, (nfds_t)begun, 10);
		answered += settle(begun);
	}
	printf("%d\n", answered);
	return 0;
}
