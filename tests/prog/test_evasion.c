/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_evasion.c - probes dressed up so that a detector might not see them. What
 * one packet can show is here; what a host answers, in tests/lab/evade.bats;
 * whose address it is, in test_framing.c. Tiny and later fragments, tags as
 * networks use them, ECN bits and group addresses are in test_classes.c.
 *
 * Checksums and TTLs are not verified: at this place it would cost every packet
 * what it saves nobody. Such a probe scores like any other, so it hides nothing,
 * and a forger gains nothing by it that a right one would not give.
 */
#include "prog.h"

#define PORTS 30

/* A probe of a port, of the family at hand; the source is put in by the caller. */
typedef struct pkt make_fn(__u16 port);

static struct pkt from_source(struct pkt p)
{
	union ps_addr src = prog_source();

	pkt_set_src(&p, &src);
	return p;
}

/* Return: which of thirty ports was dropped first, or 0. */
static int first_dropped(make_fn *make)
{
	for (__u16 i = 0; i < PORTS; i++)
		if (prog_run(from_source(make((__u16)(101 + i)))) == XDP_DROP)
			return i + 1;
	return 0;
}

/* Seven ports below 1024 are 21 points: nothing is hidden. */
static void expect_found(const char *name, make_fn *make, bool v6)
{
	int at;

	prog_begin(v6);
	prog_forget();
	at = first_dropped(make);
	if (at != 7)
		print_message("# %s, IPv%c: first dropped is %d\n", name, v6 ? '6' : '4', at);
	assert_int_equal(at, 7);
	prog_expect_events(1);
}

/* ---- what changes nothing ------------------------------------------------------- */

#define IP (prog.v6 ? (struct pkt_layer)IPV6() : (struct pkt_layer)IPV4())

static struct pkt options40(__u16 port)
{
	return PKT(ETH(), IP, TCP(.dport = port, .option_bytes = 40));
}

/* Options that are longer than there is room, and of no length at all. */
static struct pkt lying_options(__u16 port)
{
	struct pkt p = PKT(ETH(), IP, TCP(.dport = port, .option_bytes = 12));

	memcpy(p.data + p.l4 + 20, "\x02\xff\x05\xb4\x08\x00", 6);
	return p;
}

static struct pkt data_in_syn(__u16 port)
{
	return PKT(ETH(), IP, TCP(.dport = port), DATA(1200));
}

static struct pkt bad_checksum(__u16 port)
{
	struct pkt p = PKT(ETH(), IP, TCP(.dport = port));

	p.data[p.l4 + 16] ^= 0x55;
	return p;
}

/* Each second probe would not be taken by the host; one is worth as much as the other. */
static struct pkt every_other_bad(__u16 port)
{
	return port & 1 ? bad_checksum(port) : PKT(ETH(), IP, TCP(.dport = port));
}

static struct pkt hop_limit_0(__u16 port)
{
	struct pkt p = PKT(ETH(), IP, TCP(.dport = port));

	p.data[p.l3 + (prog.v6 ? 7 : 8)] = 0;
	return p;
}

/* Frames may be longer than the packet, and captures shorter: only the headers are read. */
static struct pkt padded(__u16 port)
{
	struct pkt p = PKT(ETH(), IP, TCP(.dport = port));

	memset(p.data + p.bytes, 0xff, 300);
	p.bytes += 300;
	return p;
}

static struct pkt claims_more(__u16 port)
{
	struct pkt p = PKT(ETH(), IP, TCP(.dport = port));

	pkt_put16(p.data + p.l3 + (prog.v6 ? 4 : 2), 900);
	return p;
}

static struct pkt reserved_bits(__u16 port)
{
	struct pkt p = PKT(ETH(), IP, TCP(.dport = port, .flags = PS_TCP_SYN | 0xc0));

	p.data[p.l4 + 12] |= 0x0f;
	return p;
}

static struct pkt syn_fin(__u16 port)
{
	return PKT(ETH(), IP, TCP(.dport = port, .flags = PS_TCP_SYN | PS_TCP_FIN));
}

static struct pkt all_flags_but_rst(__u16 port)
{
	return PKT(ETH(), IP, TCP(.dport = port, .flags = 0xff & ~PS_TCP_RST));
}

static struct pkt from_dns(__u16 port)
{
	return PKT(ETH(), IP, TCP(.sport = 53, .dport = port));
}

static struct pkt from_http(__u16 port)
{
	return PKT(ETH(), IP, TCP(.sport = 80, .dport = port, .flags = PS_TCP_ACK));
}

static struct pkt from_https(__u16 port)
{
	return PKT(ETH(), IP, TCP(.sport = 443, .dport = port, .flags = PS_TCP_FIN | PS_TCP_ACK));
}

static struct pkt udp_from_dns(__u16 port)
{
	return PKT(ETH(), IP, UDP(.sport = 53, .dport = port), DATA(40));
}

static struct pkt from_zero(__u16 port)
{
	return PKT(ETH(), IP, TCP(.sport = 0, .dport = port));
}

