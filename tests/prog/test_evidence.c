/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_evidence.c - what sockets of this host explain. Real ones, on loopback
 * in a namespace of the test's own; the frames that would belong to them are
 * fed to the program, whose look-ups find the sockets or do not.
 *
 * The peer's address is the "scanner" here. Sequence numbers do not matter: a
 * look-up goes by addresses and ports.
 */
#include "prog_sockets.h"

#include <bpf/bpf.h>

/* Own addresses and the peers', all on lo. */
#define OWN4 A4(192, 0, 2, 1)
#define OWN6 A6(0x0101)

static union ps_addr own(void)
{
	return prog.v6 ? OWN6 : pkt_v4(OWN4);
}

static int setup(void **state)
{
	union ps_addr addrs[] = { pkt_v4(OWN4), OWN6 };
	int err = prog_load(true);

	(void)state;
	if (err)
		return err;
	host_address("192.0.2.1/32");
	host_address("2001:db8::101/128");
	return xdp_locals_set(prog.xdp, addrs, 2);
}

static void connect_to(int fd, union ps_addr addr, __u16 port)
{
	struct sockaddr_storage sa;
	socklen_t bytes = sockaddr_of(addr, port, &sa);

	assert_int_equal(connect(fd, (struct sockaddr *)&sa, bytes), 0);
}

static int listening(__u16 port)
{
	int fd = bound(SOCK_STREAM, own(), port);

	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

/* A TCP connection from the peer to our @port. */
struct pair {
	int client;
	int server;
	__u16 sport;
};

static struct pair connection(int listener, __u16 port)
{
	struct pair c = { .client = bound(SOCK_STREAM, prog_source(), 0) };

	connect_to(c.client, own(), port);
	c.server = accept(listener, NULL, NULL);
	assert_true(c.server >= 0);
	c.sport = port_of(c.client);
	return c;
}

/* A frame from the peer to our own address. */
static struct pkt frame(__u8 proto, __u16 sport, __u16 dport, __u8 flags)
{
	union ps_addr src = prog_source();
	struct pkt p;

	if (prog.v6)
		p = proto == PS_IP_TCP
			    ? PKT(ETH(), IPV6(.dst = OWN6),
				  TCP(.sport = sport, .dport = dport, .flags = flags), DATA(10))
			    : PKT(ETH(), IPV6(.dst = OWN6), UDP(.sport = sport, .dport = dport),
				  DATA(10));
	else
		p = proto == PS_IP_TCP
			    ? PKT(ETH(), IPV4(.dst = OWN4),
				  TCP(.sport = sport, .dport = dport, .flags = flags), DATA(10))
			    : PKT(ETH(), IPV4(.dst = OWN4), UDP(.sport = sport, .dport = dport),
				  DATA(10));
	pkt_set_src(&p, &src);
	return p;
}

static __u32 tcp(__u16 sport, __u16 dport, __u8 flags)
{
	return prog_run(frame(PS_IP_TCP, sport, dport, flags));
}

/* ---- what is explained -------------------------------------------------------- */

/* Whatever flags a connection's packets carry, on however many ports it runs. */
static void established(bool v6)
{
	static const __u8 flags[] = { PS_TCP_ACK, PS_TCP_ACK | PS_TCP_PSH,
				      PS_TCP_ACK | PS_TCP_FIN,
				      PS_TCP_ACK | PS_TCP_FIN | PS_TCP_PSH | PS_TCP_URG };
	int listener[30];
	struct pair c[30];

	prog_begin_peer(v6);
	for (int i = 0; i < 30; i++) {
		listener[i] = listening((__u16)(100 + i));
		c[i] = connection(listener[i], (__u16)(100 + i));
	}
	prog_forget();
	for (size_t f = 0; f < sizeof(flags); f++)
		for (int i = 0; i < 30; i++)
			assert_int_equal(tcp(c[i].sport, (__u16)(100 + i), flags[f]), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED) + prog_count(PS_COUNT_FLOW), 120);
	assert_in_range(prog_count(PS_COUNT_EXPLAINED), 30, 120);
	assert_false(prog_has_record());
	for (int i = 0; i < 30; i++) {
		close(c[i].client);
		close(c[i].server);
		close(listener[i]);
	}
}

