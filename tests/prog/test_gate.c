/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_gate.c - whom the loaded program blocks, for how long, and whom never:
 * lists, guards, responses, deadlines, renewals.
 */
#include "prog.h"

static struct prefix host(void)
{
	return (struct prefix){ .addr = prog_source(), .bits = 128 };
}

/* The /24, or /96, around the current source. */
static struct prefix network(void)
{
	struct prefix p = { .addr = prog_source(), .bits = 120 };

	addr_mask(&p.addr, p.bits);
	return p;
}

static void respond(enum ps_response how)
{
	prog.cfg->rule.respond = how;
}

/* ---- lists ------------------------------------------------------------------ */

static void allowed(bool v6)
{
	struct ps_allow user = { .kind = PS_ALLOW_USER };
	struct prefix net;

	prog_begin(v6);
	net = network();
	assert_int_equal(xdp_allow_add(prog.xdp, &net, &user), 0);
	prog_forget();
	assert_int_equal(prog_scan(101, 30, 10 * MS), 0);
	assert_int_equal(prog_count(PS_COUNT_ALLOWED), 29);
	assert_int_equal(prog_count(PS_COUNT_SCORED), 0);
	assert_false(prog_has_record());
	assert_int_equal(xdp_allow_del(prog.xdp, &net), 0);
}

/* An entry that ran out protects no longer, to the nanosecond. */
static void allowed_for_a_while(bool v6)
{
	struct ps_allow user = { .kind = PS_ALLOW_USER };
	struct prefix one;

	prog_begin(v6);
	one = host();
	user.until_ns = prog_now() + SEC;
	assert_int_equal(xdp_allow_add(prog.xdp, &one, &user), 0);
	prog_at(prog_now() + SEC - 1);
	assert_int_equal(prog_scan(101, 30, 0), 0);
	prog_at(user.until_ns);
	assert_int_equal(prog_scan(201, 6, 0), 0);
	assert_int_equal(prog_syn(207), XDP_DROP);
	assert_int_equal(xdp_allow_del(prog.xdp, &one), 0);
}

static int near_bits(void)
{
	int n = 0;

	for (int i = 0; i < PS_NEAR_WORDS; i++)
		n += __builtin_popcountll(prog.cfg->allow_near[i]);
	return n;
}

/* A wide prefix covers all of its /16s, or /32s; once it ran out nobody is looked up for it,
 * and others are for what is still there. */
static void allowed_widely(bool v6)
{
	struct ps_allow user = { .kind = PS_ALLOW_USER }, other = user;
	struct prefix wide = { .bits = v6 ? 20 : 96 + 7 }, one;

	prog_begin(v6);
	one = host();
	one.addr.w[v6 ? 0 : 3] ^= ps_htonl(0x60000000); /* far away */
	assert_int_equal(xdp_allow_add(prog.xdp, &one, &other), 0);
	wide.addr = prog_source();
	addr_mask(&wide.addr, wide.bits);
	assert_int_equal(xdp_allow_add(prog.xdp, &wide, &user), 0);
	prog.sources += 0x10000; /* another /16 */
	assert_int_equal(prog_scan(101, 30, 0), 0);
	assert_false(prog_has_record());
	assert_true(near_bits() > 1);
	user.until_ns = 1;
	assert_int_equal(xdp_allow_add(prog.xdp, &wide, &user), 0);
	assert_int_equal(xdp_lists_expire(prog.xdp), 0);
	assert_true(ps_near(prog.cfg->allow_near, &one.addr));
	assert_int_equal(near_bits(), 1);
	assert_int_equal(xdp_allow_del(prog.xdp, &one), 0);
	assert_int_equal(xdp_allow_refresh(prog.xdp), 0);
	assert_int_equal(near_bits(), 0);
}

/* Own addresses, gateway, resolvers, SSH peers: told of, never blocked. */
static void guarded(bool v6)
{
	for (__u32 kind = PS_ALLOW_OWN; kind < PS_ALLOW_MAX; kind++) {
		struct ps_allow guard = { .kind = kind };
		struct ps_block block;
		struct prefix one;

		prog_begin(v6);
		one = host();
		assert_int_equal(xdp_allow_add(prog.xdp, &one, &guard), 0);
		prog_forget();
		assert_int_equal(prog_scan(101, 30, 10 * MS), 0);
		prog_expect_events(1);
		assert_int_equal(prog.event[0].action, PS_ACTION_ALERT);
		assert_int_equal(prog.event[0].reason, PS_REASON_GUARD);
		assert_int_equal(prog.event[0].until_ns, 0);
		assert_false(prog_has_block(&block));
		assert_int_equal(xdp_allow_del(prog.xdp, &one), 0);
	}
}

