/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_net.c - an IPv6 scanner who changes address with every probe: judged and
 * blocked by the /64; neighbours' and IPv4's addresses are nobody's network.
 */
#include "prog.h"

/* A SYN from host @host of 2001:db8:1:@net::/64. */
static __u32 probe(__u8 net, __u32 host, __u16 port)
{
	union ps_addr src = { .b = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, net } };
	struct pkt f = PKT(ETH(), IPV6(), TCP(.dport = port));

	src.w[3] = ps_htonl(host);
	pkt_set_src(&f, &src);
	return prog_run(f);
}

static void test_rotating_source(void **state)
{
	(void)state;

	prog_begin(true);
	prog_forget();
	for (__u16 i = 0; i < 6; i++)
		assert_int_equal(probe(1, 100 + i, (__u16)(101 + i)), XDP_PASS);
	assert_int_equal(probe(1, 106, 107), XDP_DROP);
	prog_expect_events(1);
	assert_true(ps_addr_is_net(&prog.event[0].source.addr));
	assert_int_equal(prog.event[0].source.probes, 7);
	/* All of the network, and nothing beside it. */
	assert_int_equal(probe(1, 9999, 80), XDP_DROP);
	assert_int_equal(probe(2, 9999, 80), XDP_PASS);
}

/* One host of a network that scans is blocked alone: the rest have done nothing. */
static void test_single_source(void **state)
{
	(void)state;

	prog_begin(true);
	prog_forget();
	for (__u16 i = 0; i < 6; i++)
		assert_int_equal(probe(3, 5, (__u16)(101 + i)), XDP_PASS);
	assert_int_equal(probe(3, 5, 107), XDP_DROP);
	prog_expect_events(1);
	assert_false(ps_addr_is_net(&prog.event[0].source.addr));
	assert_int_equal(probe(3, 5, 80), XDP_DROP);
}

/* Different IPv4 hosts never add up. */
static void test_ipv4_has_none(void **state)
{
	(void)state;

	prog_begin(false);
	for (__u16 port = 101; port < 131; port++) {
		prog.sources++;
		assert_int_equal(prog_syn(port), XDP_PASS);
	}
}

/* Hosts of the destination's own /64 are judged one by one. */
static void test_own_network(void **state)
{
	(void)state;

	prog_begin(true);
	for (__u16 port = 101; port < 131; port++) {
		prog.sources++;
		assert_int_equal(prog_syn(port), XDP_PASS);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_rotating_source),
	cmocka_unit_test(test_single_source),
	cmocka_unit_test(test_ipv4_has_none),
	cmocka_unit_test(test_own_network),
};

PROG_MAIN("networks", tests, prog_setup)
