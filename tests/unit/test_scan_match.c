/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_scan_match.c - probes built, answered as a stack would, and matched:
 * the state table, technique by technique, and what must not be believed.
 */
#include "unit.h"

#include <pscan/parse.h>

#include "scan/frame.h"
#include "scan/match.h"
#include "scan/probe_link.h"

#define OWN_PORT 40000
#define PORT 80

static struct probe_context context;
static struct targets targets;
static struct phase phase;
static struct match_input input = { .context = &context, .targets = &targets, .phase = &phase };
static union ps_addr target, own, router;

static int set_up(void **state)
{
	struct target_resolve resolve = { .family = 0 };

	(void)state;
	cookie_key_random(&context.key);
	context.ttl = 64;
	context.tcp_port_count = PROBE_TCP_PORTS;
	context.udp_port_count = PROBE_UDP_PORTS;
	for (__u16 i = 0; i < PROBE_TCP_PORTS; i++)
		context.tcp_ports[i] = OWN_PORT + i;
	for (__u16 i = 0; i < PROBE_UDP_PORTS; i++)
		context.udp_ports[i] = OWN_PORT + 100 + i;
	addr_parse("198.51.100.1", &target);
	addr_parse("198.51.100.2", &own);
	addr_parse("203.0.113.1", &router);
	assert_int_equal(targets_add(&targets, "198.51.100.1", &resolve), 0);
	assert_int_equal(targets_add(&targets, "2001:db8::1", &resolve), 0);
	return targets_finish(&targets);
}

static int tear_down(void **state)
{
	(void)state;
	targets_free(&targets);
	return 0;
}

static void use(const struct probe_ops *ops)
{
	static struct port_set ports;

	memset(&ports, 0, sizeof(ports));
	port_set_add(&ports, PORT);
	phase_free(&phase);
	assert_int_equal(
		phase_ports(&phase, ops->proto == PS_IP_UDP ? PHASE_UDP : PHASE_TCP, ops, &ports),
		0);
}

/* The probe as an IP packet; returns its length. */
static size_t send_probe(const struct probe_ops *ops, __u8 attempt, __u8 *out)
{
	struct probe probe = {
		.ops = ops, .target = target, .source = own, .port = PORT, .attempt = attempt
	};
	struct route route = { 0 };

	return frame_probe(&context, &probe, &route, NULL, out);
}

/* What a stack sends back: RFC 9293 section 3.10.7. Returns the IP packet's length. */
static size_t answer_tcp(const __u8 *sent, __u8 flags, __u16 window, __u8 *out)
{
	const struct ps_ipv4 *ip = (const void *)sent;
	const struct ps_tcp *tcp = (const void *)(sent + 20);
	struct ps_ipv4 *back = (struct ps_ipv4 *)out;
	struct ps_tcp *reply = (struct ps_tcp *)(out + 20);
	__u32 consumed = !!(tcp->flags & PS_TCP_SYN) + !!(tcp->flags & PS_TCP_FIN);

	memset(out, 0, 40);
	back->version_ihl = 0x45;
	back->total_bytes = ps_htons(40);
	back->ttl = 64;
	back->proto = PS_IP_TCP;
	back->src = ip->dst;
	back->dst = ip->src;
	reply->sport = tcp->dport;
	reply->dport = tcp->sport;
	reply->flags = flags;
	reply->offset_res = 0x50;
	reply->window = ps_htons(window);
	if (flags & PS_TCP_ACK)
		reply->ack = ps_htonl(ps_ntohl(tcp->seq) + consumed);
	else
		reply->seq = tcp->ack;
	return 40;
}

static void expect(const __u8 *packet, size_t bytes, enum scan_state state, unsigned int attempt)
{
	struct match match;

	assert_true(match_packet(&input, packet, packet + bytes, &match));
	assert_int_equal(match.answer.state, state);
	assert_int_equal(match.answer.attempt, attempt);
	assert_int_equal(match.target, 0);
	assert_int_equal(match.unit, 0);
}

static void refuse(const __u8 *packet, size_t bytes)
{
	struct match match;

	assert_false(match_packet(&input, packet, packet + bytes, &match));
}

