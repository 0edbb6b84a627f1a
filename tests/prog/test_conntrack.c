/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_conntrack.c - what the connection table explains where no socket does:
 * flows of sockets that are gone, and packets on their way through. The flows
 * are real, on loopback of a namespace that tracks them; the peer's address is
 * the "scanner" here.
 */
#include "prog_sockets.h"

#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "conntrack.h"
#include "tracking.h"
#include "xdp_probe.h"

#define OWN4 A4(192, 0, 2, 1)
#define OWN6 A6(0x0101)
/* Nobody's: what goes there is on its way through. */
#define BEHIND4 A4(203, 0, 113, 9)
#define BEHIND6 A6(0x0909)

static struct conntrack *conntrack;

static union ps_addr own(void)
{
	return prog.v6 ? OWN6 : pkt_v4(OWN4);
}

static union ps_addr behind(void)
{
	return prog.v6 ? BEHIND6 : pkt_v4(BEHIND4);
}

static void track(__u64 v4_ns, __u64 v6_ns)
{
	assert_int_equal(xdp_tracked_set(prog.xdp, (__u64[]){ v4_ns, v6_ns }, (__u64[2]){ 0 }), 0);
}

/* A new peer with an address on lo; nothing is taken to be tracked. */
static void begin(bool v6)
{
	if (!xdp_probe_conntrack())
		skip();
	prog_begin_peer(v6);
	track(0, 0);
	prog_forget();
}

/* The same where flows have to be entered. */
static void begin_tracked(bool v6)
{
	begin(v6);
	if (conntrack_tracks(conntrack, v6) != 1)
		skip();
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
	/* Where there is no nft, or no conntrack, the tests that need it skip. */
	if (system("nft 'table inet t { chain c { type filter hook output priority 0; "
		   "ct state invalid accept; }; }' 2>/dev/null"))
		print_message("# no rule that needs flows to be tracked\n");
	if (conntrack_open(&conntrack))
		return -1;
	return xdp_locals_set(prog.xdp, addrs, 2);
}

/* ---- flows -------------------------------------------------------------------- */

/* One datagram from a socket that is closed behind it. Return: the port that it came from. */
static __u16 datagram(union ps_addr from, union ps_addr to, __u16 dport)
{
	struct sockaddr_storage sa;
	socklen_t bytes = sockaddr_of(from, 0, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM, 0);
	__u16 sport;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, bytes), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &bytes), 0);
	sport = ntohs(((struct sockaddr_in *)&sa)->sin_port);
	bytes = sockaddr_of(to, dport, &sa);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, bytes), 1);
	close(fd);
	return sport;
}

/* A segment from the peer to @to. */
static __u32 segment(union ps_addr to, __u8 flags, __u16 sport, __u16 dport)
{
	union ps_addr src = prog_source();
	struct pkt p = prog.v6 ? PKT(ETH(), IPV6(.dst = to),
				     TCP(.sport = sport, .dport = dport, .flags = flags))
			       : PKT(ETH(), IPV4(.dst = to.w[3]),
				     TCP(.sport = sport, .dport = dport, .flags = flags));

	pkt_set_src(&p, &src);
	return prog_run(p);
}

/* The same, with ACK; or a datagram. */
static __u32 run(union ps_addr to, __u8 proto, __u16 sport, __u16 dport)
{
	union ps_addr src = prog_source();
	struct pkt p;

	if (proto == PS_IP_TCP)
		return segment(to, PS_TCP_ACK, sport, dport);
	p = prog.v6 ? PKT(ETH(), IPV6(.dst = to), UDP(.sport = sport, .dport = dport), DATA(8))
		    : PKT(ETH(), IPV4(.dst = to.w[3]), UDP(.sport = sport, .dport = dport), DATA(8));
	pkt_set_src(&p, &src);
	return prog_run(p);
}

/* Of two datagrams that were given the same port the second one's flow is known already. */
static __u64 explained(void)
{
	return prog_count(PS_COUNT_EXPLAINED) + prog_count(PS_COUNT_FLOW);
}

/* ---- what is explained --------------------------------------------------------- */

/* We asked and went away; the answers are late, and for no socket. */
static void late_answers(bool v6)
{
	begin_tracked(v6);
	for (int i = 0; i < 30; i++)
		assert_int_equal(run(own(), PS_IP_UDP, 53, datagram(own(), prog_source(), 53)),
				 XDP_PASS);
	assert_int_equal(explained(), 30);
	assert_false(prog_has_record());
}