/* Our own outgoing connections: the server's late segments hit sockets in TIME-WAIT. */
static void time_wait(bool v6)
{
	__u16 port[30];
	int listener;

	prog_begin_peer(v6);
	listener = bound(SOCK_STREAM, prog_source(), 443);
	assert_int_equal(listen(listener, 64), 0);
	for (int i = 0; i < 30; i++) {
		int fd = bound(SOCK_STREAM, own(), 0), peer;
		char end;

		connect_to(fd, prog_source(), 443);
		peer = accept(listener, NULL, NULL);
		port[i] = port_of(fd);
		shutdown(fd, SHUT_WR); /* we close first: we wait */
		assert_int_equal(read(peer, &end, 1), 0);
		close(peer);
		assert_int_equal(read(fd, &end, 1), 0);
		close(fd);
	}
	prog_forget();
	for (int i = 0; i < 30; i++)
		assert_int_equal(tcp(443, port[i], PS_TCP_FIN | PS_TCP_ACK), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED), 30);
	assert_false(prog_has_record());
	close(listener);
}

/* Answers of one resolver to connected and to unconnected client sockets. */
static void udp_replies(bool v6)
{
	int fd[40];
	__u16 port[40];

	prog_begin_peer(v6);
	for (int i = 0; i < 40; i++) {
		fd[i] = bound(SOCK_DGRAM, own(), 0);
		port[i] = port_of(fd[i]);
		if (i % 2)
			connect_to(fd[i], prog_source(), 53);
	}
	prog_forget();
	for (int i = 0; i < 40; i++)
		assert_int_equal(prog_run(frame(PS_IP_UDP, 53, port[i], 0)), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED), 40);
	assert_false(prog_has_record());
	for (int i = 0; i < 40; i++)
		close(fd[i]);
}

/* A socket connected to somebody else explains nothing. */
static void udp_of_another_peer(bool v6)
{
	union ps_addr other;
	int fd[7];

	prog_begin_peer(v6);
	other = prog_source();
	for (int i = 0; i < 7; i++) {
		fd[i] = bound(SOCK_DGRAM, own(), (__u16)(901 + i));
		connect_to(fd[i], other, 53);
	}
	prog_begin_peer(v6); /* another source */
	for (int i = 0; i < 7; i++)
		assert_int_equal(prog_run(frame(PS_IP_UDP, 53, (__u16)(901 + i), 0)),
				 i < 6 ? XDP_PASS : XDP_DROP);
	for (int i = 0; i < 7; i++)
		close(fd[i]);
}

/* ---- what is not ----------------------------------------------------------------- */

/* A listening socket knows nobody yet: an ACK to it is a probe. */
static void ack_to_listener(bool v6)
{
	int listener[7];

	prog_begin_peer(v6);
	for (int i = 0; i < 7; i++)
		listener[i] = listening((__u16)(801 + i));
	prog_forget();
	for (int i = 0; i < 7; i++)
		assert_int_equal(tcp(55555, (__u16)(801 + i), PS_TCP_ACK),
				 i < 6 ? XDP_PASS : XDP_DROP);
	prog_expect_events(1);
	assert_int_equal(prog.event[0].class, PS_CLASS_ACK);
	for (int i = 0; i < 7; i++)
		close(listener[i]);
}

/* A host that is scanned behind us has its own sockets: we cannot tell, and do not. */
static void forwarded(bool v6)
{
	prog_begin_peer(v6);
	prog_forget();
	for (__u16 port = 101; port < 131; port++) {
		assert_int_equal(prog_run(prog_tcp(port, PS_TCP_ACK)), XDP_PASS);
		assert_int_equal(prog_run(prog_udp(port)), XDP_PASS);
	}
	assert_int_equal(prog_count(PS_COUNT_FORWARDED), 60);
	assert_int_equal(prog_scan(201, 7, 0), 7); /* a SYN answers nothing, wherever it goes */
}

/* ---- blocked, and connected ---------------------------------------------------------- */