/* The next protocol each time: the points are added up over all. */
static struct pkt in_turn(__u16 port)
{
	static const __u8 flags[] = { PS_TCP_SYN, PS_TCP_FIN, 0, PS_TCP_ACK };

	if (port % 5 == 4)
		return PKT(ETH(), IP, UDP(.dport = port), DATA(4));
	return PKT(ETH(), IP, TCP(.dport = port, .flags = flags[port % 5]));
}

static struct pkt tagged(int n, __u16 port)
{
	struct pkt_layer l[PKT_LAYERS_MAX] = { ETH() };

	for (int i = 1; i <= n; i++)
		l[i] = (struct pkt_layer)VLAN(.id = 0, .tpid = i & 1 ? PS_ETH_QINQ : PS_ETH_VLAN);
	l[n + 1] = IP;
	l[n + 2] = (struct pkt_layer)TCP(.dport = port);
	return pkt_build(l);
}

static struct pkt priority_tags3(__u16 port)
{
	return tagged(3, port);
}

static struct pkt priority_tags8(__u16 port)
{
	return tagged(PS_VLAN_MAX, port);
}

/* Flags of an answer in a first fragment: the next could make it a SYN, and nobody answers so. */
static struct pkt fragment_with_rst(__u16 port)
{
	struct pkt p = prog.v6 ? PKT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT, .offset_m = 1),
				     TCP(.dport = port, .flags = PS_TCP_RST), DATA(4))
			       : PKT(ETH(), IPV4(.frag = PS_IPV4_MF),
				     TCP(.dport = port, .flags = PS_TCP_RST), DATA(4));
	return p;
}

static const struct {
	const char *name;
	make_fn *make;
} plain_tricks[] = {
	{ "40 bytes of TCP options", options40 },
	{ "options that lie about their length", lying_options },
	{ "data in the SYN", data_in_syn },
	{ "a wrong checksum", bad_checksum },
	{ "every other checksum wrong", every_other_bad },
	{ "hop limit 0", hop_limit_0 },
	{ "padding", padded },
	{ "a length beyond the frame", claims_more },
	{ "reserved and ECN bits", reserved_bits },
	{ "SYN and FIN", syn_fin },
	{ "all flags but RST", all_flags_but_rst },
	{ "from port 53", from_dns },
	{ "ACK from port 80", from_http },
	{ "FIN, ACK from port 443", from_https },
	{ "UDP from port 53", udp_from_dns },
	{ "from port 0", from_zero },
	{ "protocols and flags in turn", in_turn },
	{ "three priority tags", priority_tags3 },
	{ "eight priority tags", priority_tags8 },
	{ "a first fragment with RST", fragment_with_rst },
};

static void test_changes_nothing(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(plain_tricks) / sizeof(plain_tricks[0]); i++) {
		expect_found(plain_tricks[i].name, plain_tricks[i].make, false);
		expect_found(plain_tricks[i].name, plain_tricks[i].make, true);
	}
}

/* ---- extension headers ------------------------------------------------------------- */

static struct pkt chain(int n, __u16 port)
{
	struct pkt_layer l[PKT_LAYERS_MAX] = { ETH(), IPV6() };

	for (int i = 0; i < n; i++)
		l[2 + i] = (struct pkt_layer)EXT();
	l[2 + n] = (struct pkt_layer)TCP(.dport = port);
	return pkt_build(l);
}

static struct pkt chain16(__u16 port)
{
	return chain(PS_EXT_MAX, port);
}

static struct pkt every_kind(__u16 port)
{
	return PKT(ETH(), IPV6(), EXT(.type = PS_IP_HOPOPTS), EXT(.len8 = 3),
		   EXT(.type = PS_IP_ROUTING, .len8 = 2), EXT(.type = PS_IP_FRAGMENT),
		   EXT(.type = PS_IP_AUTH, .len8 = 4), EXT(.type = PS_IP_FRAGMENT),
		   TCP(.dport = port));
}

static void test_chains(void **state)
{
	(void)state;

	expect_found("sixteen extension headers", chain16, true);
	expect_found("every kind of extension header", every_kind, true);
}

/* ---- what a host would find, and we would not ---------------------------------------- */

static struct pkt tags9(__u16 port)
{
	return tagged(PS_VLAN_MAX + 1, port);
}

static struct pkt chain17(__u16 port)
{
	return chain(PS_EXT_MAX + 1, port);
}

/* The first fragment ends behind one extension header, before the next, before the ports. */
static struct pkt hidden_chain(__u16 port)
{
	struct pkt p = PKT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT, .offset_m = 1), EXT(), EXT(),
			   TCP(.dport = port));

	return pkt_trim(p, p.l4 - 8);
}

static struct pkt hidden_ports(__u16 port)
{
	struct pkt p = PKT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT, .offset_m = 1), EXT(),
			   UDP(.dport = port), DATA(16));

	return pkt_trim(p, p.l4);
}

