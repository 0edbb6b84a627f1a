// SPDX-License-Identifier: GPL-2.0-only
/*
 * engine_connect.c - the technique that needs no privilege: connect() on a
 * bounded number of non-blocking sockets, watched by epoll.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "scan/scan.h"

/* Descriptors left to the rest of the program. */
#define SPARE_FDS 32

/* Overdue connections are looked for this often. */
#define EXPIRE_NS (5 * NS_PER_MS)

struct connection {
	int fd; /* -1: free */
	__u32 unit;
	__u8 attempt;
	__u64 target;
	union ps_addr addr;
	__u64 sent_ns;
	unsigned int next_free;
};

struct connect_engine {
	int epoll;
	unsigned int max;
	unsigned int in_use;
	unsigned int first_free;
	__u64 expired_ns;
	struct connection *connections;
};

static unsigned int descriptors_allowed(unsigned int wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 64;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted + SPARE_FDS)
		return limit.rlim_cur > 2 * SPARE_FDS ? (unsigned int)limit.rlim_cur - SPARE_FDS
						      : SPARE_FDS / 2;
	return wanted;
}

static int engine_open(struct scan *scan)
{
	struct connect_engine *engine = calloc(1, sizeof(*engine));
	int err;

	if (!engine)
		return -ENOMEM;
	scan->engine_data = engine;
	engine->max = descriptors_allowed(scan->config->connects_max);
	engine->connections = calloc(engine->max, sizeof(*engine->connections));
	if (!engine->connections) {
		engine->epoll = -1;
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < engine->max; i++) {
		engine->connections[i].fd = -1;
		engine->connections[i].next_free = i + 1;
	}
	engine->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (engine->epoll < 0) {
		err = -errno;
		log_error("cannot make an epoll descriptor: %s", strerror(-err));
		return err;
	}
	return 0;
}

static void engine_close(struct scan *scan)
{
	struct connect_engine *engine = scan->engine_data;

	if (!engine)
		return;
	for (unsigned int i = 0; engine->connections && i < engine->max; i++)
		if (engine->connections[i].fd >= 0)
			close(engine->connections[i].fd);
	if (engine->epoll >= 0)
		close(engine->epoll);
	free(engine->connections);
	free(engine);
	scan->engine_data = NULL;
}

/* Closes with a reset: no TIME_WAIT, whose ports a large scan would run out of. */
static void release(struct connect_engine *engine, struct connection *connection)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(connection->fd);
	connection->fd = -1;
	connection->next_free = engine->first_free;
	engine->first_free = (unsigned int)(connection - engine->connections);
	engine->in_use--;
}

/*
 * What an error of connect() says. Linux turns ICMP codes into these: 3 into
 * ECONNREFUSED, 0 and 9 into ENETUNREACH, 1, 10 and 13 into EHOSTUNREACH.
 */
static bool judge(int error, struct answer *answer)
{
	answer->state = STATE_FILTERED;
	switch (error) {
	case 0:
		answer->state = STATE_OPEN;
		answer->reason = REASON_CONN_ACCEPTED;
		return true;
	case ECONNREFUSED:
	case ECONNRESET:
		answer->state = STATE_CLOSED;
		answer->reason = REASON_CONN_REFUSED;
		return true;
	case ENETUNREACH:
		answer->reason = REASON_NET_UNREACH;
		return true;
	case EHOSTUNREACH:
		answer->reason = REASON_HOST_UNREACH;
		return true;
	case ENOPROTOOPT:
		answer->reason = REASON_PROTO_UNREACH;
		return true;
	case EACCES:
	case EPERM:
		answer->reason = REASON_ADMIN_PROHIBITED;
		return true;
	default: /* ETIMEDOUT, EHOSTDOWN, ...: no answer */
		return false;
	}
}

/* A port of our own that met itself (RFC 9293 section 3.5, simultaneous open) is no service. */
static bool met_itself(int fd)
{
	struct sockaddr_in6 here, there;
	socklen_t a = sizeof(here), b = sizeof(there);

	memset(&here, 0, sizeof(here));
	memset(&there, 0, sizeof(there));
	return getsockname(fd, (struct sockaddr *)&here, &a) == 0 &&
	       getpeername(fd, (struct sockaddr *)&there, &b) == 0 && a == b &&
	       memcmp(&here, &there, a) == 0;
}

