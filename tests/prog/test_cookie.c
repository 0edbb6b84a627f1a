/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_cookie.c - --unproven cookie: what the answer to a blocked source's SYN
 * looks like, byte for byte, who gets none, how many there are, and what the
 * ACK of a cookie is worth.
 */
#include "prog_sockets.h"

#include "damage.h"

#include <bpf/bpf.h>
#include <time.h>

#include "checksum.h"

#define OPEN_PORT 700
#define REPEAT 200000

static struct xdp_contacts *contacts;
static unsigned int n_cookies;
static int listener[2];

static void on_contact(const struct ps_contact *c, void *data)
{
	(void)data;
	n_cookies += c->kind == PS_CONTACT_COOKIE;
}

/* Contacts of that kind since the last time. */
static unsigned int cookies_told(void)
{
	n_cookies = 0;
	assert_true(xdp_contacts_read(contacts) >= 0);
	return n_cookies;
}

static int listen_on(int family)
{
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6, .sin6_port = htons(OPEN_PORT) };
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(OPEN_PORT) };
	int fd = socket(family, SOCK_STREAM, 0), on = 1;

	assert_true(fd >= 0);
	if (family == AF_INET6) {
		setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		assert_int_equal(bind(fd, (struct sockaddr *)&sa6, sizeof(sa6)), 0);
	} else {
		assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	}
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static int setup(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	int err;

	(void)state;
	rule.unproven = PS_UNPROVEN_COOKIE;
	err = prog_load_with(true, rule);
	if (!err)
		err = prog_own_addresses();
	if (!err)
		err = xdp_contacts_open(prog.xdp, on_contact, NULL, &contacts);
	if (err)
		return err;
	host_address("203.0.113.5/32");
	host_address("2001:db8::7a05/128");
	must("echo 2 >/proc/sys/net/ipv4/tcp_syncookies");
	listener[0] = listen_on(AF_INET);
	listener[1] = listen_on(AF_INET6);
	return 0;
}

/* A new source, blocked without proof. */
static void begin(bool v6)
{
	prog_begin(v6);
	prog.cfg->rule.unproven = PS_UNPROVEN_COOKIE;
	assert_int_equal(prog_scan(101, 7, MS), 7);
	prog_forget();
	cookies_told();
}

/* A TCP packet of the source's, @options of them behind the header, @ack and @seq as given. */
static struct pkt segment(__u16 port, __u8 flags, __u32 seq, __u32 ack, bool mss)
{
	static const __u8 options[] = { 1, 1, 2, 4, 0x05, 0x78, 4, 2 }; /* MSS 1400, after NOPs */
	union ps_addr src = prog_source();
	__u16 option_bytes = mss ? sizeof(options) : 0;
	struct pkt p;

	if (prog.v6)
		p = PKT(ETH(), IPV6(), TCP(.dport = port, .flags = flags, .seq = seq, .ack = ack,
					   .option_bytes = option_bytes));
	else
		p = PKT(ETH(), IPV4(), TCP(.dport = port, .flags = flags, .seq = seq, .ack = ack,
					   .option_bytes = option_bytes));
	if (mss)
		memcpy(p.data + p.l4 + 20, options, sizeof(options));
	pkt_set_src(&p, &src);
	return p;
}

struct answer {
	__u8 data[256];
	__u32 bytes;
	__u32 verdict;
	struct ps_packet packet; /* as our own parser reads it */
};

static struct answer run(struct pkt p)
{
	struct answer a = { .bytes = sizeof(a.data) };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .data_size_in = p.bytes,
		    .data_out = a.data, .data_size_out = sizeof(a.data), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(prog.xdp->prog, &opts), 0);
	a.bytes = opts.data_size_out;
	a.verdict = opts.retval;
	if (a.verdict == XDP_TX)
		assert_int_equal(ps_parse_eth(a.data, a.data + a.bytes, &a.packet), PS_PARSE_OK);
	return a;
}

static struct answer syn(__u16 port)
{
	return run(segment(port, PS_TCP_SYN, 1000, 0, true));
}

/* ---- the answer ------------------------------------------------------------------------ */