static void test_state_table(void **state)
{
	static const struct {
		const struct probe_ops *ops;
		__u8 flags; /* of the answer */
		__u16 window;
		enum scan_state means;
	} rows[] = {
		{ &probe_tcp_syn, PS_TCP_SYN | PS_TCP_ACK, 64240, STATE_OPEN },
		{ &probe_tcp_syn, PS_TCP_RST | PS_TCP_ACK, 0, STATE_CLOSED },
		{ &probe_tcp_fin, PS_TCP_RST | PS_TCP_ACK, 0, STATE_CLOSED },
		{ &probe_tcp_null, PS_TCP_RST | PS_TCP_ACK, 0, STATE_CLOSED },
		{ &probe_tcp_xmas, PS_TCP_RST | PS_TCP_ACK, 0, STATE_CLOSED },
		{ &probe_tcp_maimon, PS_TCP_RST, 0, STATE_CLOSED },
		{ &probe_tcp_ack, PS_TCP_RST, 0, STATE_UNFILTERED },
		{ &probe_tcp_ack, PS_TCP_RST, 512, STATE_UNFILTERED },
		{ &probe_tcp_window, PS_TCP_RST, 0, STATE_CLOSED },
		{ &probe_tcp_window, PS_TCP_RST, 512, STATE_OPEN },
	};
	__u8 sent[PROBE_BYTES_MAX], back[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		use(rows[i].ops);
		for (__u8 attempt = 0; attempt < COOKIE_ATTEMPTS; attempt += 7) {
			send_probe(rows[i].ops, attempt, sent);
			expect(back, answer_tcp(sent, rows[i].flags, rows[i].window, back),
			       rows[i].means, attempt);
		}
	}
}

static void test_silence(void **state)
{
	(void)state;
	assert_int_equal(probe_tcp_syn.silence, STATE_FILTERED);
	assert_int_equal(probe_tcp_connect.silence, STATE_FILTERED);
	assert_int_equal(probe_tcp_fin.silence, STATE_OPEN_FILTERED);
	assert_int_equal(probe_tcp_null.silence, STATE_OPEN_FILTERED);
	assert_int_equal(probe_tcp_xmas.silence, STATE_OPEN_FILTERED);
	assert_int_equal(probe_tcp_maimon.silence, STATE_OPEN_FILTERED);
	assert_int_equal(probe_tcp_ack.silence, STATE_FILTERED);
	assert_int_equal(probe_tcp_window.silence, STATE_FILTERED);
	assert_int_equal(probe_udp.silence, STATE_OPEN_FILTERED);
}

/* What is not an answer to this very probe: one field off at a time, and cut short. */
static void test_not_ours(void **state)
{
	__u8 sent[PROBE_BYTES_MAX], good[64], bad[64];
	struct ps_tcp *tcp = (struct ps_tcp *)(bad + 20);
	size_t bytes;

	(void)state;
	use(&probe_tcp_syn);
	send_probe(&probe_tcp_syn, 0, sent);
	bytes = answer_tcp(sent, PS_TCP_SYN | PS_TCP_ACK, 64240, good);
	expect(good, bytes, STATE_OPEN, 0);

	memcpy(bad, good, bytes);
	tcp->ack ^= ps_htonl(0x100); /* another cookie */
	refuse(bad, bytes);
	memcpy(bad, good, bytes);
	tcp->sport = ps_htons(PORT + 1); /* a port that was not asked */
	refuse(bad, bytes);
	memcpy(bad, good, bytes);
	tcp->dport = ps_htons(OWN_PORT - 1); /* not from us */
	refuse(bad, bytes);
	memcpy(bad, good, bytes);
	tcp->dport = ps_htons(OWN_PORT + 1); /* another try's port, with this one's cookie */
	refuse(bad, bytes);
	memcpy(bad, good, bytes);
	((struct ps_ipv4 *)bad)->src = router.w[3]; /* not a target */
	refuse(bad, bytes);
	memcpy(bad, good, bytes);
	tcp->flags = PS_TCP_ACK; /* neither SYN nor RST */
	refuse(bad, bytes);
	for (size_t cut = 0; cut < bytes; cut++)
		refuse(good, cut);
}

static void test_bare_syn_ack(void **state)
{
	__u8 sent[PROBE_BYTES_MAX], back[64];
	struct match match;
	size_t bytes;

	(void)state;
	use(&probe_tcp_syn);
	send_probe(&probe_tcp_syn, 0, sent);
	bytes = answer_tcp(sent, PS_TCP_SYN | PS_TCP_ACK, 0, back);
	assert_true(match_packet(&input, back, back + bytes, &match));
	assert_true(match.answer.bare);
	bytes = answer_tcp(sent, PS_TCP_SYN | PS_TCP_ACK, 1, back);
	assert_true(match_packet(&input, back, back + bytes, &match));
	assert_false(match.answer.bare);
}

