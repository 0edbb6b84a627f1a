/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prog.h - the loaded XDP program under test: fed with frames by
 * BPF_PROG_TEST_RUN, its clock set by the test, its maps and events read.
 *
 * One program per test file, in a network namespace of its own, attached to
 * nothing. Tests do not clean up behind themselves: each takes a new source
 * (prog_new_source) and a later time, so no test depends on another's leftovers.
 */
#ifndef PSCAN_TESTS_PROG_H
#define PSCAN_TESTS_PROG_H

#include "unit.h"

#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <pscan/detect.h>

#include "log.h"
#include "pkt.h"
#include "rule.h"
#include "xdp_maps.h"

#define MS 1000000ULL
#define SEC 1000000000ULL
#define PROG_EVENTS_MAX 64

static struct prog {
	struct xdp *xdp;
	struct ps_config *cfg;		/* the map itself */
	struct xdp_events *ring;
	unsigned int events;		/* since prog_events_forget() */
	struct ps_event event[PROG_EVENTS_MAX];
	struct ps_counters before;	/* as of prog_counters_mark() */
	__u32 sources;
	bool v6;			/* family that the helpers below build */
} prog;

/* ---- life ------------------------------------------------------------------ */

static inline void prog_on_event(const struct ps_event *event, void *data)
{
	(void)data;
	if (prog.events < PROG_EVENTS_MAX)
		prog.event[prog.events] = *event;
	prog.events++;
}

static inline void prog_lo_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	close(fd);
}

/* Unpinned, whatever else is asked for. */
static inline int prog_load_options(struct xdp_load_options options)
{
	options.unpinned = true;
	if (unshare(CLONE_NEWNET))
		return -1;
	prog_lo_up();
	if (xdp_load(&options, &prog.xdp))
		return -1;
	prog.cfg = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			prog.xdp->fd[XDP_MAP_CONFIG], 0);
	if (prog.cfg == MAP_FAILED)
		return -1;
	prog.cfg->test_now_ns = 1000 * SEC;
	return xdp_events_open(prog.xdp, prog_on_event, NULL, &prog.ring);
}

static inline int prog_load_with(bool test_clock, struct ps_rule rule)
{
	return prog_load_options((struct xdp_load_options){ .rule = rule,
							    .test_clock = test_clock });
}

static inline int prog_load(bool test_clock)
{
	return prog_load_with(test_clock, rule_default(RULE_SOPHOS));
}

/* The builder's destinations are this host's own: sockets can be asked, and there are none. */
static inline int prog_own_addresses(void)
{
	union ps_addr own[] = { pkt_v4(PKT_DST4), PKT_DST6 };

	return xdp_locals_set(prog.xdp, own, 2);
}

static inline int prog_setup(void **state)
{
	int err = prog_load(true);

	(void)state;
	return err ? err : prog_own_addresses();
}

static inline int prog_teardown(void **state)
{
	(void)state;
	xdp_events_close(prog.ring);
	munmap(prog.cfg, (size_t)sysconf(_SC_PAGESIZE));
	xdp_close(prog.xdp);
	return 0;
}

/* main()'s body. Skips the file as a whole without root. */
#define PROG_MAIN(name, tests, setup)                                                       \
	int main(void)                                                                      \
	{                                                                                   \
		if (geteuid()) {                                                            \
			puts("1..0 # SKIP needs root: loads a BPF program");                \
			return 0;                                                           \
		}                                                                           \
		return cmocka_run_group_tests_name(name, tests, setup, prog_teardown);      \
	}

/* One test per family. */
typedef void prog_case(bool v6);

static inline void prog_run_v4(void **state)
{
	((prog_case *)*state)(false);
}

static inline void prog_run_v6(void **state)
{
	((prog_case *)*state)(true);
}

#define ONLY_V6(name, fn) { name " v6", prog_run_v6, NULL, NULL, (void *)(fn) }
#define BOTH(name, fn) { name " v4", prog_run_v4, NULL, NULL, (void *)(fn) }, ONLY_V6(name, fn)

/* ---- time and rule ---------------------------------------------------------- */

static inline void prog_at(__u64 now_ns)
{
	*(volatile __u64 *)&prog.cfg->test_now_ns = now_ns;
}

static inline __u64 prog_now(void)
{
	return prog.cfg->test_now_ns;
}