static void check_sums(const struct answer *a)
{
	const __u8 *l4 = a->data + a->packet.l4_off;
	struct ps_ipv4 ip;

	assert_int_equal(transport_sum(&a->packet.src, &a->packet.dst, PS_IP_TCP, l4,
				       a->bytes - a->packet.l4_off), 0);
	if (prog.v6)
		return;
	memcpy(&ip, a->data + 14, sizeof(ip));
	assert_int_equal(sum_fold(sum_add(0, &ip, sizeof(ip))), 0);
	assert_int_equal(ntohs(ip.total_bytes), a->bytes - 14);
}

static void answer_to(__u16 port, bool mss, struct answer *out)
{
	struct pkt probe = segment(port, PS_TCP_SYN, 0xfffffffe, 0, mss);
	union ps_addr own = prog.v6 ? PKT_DST6 : pkt_v4(PKT_DST4), src = prog_source();
	struct answer a = run(probe);
	__u32 ip_bytes = prog.v6 ? 40 : 20;

	assert_int_equal(a.verdict, XDP_TX);
	assert_int_equal(a.bytes, 14 + ip_bytes + (mss ? 24 : 20));
	assert_true(a.bytes <= probe.bytes);
	assert_memory_equal(a.data, probe.data + 6, 6);
	assert_memory_equal(a.data + 6, probe.data, 6);
	assert_true(ps_addr_eq(&a.packet.src, &own));
	assert_true(ps_addr_eq(&a.packet.dst, &src));
	assert_int_equal(a.packet.sport, port);
	assert_int_equal(a.packet.dport, 40000);
	assert_int_equal(a.packet.flags, PS_TCP_SYN | PS_TCP_ACK);
	assert_int_equal(a.packet.ack, 0xffffffff);
	assert_int_equal(a.packet.ttl, 64);
	assert_int_equal(a.packet.window, 64240);
	if (mss) {
		const __u8 *option = a.data + a.bytes - 4;

		assert_int_equal(option[0], 2);
		assert_int_equal(option[1], 4);
		/* The cookie holds one of four sizes: the largest that is not above what was asked. */
		assert_in_range(option[2] << 8 | option[3], 536, 1400);
	}
	check_sums(&a);
	*out = a;
}

static void bytes_of_it(bool v6)
{
	begin(v6);
	for (int mss = 0; mss < 2; mss++) {
		struct answer open, closed;

		answer_to(OPEN_PORT, mss, &open);
		answer_to(OPEN_PORT + 1, mss, &closed);
		assert_int_equal(open.bytes, closed.bytes);
	}
	assert_int_equal(prog_count(PS_COUNT_COOKIE), 4);
	assert_int_equal(prog_count(PS_COUNT_DROP), 0);
}

/* In the frame of a VLAN the answer stays in it. */
static void tagged(bool v6)
{
	union ps_addr src;
	struct answer a;
	struct pkt p;

	begin(v6);
	src = prog_source();
	p = v6 ? PKT(ETH(), VLAN(.id = 5), IPV6(), TCP(.dport = 9)) :
		 PKT(ETH(), VLAN(.id = 5), IPV4(), TCP(.dport = 9));
	pkt_set_src(&p, &src);
	a = run(p);
	assert_int_equal(a.verdict, XDP_TX);
	assert_true(a.packet.bits & PS_PKT_VLAN);
	assert_memory_equal(a.data + 12, p.data + 12, 6);
}

/* ---- who gets none ----------------------------------------------------------------------- */

static void unanswered(bool v6)
{
	static const __u8 flags[] = { PS_TCP_ACK, 0, PS_TCP_FIN, PS_TCP_SYN | PS_TCP_ACK,
				      PS_TCP_SYN | PS_TCP_FIN, PS_TCP_RST,
				      PS_TCP_FIN | PS_TCP_PSH | PS_TCP_URG };
	union ps_addr src;
	struct pkt p;

	begin(v6);
	src = prog_source();
	for (size_t i = 0; i < sizeof(flags); i++)
		assert_int_equal(run(segment(9, flags[i], 1, 1, false)).verdict, XDP_DROP);
	assert_int_equal(run(prog_udp(9)).verdict, XDP_DROP);
	if (!v6) {
		p = PKT(ETH(), IPV4(.frag = PS_IPV4_MF), TCP(.dport = 9));
		pkt_set_src(&p, &src);
		assert_int_equal(run(p).verdict, XDP_DROP);
		p = PKT(ETH(), IPV4(.dst = A4(203, 0, 113, 77)), TCP(.dport = 9));
		pkt_set_src(&p, &src); /* not ours */
		assert_int_equal(run(p).verdict, XDP_DROP);
	}
	assert_int_equal(prog_count(PS_COUNT_COOKIE), 0);
	/* Nobody whose address is not blocked is answered here. */
	prog.sources++;
	assert_int_equal(syn(9).verdict, XDP_PASS);
}

