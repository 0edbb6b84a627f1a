/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_handshake.c - what completes a handshake, what only looks like it, and what a
 * port that turns out to be open takes back.
 * Real half-open connections, on loopback in a namespace of the test's own: a
 * listener that defers acceptance keeps one behind its client's bare ACK, and
 * one under SYN cookies keeps nothing at all.
 */
#include "prog_sockets.h"

#include <netinet/tcp.h>

#define CONTACTS_MAX 16

static struct xdp_contacts *contacts;
static struct ps_contact contact[CONTACTS_MAX];
static unsigned int n_contacts;

static void on_contact(const struct ps_contact *c, void *data)
{
	(void)data;
	if (c->kind == PS_CONTACT_HANDSHAKE && n_contacts < CONTACTS_MAX)
		contact[n_contacts++] = *c;
}

/* How many handshakes were told of since the last time; they are in contact[]. */
static unsigned int handshakes(void)
{
	n_contacts = 0;
	assert_true(xdp_contacts_read(contacts) >= 0);
	return n_contacts;
}

/* Of the peer: prog_source(), or a host of a /64 that is not ours. */
static bool far;

static union ps_addr peer(void)
{
	union ps_addr addr = prog_source();

	if (far)
		addr.b[7] = 0x99;
	return addr;
}

static union ps_addr own(void)
{
	return prog.v6 ? PKT_DST6 : pkt_v4(PKT_DST4);
}

static int setup(void **state)
{
	int err = prog_setup(state);

	if (err)
		return err;
	host_address("203.0.113.5/32");
	host_address("2001:db8::7a05/128");
	return xdp_contacts_open(prog.xdp, on_contact, NULL, &contacts);
}

/* A new peer with an address on lo. */
static void begin(bool v6)
{
	prog_begin_peer(v6);
	handshakes();
}

static int listening(__u16 port, int defer_s)
{
	int fd = bound(SOCK_STREAM, own(), port);

	assert_int_equal(setsockopt(fd, SOL_TCP, TCP_DEFER_ACCEPT, &defer_s, sizeof(defer_s)), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

/* The client's end of a connection, as the frames that it sends need it. */
struct client {
	int fd;
	__u16 sport;
	__u32 seq;	/* next byte of its own */
	__u32 ack;	/* next byte of ours: the number in our SYN+ACK, plus one */
};

static __u32 queue_seq(int fd, int queue)
{
	socklen_t bytes = sizeof(__u32);
	__u32 seq;

	assert_int_equal(setsockopt(fd, SOL_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)), 0);
	assert_int_equal(getsockopt(fd, SOL_TCP, TCP_QUEUE_SEQ, &seq, &bytes), 0);
	return seq;
}

static struct client client_of(__u16 port)
{
	struct client c = { .fd = bound(SOCK_STREAM, peer(), 0) };
	struct sockaddr_storage sa;
	socklen_t bytes = sockaddr_of(own(), port, &sa);
	int on = 1, off = -1; /* TCP_REPAIR_OFF_NO_WP: nothing is sent */

	assert_int_equal(connect(c.fd, (struct sockaddr *)&sa, bytes), 0);
	bytes = sizeof(sa);
	assert_int_equal(getsockname(c.fd, (struct sockaddr *)&sa, &bytes), 0);
	c.sport = ntohs(((struct sockaddr_in *)&sa)->sin_port);
	assert_int_equal(setsockopt(c.fd, SOL_TCP, TCP_REPAIR, &on, sizeof(on)), 0);
	c.ack = queue_seq(c.fd, TCP_RECV_QUEUE);
	c.seq = queue_seq(c.fd, TCP_SEND_QUEUE);
	assert_int_equal(setsockopt(c.fd, SOL_TCP, TCP_REPAIR, &off, sizeof(off)), 0);
	return c;
}

/* Ends both ends at once, without a trace. */
static void abort_socket(int fd)
{
	struct linger now = { .l_onoff = 1 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd);
}

/* A frame of the client's to our @port that acknowledges @ack. */
static __u32 send_frame(const struct client *c, __u16 port, __u8 flags, __u32 ack)
{
	union ps_addr src = peer();
	struct pkt p = prog.v6 ? PKT(ETH(), IPV6(.dst = PKT_DST6, .hops = 57),
				     TCP(.sport = c->sport, .dport = port, .flags = flags,
					 .seq = c->seq, .ack = ack))
			       : PKT(ETH(), IPV4(.ttl = 57),
				     TCP(.sport = c->sport, .dport = port, .flags = flags,
					 .seq = c->seq, .ack = ack));

	pkt_set_src(&p, &src);
	return prog_run(p);
}

/* ---- half-open in a request socket ------------------------------------------------- */

/* A forger's SYN makes the request socket, and what behind it guesses is a probe each time. */
static void blind(bool v6)
{
	struct client c;
	int listener;

	begin(v6);
	listener = listening(700, 30);
	c = client_of(700);
	prog_forget();
	for (__u32 i = 1; i <= 7; i++)
		send_frame(&c, 700, PS_TCP_ACK, c.ack + i * 1000);
	send_frame(&c, 700, PS_TCP_ACK | PS_TCP_SYN, c.ack);
	send_frame(&c, 700, PS_TCP_RST, c.ack);
	send_frame(&c, 700, PS_TCP_ACK, c.ack + 1);
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED), 0);
	assert_int_equal(prog_count(PS_COUNT_FLOW), 0);
	assert_int_equal(prog_count(PS_COUNT_FIRST), 1);
	assert_int_equal(prog_count(PS_COUNT_AGAIN), 7);
	assert_int_equal(prog_count(PS_COUNT_REPLY), 2);
	assert_int_equal(handshakes(), 0);
	abort_socket(c.fd);
	close(listener);
}

