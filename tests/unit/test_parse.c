/* SPDX-License-Identifier: GPL-2.0-only */
/* test_parse.c - bytes to struct ps_packet: every field, every refusal, every cut. */
#include "unit.h"

#include "pkt.h"

#include <pscan/parse.h>

/*
 * Parses a copy, by the short way too if that takes it. The copy ends exactly where the frame does, so that the address
 * sanitizer sees a read of one byte too many.
 */
static enum ps_parse parse(const struct pkt *frame, struct ps_packet *p)
{
	__u8 *exact = malloc(frame->bytes + !frame->bytes);
	struct ps_packet plain;
	enum ps_parse res;

	assert_non_null(exact);
	memcpy(exact, frame->data, frame->bytes);
	res = ps_parse_eth(exact, exact + frame->bytes, p);
	if (ps_parse_plain(exact, exact + frame->bytes, &plain)) {
		plain.bits |= p->bits & (PS_PKT_GROUP | PS_PKT_DNS);
		assert_int_equal(res, PS_PARSE_OK);
		assert_memory_equal(&plain, p, sizeof(plain));
	}
	free(exact);
	return res;
}

static enum ps_parse result(struct pkt frame)
{
	struct ps_packet p;

	return parse(&frame, &p);
}

#define RESULT(...) result(PKT(__VA_ARGS__))

static void test_tcp_v4(void **state)
{
	struct pkt f = PKT(ETH(), IPV4(.ttl = 33, .id = 0x1234),
			   TCP(.sport = 4000, .dport = 22, .seq = 0x01020304, .ack = 0x05060708,
			       .window = 512, .flags = PS_TCP_SYN | PS_TCP_ECE, .option_bytes = 8),
			   DATA(5));
	union ps_addr src = pkt_v4(PKT_SRC4), dst = pkt_v4(PKT_DST4);
	struct ps_packet p;
	(void)state;

	assert_int_equal(parse(&f, &p), PS_PARSE_OK);
	assert_memory_equal(&p.src, &src, 16);
	assert_memory_equal(&p.dst, &dst, 16);
	assert_true(ps_addr_is_v4(&p.src));
	assert_int_equal(p.proto, PS_IP_TCP);
	assert_int_equal(p.ttl, 33);
	assert_int_equal(p.ip_id, 0x1234);
	assert_int_equal(p.sport, 4000);
	assert_int_equal(p.dport, 22);
	assert_int_equal(p.seq, 0x01020304);
	assert_int_equal(p.ack, 0x05060708);
	assert_int_equal(p.window, 512);
	assert_int_equal(p.flags, PS_TCP_SYN | PS_TCP_ECE);
	assert_int_equal(p.ip_off, 14);
	assert_int_equal(p.l4_off, 34);
	assert_int_equal(p.payload_off, 62);
	assert_int_equal(p.bits, PS_PKT_V4);
}

/* Which frames the short way takes. */
static void test_plain(void **state)
{
	struct pkt takes[] = { PKT(ETH(), IPV4(), TCP()), PKT(ETH(), IPV4(), UDP(), DATA(9)),
			       PKT(ETH(), IPV4(), TCP(.option_bytes = 40), DATA(1400)) };
	struct pkt leaves[] = { PKT(ETH(), IPV4(.option_bytes = 4), TCP()),
				PKT(ETH(), IPV4(), ICMP()), PKT(ETH(), VLAN(), IPV4(), TCP()),
				PKT(ETH(), IPV4(.frag = PS_IPV4_MF), TCP()),
				PKT(ETH(), IPV4(.frag = 1), TCP()), PKT(ETH(), IPV6(), TCP()) };
	struct ps_packet p;
	(void)state;

	for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++)
		assert_true(ps_parse_plain(takes[i].data, takes[i].data + takes[i].bytes, &p));
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		assert_false(ps_parse_plain(leaves[i].data, leaves[i].data + leaves[i].bytes, &p));
}

static void test_tcp_v6(void **state)
{
	struct pkt f = PKT(ETH(), IPV6(.hops = 9), TCP(.dport = 443));
	union ps_addr src = PKT_SRC6, dst = PKT_DST6;
	struct ps_packet p;
	(void)state;

	assert_int_equal(parse(&f, &p), PS_PARSE_OK);
	assert_memory_equal(&p.src, &src, 16);
	assert_memory_equal(&p.dst, &dst, 16);
	assert_false(ps_addr_is_v4(&p.src));
	assert_int_equal(p.ttl, 9);
	assert_int_equal(p.dport, 443);
	assert_int_equal(p.l4_off, 54);
	assert_int_equal(p.bits, 0);
}

