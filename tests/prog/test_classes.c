/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_classes.c - each kind of probe in the loaded program: a hit, a near
 * miss, one port too few, and truncated; and the kinds that never score.
 */
#include "prog.h"

enum { F = PS_TCP_FIN, S = PS_TCP_SYN, R = PS_TCP_RST, P = PS_TCP_PSH, A = PS_TCP_ACK,
       U = PS_TCP_URG, ECN = PS_TCP_ECE | PS_TCP_CWR };

static const struct {
	__u8 flags;
	enum ps_class class;
	__u8 near_flags;		/* differs by one flag ... */
	enum ps_class near_class;	/* ... and is another kind */
} kinds[] = {
	{ S, PS_CLASS_SYN, S | F, PS_CLASS_OTHER },
	{ A, PS_CLASS_ACK, A | P, PS_CLASS_OTHER },
	{ 0, PS_CLASS_NULL, U, PS_CLASS_OTHER },
	{ F | P | U, PS_CLASS_XMAS, F | P, PS_CLASS_OTHER },
	{ F, PS_CLASS_FIN, F | A, PS_CLASS_MAIMON },
	{ F | A, PS_CLASS_MAIMON, F | A | P, PS_CLASS_OTHER },
	{ S | U, PS_CLASS_OTHER, S, PS_CLASS_SYN },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Seven low ports with @flags must fire on the last, under the name of @class. */
static void expect_scan(__u8 flags, enum ps_class class)
{
	prog_forget();
	for (__u16 port = 101; port < 107; port++)
		assert_int_equal(prog_run(prog_tcp(port, flags)), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_SCAN), 0); /* just under */
	assert_int_equal(prog_run(prog_tcp(107, flags)), XDP_DROP);
	prog_expect_events(1);
	assert_int_equal(prog.event[0].class, class);
	assert_int_equal(prog.event[0].class_score, 21);
	for (int i = 0; i < 7; i++)
		assert_int_equal(prog.event[0].source.probe[i].class, class);
	assert_int_equal(prog.event[0].source.packets[class], 7);
}

static void hits(bool v6)
{
	for (size_t i = 0; i < KINDS; i++) {
		prog_begin(v6);
		expect_scan(kinds[i].flags, kinds[i].class);
		prog_begin(v6);
		expect_scan(kinds[i].near_flags, kinds[i].near_class);
		prog_begin(v6);
		expect_scan(kinds[i].flags | ECN, kinds[i].class);
	}
}

static void udp(bool v6)
{
	prog_begin(v6);
	prog_forget();
	for (__u16 port = 101; port < 107; port++)
		assert_int_equal(prog_run(prog_udp(port)), XDP_PASS);
	assert_int_equal(prog_run(prog_udp(107)), XDP_DROP);
	prog_expect_events(1);
	assert_int_equal(prog.event[0].class, PS_CLASS_UDP);
}

/* Cut anywhere inside the transport header: passed, counted, never scored. */
static void truncated(bool v6)
{
	for (size_t i = 0; i <= KINDS; i++) {
		prog_begin(v6);
		prog_forget();
		for (__u16 port = 101; port < 121; port++) {
			struct pkt f = i < KINDS ? prog_tcp(port, kinds[i].flags) : prog_udp(port);
			__u32 header = i < KINDS ? 20 : 8;

			assert_int_equal(prog_run(pkt_cut(f, f.l4 + (port - 101U) % header)),
					 XDP_PASS);
		}
		assert_int_equal(prog_parsed(PS_PARSE_SHORT_L4), 20);
		assert_false(prog_has_record());
	}
}

/* What a host sends to answer is no probe, whoever forged the question. */
static void replies(bool v6)
{
	static const __u8 flags[] = { S | A, R, R | A, R | F, S | A | ECN, 0xff & ~S };

	for (size_t i = 0; i < sizeof(flags); i++) {
		prog_begin(v6);
		prog_forget();
		for (__u16 port = 101; port < 131; port++)
			assert_int_equal(prog_run(prog_tcp(port, flags[i])), XDP_PASS);
		assert_int_equal(prog_count(PS_COUNT_REPLY), 30);
		assert_false(prog_has_record());
	}
}

/* A DNS message from port 53. Return: the verdict. */
static __u32 dns(__u16 port, __u8 flags)
{
	union ps_addr src = prog_source();
	struct pkt p = prog.v6 ? PKT(ETH(), IPV6(), UDP(.sport = 53, .dport = port), DATA(12))
			       : PKT(ETH(), IPV4(), UDP(.sport = 53, .dport = port), DATA(12));

	pkt_set_src(&p, &src);
	p.data[p.bytes - 10] = flags;
	return prog_run(p);
}

/* What a slow server answers to ports that the resolver asked from before. */
static void dns_responses(bool v6)
{
	prog_begin(v6);
	prog_forget();
	for (__u16 port = 1024; port < 1054; port++)
		assert_int_equal(dns(port, 0x81), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_REPLY), 30);
	assert_false(prog_has_record());
	prog.cfg->probe_rate = 1; /* and as a flood of those that nobody asked for, they are held */
	for (__u16 port = 2000; port < 2030; port++)
		dns(port, 0x81);
	assert_true(prog_count(PS_COUNT_HELD) >= 28);
	prog.cfg->probe_rate = 0;
}