/* The same by the entry's word for somebody else's flow: none of the addresses is local. */
static void late_answers_to_others(bool v6)
{
	begin_tracked(v6);
	assert_int_equal(xdp_locals_set(prog.xdp, NULL, 0), 0);
	for (int i = 0; i < 30; i++)
		assert_int_equal(run(own(), PS_IP_UDP, 53, datagram(own(), prog_source(), 53)),
				 XDP_PASS);
	assert_int_equal(explained(), 30);
	assert_int_equal(xdp_locals_set(prog.xdp, (union ps_addr[]){ pkt_v4(OWN4), OWN6 }, 2), 0);
}

/* The peer itself began these flows, and nobody answered: entries that explain nothing. */
static void unanswered(bool v6)
{
	begin_tracked(v6);
	for (__u16 port = 101; port <= 107; port++) {
		__u16 sport = datagram(prog_source(), own(), port);
		struct conntrack_query q = { .src = prog_source(), .dst = own(), .sport = sport,
					     .dport = port, .proto = PS_IP_UDP };

		assert_int_equal(conntrack_find(conntrack, &q, 1), 0);
		assert_int_equal(q.flow, CONNTRACK_UNANSWERED);
		assert_int_equal(run(own(), PS_IP_UDP, sport, port),
				 port < 107 ? XDP_PASS : XDP_DROP);
	}
	prog_expect_events(1);
	assert_int_equal(prog.event[0].class, PS_CLASS_UDP);
}

/*
 * Connections of the peer's own to ports that are published here and served elsewhere: no
 * address is local, and the entries alone say that they were answered. Their ports' points
 * are taken back; those of ports that nobody served are not.
 */
static void published(bool v6)
{
	struct ps_source s;
	int fd[8][2];

	begin_tracked(v6);
	assert_int_equal(xdp_locals_set(prog.xdp, NULL, 0), 0);
	for (__u16 i = 0; i < 8; i++) {
		__u16 port = 601 + i;
		struct sockaddr_storage sa;
		socklen_t bytes = sockaddr_of(own(), port, &sa);

		fd[i][0] = bound(SOCK_STREAM, own(), port);
		assert_int_equal(listen(fd[i][0], 1), 0);
		fd[i][1] = bound(SOCK_STREAM, prog_source(), 0);
		assert_int_equal(connect(fd[i][1], (struct sockaddr *)&sa, bytes), 0);
		assert_int_equal(segment(own(), PS_TCP_SYN, port_of(fd[i][1]), port), XDP_PASS);
		assert_int_equal(segment(own(), PS_TCP_ACK, port_of(fd[i][1]), port), XDP_PASS);
	}
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED), 8);
	s = prog_record();
	assert_int_equal(ps_score_total(&prog.cfg->rule, &s, prog_now()), 0);
	assert_int_equal(prog_scan(101, 7, 0), 7);
	for (int i = 0; i < 8; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
	assert_int_equal(xdp_locals_set(prog.xdp, (union ps_addr[]){ pkt_v4(OWN4), OWN6 }, 2), 0);
}

/* ---- on their way through -------------------------------------------------------- */

/* Up to the end of the lease a packet that no entry explains is a probe; from then on
 * nobody can tell. */
static void lease(bool v6)
{
	__u64 until_ns;

	begin(v6);
	until_ns = prog_now() + SEC;
	track(v6 ? 0 : until_ns, v6 ? until_ns : 0);
	prog_at(until_ns);
	for (__u16 port = 101; port <= 130; port++)
		assert_int_equal(run(behind(), PS_IP_TCP, 4000, port), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_FORWARDED), 30);
	prog_at(until_ns - 1);
	for (__u16 port = 101; port <= 107; port++)
		assert_int_equal(run(behind(), PS_IP_TCP, 4000, port),
				 port < 107 ? XDP_PASS : XDP_DROP);
	prog_expect_events(1);
	assert_int_equal(prog.event[0].class, PS_CLASS_ACK);
}

/* That one family is tracked says nothing about the other. */
static void other_family(bool v6)
{
	begin(v6);
	track(v6 ? ~0ULL : 0, v6 ? 0 : ~0ULL);
	for (__u16 port = 101; port <= 130; port++)
		assert_int_equal(run(behind(), PS_IP_UDP, 4000, port), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_FORWARDED), 30);
	assert_false(prog_has_record());
}

/* An entry that the program was told not to look for explains nothing, up to the end of
 * the lease; and of one family alone. */