static void test_udp_and_icmp(void **state)
{
	struct pkt udp = PKT(ETH(), IPV4(), UDP(.sport = 53, .dport = 40001), DATA(3));
	struct pkt icmp = PKT(ETH(), IPV6(), ICMP(.type = 128, .code = 0, .rest = 0xabcd));
	struct ps_packet p;
	(void)state;

	assert_int_equal(parse(&udp, &p), PS_PARSE_OK);
	assert_int_equal(p.proto, PS_IP_UDP);
	assert_int_equal(p.sport, 53);
	assert_int_equal(p.dport, 40001);
	assert_int_equal(p.payload_off, 42);
	assert_int_equal(parse(&icmp, &p), PS_PARSE_OK);
	assert_int_equal(p.icmp_type, 128);
	assert_int_equal(p.ack, 0xabcd);
	assert_int_equal(RESULT(ETH(), IPV4(), ICMP()), PS_PARSE_OK);
	/* The other family's ICMP is a protocol like any other. */
	assert_int_equal(RESULT(ETH(), IPV4(.proto = PS_IP_ICMPV6), DATA(8)),
			 PS_PARSE_OTHER_PROTO);
	assert_int_equal(RESULT(ETH(), IPV6(.next = PS_IP_ICMP), DATA(8)), PS_PARSE_OTHER_PROTO);
}

/* Sets the first byte of flags in the DNS header that the frame's UDP payload is. Return: PS_PKT_DNS or 0. */
static __u8 dns_bit(struct pkt frame, __u8 flags)
{
	struct ps_packet p;

	assert_int_equal(parse(&frame, &p), PS_PARSE_OK);
	if (frame.bytes > p.payload_off + 2U)
		frame.data[p.payload_off + 2] = flags;
	assert_int_equal(parse(&frame, &p), PS_PARSE_OK);
	return p.bits & PS_PKT_DNS;
}

/* All of a header, with the bit of a response, from the port of a server. */
static void test_dns(void **state)
{
	struct pkt padded = PKT(ETH(), IPV4(), UDP(.sport = 53), DATA(12));
	(void)state;

	assert_true(dns_bit(PKT(ETH(), IPV4(), UDP(.sport = 53), DATA(12)), 0x80));
	assert_true(dns_bit(PKT(ETH(), VLAN(), IPV4(.option_bytes = 8), UDP(.sport = 53), DATA(500)),
			    0x85));
	assert_true(dns_bit(PKT(ETH(), IPV6(), UDP(.sport = 53), DATA(12)), 0x80));
	assert_true(dns_bit(PKT(ETH(), IPV6(), EXT(), UDP(.sport = 53), DATA(12)), 0xff));
	assert_false(dns_bit(PKT(ETH(), IPV4(), UDP(.sport = 53), DATA(12)), 0x7f));
	assert_false(dns_bit(PKT(ETH(), IPV6(), UDP(.sport = 53), DATA(12)), 0));
	assert_false(dns_bit(PKT(ETH(), IPV4(), UDP(.sport = 54, .dport = 53), DATA(12)), 0x80));
	assert_false(dns_bit(PKT(ETH(), IPV4(), UDP(.sport = 53), DATA(11)), 0x80));
	assert_false(dns_bit(PKT(ETH(), IPV4(), UDP(.sport = 53)), 0x80));
	/* Behind the datagram's end, where only the frame goes on. */
	pkt_put16(padded.data + sizeof(struct ps_eth) + sizeof(struct ps_ipv4) + 4, 19);
	assert_false(dns_bit(padded, 0x80));
}

#define TAG4 VLAN(.id = 0), VLAN(.id = 0), VLAN(.id = 0), VLAN(.id = 0)