static void connected_and_blocked(bool v6)
{
	struct pair c;
	int listener;

	prog_begin_peer(v6);
	listener = listening(700);
	c = connection(listener, 700);
	prog.cfg->rule.respond = PS_RESPOND_HARD;
	prog.cfg->rule.unproven = PS_UNPROVEN_FULL;
	assert_int_equal(prog_scan(101, 7, MS), 7);
	/* A hard block ends being one when the rule does. */
	for (int how = PS_RESPOND_HARD; how >= PS_RESPOND_SOFT; how--) {
		prog.cfg->rule.respond = (__u8)how;
		prog_forget();
		for (int i = 0; i < 3; i++)
			assert_int_equal(tcp(c.sport, 700, PS_TCP_ACK),
					 how == PS_RESPOND_SOFT ? XDP_PASS : XDP_DROP);
		/* Neither a new connection nor the neighbour's. */
		assert_int_equal(tcp(c.sport, 700, PS_TCP_SYN), XDP_DROP);
		assert_int_equal(tcp((__u16)(c.sport ^ 1), 700, PS_TCP_ACK), XDP_DROP);
		assert_int_equal(tcp(c.sport, 701, PS_TCP_ACK), XDP_DROP);
		assert_int_equal(prog_count(PS_COUNT_SPARED) + prog_count(PS_COUNT_FLOW),
				 how == PS_RESPOND_SOFT ? 3 : 0);
	}
	close(c.client);
	close(c.server);
	close(listener);
}

/* Whoever adds to the list is killed before the last step, which makes unknown the flows that
 * are known: the entry holds once they are forgotten, a second later, with or without traffic. */
static void denied_and_killed(bool v6)
{
	struct ps_prefix key = { .bits = 128 };
	struct ps_deny deny = { .since_ns = 1 };
	union ps_addr src;
	struct pair c;
	int listener;

	prog_begin_peer(v6);
	listener = listening(700);
	c = connection(listener, 700);
	src = prog_source();
	memcpy(key.addr, &src, sizeof(key.addr));
	assert_int_equal(tcp(c.sport, 700, PS_TCP_ACK), XDP_PASS);
	prog.cfg->deny_count++;
	assert_int_equal(bpf_map_update_elem(prog.xdp->fd[XDP_MAP_DENY], &key, &deny, BPF_ANY), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(tcp(c.sport, 700, PS_TCP_ACK), XDP_PASS);
		prog_at(prog_now() + SEC / 10);
	}
	prog_at(prog_now() + SEC / 10);
	assert_int_equal(tcp(c.sport, 700, PS_TCP_ACK), XDP_DROP);
	assert_int_equal(tcp(c.sport, 701, PS_TCP_SYN), XDP_DROP);
	assert_int_equal(xdp_deny_del(prog.xdp, &(struct prefix){ src, 128 }), 0);
	close(c.client);
	close(c.server);
	close(listener);
}

/* An operator's list is hard whatever the rule says, known flow or not. */
static void connected_and_denied(bool v6)
{
	struct ps_deny deny = { .since_ns = 1 };
	struct prefix one;
	struct pair c;
	int listener;

	prog_begin_peer(v6);
	listener = listening(700);
	c = connection(listener, 700);
	one = (struct prefix){ .addr = prog_source(), .bits = 128 };
	assert_int_equal(tcp(c.sport, 700, PS_TCP_ACK), XDP_PASS);
	assert_int_equal(xdp_deny_add(prog.xdp, &one, &deny), 0);
	assert_int_equal(tcp(c.sport, 700, PS_TCP_ACK), XDP_DROP);
	assert_int_equal(xdp_deny_del(prog.xdp, &one), 0);
	assert_int_equal(tcp(c.sport, 700, PS_TCP_ACK), XDP_PASS);
	close(c.client);
	close(c.server);
	close(listener);
}

static const struct CMUnitTest tests[] = {
	BOTH("an established connection's packets", established),
	BOTH("packets for sockets in TIME-WAIT", time_wait),
	BOTH("udp replies to our sockets", udp_replies),
	BOTH("a udp socket connected elsewhere explains nothing", udp_of_another_peer),
	BOTH("an ACK to a listening port is a probe", ack_to_listener),
	BOTH("forwarded packets are not for this host to judge", forwarded),
	BOTH("a blocked source's connection, soft and hard", connected_and_blocked),
	BOTH("a denied source's connection", connected_and_denied),
	BOTH("a denied source's connection, and the editor was killed", denied_and_killed),
};

PROG_MAIN("evidence", tests, setup)