static void not_asked(bool v6)
{
	__u64 until_ns;

	begin_tracked(v6);
	until_ns = prog_now() + SEC;
	assert_int_equal(xdp_tracked_set(prog.xdp, (__u64[2]){ 0 },
					 (__u64[]){ v6 ? 0 : until_ns, v6 ? until_ns : 0 }), 0);
	assert_int_equal(run(own(), PS_IP_UDP, 53, datagram(own(), prog_source(), 53)), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED), 0);
	prog_at(until_ns);
	assert_int_equal(run(own(), PS_IP_UDP, 53, datagram(own(), prog_source(), 53)), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED), 1);
	assert_int_equal(xdp_tracked_set(prog.xdp, (__u64[2]){ 0 },
					 (__u64[]){ v6 ? ~0ULL : 0, v6 ? 0 : ~0ULL }), 0);
	assert_int_equal(run(own(), PS_IP_UDP, 53, datagram(own(), prog_source(), 53)), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_EXPLAINED), 2);
}

/* ---- what user space finds --------------------------------------------------------- */

/* A deletion that names no flow: all entries of this namespace go, of both families. */
static void empty_table(void)
{
	struct {
		struct nlmsghdr nlh;
		struct nfgenmsg nfg;
	} flush = {
		.nlh = { .nlmsg_len = sizeof(flush), .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			 .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	char answer[256];

	assert_true(fd >= 0);
	assert_int_equal(send(fd, &flush, sizeof(flush), 0), sizeof(flush));
	assert_true(recv(fd, answer, sizeof(answer), 0) > 0);
	close(fd);
	assert_int_equal(conntrack_entries(conntrack), 0);
}

/* Hooks of rules that are gone enter nothing: seen at the next look. */
static void hooks(bool v6)
{
	struct ps_config cfg;
	struct tracking t;

	begin_tracked(v6);
	datagram(own(), prog_source(), 53); /* something is in the table, so it is believed at once */
	tracking_init(&t, conntrack);
	assert_int_equal(tracking_refresh(&t, prog.xdp), 0);
	assert_int_equal(xdp_config_get(prog.xdp, &cfg), 0);
	assert_in_range(cfg.tracked_until_ns[v6], xdp_now_ns() + TRACKING_LEASE_NS / 2,
			xdp_now_ns() + TRACKING_LEASE_NS);
	must("nft delete table inet t");
	assert_int_equal(conntrack_tracks(conntrack, v6), 0);
	assert_int_equal(tracking_refresh(&t, prog.xdp), 0);
	assert_int_equal(xdp_config_get(prog.xdp, &cfg), 0);
	assert_int_equal(cfg.tracked_until_ns[v6], 0);
	/* No hooks, but what they entered is still there. */
	assert_int_equal(cfg.untracked_until_ns[v6], 0);
	empty_table();
	assert_int_equal(tracking_refresh(&t, prog.xdp), 0);
	assert_int_equal(xdp_config_get(prog.xdp, &cfg), 0);
	assert_in_range(cfg.untracked_until_ns[v6], xdp_now_ns() + TRACKING_LEASE_NS / 2,
			xdp_now_ns() + TRACKING_LEASE_NS);
	must("nft 'table inet t { chain c { type filter hook output priority 0; "
	     "ct state invalid accept; }; }'");
	/* Back again, and not believed yet: flows that ran meanwhile are not in the table. */
	assert_int_equal(conntrack_tracks(conntrack, v6), 1);
	assert_int_equal(tracking_refresh(&t, prog.xdp), 0);
	assert_int_equal(xdp_config_get(prog.xdp, &cfg), 0);
	assert_int_equal(cfg.tracked_until_ns[v6], 0);
	assert_int_equal(cfg.untracked_until_ns[v6], 0);
}

/* More questions than go into one message to the kernel, each with its own answer. */
static void many_questions(bool v6)
{
	static struct conntrack_query q[300];

	begin_tracked(v6);
	for (int i = 0; i < 300; i++) {
		q[i] = (struct conntrack_query){ .src = prog_source(), .dst = own(), .sport = 9,
						 .dport = (__u16)(2000 + i), .proto = PS_IP_UDP };
		if (i % 3 == 0)
			q[i].sport = datagram(prog_source(), own(), q[i].dport);
	}
	assert_int_equal(conntrack_find(conntrack, q, 300), 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(q[i].flow, i % 3 ? CONNTRACK_NONE : CONNTRACK_UNANSWERED);
}

static const struct CMUnitTest tests[] = {
	BOTH("late answers to sockets that are gone", late_answers),
	BOTH("answers to hosts behind this one", late_answers_to_others),
	BOTH("flows that nobody answered explain nothing", unanswered),
	BOTH("connections through published ports take points back", published),
	BOTH("forwarded packets are judged as long as the lease lasts", lease),
	BOTH("one family's tracking says nothing of the other's", other_family),
	BOTH("a table that is empty is not asked", not_asked),
	BOTH("the loader sees hooks come and go", hooks),
	BOTH("many questions at once", many_questions),
};

PROG_MAIN("conntrack", tests, setup)