static void test_tags(void **state)
{
	struct pkt f = PKT(ETH(), VLAN(.tpid = PS_ETH_QINQ), VLAN(), IPV4(), TCP());
	struct ps_packet p;
	(void)state;

	assert_int_equal(parse(&f, &p), PS_PARSE_OK);
	assert_int_equal(p.bits, PS_PKT_V4 | PS_PKT_VLAN);
	assert_int_equal(p.ip_off, 22);
	assert_int_equal(RESULT(ETH(), VLAN(), IPV6(), TCP()), PS_PARSE_OK);
	/* Priority tags are stripped without end; eight are followed. */
	assert_int_equal(RESULT(ETH(), TAG4, TAG4, IPV4(), TCP()), PS_PARSE_OK);
	assert_int_equal(RESULT(ETH(), TAG4, TAG4, VLAN(.id = 0), IPV4(), TCP()),
			 PS_PARSE_VLAN_DEPTH);
}

static void test_group(void **state)
{
	const __be32 groups[] = { A4(224, 0, 0, 0), A4(239, 255, 255, 255),
					 A4(255, 255, 255, 255) };
	const __be32 hosts[] = { A4(223, 255, 255, 255), A4(240, 0, 0, 0) };
	struct ps_packet p;
	struct pkt f;
	(void)state;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		f = PKT(ETH(), IPV4(.dst = groups[i]), UDP());
		assert_int_equal(parse(&f, &p), PS_PARSE_OK);
		assert_true(p.bits & PS_PKT_GROUP);
	}
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		f = PKT(ETH(), IPV4(.dst = hosts[i]), UDP());
		assert_int_equal(parse(&f, &p), PS_PARSE_OK);
		assert_false(p.bits & PS_PKT_GROUP);
	}
	f = PKT(ETH(), IPV6(.dst = { .b = { 0xff, 0x02, [15] = 1 } }), UDP());
	parse(&f, &p);
	assert_true(p.bits & PS_PKT_GROUP);
	f = PKT(ETH(.dst = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }), IPV4(), UDP());
	parse(&f, &p);
	assert_true(p.bits & PS_PKT_GROUP);
}

static void test_v4_options(void **state)
{
	struct pkt f = PKT(ETH(), IPV4(.option_bytes = 40), TCP(.dport = 25));
	struct ps_packet p;
	(void)state;

	assert_int_equal(parse(&f, &p), PS_PARSE_OK);
	assert_int_equal(p.dport, 25);
	assert_int_equal(p.l4_off, 74);
}

static void test_v4_fragments(void **state)
{
	struct pkt whole = PKT(ETH(), IPV4(.frag = PS_IPV4_MF), TCP(.dport = 25, .seq = 77),
			       DATA(20));
	struct ps_packet p;
	struct pkt f;
	(void)state;

	assert_int_equal(parse(&whole, &p), PS_PARSE_OK);
	assert_int_equal(p.bits, PS_PKT_V4 | PS_PKT_FRAG);
	for (__u32 bytes = 8; bytes <= 16; bytes += 8) {
		f = pkt_trim(whole, whole.l4 + bytes);
		assert_int_equal(parse(&f, &p), PS_PARSE_OK);
		assert_int_equal(p.bits, PS_PKT_V4 | PS_PKT_FRAG | PS_PKT_TINY);
		assert_int_equal(p.dport, 25);
		assert_int_equal(p.seq, 77);
		assert_int_equal(p.flags, 0);
	}
	assert_int_equal(result(pkt_trim(whole, whole.l4 + 7)), PS_PARSE_SHORT_L4);
	/* As short, but not a fragment: no stack acts upon it. */
	f = PKT(ETH(), IPV4(), TCP());
	assert_int_equal(result(pkt_trim(f, f.l4 + 16)), PS_PARSE_SHORT_L4);
	assert_int_equal(RESULT(ETH(), IPV4(.frag = 1), TCP()), PS_PARSE_FRAGMENT);
	assert_int_equal(RESULT(ETH(), IPV4(.frag = 0x1fff), DATA(8)), PS_PARSE_FRAGMENT);
}