/* With the number of our SYN+ACK it completes the handshake: explained, known, and told. */
static void completed(bool v6)
{
	union ps_addr src;
	struct client c;
	int listener;

	begin(v6);
	src = prog_source();
	listener = listening(701, 30);
	c = client_of(701);
	prog_forget();
	/* As it is in life: the SYN leaves the source's mark for this very port. */
	send_frame(&c, 701, PS_TCP_SYN, 0);
	assert_int_equal(send_frame(&c, 701, PS_TCP_ACK, c.ack), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED), 1);
	assert_int_equal(handshakes(), 1);
	assert_int_equal(contact[0].dport, 701);
	assert_int_equal(contact[0].sport, c.sport);
	assert_int_equal(contact[0].ttl, 57);
	assert_true(ps_addr_eq(&contact[0].src, &src));
	assert_int_equal(send_frame(&c, 701, PS_TCP_ACK | PS_TCP_PSH, c.ack), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_FLOW), 1);
	assert_int_equal(handshakes(), 0);
	abort_socket(c.fd);
	close(listener);
}

/* The source crossed while its handshake was on the way: that passes, and is told. */
static void completed_behind_the_block(bool v6)
{
	struct client c;
	int listener;

	begin(v6);
	listener = listening(702, 30);
	c = client_of(702);
	assert_int_equal(prog_scan(101, 7, MS), 7);
	prog_forget();
	handshakes();
	assert_int_equal(send_frame(&c, 702, PS_TCP_ACK, c.ack + 1), XDP_DROP);
	assert_int_equal(send_frame(&c, 702, PS_TCP_ACK, c.ack), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_SPARED), 1);
	assert_int_equal(handshakes(), 1);
	assert_int_equal(contact[0].at_ns, prog_now());
	abort_socket(c.fd);
	close(listener);
}

/* ---- half-open in a SYN cookie -------------------------------------------------------- */

/* While a listener answers with cookies, its clients' ACKs fit no socket. */
static void cookie(bool v6)
{
	struct client c;
	int listener, server;

	begin(v6);
	must("echo 2 >/proc/sys/net/ipv4/tcp_syncookies");
	listener = listening(703, 0);
	c = client_of(703);
	server = accept(listener, NULL, NULL);
	assert_true(server >= 0);
	abort_socket(c.fd);
	abort_socket(server);
	prog_forget();
	assert_int_equal(send_frame(&c, 703, PS_TCP_ACK, c.ack + 1), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_FIRST), 1);
	assert_int_equal(handshakes(), 0);
	prog_at(prog_now() + SEC);
	assert_int_equal(send_frame(&c, 703, PS_TCP_ACK, c.ack), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED), 1);
	assert_int_equal(handshakes(), 1);
	must("echo 1 >/proc/sys/net/ipv4/tcp_syncookies");
	close(listener);
}