/* An ICMP error of @type and @code from @from about the probe; @quoted bytes of it. */
static size_t icmp_error(const union ps_addr *from, __u8 type, __u8 code, const __u8 *sent,
			 size_t quoted, __u8 *out)
{
	struct ps_ipv4 *ip = (struct ps_ipv4 *)out;
	struct ps_icmp *icmp = (struct ps_icmp *)(out + 20);

	memset(out, 0, 28);
	ip->version_ihl = 0x45;
	ip->total_bytes = ps_htons((__u16)(28 + quoted));
	ip->ttl = 60;
	ip->proto = PS_IP_ICMP;
	ip->src = from->w[3];
	ip->dst = own.w[3];
	icmp->type = type;
	icmp->code = code;
	memcpy(out + 28, sent, quoted);
	return 28 + quoted;
}

static void test_icmp_errors(void **state)
{
	__u8 sent[PROBE_BYTES_MAX], back[PROBE_BYTES_MAX];
	static const __u8 filtered[] = { 0, 1, 2, 3, 9, 10, 13 };

	(void)state;
	use(&probe_tcp_ack);
	send_probe(&probe_tcp_ack, 3, sent);
	/* 20 bytes of IP header and 8 more are all that is sure to be quoted. */
	for (size_t i = 0; i < sizeof(filtered); i++)
		expect(back, icmp_error(&router, 3, filtered[i], sent, 28, back), STATE_FILTERED,
		       3);
	expect(back, icmp_error(&router, 11, 0, sent, 28, back), STATE_FILTERED, 3);
	refuse(back, icmp_error(&router, 3, 4, sent, 28, back)); /* fragmentation needed */
	refuse(back, icmp_error(&router, 5, 0, sent, 28, back)); /* redirect */
	refuse(back, icmp_error(&router, 3, 3, sent, 27, back)); /* quote too short */
	sent[24] ^= 1;                                           /* forged: wrong cookie */
	refuse(back, icmp_error(&router, 3, 3, sent, 28, back));
}

static void test_udp(void **state)
{
	__u8 sent[PROBE_BYTES_MAX], back[PROBE_BYTES_MAX];
	struct ps_udp *udp = (struct ps_udp *)(back + 20);
	struct ps_ipv4 *ip = (struct ps_ipv4 *)back;

	(void)state;
	use(&probe_udp);
	send_probe(&probe_udp, 2, sent);
	expect(back, icmp_error(&target, 3, 3, sent, 28, back), STATE_CLOSED, 2);
	expect(back, icmp_error(&router, 3, 3, sent, 28, back), STATE_FILTERED, 2);
	expect(back, icmp_error(&target, 3, 13, sent, 28, back), STATE_FILTERED, 2);

	memcpy(back, sent, 28);
	ip->total_bytes = ps_htons(28);
	ip->src = target.w[3];
	ip->dst = own.w[3];
	udp->sport = ps_htons(PORT);
	udp->dport = ps_htons(context.udp_ports[2]);
	udp->bytes = ps_htons(8);
	expect(back, 28, STATE_OPEN, 2);
	udp->dport = ps_htons(context.udp_ports[7] + 1);
	refuse(back, 28);
}

/* On loopback we see our own probes arrive: none of them is an answer. */
static void test_own_probes(void **state)
{
	struct probe probe = {
		.ops = &probe_tcp_syn, .target = target, .source = target, .port = OWN_PORT
	};
	struct route route = { 0 };
	static struct port_set ports;
	__u8 sent[PROBE_BYTES_MAX];

	(void)state;
	for (unsigned int i = 0; i < 200; i++)
		port_set_add(&ports, OWN_PORT + i);
	for (int udp = 0; udp < 2; udp++) {
		phase_free(&phase);
		probe.ops = udp ? &probe_udp : &probe_tcp_syn;
		assert_int_equal(
			phase_ports(&phase, udp ? PHASE_UDP : PHASE_TCP, probe.ops, &ports), 0);
		for (__u16 i = 0; i < 200; i++) {
			probe.port = OWN_PORT + i;
			refuse(sent, frame_probe(&context, &probe, &route, NULL, sent));
		}
	}
}

static __u16 checksum(const __u8 *data, size_t bytes, __u32 acc)
{
	for (size_t i = 0; i < bytes; i++)
		acc += i & 1 ? data[i] : (__u32)data[i] << 8;
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (__u16)acc;
}

