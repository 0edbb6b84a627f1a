/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_framing.c - source addresses that stand for somebody else, for many
 * strangers or for nobody: a scan from there is held against whoever sent it, or
 * against no one.
 */
#include "prog.h"

#define PORTS 30

static __u32 syn_from(union ps_addr src, __u16 port)
{
	struct pkt p = ps_addr_is_v4(&src) ? PKT(ETH(), IPV4(), TCP(.dport = port))
					   : PKT(ETH(), IPV6(), TCP(.dport = port));

	pkt_set_src(&p, &src);
	return prog_run(p);
}

static bool on_record(union ps_addr addr)
{
	struct ps_source s;

	return xdp_source_get(prog.xdp, &addr, &s) == 0;
}

/* An IPv6 packet whose source would stand for an IPv4 host is refused as no host's. */
static void test_mapped_source(void **state)
{
	union ps_addr v4;
	struct pkt p;
	(void)state;

	prog_begin(false);
	prog_forget();
	v4 = prog_source();
	for (__u16 port = 101; port < 101 + PORTS; port++) {
		p = PKT(ETH(), IPV6(.src = v4), TCP(.dport = port));
		assert_int_equal(prog_run(p), XDP_PASS);
	}
	assert_int_equal(prog_parsed(PS_PARSE_BAD_IP), PORTS);
	assert_false(on_record(v4));
}

/* ::198.51.100.7 is not 198.51.100.7: it answers for itself alone. */
static void test_compatible_source(void **state)
{
	union ps_addr v4, compatible;
	(void)state;

	prog_begin(false);
	prog_forget();
	v4 = prog_source();
	compatible = v4;
	compatible.w[2] = 0;
	for (__u16 port = 101; port < 107; port++)
		assert_int_equal(syn_from(compatible, port), XDP_PASS);
	assert_int_equal(syn_from(compatible, 107), XDP_DROP);
	assert_false(on_record(v4));
	assert_int_equal(syn_from(v4, 108), XDP_PASS);
}

/* Host @host of the /64 that begins with @a and @b. */
static union ps_addr in_net(__u32 a, __u32 b, __u32 host)
{
	return (union ps_addr){ .w = { ps_htonl(a), ps_htonl(b), 0, ps_htonl(host) } };
}

/* Seven hosts of one /64, one port each; then the eighth port from an eighth. */
static bool net_is_blocked(__u32 a, __u32 b)
{
	prog_begin(true);
	prog_forget();
	for (__u16 i = 0; i < 7; i++)
		syn_from(in_net(a, b, 1000 + i), (__u16)(101 + i));
	return syn_from(in_net(a, b, 2000), 108) == XDP_DROP;
}

/* A 6to4 site's /64 is one party's (RFC 3056); translators and Teredo servers have strangers
 * behind them, who must not be held to account for each other. */
static void test_transition_networks(void **state)
{
	static const struct {
		__u32 a, b;
		bool one_party;
	} nets[] = {
		{ 0x20010db8, 0x00010001, true },
		{ 0x2002c633, 0x64070001, true },	/* 6to4 of 198.51.100.7 */
		{ 0x20010000, 0xc6336407, false },	/* Teredo through 198.51.100.7 */
		{ 0x0064ff9b, 0, false },		/* NAT64 */
		{ 0x0064ff9b, 0x00010000, false },	/* local-use NAT64 */
		{ 0xfe800000, 0, false },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		assert_int_equal(net_is_blocked(nets[i].a, nets[i].b), nets[i].one_party);
		/* A host alone is always held to account for itself. */
		prog_forget();
		for (__u16 port = 301; port < 308; port++)
			syn_from(in_net(nets[i].a, nets[i].b + 7, 4000), port);
		assert_int_equal(prog_count(PS_COUNT_SCAN), 1);
	}
}

/* 0.0.0.0 and :: are where hosts send from that have no address yet: forging a
 * scan from there must not silence DHCP. */
static void test_nobody_is_framed(void **state)
{
	union ps_addr nobody6 = { .w = { 0 } }, nobody4 = pkt_v4(0);
	struct pkt discover = PKT(ETH(.dst = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }),
				  IPV4(.src = 0, .dst = 0xffffffff),
				  UDP(.sport = 68, .dport = 67), DATA(300));
	(void)state;

	prog_begin(false);
	prog_forget();
	for (__u16 port = 101; port < 101 + PORTS; port++) {
		assert_int_equal(syn_from(nobody4, port), XDP_PASS);
		assert_int_equal(syn_from(nobody6, port), XDP_PASS);
	}
	assert_int_equal(prog_run(discover), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_UNSCORED), 2 * PORTS + 1);
	assert_false(on_record(nobody4) || on_record(nobody6));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_mapped_source),
	cmocka_unit_test(test_compatible_source),
	cmocka_unit_test(test_transition_networks),
	cmocka_unit_test(test_nobody_is_framed),
};

PROG_MAIN("framing", tests, prog_setup)