/* ---- points taken back ------------------------------------------------------------------ */

/* A source's connections take their ports' points back, be it in the mark or in the record. */
static void points_back(bool v6)
{
	struct client c[8];
	int listener[8];
	struct ps_source s;

	begin(v6);
	for (__u16 i = 0; i < 8; i++) {
		listener[i] = listening(710 + i, 30);
		c[i] = client_of(710 + i);
	}
	/* Known flows of earlier frames are none of these: each ACK is asked about. */
	prog_forget();
	for (__u16 i = 0; i < 8; i++) {
		assert_int_equal(send_frame(&c[i], 710 + i, PS_TCP_SYN, 0), XDP_PASS);
		assert_int_equal(send_frame(&c[i], 710 + i, PS_TCP_ACK, c[i].ack), XDP_PASS);
	}
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED), 8);
	s = prog_record();
	assert_int_equal(s.probes, 8);
	assert_int_equal(ps_score_total(&prog.cfg->rule, &s, prog_now()), 0);
	assert_true(s.peak <= 3);
	/* Sent again they are no new ports; six closed ones are no scan, the seventh is. */
	for (__u16 i = 0; i < 8; i++)
		send_frame(&c[i], 710 + i, PS_TCP_SYN, 0);
	assert_int_equal(prog_scan(101, 7, MS), 7);
	prog_expect_events(1);
	assert_int_equal(prog.event[0].score, 21);
	assert_int_equal(prog.event[0].source.probes, 15);
	for (__u16 i = 0; i < 8; i++) {
		abort_socket(c[i].fd);
		close(listener[i]);
	}
}

/* The same for the record of the peer's /64, mark first. */
static void points_back_of_the_net(bool v6)
{
	char prefix[INET6_ADDRSTRLEN + 4], text[INET6_ADDRSTRLEN];
	union ps_addr net, addr;
	struct client c[3];
	struct ps_source s;
	int listener[3];

	begin(v6);
	far = true;
	addr = peer();
	snprintf(prefix, sizeof(prefix), "%s/128", inet_ntop(AF_INET6, &addr, text, sizeof(text)));
	host_address(prefix);
	for (__u16 i = 0; i < 3; i++) {
		listener[i] = listening(760 + i, 30);
		c[i] = client_of(760 + i);
		send_frame(&c[i], 760 + i, PS_TCP_SYN, 0);
		send_frame(&c[i], 760 + i, PS_TCP_ACK, c[i].ack);
	}
	ps_addr_net(&net, &addr);
	assert_int_equal(xdp_source_get(prog.xdp, &net, &s), 0);
	assert_int_equal(s.probes, 3);
	assert_int_equal(ps_score_total(&prog.cfg->rule, &s, prog_now()), 0);
	far = false;
	for (__u16 i = 0; i < 3; i++) {
		abort_socket(c[i].fd);
		close(listener[i]);
	}
}

/* What does not acknowledge our SYN+ACK takes nothing back. */
static void guesses_take_nothing_back(bool v6)
{
	struct client c;
	struct ps_source s;
	int listener;

	begin(v6);
	listener = listening(720, 30);
	c = client_of(720);
	send_frame(&c, 720, PS_TCP_SYN, 0);
	prog_syn(101);
	send_frame(&c, 720, PS_TCP_ACK, c.ack + 1);
	send_frame(&c, 720, PS_TCP_RST, c.ack);
	s = prog_record();
	assert_int_equal(ps_score_total(&prog.cfg->rule, &s, prog_now()), 6);
	abort_socket(c.fd);
	close(listener);
}