static void test_v6_fragments(void **state)
{
	struct pkt whole = PKT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT, .offset_m = 1),
			       TCP(.dport = 25), DATA(20));
	struct ps_packet p;
	struct pkt f;
	(void)state;

	assert_int_equal(parse(&whole, &p), PS_PARSE_OK);
	assert_int_equal(p.bits, PS_PKT_FRAG);
	f = pkt_trim(whole, whole.l4 + 8);
	assert_int_equal(parse(&f, &p), PS_PARSE_OK);
	assert_int_equal(p.bits, PS_PKT_FRAG | PS_PKT_TINY);
	assert_int_equal(p.dport, 25);
	/* The ports lie in the next fragment, of which nothing is known. */
	for (__u32 bytes = 0; bytes < 8; bytes++)
		assert_int_equal(result(pkt_trim(whole, whole.l4 + bytes)), PS_PARSE_EXT_DEPTH);
	f = PKT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT, .offset_m = 1), EXT(), EXT(), TCP());
	for (__u32 bytes = f.l4 - 16; bytes < f.l4 + 8; bytes++)
		assert_int_equal(result(pkt_trim(f, bytes)), PS_PARSE_EXT_DEPTH);
	f = PKT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT, .offset_m = 8), TCP());
	assert_int_equal(parse(&f, &p), PS_PARSE_FRAGMENT);
	assert_int_equal(p.proto, PS_IP_TCP);
	/* RFC 6946: an atomic fragment is a whole packet. */
	assert_int_equal(RESULT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT), TCP()), PS_PARSE_OK);
	/* The reserved byte where other headers have their length must not move the port. */
	for (unsigned int reserved = 1; reserved < 256; reserved += 27) {
		f = PKT(ETH(), IPV6(), EXT(.type = PS_IP_FRAGMENT, .len8 = (__u8)reserved),
			TCP(.dport = 25));
		assert_int_equal(parse(&f, &p), PS_PARSE_OK);
		assert_int_equal(p.dport, 25);
	}
}

static void test_v6_each_extension(void **state)
{
	static const __u8 types[] = { PS_IP_HOPOPTS, PS_IP_ROUTING, PS_IP_DSTOPTS, PS_IP_AUTH };
	struct ps_packet p;
	(void)state;

	for (size_t i = 0; i < sizeof(types); i++) {
		for (unsigned int len8 = types[i] == PS_IP_AUTH ? 1 : 0; len8 < 8; len8++) {
			struct pkt f = PKT(ETH(), IPV6(.next = types[i]),
					   EXT(.type = types[i], .len8 = (__u8)len8),
					   TCP(.dport = 99));

			assert_int_equal(parse(&f, &p), PS_PARSE_OK);
			assert_int_equal(p.dport, 99);
			assert_int_equal(p.l4_off, f.l4);
		}
	}
}

/* @n destination-option headers, then TCP. */
static struct pkt chain(int n)
{
	struct pkt_layer l[PKT_LAYERS_MAX] = { ETH(), IPV6() };

	for (int i = 0; i < n; i++)
		l[2 + i] = (struct pkt_layer)EXT();
	l[2 + n] = (struct pkt_layer)TCP(.dport = 99);
	return pkt_build(l);
}

static void test_v6_chain_length(void **state)
{
	struct ps_packet p;
	struct pkt f;
	(void)state;

	for (int n = 0; n <= PS_EXT_MAX; n++) {
		f = chain(n);
		assert_int_equal(parse(&f, &p), PS_PARSE_OK);
		assert_int_equal(p.dport, 99);
	}
	f = chain(PS_EXT_MAX + 1);
	assert_int_equal(parse(&f, &p), PS_PARSE_EXT_DEPTH);
}

static void test_impossible_headers(void **state)
{
	struct pkt f, tcp4 = PKT(ETH(), IPV4(), TCP()), udp4 = PKT(ETH(), IPV4(), UDP());
	struct pkt tcp6 = PKT(ETH(), IPV6(), TCP()), udp6 = PKT(ETH(), IPV6(), UDP());
	(void)state;

	f = tcp4, f.data[f.l3] = 0x44;
	assert_int_equal(result(f), PS_PARSE_BAD_IP);
	f = tcp4, f.data[f.l3] = 0x65;
	assert_int_equal(result(f), PS_PARSE_BAD_IP);
	f = tcp4, pkt_put16(f.data + f.l3 + 2, 19);
	assert_int_equal(result(f), PS_PARSE_BAD_IP);
	f = tcp6, f.data[f.l3] = 0x40;
	assert_int_equal(result(f), PS_PARSE_BAD_IP);
	f = PKT(ETH(), IPV6(), EXT(), TCP()), pkt_put16(f.data + f.l3 + 4, 7);
	assert_int_equal(result(f), PS_PARSE_BAD_IP);
	f = tcp4, f.data[f.l4 + 12] = 0x40;
	assert_int_equal(result(f), PS_PARSE_BAD_L4);
	f = tcp4, f.data[f.l4 + 12] = 0x60;
	assert_int_equal(result(f), PS_PARSE_BAD_L4);
	f = udp4, pkt_put16(f.data + f.l4 + 4, 7);
	assert_int_equal(result(f), PS_PARSE_BAD_L4);
	f = udp4, pkt_put16(f.data + f.l4 + 4, 9);
	assert_int_equal(result(f), PS_PARSE_BAD_L4);
	f = udp4, pkt_put16(f.data + f.l4 + 4, 0);
	assert_int_equal(result(f), PS_PARSE_BAD_L4);
	f = udp6, pkt_put16(f.data + f.l4 + 4, 0); /* a jumbogram's */
	assert_int_equal(result(f), PS_PARSE_OK);
	assert_int_equal(RESULT(ETH(.type = PS_ETH_ARP), DATA(28)), PS_PARSE_NOT_IP);
	assert_int_equal(RESULT(ETH(), IPV4(.proto = 47), DATA(8)), PS_PARSE_OTHER_PROTO);
	assert_int_equal(RESULT(ETH(), IPV6(.next = PS_IP_NONE), DATA(8)), PS_PARSE_OTHER_PROTO);
}