static void denied(bool v6)
{
	struct ps_deny deny = { .since_ns = 1 };
	struct prefix net;

	prog_begin(v6);
	net = network();
	deny.until_ns = prog_now() + SEC;
	assert_int_equal(xdp_deny_add(prog.xdp, &net, &deny), 0);
	prog_forget();
	assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(prog_run(prog_tcp(80, PS_TCP_ACK)), XDP_DROP);
	assert_int_equal(prog_run(prog_udp(53)), XDP_DROP);
	assert_int_equal(prog_count(PS_COUNT_DROP), 3);
	prog_at(deny.until_ns);
	assert_int_equal(prog_syn(80), XDP_PASS);
	assert_int_equal(xdp_deny_del(prog.xdp, &net), 0);
	assert_int_equal(prog.cfg->deny_count, 0);
}

static void watched(bool v6)
{
	struct prefix only = { .addr = v6 ? PKT_DST6 : pkt_v4(PKT_DST4), .bits = 128 };
	union ps_addr src;

	prog_begin(v6);
	src = prog_source();
	assert_int_equal(xdp_dst_set(prog.xdp, &only, 1), 0);
	prog_forget();
	for (__u16 port = 101; port < 131; port++) {
		struct pkt f = v6 ? PKT(ETH(), IPV6(.dst = A6(0x7a06)), TCP(.dport = port))
				  : PKT(ETH(), IPV4(.dst = A4(203, 0, 113, 6)), TCP(.dport = port));

		pkt_set_src(&f, &src);
		assert_int_equal(prog_run(f), XDP_PASS);
	}
	assert_int_equal(prog_count(PS_COUNT_UNSCORED), 30);
	assert_false(prog_has_record());
	assert_int_equal(prog_scan(101, 7, MS), 7);
	assert_int_equal(xdp_dst_set(prog.xdp, NULL, 0), 0);
}

/* ---- responses ---------------------------------------------------------------- */

static void monitored(bool v6)
{
	struct ps_block block;

	prog_begin(v6);
	respond(PS_RESPOND_MONITOR);
	prog_forget();
	assert_int_equal(prog_scan(101, 500, 2 * SEC), 0); /* one scan, told once */
	prog_expect_events(1);
	assert_int_equal(prog.event[0].action, PS_ACTION_ALERT);
	assert_int_equal(prog.event[0].reason, PS_REASON_MONITOR);
	assert_false(prog_has_block(&block));
	prog_at(prog_now() + prog.cfg->rule.quiet_ns + MS);
	assert_int_equal(prog_scan(101, 7, MS), 0);
	prog_expect_events(2); /* silence ended it; this is the next */
	assert_int_equal(prog_record().detections, 2);
}

/* What a blocked source may still do, with nothing of ours on the other end: nothing. */
static void enforced(bool v6)
{
	for (int how = PS_RESPOND_SOFT; how <= PS_RESPOND_HARD; how++) {
		struct ps_block block;

		prog_begin(v6);
		respond((enum ps_response)how);
		prog_forget();
		assert_int_equal(prog_scan(101, 7, MS), 7);
		assert_true(prog_has_block(&block));
		assert_int_equal(block.packets, 1);
		assert_int_equal(block.reason, PS_REASON_RULE);
		assert_int_equal(prog_syn(80), XDP_DROP);
		assert_int_equal(prog_run(prog_tcp(80, PS_TCP_ACK)), XDP_DROP);
		assert_int_equal(prog_run(prog_tcp(80, PS_TCP_SYN | PS_TCP_ACK)), XDP_DROP);
		assert_int_equal(prog_run(prog_tcp(80, PS_TCP_RST)), XDP_DROP);
		assert_int_equal(prog_run(prog_udp(53)), XDP_DROP);
		assert_true(prog_has_block(&block));
		assert_int_equal(block.packets, 6);
		assert_int_equal(prog_count(PS_COUNT_DROP), 5);
		respond(PS_RESPOND_MONITOR); /* switched off while it stands */
		assert_int_equal(prog_syn(80), XDP_PASS);
		respond((enum ps_response)how);
		assert_int_equal(prog_syn(80), XDP_DROP);
		prog_expect_events(1);
	}
}

/* A chain of extension headers too long to follow is no way around a block: what would be
 * dropped in any case is counted as the blocked source's. */
