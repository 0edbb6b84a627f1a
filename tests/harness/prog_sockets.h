/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prog_sockets.h - real sockets beside the program under test, on loopback of
 * the test's own namespace. Included after prog.h.
 */
#ifndef PSCAN_TESTS_PROG_SOCKETS_H
#define PSCAN_TESTS_PROG_SOCKETS_H

#include "prog.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static inline void must(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* An address for lo, as "192.0.2.1/32". The kernel makes an IPv6 one's route later, in a work
 * queue: until then what is sent there is dropped, and connections from there are refused. */
static inline void host_address(const char *prefix)
{
	char command[256];

	if (strchr(prefix, ':'))
		snprintf(command, sizeof(command),
			 "ip addr add %s dev lo nodad && timeout 10 sh -c '"
			 "until ip -6 route show table local %s | grep -q ^local; do :; done'",
			 prefix, prefix);
	else
		snprintf(command, sizeof(command), "ip addr add %s dev lo", prefix);
	must(command);
}

/* prog_begin(), and the new source's address on lo, so that its sockets can be real. */
static inline void prog_begin_peer(bool v6)
{
	char prefix[32];

	prog_begin(v6);
	if (v6)
		snprintf(prefix, sizeof(prefix), "2001:db8::1:%x/128", prog.sources);
	else
		snprintf(prefix, sizeof(prefix), "198.18.%u.%u/32", prog.sources >> 8 & 255,
			 prog.sources & 255);
	host_address(prefix);
}

/* Return: bytes of @out that are used. */
static inline socklen_t sockaddr_of(union ps_addr addr, __u16 port, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *in = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	if (ps_addr_is_v4(&addr)) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, &addr.w[3], 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, &addr, 16);
	return sizeof(*in6);
}

/*
 * A socket bound to @addr; @port 0: any that is free. Only streams may take a port in
 * TIME-WAIT again: for datagrams SO_REUSEADDR makes one that is in use "free", too.
 */
static inline int bound(int type, union ps_addr addr, __u16 port)
{
	struct sockaddr_storage sa;
	socklen_t bytes = sockaddr_of(addr, port, &sa);
	int fd = socket(sa.ss_family, type, 0), on = 1;

	assert_true(fd >= 0);
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, bytes), 0);
	return fd;
}

static inline __u16 port_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t bytes = sizeof(sa);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &bytes), 0);
	return ntohs(((struct sockaddr_in *)&sa)->sin_port);
}

#endif
