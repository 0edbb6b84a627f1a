/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_malformed.c - frames no host would act upon, and millions of frames with
 * random damage: each passed or dropped, each counted where the native parser
 * says, none scored that did not parse.
 *
 *	MUTATIONS=10000000 build/tests/prog/test_malformed
 */
#include "damage.h"

#define MUTATIONS 3000000 /* unless the environment says otherwise */

static struct pkt too_many_extensions(void)
{
	struct pkt_layer l[PKT_LAYERS_MAX] = { ETH(), IPV6() };

	for (int i = 0; i <= PS_EXT_MAX; i++)
		l[2 + i] = (struct pkt_layer)EXT();
	l[3 + PS_EXT_MAX] = (struct pkt_layer)TCP();
	return pkt_build(l);
}

#define TAG3 VLAN(), VLAN(), VLAN()

static struct pkt patched(struct pkt p, __u32 at, __u8 value)
{
	p.data[at] = value;
	return p;
}

/* Thirty of each, to as many ports: counted under its reason, no mark, no record.
 * Passed, but for what hides its headers. */
static void expect(struct pkt frame, enum ps_parse reason)
{
	bool hidden = reason == PS_PARSE_VLAN_DEPTH || reason == PS_PARSE_EXT_DEPTH;
	union ps_addr src;

	prog_begin(frame.data[frame.l3] >> 4 == 6);
	src = prog_source();
	if (reason != PS_PARSE_NOT_IP && reason != PS_PARSE_SHORT_ETH)
		pkt_set_src(&frame, &src);
	prog_forget();
	for (__u16 port = 101; port < 131; port++) {
		if (frame.l4)
			pkt_set_dport(&frame, port);
		assert_int_equal(prog_run(frame), hidden ? XDP_DROP : XDP_PASS);
	}
	assert_int_equal(prog_parsed(reason), 30);
	for (int stage = 0; stage < PS_COUNT_MAX; stage++)
		assert_int_equal(prog_count((enum ps_count)stage),
				 hidden && stage == PS_COUNT_DROP ? 30 : 0);
}

static void test_each_reason(void **state)
{
	struct pkt tcp4 = PKT(ETH(), IPV4(), TCP()), tcp6 = PKT(ETH(), IPV6(), TCP());
	struct pkt udp4 = PKT(ETH(), IPV4(), UDP(), DATA(8));
	(void)state;

	expect(PKT(ETH(.type = PS_ETH_ARP), DATA(46)), PS_PARSE_NOT_IP);
	expect(PKT(ETH(), IPV4(.proto = 47), DATA(46)), PS_PARSE_OTHER_PROTO);
	expect(PKT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT, .offset_m = 8), DATA(46)),
	       PS_PARSE_FRAGMENT);
	expect(pkt_cut(PKT(ETH(), VLAN(), IPV4(), TCP()), 17), PS_PARSE_SHORT_ETH);
	expect(pkt_cut(tcp4, 33), PS_PARSE_SHORT_IP);
	expect(pkt_cut(tcp6, 53), PS_PARSE_SHORT_IP);
	expect(pkt_cut(tcp4, 53), PS_PARSE_SHORT_L4);
	expect(patched(tcp4, tcp4.l3, 0x44), PS_PARSE_BAD_IP);
	expect(patched(tcp4, tcp4.l4 + 12, 0x40), PS_PARSE_BAD_L4);
	expect(patched(tcp6, tcp6.l4 + 12, 0xf0), PS_PARSE_BAD_L4);
	expect(patched(udp4, udp4.l4 + 5, 7), PS_PARSE_BAD_L4);
	expect(PKT(ETH(), TAG3, TAG3, TAG3, IPV4(), TCP()), PS_PARSE_VLAN_DEPTH);
	expect(too_many_extensions(), PS_PARSE_EXT_DEPTH);
}

static void test_mutations(void **state)
{
	struct pkt from[] = {
		PKT(ETH(), IPV4(), TCP(.flags = PS_TCP_FIN, .option_bytes = 8)),
		PKT(ETH(), VLAN(), IPV4(.option_bytes = 8), UDP(), DATA(16)),
		PKT(ETH(), VLAN(.tpid = PS_ETH_QINQ), VLAN(), IPV6(), TCP()),
		PKT(ETH(), IPV6(), EXT(.type = PS_IP_HOPOPTS), EXT(.len8 = 1),
		    EXT(.type = PS_IP_FRAGMENT, .offset_m = 1), TCP(), DATA(8)),
		PKT(ETH(), IPV6(), EXT(.type = PS_IP_AUTH, .len8 = 4), UDP(), DATA(8)),
		PKT(ETH(), IPV4(.frag = PS_IPV4_MF), TCP()),
		PKT(ETH(), IPV4(), ICMP(), DATA(16)),
		too_many_extensions(),
		PKT(ETH(), TAG3, TAG3, TAG3, IPV4(), TCP()),
	};
	int mutations = getenv("MUTATIONS") ? atoi(getenv("MUTATIONS")) : MUTATIONS;
	__u64 expected[PS_PARSE_MAX] = { 0 }, frames = 0, exits = 0, drops = 0;
	(void)state;

	prog_begin(false);
	prog_forget();
	for (int i = 0; i < mutations; i++) {
		struct ps_packet parsed;
		struct pkt p = damage(&from[(__u32)i % (sizeof(from) / sizeof(from[0]))]);

		prog_at(prog_now() + MS);
		expected[damage_parse(&p, &parsed)]++;
		drops += prog_run(p) == XDP_DROP;
	}
	for (int r = 0; r < PS_PARSE_MAX; r++) {
		assert_int_equal(prog_parsed((enum ps_parse)r), expected[r]);
		assert_true(expected[r] > 0); /* the damage reaches every reason */
		frames += prog_parsed((enum ps_parse)r);
	}
	assert_int_equal(frames, mutations);
	/* Only what parsed can have been held against anybody. */
	assert_true(prog_count(PS_COUNT_FIRST) + prog_count(PS_COUNT_AGAIN) +
			    prog_count(PS_COUNT_SCORED) <= expected[PS_PARSE_OK]);
	print_message("# %d frames: %llu parsed, %llu not, each counted under its reason\n",
		      mutations, (unsigned long long)expected[PS_PARSE_OK],
		      (unsigned long long)(frames - expected[PS_PARSE_OK]));
	/* Every packet that parsed left the flow at exactly one place. */
	for (int stage = PS_COUNT_FLOW; stage <= PS_COUNT_SCORED; stage++)
		exits += prog_count((enum ps_count)stage);
	assert_in_range(exits, expected[PS_PARSE_OK],
			expected[PS_PARSE_OK] + prog_count(PS_COUNT_DROP));
	assert_true(prog_count(PS_COUNT_DROP) >=
		    expected[PS_PARSE_VLAN_DEPTH] + expected[PS_PARSE_EXT_DEPTH]);
	assert_in_range(drops, prog_count(PS_COUNT_DROP),
			prog_count(PS_COUNT_DROP) + prog_count(PS_COUNT_SCORED));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_each_reason),
	cmocka_unit_test(test_mutations),
};

PROG_MAIN("malformed", tests, prog_setup)