static void too_deep(bool v6)
{
	struct pkt_layer l[PKT_LAYERS_MAX] = { ETH(), IPV6() };
	struct ps_block block;
	union ps_addr src;
	struct pkt f;

	if (!v6)
		return;
	prog_begin(v6);
	for (int i = 0; i <= PS_EXT_MAX; i++)
		l[2 + i] = (struct pkt_layer)EXT();
	l[3 + PS_EXT_MAX] = (struct pkt_layer)TCP();
	f = pkt_build(l);
	src = prog_source();
	pkt_set_src(&f, &src);
	assert_int_equal(prog_run(f), XDP_DROP);
	assert_false(prog_has_block(&block));
	assert_int_equal(prog_scan(101, 7, MS), 7);
	assert_int_equal(prog_run(f), XDP_DROP);
	assert_true(prog_has_block(&block));
	assert_int_equal(block.packets, 2);
}

/* ---- deadlines ------------------------------------------------------------------ */

static void expires(bool v6)
{
	struct ps_block block;

	prog_begin(v6);
	assert_int_equal(prog_scan(101, 7, MS), 7);
	assert_true(prog_has_block(&block));
	assert_int_equal(block.span_ns, ps_verdict_unproven_ns(&prog.cfg->rule));
	assert_int_equal(block.until_ns - block.since_ns, block.span_ns);
	prog_at(block.until_ns);
	assert_int_equal(prog_syn(80), XDP_PASS);
	/* The next scan is judged like the first, and blocked again. */
	prog_forget();
	assert_int_equal(prog_scan(201, 6, MS), 6); /* port 80 was its first */
	prog_expect_events(1);
	assert_true(prog_has_block(&block));
	assert_int_equal(block.since_ns, prog_now());
}

/* Every packet of a blocked source moves the deadline; it is told of twice per block time. */
static void renewed(bool v6)
{
	static const __u64 lengths[] = { 600 * SEC, 3 * SEC, SEC, 100 * MS };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct ps_block block;
		__u64 start;

		prog_begin(v6);
		prog.cfg->rule.block_ns = lengths[i];
		prog.cfg->rule.unproven = PS_UNPROVEN_FULL;
		assert_int_equal(prog_scan(101, 7, 0), 7);
		prog_forget();
		start = prog_now();
		/* Ten block times, twenty packets in each. */
		for (__u64 n = 1; n <= 200; n++) {
			prog_at(start + n * (lengths[i] / 20));
			assert_int_equal(prog_syn(22), XDP_DROP);
		}
		assert_true(prog_has_block(&block));
		assert_true(block.until_ns > prog_now());
		assert_true(block.until_ns <= prog_now() + lengths[i]);
		while (xdp_events_poll(prog.ring, 100) > 0)
			;
		assert_in_range(prog.events, 14, 20);
		assert_int_equal(prog.events, block.renewals);
		for (unsigned int e = 0; e < prog.events; e++) {
			assert_int_equal(prog.event[e].kind, PS_EVENT_RENEW);
			assert_true(!e || prog.event[e].at_ns - prog.event[e - 1].at_ns >=
						  lengths[i] / 2);
		}
		assert_int_equal(block.packets, 201);
	}
}

/* An operator takes a block away in the middle of a scan: that scan is told of again only when
 * it goes on for another window. */
static void unblocked(bool v6)
{
	union ps_addr src;

	prog_begin(v6);
	assert_int_equal(prog_scan(101, 7, MS), 7);
	src = prog_source();
	assert_int_equal(xdp_block_del(prog.xdp, &src), 0);
	prog_at(prog_now() + SEC);
	assert_int_equal(prog_scan(201, 6, MS), 0);
	assert_int_equal(prog_syn(207), XDP_DROP);
}

static const struct CMUnitTest tests[] = {
	BOTH("an allowed network is not scored", allowed),
	BOTH("an allowance that ran out", allowed_for_a_while),
	BOTH("a wide network is allowed in all its parts", allowed_widely),
	BOTH("a guarded source is told of, not blocked", guarded),
	BOTH("a denied network, until its deadline", denied),
	BOTH("only watched destinations score", watched),
	BOTH("monitor blocks nobody, tells each scan once", monitored),
	BOTH("soft and hard drop what no socket explains", enforced),
	ONLY_V6("extension headers too deep", too_deep),
	BOTH("a block ends at its deadline", expires),
	BOTH("a block is renewed, and told of in measure", renewed),
	BOTH("a block taken away", unblocked),
};

PROG_MAIN("gate", tests, prog_setup)
