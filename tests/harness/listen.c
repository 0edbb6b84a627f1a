/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listen.c - many open ports in one process, for a lab's target.
 *
 * Each port is one socket for both families. TCP connections and UDP datagrams
 * are echoed, so that a test can prove that a connection still lives and that
 * a port really serves; --accept-and-serve sends a fixed number of bytes and
 * closes instead. One thread per connection: a tool for a lab, not a server.
 */
#include <argp.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tool.h"

enum { END, TCP, UDP };

struct options {
	struct port_set tcp, udp;
	unsigned int seconds;
	unsigned int serve_bytes; /* 0: echo */
};

static struct options options = { .seconds = TOOL_SECONDS_DEFAULT };

static const struct argp_option option_table[] = {
	{ "tcp", 't', "PORTS", 0, "listen on these, 1-20,80 for example", 0 },
	{ "udp", 'u', "PORTS", 0, "echo datagrams on these", 0 },
	{ "accept-and-serve", 'b', "BYTES", 0, "send BYTES and close, instead of an echo", 0 },
	{ "seconds", 's', "N", 0, "end after N seconds (60)", 0 },
	{ 0 }
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 't':
		tool_ports(arg, &options.tcp);
		return 0;
	case 'u':
		tool_ports(arg, &options.udp);
		return 0;
	case 'b':
		options.serve_bytes = tool_number(arg, "bytes", 1, 1u << 30);
		return 0;
	case 's':
		options.seconds = tool_number(arg, "seconds", 1, TOOL_SECONDS_MAX);
		return 0;
	case ARGP_KEY_ARG:
		argp_usage(state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Room for a socket per port and as many connections; root may raise the hard limit too. */
static void raise_file_limit(void)
{
	struct rlimit limit = { .rlim_cur = 1 << 18, .rlim_max = 1 << 18 };

	if (!setrlimit(RLIMIT_NOFILE, &limit) || getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_port(int type, unsigned int port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int yes = 1, no = 0;
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "cannot open a socket for port %u", port);
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (type == SOCK_DGRAM)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)))
		err(1, "cannot bind port %u", port);
	if (type == SOCK_STREAM && listen(fd, SOMAXCONN))
		err(1, "cannot listen on port %u", port);
	return fd;
}

static void watch(int poll_fd, int kind, int fd)
{
	struct epoll_event event = { .events = EPOLLIN,
				     .data.u64 = (uint64_t)kind << 32 | (uint32_t)fd };

	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event))
		err(1, "cannot watch a socket");
}

static void serve_echo(int fd)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
			return;
}

static void serve_bytes(int fd, size_t left)
{
	static const char bytes[65536];

	while (left) {
		size_t want = left < sizeof(bytes) ? left : sizeof(bytes);
		ssize_t n = send(fd, bytes, want, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		left -= (size_t)n;
	}
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;

	if (options.serve_bytes)
		serve_bytes(fd, options.serve_bytes);
	else
		serve_echo(fd);
	close(fd);
	return NULL;
}

/* The peer may be gone before it was accepted: that is its business. */
static void accept_one(int listener, const pthread_attr_t *small)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	pthread_t thread;

	if (fd < 0)
		return;
	if (pthread_create(&thread, small, serve, (void *)(intptr_t)fd))
		close(fd);
}

/* Sent back from the address it was sent to: the control message says which. */
static void echo_datagram(int fd)
{
	struct sockaddr_in6 peer;
	char bytes[65536], control[64];
	struct iovec part = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr message = { .msg_name = &peer,
				  .msg_namelen = sizeof(peer),
				  .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);

	if (n < 0)
		return;
	part.iov_len = (size_t)n;
	sendmsg(fd, &message, MSG_DONTWAIT);
}

static void open_all(int poll_fd)
{
	for (unsigned int port = 0; port < 65536; port++) {
		if (options.tcp.has[port])
			watch(poll_fd, TCP, open_port(SOCK_STREAM, port));
		if (options.udp.has[port])
			watch(poll_fd, UDP, open_port(SOCK_DGRAM, port));
	}
}

static void run(int poll_fd)
{
	pthread_attr_t small;
	struct epoll_event event;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int n = epoll_wait(poll_fd, &event, 1, -1);
		int fd = (int)(uint32_t)event.data.u64;

		if (n < 0 && errno != EINTR)
			err(1, "cannot wait for traffic");
		if (n <= 0)
			continue;
		if (event.data.u64 >> 32 == END)
			return;
		if (event.data.u64 >> 32 == TCP)
			accept_one(fd, &small);
		else
			echo_datagram(fd);
	}
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.doc = "Opens ports in the lab and serves them.",
	};
	int poll_fd;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	raise_file_limit();
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (poll_fd < 0)
		err(1, "cannot create an epoll instance");
	watch(poll_fd, END, tool_end_fd(options.seconds));
	open_all(poll_fd);
	tool_ready();
	run(poll_fd);
	return 0;
}