static void conclude(struct scan *scan, struct connection *connection, int error)
{
	struct answer answer = { .attempt = connection->attempt, .attempt_known = true };
	struct connection done = *connection;

	if (error == 0 && met_itself(connection->fd))
		error = ECONNREFUSED;
	release(scan->engine_data, connection);
	if (!judge(error, &answer))
		return;
	if (scan->phase->kind == PHASE_DISCOVERY && answer.state == STATE_FILTERED)
		return;
	scan_answer(scan, done.target, &done.addr, done.unit, &answer, 0, scan_now());
}

static socklen_t fill_address(const struct probe *probe, struct sockaddr_in6 *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	if (ps_addr_is_v4(&probe->target)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(probe->port);
		v4->sin_addr.s_addr = probe->target.w[3];
		return sizeof(*v4);
	}
	out->sin6_family = AF_INET6;
	out->sin6_port = htons(probe->port);
	memcpy(&out->sin6_addr, probe->target.b, 16);
	return sizeof(*out);
}

/* Bind to the device or address the user chose. */
static int apply_choice(const struct scan *scan, int fd, const struct probe *probe)
{
	const struct route_choice *choice = &scan->config->route;
	struct probe from = { .target = choice->source };
	struct sockaddr_in6 addr;
	socklen_t length;

	if (choice->ifindex && setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &choice->ifindex,
					  sizeof(choice->ifindex)) < 0)
		return -errno;
	if (!choice->source_set || ps_addr_is_v4(&choice->source) != ps_addr_is_v4(&probe->target))
		return 0;
	length = fill_address(&from, &addr);
	return bind(fd, (struct sockaddr *)&addr, length) < 0 ? -errno : 0;
}

static int engine_probe(struct scan *scan, struct probe *probe)
{
	struct connect_engine *engine = scan->engine_data;
	struct connection *connection = engine->connections + engine->first_free;
	struct epoll_event event = { .events = EPOLLOUT };
	struct sockaddr_in6 addr;
	socklen_t length = fill_address(probe, &addr);
	int fd, err = 0;

	if (engine->in_use == engine->max)
		return -EAGAIN;
	fd = socket(((struct sockaddr *)&addr)->sa_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return engine->in_use ? -EAGAIN : -errno;
	err = apply_choice(scan, fd, probe);
	if (!err && connect(fd, (struct sockaddr *)&addr, length) < 0)
		err = -errno;
	/* Our own shortage, not the target's answer: come back when ports are free again. */
	if (err == -EADDRNOTAVAIL || err == -EAGAIN || err == -ENOBUFS) {
		close(fd);
		return -EAGAIN;
	}
	event.data.u32 = engine->first_free;
	engine->first_free = connection->next_free;
	engine->in_use++;
	connection->fd = fd;
	connection->unit = probe->unit;
	connection->attempt = probe->attempt;
	connection->target = probe->target_index;
	connection->addr = probe->target;
	connection->sent_ns = scan_now();
	scan->counts.probes++;
	if (err != -EINPROGRESS)
		conclude(scan, connection, -err);
	else if (epoll_ctl(engine->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		release(engine, connection);
	return 0;
}

static void expire(struct scan *scan, __u64 now)
{
	struct connect_engine *engine = scan->engine_data;
	__u64 timeout = scan_timeout(scan);

	if (now - engine->expired_ns < EXPIRE_NS)
		return;
	engine->expired_ns = now;
	for (unsigned int i = 0; i < engine->max && engine->in_use; i++)
		if (engine->connections[i].fd >= 0 &&
		    engine->connections[i].sent_ns + timeout <= now)
			release(engine, &engine->connections[i]);
}

static int engine_receive(struct scan *scan, __u64 until_ns)
{
	struct connect_engine *engine = scan->engine_data;
	struct epoll_event events[64];
	__u64 now = scan_now();
	int timeout = 0, n;

	expire(scan, now);
	if (until_ns > now && !scan_interrupted) {
		__u64 wait = (until_ns - now + NS_PER_MS - 1) / NS_PER_MS;

		/* Overdue connections make room: never sleep past the next look. */
		timeout = (int)(engine->in_use && wait > 5 ? 5 : wait);
	}
	n = epoll_wait(engine->epoll, events, 64, timeout);
	for (int i = 0; i < n; i++) {
		struct connection *connection = &engine->connections[events[i].data.u32];
		socklen_t length = sizeof(int);
		int error = 0;

		if (connection->fd < 0)
			continue;
		getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &length);
		conclude(scan, connection, error);
	}
	return 0;
}

const struct engine_ops engine_connect = {
	.open = engine_open,
	.close = engine_close,
	.probe = engine_probe,
	.receive = engine_receive,
};