/* An open door is not the crossing probe; the next port that is closed may be. */
static void open_door(bool v6)
{
	int listener[20];

	begin(v6);
	for (__u16 i = 0; i < 20; i++)
		listener[i] = listening(730 + i, 0);
	prog_forget();
	/* Twenty SYNs at once, none of them completed so far; four closed ports amid them. */
	assert_int_equal(prog_scan(730, 10, 0), 0);
	assert_int_equal(prog_scan(101, 4, 0), 0);
	assert_int_equal(prog_scan(740, 10, 0), 0);
	prog_expect_events(0);
	assert_int_equal(prog_scan(105, 3, 0), 3);
	prog_expect_events(1);
	assert_int_equal(prog.event[0].score, 21);
	assert_int_equal(prog.event[0].source.probes, 27);
	for (__u16 i = 0; i < 20; i++)
		close(listener[i]);
}

/* Read literally, the rule counts SYNs to open ports as well. */
static void open_door_by_packets(bool v6)
{
	int listener;

	begin(v6);
	prog.cfg->rule.count_by = PS_BY_PACKET;
	listener = listening(750, 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(prog_syn(750), XDP_PASS);
	assert_int_equal(prog_syn(750), XDP_DROP);
	close(listener);
}

/* ---- what the kernel makes of a crossing probe ------------------------------------------ */

static void unproven(bool v6)
{
	struct ps_block b;

	begin(v6);
	prog.cfg->rule.respond = PS_RESPOND_HARD;
	prog_forget();
	assert_int_equal(prog_scan(101, 7, MS), 7);
	assert_true(prog_has_block(&b));
	assert_int_equal(b.span_ns, 60 * SEC);
	assert_int_equal(b.respond, PS_RESPOND_SOFT);
	assert_int_equal(b.proof, PS_PROOF_NONE);
	assert_int_equal(b.ttl, 64);
	assert_int_equal(b.until_ns, prog_now() + 60 * SEC);
	/* It moves by its own length with what it drops. */
	prog_at(prog_now() + 50 * SEC);
	assert_int_equal(prog_syn(22), XDP_DROP);
	assert_true(prog_has_block(&b));
	assert_int_equal(b.until_ns, prog_now() + 60 * SEC);
	prog_expect_events(2);
	assert_int_equal(prog.event[0].proof, PS_PROOF_NONE);
	assert_int_equal(prog.event[0].ttl, 64);
	assert_int_equal(prog.event[1].kind, PS_EVENT_RENEW);
}

static void unproven_is_no_longer_than_proven(bool v6)
{
	struct ps_block b;

	begin(v6);
	prog.cfg->rule.block_ns = SEC;
	assert_int_equal(prog_scan(101, 7, MS), 7);
	assert_true(prog_has_block(&b));
	assert_int_equal(b.span_ns, SEC);
}

static void full(bool v6)
{
	struct ps_block b;

	begin(v6);
	prog.cfg->rule.respond = PS_RESPOND_HARD;
	prog.cfg->rule.unproven = PS_UNPROVEN_FULL;
	assert_int_equal(prog_scan(101, 7, MS), 7);
	assert_true(prog_has_block(&b));
	assert_int_equal(b.span_ns, 600 * SEC);
	assert_int_equal(b.respond, PS_RESPOND_HARD);
}

static const struct CMUnitTest tests[] = {
	BOTH("behind a forged SYN a guess is a probe", blind),
	BOTH("the number of our SYN+ACK completes a handshake", completed),
	BOTH("a handshake completes behind the block", completed_behind_the_block),
	BOTH("a SYN cookie's number completes a handshake", cookie),
	BOTH("handshakes take their ports' points back", points_back),
	ONLY_V6("handshakes take points back from the network", points_back_of_the_net),
	BOTH("guesses take nothing back", guesses_take_nothing_back),
	BOTH("an open door is never the crossing probe", open_door),
	BOTH("--count packets: open doors count", open_door_by_packets),
	BOTH("the kernel's block is unproven: a minute, and soft", unproven),
	BOTH("an unproven block is no longer than a proven one", unproven_is_no_longer_than_proven),
	BOTH("--unproven full: what a proven source gets", full),
};

PROG_MAIN("handshake", tests, setup)