static inline void prog_rule(struct ps_rule rule)
{
	prog.cfg->rule = rule;
}

/* The default rule, a source that nobody saw, a time when everything has run out. */
static inline void prog_begin(bool v6)
{
	prog_rule(rule_default(RULE_SOPHOS));
	prog.v6 = v6;
	prog.sources++;
	prog_at(prog_now() + 1000 * SEC);
}

/* ---- frames ------------------------------------------------------------------ */

static inline union ps_addr prog_source(void)
{
	__u32 n = prog.sources;

	return prog.v6 ? A6(0x10000 + n)
		       : pkt_v4(A4(198, 18 + (n >> 16 & 0xff), n >> 8 & 0xff, n & 0xff));
}

static inline struct pkt prog_tcp(__u16 port, __u8 flags)
{
	struct pkt p = prog.v6 ? PKT(ETH(), IPV6(), TCP(.dport = port, .flags = flags))
			       : PKT(ETH(), IPV4(), TCP(.dport = port, .flags = flags));
	union ps_addr src = prog_source();

	pkt_set_src(&p, &src);
	return p;
}

static inline struct pkt prog_udp(__u16 port)
{
	struct pkt p = prog.v6 ? PKT(ETH(), IPV6(), UDP(.dport = port), DATA(8))
			       : PKT(ETH(), IPV4(), UDP(.dport = port), DATA(8));
	union ps_addr src = prog_source();

	pkt_set_src(&p, &src);
	return p;
}

/* Return: the verdict, which is one of two. */
static inline __u32 prog_run(struct pkt frame)
{
	__u32 verdict = ~0U;

	assert_int_equal(xdp_test_run(prog.xdp, frame.data, frame.bytes, 0, 1, &verdict, NULL), 0);
	assert_true(verdict == XDP_PASS || verdict == XDP_DROP);
	return verdict;
}

static inline __u32 prog_syn(__u16 port)
{
	return prog_run(prog_tcp(port, PS_TCP_SYN));
}

/*
 * SYNs to @n ports from @port on, evenly over @spread_ns from now.
 * Return: which one was dropped first, or 0.
 */
static inline int prog_scan(__u16 port, int n, __u64 spread_ns)
{
	__u64 start_ns = prog_now();

	for (int i = 0; i < n; i++) {
		prog_at(start_ns + (n > 1 ? spread_ns * (__u64)i / (__u64)(n - 1) : 0));
		if (prog_syn((__u16)(port + i)) == XDP_DROP)
			return i + 1;
	}
	return 0;
}

/* ---- what became of it ---------------------------------------------------------- */

static inline void prog_counters_mark(void)
{
	assert_int_equal(xdp_counters(prog.xdp, &prog.before), 0);
}

/* Since prog_counters_mark(). */
static inline __u64 prog_count(enum ps_count stage)
{
	struct ps_counters c;

	assert_int_equal(xdp_counters(prog.xdp, &c), 0);
	return c.stage[stage] - prog.before.stage[stage];
}

static inline __u64 prog_parsed(enum ps_parse result)
{
	struct ps_counters c;

	assert_int_equal(xdp_counters(prog.xdp, &c), 0);
	return c.parse[result] - prog.before.parse[result];
}

/* Forgets what happened so far. */
static inline void prog_forget(void)
{
	while (xdp_events_poll(prog.ring, 0) > 0)
		;
	prog.events = 0;
	prog_counters_mark();
}

/* Reads the events there are, and demands that there are @n since prog_forget(). */
static inline void prog_expect_events(unsigned int n)
{
	while (prog.events < n && xdp_events_poll(prog.ring, 1000) > 0)
		;
	xdp_events_poll(prog.ring, 0);
	assert_int_equal(prog.events, n);
}

static inline struct ps_source prog_record(void)
{
	union ps_addr src = prog_source();
	struct ps_source s;

	assert_int_equal(xdp_source_get(prog.xdp, &src, &s), 0);
	return s;
}

static inline bool prog_has_record(void)
{
	union ps_addr src = prog_source();
	struct ps_source s;

	return xdp_source_get(prog.xdp, &src, &s) == 0;
}

static inline bool prog_has_block(struct ps_block *out)
{
	union ps_addr src = prog_source();

	return xdp_block_get(prog.xdp, &src, out) == 0;
}

#endif
