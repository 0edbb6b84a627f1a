/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * knock.c - tries the TCP ports of a range one after the other, without
 * waiting for any, and prints how many of them answered within a second: a
 * connect scan of the least kind, and the judge of what it learned. A refusal
 * is an answer. Needs no privilege and no library: it runs in any guest.
 *
 *	knock TARGET FIRST LAST [SOURCE]
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "tool.h"

#define PORTS_MAX 64
#define WAIT_MS 900 /* an unanswered SYN is repeated after a second */

static struct addrinfo *resolve(const char *address, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *info;

	if (getaddrinfo(address, port, &hints, &info))
		errx(2, "%s: not an address", address);
	return info;
}

static int knock(const char *target, unsigned int port, const char *source)
{
	struct addrinfo *to, *from;
	char text[8];
	int fd;

	snprintf(text, sizeof(text), "%u", port);
	to = resolve(target, text);
	fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		err(2, "socket");
	if (source) {
		from = resolve(source, "0");
		if (bind(fd, from->ai_addr, from->ai_addrlen))
			err(2, "bind to %s", source);
		freeaddrinfo(from);
	}
	if (connect(fd, to->ai_addr, to->ai_addrlen) && errno != EINPROGRESS &&
	    errno != ECONNREFUSED)
		err(2, "connect to %s", target);
	freeaddrinfo(to);
	return fd;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Connected or refused: either makes the socket ready. */
static unsigned int answers(struct pollfd *sockets, unsigned int n)
{
	long end_ms = now_ms() + WAIT_MS, left_ms;
	unsigned int answered = 0;

	while (answered < n && (left_ms = end_ms - now_ms()) > 0 &&
	       poll(sockets, n, (int)left_ms) > 0) {
		for (unsigned int i = 0; i < n; i++) {
			if (sockets[i].fd < 0 || !sockets[i].revents)
				continue;
			close(sockets[i].fd);
			sockets[i].fd = -1; /* poll() passes over it from now on */
			answered++;
		}
	}
	return answered;
}

int main(int argc, char **argv)
{
	struct pollfd sockets[PORTS_MAX];
	unsigned int first, last, n = 0;

	if (argc != 4 && argc != 5)
		errx(2, "Usage: knock TARGET FIRST LAST [SOURCE]");
	first = tool_number(argv[2], "FIRST", 1, 65535);
	last = tool_number(argv[3], "LAST", first, 65535);
	if (last - first >= PORTS_MAX)
		errx(2, "more than %d ports", PORTS_MAX);
	for (unsigned int port = first; port <= last; port++) {
		sockets[n].fd = knock(argv[1], port, argv[4]);
		sockets[n++].events = POLLOUT;
	}
	printf("%u\n", answers(sockets, n));
	return 0;
}