static void proven_gets_none(bool v6)
{
	union ps_addr src;
	struct ps_block b;

	begin(v6);
	src = prog_source();
	assert_int_equal(syn(9).verdict, XDP_TX);
	assert_true(prog_has_block(&b));
	b.proof = PS_PROOF_HANDSHAKE;
	assert_int_equal(xdp_block_set(prog.xdp, &src, &b), 0);
	assert_int_equal(syn(9).verdict, XDP_DROP);
}

/* ---- how many --------------------------------------------------------------------------- */

/* Answers to @n SYNs, evenly over @span_ns from now. */
static unsigned int answers(unsigned int n, __u64 span_ns)
{
	__u64 start_ns = prog_now();
	unsigned int sent = 0;

	for (unsigned int i = 0; i < n; i++) {
		prog_at(start_ns + span_ns * i / n);
		sent += syn((__u16)(1000 + i % 5000)).verdict == XDP_TX;
	}
	prog_at(start_ns + span_ns);
	return sent;
}

static void limited(bool v6)
{
	begin(v6);
	prog.cfg->rule.cookie_rate = 1000;
	prog_at(prog_now() + SEC);
	/* 10 ms' worth at once, and one that is due. */
	assert_int_equal(answers(100, 0), 11);
	prog_at(prog_now() + SEC);
	prog_forget();
	/* Ten thousand a second for two seconds: the rate, and the same few in front. */
	assert_int_equal(answers(20000, 2 * SEC), 2 * 1000 + 10);
	assert_int_equal(prog_count(PS_COUNT_COOKIE), 2010);
	assert_int_equal(prog_count(PS_COUNT_COOKIE_OVER), 20000 - 2010);
	/* Below it every SYN is answered. */
	prog_at(prog_now() + SEC);
	assert_int_equal(answers(900, SEC), 900);
}

/* ---- what an ACK is worth ----------------------------------------------------------------- */

static __u32 ack_of(const struct answer *a, __u16 port, __u32 change)
{
	return run(segment(port, PS_TCP_ACK, 1001, a->packet.seq + 1 + change, false)).verdict;
}

static void acknowledged(bool v6)
{
	struct answer open, closed;

	begin(v6);
	open = syn(OPEN_PORT);
	closed = syn(OPEN_PORT + 1);
	assert_int_equal(open.verdict, XDP_TX);
	assert_int_equal(closed.verdict, XDP_TX);
	/* Guesses get nobody anywhere. */
	assert_int_equal(ack_of(&open, OPEN_PORT, 0x01000000), XDP_DROP);
	assert_int_equal(ack_of(&open, OPEN_PORT + 1, 0), XDP_DROP);
	assert_int_equal(ack_of(&closed, OPEN_PORT + 1, 0x01000000), XDP_DROP);
	assert_int_equal(cookies_told(), 0);
	/* The client reaches the listener, and no proof comes of it. */
	assert_int_equal(ack_of(&open, OPEN_PORT, 0), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_SPARED), 1);
	assert_int_equal(cookies_told(), 0);
	/* Where nobody listens it is told, and stopped. */
	assert_int_equal(ack_of(&closed, OPEN_PORT + 1, 0), XDP_DROP);
	assert_int_equal(cookies_told(), 1);
}

/* ---- what it costs --------------------------------------------------------------------------- */