/* A question from port 53 is none, nor is an answer to a port that nobody asks from. */
static void dns_scan(bool v6)
{
	static const struct { __u16 port; __u8 flags; __u16 probes; } scan[] = {
		{ 1024, 0x01, 21 }, { 901, 0x81, 7 },
	};

	for (size_t i = 0; i < 2; i++) {
		prog_begin(v6);
		for (__u16 n = 0; n < scan[i].probes; n++)
			assert_int_equal(dns((__u16)(scan[i].port + n), scan[i].flags),
					 n + 1 < scan[i].probes ? XDP_PASS : XDP_DROP);
	}
}

/* ... unless the operator wants it. */
static void replies_wanted(bool v6)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);

	rule.classes |= 1U << PS_CLASS_REPLY;
	prog_begin(v6);
	prog_rule(rule);
	expect_scan(S | A, PS_CLASS_REPLY);
	prog_begin(v6);
	prog_rule(rule);
	for (__u16 n = 0; n < 21; n++)
		assert_int_equal(dns((__u16)(1024 + n), 0x81), n < 20 ? XDP_PASS : XDP_DROP);
}

static void unwanted_class(bool v6)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);

	rule.classes &= ~(1U << PS_CLASS_FIN);
	prog_begin(v6);
	prog_rule(rule);
	prog_forget();
	for (__u16 port = 101; port < 131; port++)
		assert_int_equal(prog_run(prog_tcp(port, F)), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_UNSCORED), 30);
	expect_scan(F | A, PS_CLASS_MAIMON);
}

/* Frames that many hosts get, by link or network address, accuse nobody. */
static void groups(bool v6)
{
	prog_begin(v6);
	prog_forget();
	for (__u16 port = 101; port < 131; port++) {
		struct pkt link = prog_tcp(port, S), net = prog_udp(port);

		link.data[0] |= 1;
		assert_int_equal(prog_run(link), XDP_PASS);
		net.data[net.l3 + (v6 ? 24 : 16)] = v6 ? 0xff : 224;
		assert_int_equal(prog_run(net), XDP_PASS);
	}
	assert_int_equal(prog_count(PS_COUNT_UNSCORED), 60);
	assert_false(prog_has_record());
}

/* Mixed kinds add up to one score; the one that gave most is the name. */
static void mixed(bool v6)
{
	prog_begin(v6);
	prog_forget();
	for (__u16 port = 101; port < 104; port++)
		prog_run(prog_tcp(port, F));
	for (__u16 port = 104; port < 107; port++)
		prog_run(prog_tcp(port, S));
	assert_int_equal(prog_run(prog_tcp(107, S)), XDP_DROP);
	prog_expect_events(1);
	assert_int_equal(prog.event[0].class, PS_CLASS_SYN);
	assert_int_equal(prog.event[0].class_score, 12);
	assert_int_equal(prog.event[0].score, 21);
}

/* First fragments that end before the flags: a kind of their own, and they do score. */
static void tiny_fragments(bool v6)
{
	union ps_addr src;
	struct pkt f;

	prog_begin(v6);
	prog_forget();
	src = prog_source();
	for (__u16 port = 101; port < 108; port++) {
		f = v6 ? PKT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT, .offset_m = 1),
			     TCP(.dport = port), DATA(8))
		       : PKT(ETH(), IPV4(.frag = PS_IPV4_MF), TCP(.dport = port), DATA(8));
		pkt_set_src(&f, &src);
		assert_int_equal(prog_run(pkt_trim(f, f.l4 + 8)),
				 port < 107 ? XDP_PASS : XDP_DROP);
	}
	prog_expect_events(1);
	assert_int_equal(prog.event[0].class, PS_CLASS_OTHER);
}

static void later_fragments(bool v6)
{
	union ps_addr src;
	struct pkt f = v6 ? PKT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT, .offset_m = 8), DATA(32))
			  : PKT(ETH(), IPV4(.frag = 1, .proto = PS_IP_TCP), DATA(32));

	prog_begin(v6);
	prog_forget();
	src = prog_source();
	pkt_set_src(&f, &src);
	for (int i = 0; i < 30; i++)
		assert_int_equal(prog_run(f), XDP_PASS);
	assert_int_equal(prog_parsed(PS_PARSE_FRAGMENT), 30);
	assert_false(prog_has_record());
	assert_int_equal(prog_scan(101, 7, MS), 7);
	assert_int_equal(prog_run(f), XDP_DROP);
}

static void tagged(bool v6)
{
	union ps_addr src;
	struct pkt f;

	prog_begin(v6);
	src = prog_source();
	for (__u16 port = 101; port < 108; port++) {
		f = v6 ? PKT(ETH(), VLAN(.tpid = PS_ETH_QINQ), VLAN(), IPV6(), TCP(.dport = port))
		       : PKT(ETH(), VLAN(), IPV4(.option_bytes = 12), TCP(.dport = port));
		pkt_set_src(&f, &src);
		assert_int_equal(prog_run(f), port < 107 ? XDP_PASS : XDP_DROP);
	}
}

static const struct CMUnitTest tests[] = {
	BOTH("each kind is named, its neighbours are not it", hits),
	BOTH("udp", udp),
	BOTH("truncated probes never score", truncated),
	BOTH("replies never score", replies),
	BOTH("DNS responses do not score", dns_responses),
	BOTH("what only comes from port 53 scores", dns_scan),
	BOTH("replies score when wanted", replies_wanted),
	BOTH("a class that is not wanted never scores", unwanted_class),
	BOTH("group addresses never score", groups),
	BOTH("mixed kinds make one score", mixed),
	BOTH("tiny first fragments score", tiny_fragments),
	BOTH("later fragments pass, and drop when blocked", later_fragments),
	BOTH("tags and options hide nothing", tagged),
};

PROG_MAIN("classes", tests, prog_setup)