/* A receiver adds everything up and must find all ones (RFC 1071). */
static void test_checksums(void **state)
{
	static const struct probe_ops *const all[] = { &probe_tcp_syn, &probe_tcp_null, &probe_udp,
						       &probe_icmp_echo, &probe_icmp6_echo };
	union ps_addr v6_target, v6_own;
	struct route route = { 0 };

	(void)state;
	addr_parse("2001:db8::1", &v6_target);
	addr_parse("2001:db8::2", &v6_own);
	for (size_t i = 0; i < 2 * sizeof(all) / sizeof(all[0]); i++) {
		bool v6 = i & 1;
		struct probe probe = { .ops = all[i / 2],
				       .target = v6 ? v6_target : target,
				       .source = v6 ? v6_own : own,
				       .port = 161 };
		__u8 bytes[PROBE_BYTES_MAX];
		struct ps_packet packet;
		size_t length, l4 = v6 ? 40 : 20;
		__u32 pseudo;

		if (probe.ops->proto == (v6 ? PS_IP_ICMP : PS_IP_ICMPV6))
			continue;
		length = frame_probe(&context, &probe, &route, NULL, bytes);
		assert_int_equal(ps_parse_ip(bytes, bytes + length, &packet), PS_PARSE_OK);
		assert_int_equal(packet.l4_off, l4);
		if (!v6)
			assert_int_equal(checksum(bytes, 20, 0), 0xffff);
		pseudo = checksum(bytes + l4 - (v6 ? 32 : 8), v6 ? 32 : 8, 0) + probe.ops->proto +
			 (__u32)(length - l4);
		if (probe.ops->proto == PS_IP_ICMP)
			pseudo = 0;
		assert_int_equal(checksum(bytes + l4, length - l4, pseudo), 0xffff);
	}
}

/* Firewalls drop SYNs without an MSS; other probes carry no option. */
static void test_mss(void **state)
{
	__u8 sent[PROBE_BYTES_MAX];

	(void)state;
	assert_int_equal(send_probe(&probe_tcp_syn, 0, sent), 44);
	assert_memory_equal(sent + 40, "\x02\x04\x05\xb4", 4);
	assert_int_equal(send_probe(&probe_tcp_fin, 0, sent), 40);
}

static void test_flags_text(void **state)
{
	__u8 flags = 0;

	(void)state;
	assert_true(probe_tcp_flags_parse("syn,fin", &flags) && flags == (PS_TCP_SYN | PS_TCP_FIN));
	assert_true(probe_tcp_flags_parse("SF", &flags) && flags == (PS_TCP_SYN | PS_TCP_FIN));
	assert_true(probe_tcp_flags_parse("0x29", &flags) && flags == 0x29);
	assert_true(probe_tcp_flags_parse("none", &flags) && flags == 0);
	assert_false(probe_tcp_flags_parse("", &flags));
	assert_false(probe_tcp_flags_parse("syn,foo", &flags));
	assert_false(probe_tcp_flags_parse("256", &flags));
}

static void test_arp(void **state)
{
	static const __u8 mac[6] = { 2, 0, 0, 0, 0, 1 };
	__u8 frame[64], found[6];
	union ps_addr from;
	size_t bytes = link_arp_request(mac, &own, &target, frame);

	(void)state;
	assert_int_equal(bytes, 28);
	assert_false(link_arp_reply(frame, frame + bytes, &from, found));
	frame[7] = 2; /* as if it were the reply */
	assert_true(link_arp_reply(frame, frame + bytes, &from, found));
	assert_true(ps_addr_eq(&from, &own));
	assert_memory_equal(found, mac, 6);
	for (size_t cut = 0; cut < bytes; cut++)
		assert_false(link_arp_reply(frame, frame + cut, &from, found));
}

static void test_cookie(void **state)
{
	struct cookie_key other;
	unsigned int attempt;
	__u32 cookie;

	(void)state;
	cookie_key_random(&other);
	for (unsigned int i = 0; i < COOKIE_ATTEMPTS; i++) {
		cookie = cookie_make(&context.key, &target, 80, 4, i);
		for (__u32 more = 0; more < 4; more++) {
			assert_true(cookie_check(&context.key, &target, 80, 4, cookie + more,
						 &attempt));
			assert_int_equal(attempt, i);
		}
		assert_false(cookie_check(&context.key, &target, 81, 4, cookie, &attempt));
		assert_false(cookie_check(&context.key, &own, 80, 4, cookie, &attempt));
		assert_false(cookie_check(&other, &target, 80, 4, cookie, &attempt));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_table), cmocka_unit_test(test_silence),
		cmocka_unit_test(test_not_ours),    cmocka_unit_test(test_bare_syn_ack),
		cmocka_unit_test(test_icmp_errors), cmocka_unit_test(test_udp),
		cmocka_unit_test(test_own_probes),  cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_mss),         cmocka_unit_test(test_flags_text),
		cmocka_unit_test(test_arp),         cmocka_unit_test(test_cookie),
	};

	return cmocka_run_group_tests_name("scan_match", tests, set_up, tear_down);
}