static __u32 ns_of(struct pkt p, __u32 verdict)
{
	__u32 least = ~0U;

	for (int i = 0; i < 5; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .data_size_in = p.bytes,
			    .repeat = REPEAT);

		assert_int_equal(bpf_prog_test_run_opts(prog.xdp->prog, &opts), 0);
		assert_int_equal(opts.retval, verdict);
		if (opts.duration < least)
			least = opts.duration;
	}
	return least;
}

/*
 * A run writes its answer over the frame, and the next one reads that: so the
 * figure is that of one run, many times over from here, with the system call
 * taken off by measuring a packet that is dropped the same way.
 */
static double one_by_one_ns(struct pkt p)
{
	struct timespec a, b;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	for (int i = 0; i < 20000; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .data_size_in = p.bytes,
			    .repeat = 1);

		bpf_prog_test_run_opts(prog.xdp->prog, &opts);
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 20000;
}

static void cost(bool v6)
{
	double drop, closed, open;

	begin(v6);
	prog.cfg->rule.cookie_rate = 10000000;
	/* The scripted clock stands still: what is answered here is one burst. */
	prog_at(prog_now() + SEC);
	drop = one_by_one_ns(segment(9, PS_TCP_FIN, 1, 0, true));
	closed = one_by_one_ns(segment(9, PS_TCP_SYN, 1, 0, true));
	open = one_by_one_ns(segment(OPEN_PORT, PS_TCP_SYN, 1, 0, true));
	print_message("# %s: drop %u ns; above it, an answer for a closed port %.0f ns, for an open "
		      "one %.0f ns\n", v6 ? "IPv6" : "IPv4",
		      ns_of(segment(9, PS_TCP_FIN, 1, 0, true), XDP_DROP), closed - drop,
		      open - drop);
	assert_true(prog_emulated() || closed - drop < 20000);
}

/* ---- damage ----------------------------------------------------------------------------- */

#define MUTATIONS 200000 /* unless the environment says otherwise */

/*
 * SYNs of a blocked source, damaged: what is answered at all was a whole SYN, and the answer is
 * a SYN+ACK with right sums, back to whom it came from; everything else is passed or dropped.
 */
static void test_damaged(void **state)
{
	int mutations = getenv("MUTATIONS") ? atoi(getenv("MUTATIONS")) : MUTATIONS, answers = 0;
	(void)state;

	for (int v6 = 0; v6 < 2; v6++) {
		struct pkt from[2];

		begin(v6);
		from[0] = segment(OPEN_PORT, PS_TCP_SYN, 1000, 0, true);
		from[1] = segment(80, PS_TCP_SYN, 1000, 0, false);
		for (int i = 0; i < mutations / 2; i++) {
			struct pkt p = damage(&from[i & 1]);
			struct ps_packet was;
			struct answer a;

			prog_at(prog_now() + 10 * MS);
			a = run(p);
			assert_true(a.verdict == XDP_PASS || a.verdict == XDP_DROP ||
				    a.verdict == XDP_TX);
			if (a.verdict != XDP_TX)
				continue;
			answers++;
			assert_int_equal(damage_parse(&p, &was), PS_PARSE_OK);
			assert_int_equal(was.proto, PS_IP_TCP);
			assert_true((was.flags & PS_TCP_SYN) && !(was.flags & PS_TCP_ACK));
			assert_true((a.packet.flags & PS_TCP_SYN) && (a.packet.flags & PS_TCP_ACK));
			assert_true(ps_addr_eq(&a.packet.dst, &was.src));
			assert_int_equal(a.packet.dport, was.sport);
			check_sums(&a);
		}
	}
	assert_true(answers > mutations / 100);
	print_message("# %d frames, %d answered\n", mutations, answers);
}

static const struct CMUnitTest tests[] = {
	BOTH("the answer, byte for byte, is the same for open and closed ports", bytes_of_it),
	BOTH("a VLAN tag stays", tagged),
	BOTH("no SYN, a fragment, somebody else's address: no answer", unanswered),
	BOTH("a proven source is not answered", proven_gets_none),
	BOTH("no answer beyond the rate", limited),
	BOTH("the ACK of a cookie", acknowledged),
	BOTH("what an answer costs", cost),
	cmocka_unit_test(test_damaged),
};

PROG_MAIN("cookie", tests, setup)