/* A mapped address on the wire would be held for the IPv4 host it maps: RFC 4942 2.2. */
static void test_mapped_source_frames_nobody(void **state)
{
	union ps_addr mapped = pkt_v4(PKT_SRC4);
	(void)state;

	assert_int_equal(RESULT(ETH(), IPV6(.src = mapped), TCP()), PS_PARSE_BAD_IP);
}

/* Every frame cut after every byte: a named reason, and never a read behind the end. */
static void test_every_cut(void **state)
{
	struct pkt frames[] = {
		PKT(ETH(), VLAN(), IPV4(.option_bytes = 8), TCP(.option_bytes = 12), DATA(4)),
		PKT(ETH(), IPV4(), UDP(), DATA(4)),
		PKT(ETH(), IPV4(), ICMP()),
		PKT(ETH(), IPV6(), EXT(.len8 = 1), EXT(.type = PS_IP_FRAGMENT), TCP(), DATA(4)),
		PKT(ETH(), IPV6(), ICMP(.type = 128)),
	};
	(void)state;

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct pkt *f = &frames[i];

		for (__u32 bytes = 0; bytes < f->bytes; bytes++) {
			struct pkt cut = pkt_cut(*f, bytes);
			enum ps_parse res = result(cut);
			__u32 ip_end = f->l3 + (f->data[f->l3] >> 4 == 6 ? 40 : 20);

			if (bytes < f->l3)
				assert_int_equal(res, PS_PARSE_SHORT_ETH);
			else if (bytes < ip_end)
				assert_int_equal(res, PS_PARSE_SHORT_IP);
			else if (bytes < f->l4 + 8)
				assert_true(res == PS_PARSE_SHORT_L4 || res == PS_PARSE_SHORT_IP);
			else
				assert_true(res == PS_PARSE_SHORT_L4 || res == PS_PARSE_OK);
		}
	}
}

/* What user space and the scanner ask: no link header, and the packet an error quotes. */
static void test_other_doors(void **state)
{
	struct pkt f = PKT(ETH(), IPV4(), TCP(.dport = 22, .seq = 5));
	const __u8 *ip = f.data + f.l3, *end = f.data + f.bytes;
	struct ps_packet p;
	(void)state;

	assert_int_equal(ps_parse_ip(ip, end, &p), PS_PARSE_OK);
	assert_int_equal(p.dport, 22);
	assert_int_equal(p.ip_off, 0);
	assert_int_equal(ps_parse_ip(ip, ip, &p), PS_PARSE_SHORT_IP);
	assert_int_equal(ps_parse_quote(ip, ip + 28, &p), PS_PARSE_OK);
	assert_int_equal(p.dport, 22);
	assert_int_equal(p.seq, 5);
	assert_int_equal(ps_parse_quote(ip, ip + 27, &p), PS_PARSE_SHORT_L4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_v4),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_tcp_v6),
		cmocka_unit_test(test_udp_and_icmp),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_v4_options),
		cmocka_unit_test(test_v4_fragments),
		cmocka_unit_test(test_v6_fragments),
		cmocka_unit_test(test_v6_each_extension),
		cmocka_unit_test(test_v6_chain_length),
		cmocka_unit_test(test_impossible_headers),
		cmocka_unit_test(test_mapped_source_frames_nobody),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_other_doors),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
