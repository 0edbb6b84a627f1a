/* SPDX-License-Identifier: GPL-2.0-only */
/* detector_live.c - a run over live interfaces; see detector.h. */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "detector_run.h"
#include "log.h"
#include "privileges.h"
#include "whole.h"

#define POLL_MS 300
#define ADDRESSES_EVERY_S 5 /* DHCP and privacy addresses change by the hour */

struct live {
	struct detector d;
	struct input_pcap *in[DETECTOR_DEVICES_MAX]; /* NULL: gone */
	unsigned int inputs;
	unsigned int open;
	time_t addresses_s; /* CLOCK_MONOTONIC: when own addresses were last looked up */
};

static bool watches(const struct detector_options *o, const char *device)
{
	for (unsigned int i = 0; i < o->devices; i++)
		if (strcmp(o->device[i], device) == 0 || strcmp(o->device[i], "any") == 0)
			return true;
	return false;
}

static bool own_prefix(const struct sockaddr *sa, struct prefix *out)
{
	out->bits = 128;
	if (sa && sa->sa_family == AF_INET) {
		ps_addr_from_v4(&out->addr, ((const struct sockaddr_in *)sa)->sin_addr.s_addr);
		return true;
	}
	if (sa && sa->sa_family == AF_INET6) {
		memcpy(&out->addr, &((const struct sockaddr_in6 *)sa)->sin6_addr,
		       sizeof(out->addr));
		return true;
	}
	return false;
}

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Makes the watched destinations the devices' own addresses. */
static int follow_addresses(struct live *l)
{
	struct prefixes *dst = &l->d.engine.store.dst;
	struct ifaddrs *all, *it;
	struct prefix prefix;
	int err = 0;

	l->addresses_s = now_s();
	if (l->d.options->dst.n)
		return 0;
	if (getifaddrs(&all)) {
		err = -errno;
		log_error("looking up own addresses: %s; name them with -i", strerror(-err));
		return err;
	}
	prefixes_clear(dst);
	for (it = all; it && !err; it = it->ifa_next)
		if (watches(l->d.options, it->ifa_name) && own_prefix(it->ifa_addr, &prefix))
			err = prefixes_add(dst, &prefix);
	freeifaddrs(all);
	if (!err && !dst->n) {
		/* An empty list would mean every destination: watch nobody instead. */
		prefix = (struct prefix){ .bits = 128 };
		err = prefixes_add(dst, &prefix);
		log_warn("the interfaces have no address now; nothing is scored until they do");
	}
	return err;
}

static int open_inputs(struct live *l)
{
	const struct detector_options *o = l->d.options;
	int err = 0;

	for (unsigned int i = 0; i < o->devices && !err; i++) {
		err = input_pcap_live(o->device[i], o->filter, &l->in[i]);
		l->inputs += !err;
		l->open += !err;
	}
	return err;
}

static void close_input(struct live *l, unsigned int i)
{
	l->d.lost += input_pcap_lost(l->in[i]);
	input_pcap_close(l->in[i]);
	l->in[i] = NULL;
	l->open--;
}

/* Everything that is waiting on every input. An input that fails is closed; the rest go on. */
static void take_all(struct live *l)
{
	for (unsigned int i = 0; i < l->inputs; i++) {
		int n = 1;

		while (l->in[i] && n > 0 && !detector_done(&l->d)) {
			n = detector_take(&l->d, l->in[i]);
			if (n < 0)
				close_input(l, i);
		}
	}
}

static int wait_for_frames(const struct live *l)
{
	struct pollfd fds[DETECTOR_DEVICES_MAX];
	nfds_t n = 0;

	for (unsigned int i = 0; i < l->inputs; i++)
		if (l->in[i])
			fds[n++] =
				(struct pollfd){ .fd = input_pcap_fd(l->in[i]), .events = POLLIN };
	if (poll(fds, n, POLL_MS) < 0 && errno != EINTR) {
		int err = -errno;

		log_error("waiting for packets: %s", strerror(-err));
		return err;
	}
	return 0;
}

/* Silence is an outcome, too, and no packet tells of it. */
static void let_time_pass(struct live *l)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	detector_slow_tick(&l->d, (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec +
					  l->d.clock.shift_ns);
}

static int run(struct live *l)
{
	int err = 0;

	detector_signals(NULL);
	signal(SIGPIPE, SIG_IGN); /* who reads along may leave; --events goes on */
	while (!err && l->open && !detector_done(&l->d)) {
		err = wait_for_frames(l);
		take_all(l);
		let_time_pass(l);
		if (now_s() - l->addresses_s >= ADDRESSES_EVERY_S)
			follow_addresses(l);
	}
	if (!err && !l->open)
		err = -ENODEV; /* each said why */
	for (unsigned int i = 0; i < l->inputs; i++)
		if (l->in[i])
			close_input(l, i);
	return err;
}

int detector_run_live(const struct detector_options *o)
{
	struct ps_rule rule = o->rule.rule;
	struct live *l = calloc(1, sizeof(*l));
	__u64 seed;
	int err, finish;

	if (!l || getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
		free(l);
		log_error("starting to watch: no memory");
		return -ENOMEM;
	}
	rule.respond = PS_RESPOND_MONITOR;
	err = whole_prepare(o->tex_path);
	if (!err)
		err = detector_start(&l->d, o, &rule, seed, o->device[0]);
	if (!err)
		err = follow_addresses(l);
	if (!err)
		err = open_inputs(l);
	if (!err)
		err = privileges_drop(PRIVILEGES_WATCHER);
	if (!err)
		err = privileges_confine(PRIVILEGES_WATCHER, o->tex_path != NULL);
	if (err)
		goto out;
	log_note("watching %u interface%s through libpcap: scans are told, nobody is blocked",
		 l->open, l->open == 1 ? "" : "s");
	err = run(l);
	finish = detector_finish(&l->d);
	err = err ? err : finish;
out:
	for (unsigned int i = 0; i < l->inputs; i++)
		input_pcap_close(l->in[i]);
	detector_free(&l->d);
	free(l);
	return err;
}