static void all_of_them(make_fn *make, enum ps_parse reason, __u8 respond)
{
	__u32 verdict = respond == PS_RESPOND_MONITOR ? XDP_PASS : XDP_DROP;

	prog_begin(true);
	prog.cfg->rule.respond = respond;
	prog_forget();
	for (__u16 port = 101; port < 101 + PORTS; port++)
		assert_int_equal(prog_run(from_source(make(port))), verdict);
	assert_int_equal(prog_parsed(reason), PORTS);
	assert_int_equal(prog_count(PS_COUNT_DROP), verdict == XDP_DROP ? PORTS : 0);
	assert_false(prog_has_record());
}

static void test_hidden(void **state)
{
	static const struct {
		make_fn *make;
		enum ps_parse reason;
	} tricks[] = {
		{ tags9, PS_PARSE_VLAN_DEPTH },
		{ chain17, PS_PARSE_EXT_DEPTH },
		{ hidden_chain, PS_PARSE_EXT_DEPTH },
		{ hidden_ports, PS_PARSE_EXT_DEPTH },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++)
		for (__u8 respond = PS_RESPOND_MONITOR; respond <= PS_RESPOND_HARD; respond++)
			all_of_them(tricks[i].make, tricks[i].reason, respond);
}

/* ---- filling a record, sliding out of the window --------------------------------------- */

static void repeat(__u16 port, __u32 times)
{
	struct pkt p = prog_tcp(port, PS_TCP_SYN);
	__u32 verdict;

	assert_int_equal(xdp_test_run(prog.xdp, p.data, p.bytes, 0, times, &verdict, NULL), 0);
	assert_int_equal(verdict, XDP_PASS);
}

/* The same port again and again neither scores nor pushes other evidence out. */
static void retransmits(bool v6)
{
	prog_begin(v6);
	prog_forget();
	for (__u16 port = 101; port < 107; port++) {
		assert_int_equal(prog_syn(port), XDP_PASS);
		repeat(port, 10000);
		repeat(101, 10000);
	}
	assert_int_equal(prog_record().probes, 6);
	assert_int_equal(prog_record().peak, 18);
	assert_int_equal(prog_syn(107), XDP_DROP);
	prog_expect_events(1);
	assert_int_equal(prog.event[0].source.probes, 7);
	for (__u16 i = 0; i < 7; i++)
		assert_int_equal(prog.event[0].source.probe[i].port, 101 + i);
	assert_int_equal(prog_count(PS_COUNT_SCORED) + prog_count(PS_COUNT_FIRST) +
				 prog_count(PS_COUNT_AGAIN),
			 7 + 6 * 20000);
}

/* One port kept alive by repetition keeps nothing else alive. */
static void kept_alive(bool v6)
{
	prog_begin(v6);
	prog_forget();
	for (__u16 i = 0; i < 40; i++) {
		assert_int_equal(prog_syn(80), XDP_PASS);
		assert_int_equal(prog_syn((__u16)(101 + i)), XDP_PASS);
		prog_at(prog_now() + 61 * MS); /* five others in any 300 ms, and 80: 18 points */
	}
	assert_int_equal(prog_count(PS_COUNT_SCAN), 0);
	assert_int_equal(prog_record().peak, 18);
	assert_int_equal(prog_syn(201), XDP_PASS);
	assert_int_equal(prog_syn(202), XDP_DROP);
}

/* Six ports, and silence until they have slid out: under the rule for as long as it goes on,
 * and at whatever phase the seventh comes within a window, it is found. */
static void sawtooth(bool v6)
{
	prog_begin(v6);
	prog_forget();
	for (int round = 0; round < 40; round++) {
		__u64 start_ns = prog_now();

		for (__u16 i = 0; i < 6; i++) {
			prog_at(start_ns + i * (__u64)round * MS);
			assert_int_equal(prog_syn((__u16)(101 + round * 6 + i)), XDP_PASS);
		}
		prog_at(prog_now() + 301 * MS);
	}
	assert_int_equal(prog_count(PS_COUNT_SCAN), 0);
	assert_int_equal(prog_scan(501, 7, 299 * MS), 7);
}

/* A port is the same evidence whatever the flags; over UDP it is another. */
static void one_port_many_ways(bool v6)
{
	prog_begin(v6);
	prog_forget();
	for (int flags = 0; flags < 256; flags++)
		prog_run(prog_tcp(101, (__u8)flags));
	assert_false(prog_has_record());
	for (__u16 port = 101; port < 104; port++) {
		assert_int_equal(prog_run(prog_udp(port)), XDP_PASS);
		assert_int_equal(prog_syn(port), XDP_PASS);
	}
	assert_int_equal(prog_record().peak, 18);
	assert_int_equal(prog_run(prog_udp(104)), XDP_DROP);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_changes_nothing),
	cmocka_unit_test(test_chains),
	cmocka_unit_test(test_hidden),
	BOTH("the same port again and again", retransmits),
	BOTH("one port kept alive", kept_alive),
	BOTH("silence between the ports", sawtooth),
	BOTH("one port in many ways", one_port_many_ways),
};

PROG_MAIN("evasion", tests, prog_setup)
