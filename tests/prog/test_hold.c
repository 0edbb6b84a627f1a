/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_hold.c - --probe-rate: what passes in a flood, what has to be tried again,
 * and whom it never meets. The rate is one a second unless a test says otherwise:
 * whoever comes first takes the second's place.
 */
#include "prog.h"

#include <bpf/bpf.h>

#define SEQ 5000
#define TRIES_BYTES (sizeof(struct ps_tries) << PS_TRIES_BITS)

static struct ps_tries *tries; /* the map itself */

/* Someone new; and that second's place is taken. Nothing is remembered and the keys are the same in
 * every run: a stranger that is taken for a second try, as may happen once in thousands (tries.h),
 * would take its place. */
static void begin(bool v6)
{
	prog_begin(v6);
	for (__u64 i = 0; i < PS_FLOW_KEYS; i++)
		prog.cfg->flow_key[i] = ps_mix(i + 1) | 1;
	memset(tries, 0, TRIES_BYTES);
	prog.cfg->probe_rate = 1;
	assert_int_equal(prog_syn(80), XDP_PASS);
	prog.sources++;
	prog_forget();
}

/* Time goes on to the next second, and somebody else takes its place. */
static void next_second(__u64 seconds)
{
	__u32 client = prog.sources;

	prog_at(prog_now() + seconds * SEC);
	prog.sources += 1000;
	assert_int_equal(prog_syn(80), XDP_PASS);
	prog.sources = client;
}

static __u32 syn_with(__u32 seq, __u16 sport)
{
	union ps_addr src = prog_source();
	struct pkt p = prog.v6 ? PKT(ETH(), IPV6(), TCP(.sport = sport, .seq = seq))
			       : PKT(ETH(), IPV4(), TCP(.sport = sport, .seq = seq));

	pkt_set_src(&p, &src);
	return prog_run(p);
}

/* A client's SYN again, a second later as RFC 6298 has it: the same ports, the same number. */
static void second_try(bool v6)
{
	begin(v6);
	assert_int_equal(syn_with(SEQ, 40000), XDP_DROP);
	assert_int_equal(prog_count(PS_COUNT_HELD), 1);
	next_second(1);
	assert_int_equal(syn_with(SEQ, 40000), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_HELD), 1);
	prog_expect_events(0);
}

static void another_is_no_second_try(bool v6)
{
	begin(v6);
	assert_int_equal(syn_with(SEQ, 40000), XDP_DROP);
	next_second(1);
	assert_int_equal(syn_with(SEQ + 1, 40000), XDP_DROP);
	next_second(1);
	assert_int_equal(syn_with(SEQ, 40001), XDP_DROP);
	assert_int_equal(prog_count(PS_COUNT_HELD), 3);
}

static __u32 syn_from_queue(__u32 queue)
{
	struct pkt p = prog_tcp(80, PS_TCP_SYN);
	struct xdp_md ctx = { .data_end = p.bytes, .ingress_ifindex = if_nametoindex("queues"),
			      .rx_queue_index = queue };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .data_size_in = p.bytes,
		    .repeat = 1, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	assert_int_equal(bpf_prog_test_run_opts(prog.xdp->prog, &opts), 0);
	return opts.retval;
}

/* A NIC puts both tries into one queue; each of four remembers its own, or all do together. */
static void queues_apart(bool v6)
{
	for (__u8 bits = 0; bits <= 2; bits += 2) {
		begin(v6);
		prog.cfg->queue_bits = bits;
		assert_int_equal(syn_from_queue(3), XDP_DROP);
		next_second(1);
		assert_int_equal(syn_from_queue(2), bits ? XDP_DROP : XDP_PASS);
		next_second(1);
		assert_int_equal(syn_from_queue(3), XDP_PASS);
	}
	prog.cfg->queue_bits = 0;
}

/* Beyond half a millisecond's worth a CPU takes of the rate in lots, and passes no more for it. */
static void in_lots(bool v6)
{
	const int rate = 200000, burst = rate / 100, lot = rate >> 11;
	int passed = 0;

	begin(v6);
	prog.cfg->probe_rate = (__u32)rate;
	prog_at(prog_now() + SEC);
	for (int i = 0; i < 2 * burst; i++, prog.sources++)
		passed += prog_syn(80) == XDP_PASS;
	assert_in_range(passed, burst, burst + 2 * lot);
	prog.cfg->probe_rate = 1; /* what is left of a lot is not of this rate */
	prog_at(prog_now() + SEC);
	passed = 0;
	for (int i = 0; i < lot; i++, prog.sources++)
		passed += prog_syn(80) == XDP_PASS;
	assert_int_equal(passed, 1);
}

/* Of second tries no more pass than of first ones: who sends everything twice wins nothing. */
static void second_tries_are_limited(bool v6)
{
	int passed = 0;

	begin(v6);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 20; i++) {
			passed += syn_with(SEQ, 40000) == XDP_PASS;
			prog.sources++;
		}
		prog.sources -= 20;
		next_second(1);
	}
	assert_int_equal(passed, 1);
	assert_int_equal(prog_count(PS_COUNT_HELD), 39);
}

/* The pace, over ten seconds: what comes at it passes. */
static void at_the_rate(bool v6)
{
	prog_begin(v6);
	prog_forget();
	prog.cfg->probe_rate = 100;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(prog_syn(80), XDP_PASS);
		prog.sources++;
		prog_at(prog_now() + SEC / 100);
	}
	for (int i = 0; i < 1000; i++) {
		prog_syn(80);
		prog.sources++;
		prog_at(prog_now() + SEC / 200);
	}
	/* Half of them, and what a burst of 10 ms allows. */
	assert_in_range(prog_count(PS_COUNT_HELD), 498, 502);
}

/* So many probes a second for two seconds, each of somebody new. Return: those that passed. */
static int passed_at(__u64 rate)
{
	int passed = 0;

	for (__u64 i = 0; i < 2 * rate; i++) {
		passed += prog_syn(80) == XDP_PASS;
		prog.sources++;
		prog_at(prog_now() + SEC / rate);
	}
	return passed;
}

/* From ten times the rate first tries are too many to be clients': a twentieth of them pass. */
static void crowd(bool v6)
{
	prog_begin(v6);
	prog_forget();
	prog.cfg->probe_rate = 100;
	assert_in_range(passed_at(900), 198, 204);
	assert_in_range(passed_at(2000), 9, 30);
	assert_in_range(passed_at(500), 165, 204); /* it takes 100 ms to be over */
}

/* Who tries again passes in a crowd as ever. */
static void crowd_second_try(bool v6)
{
	__u32 first;

	prog_begin(v6);
	prog_forget();
	prog.cfg->probe_rate = 100;
	passed_at(2000);
	prog_syn(80); /* somebody takes what place there is */
	first = ++prog.sources;
	for (int i = 0; i < 100; i++, prog.sources++)
		assert_int_equal(syn_with(SEQ, 40000), XDP_DROP);
	prog_at(prog_now() + SEC);
	passed_at(2000);
	prog.sources = first;
	for (int i = 0; i < 100; i++, prog.sources++) {
		assert_int_equal(syn_with(SEQ, 40000), XDP_PASS);
		prog_at(prog_now() + SEC / 100);
	}
}

/* The same port of the same source within a window: nothing new, so no probe. */
static void again_passes(bool v6)
{
	prog_begin(v6);
	prog_forget();
	prog.cfg->probe_rate = 1;
	for (int i = 0; i < 50; i++)
		assert_int_equal(prog_syn(80), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_AGAIN), 49);
	assert_int_equal(prog_count(PS_COUNT_HELD), 0);
}

static void allowed_pass(bool v6)
{
	struct ps_allow allow = { .kind = PS_ALLOW_GATEWAY };
	struct prefix one;

	begin(v6);
	one = (struct prefix){ .addr = prog_source(), .bits = 128 };
	assert_int_equal(xdp_allow_add(prog.xdp, &one, &allow), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(syn_with(SEQ, (__u16)(40000 + i)), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_HELD), 0);
}

static void watching_drops_nothing(bool v6)
{
	begin(v6);
	prog.cfg->rule.respond = PS_RESPOND_MONITOR;
	for (int i = 0; i < 5; i++, prog.sources++)
		assert_int_equal(prog_syn(80), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_HELD), 0);
}

static void zero_is_no_limit(bool v6)
{
	begin(v6);
	prog.cfg->probe_rate = 0;
	for (int i = 0; i < 5; i++, prog.sources++)
		assert_int_equal(prog_syn(80), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_HELD), 0);
}

/* Held back is not unseen: the rule fires at the port where it fires in a quiet hour. */
static void scan_is_found(bool v6)
{
	begin(v6);
	for (__u16 port = 101; port <= 107; port++)
		assert_int_equal(prog_syn(port), XDP_DROP);
	prog_expect_events(1);
	assert_int_equal(prog.event[0].source.probes, 7);
	assert_int_equal(prog_count(PS_COUNT_HELD), 6);
	assert_int_equal(prog_count(PS_COUNT_BLOCK), 1);
}

/* Far beyond what may be looked at, all at one moment: a sample is, 10 ms of it in advance. */
static void shed_unscored(bool v6)
{
	const int sent = 10000, looked = PS_LOOK_RATE / 100;
	__u64 first, shed, held;

	begin(v6);
	for (int i = 0; i < sent; i++, prog.sources++)
		assert_int_equal(prog_syn(80), XDP_DROP);
	first = prog_count(PS_COUNT_FIRST);
	shed = prog_count(PS_COUNT_SHED);
	held = prog_count(PS_COUNT_HELD);
	assert_int_equal(first + prog_count(PS_COUNT_SCORED) + shed, sent);
	assert_in_range(sent - shed, looked, looked + 2);
	assert_int_equal(held, sent - shed);
	assert_int_equal(prog_parsed(PS_PARSE_OK), sent);
	/* Not looked at: there is no contact of it either, and it is not said to be lost. */
	assert_true(prog_count(PS_COUNT_CONTACT_LOST) <= first);
}

/* What was shed is known when it comes again; and only SYNs are. */
static void shed_comes_again(bool v6)
{
	begin(v6);
	for (int i = 0; i < 5000; i++, prog.sources++)
		prog_syn(80);
	assert_int_equal(syn_with(SEQ, 40000), XDP_DROP);
	assert_true(prog_count(PS_COUNT_SHED) > 2000);
	prog_forget();
	assert_int_equal(syn_with(SEQ, 40000), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_SHED), 0);
	assert_int_equal(prog_count(PS_COUNT_FIRST), 1);

	prog.sources++;
	assert_int_equal(prog_run(prog_tcp(80, PS_TCP_FIN)), XDP_DROP);
	prog.sources++;
	assert_int_equal(prog_run(prog_udp(80)), XDP_DROP);
	assert_int_equal(prog_count(PS_COUNT_HELD), 2);
	assert_int_equal(prog_count(PS_COUNT_SHED), 0);
}

static const struct CMUnitTest tests[] = {
	BOTH("a second try passes", second_try),
	BOTH("another is no second try", another_is_no_second_try),
	BOTH("receive queues apart", queues_apart),
	BOTH("the rate in lots", in_lots),
	BOTH("second tries are limited", second_tries_are_limited),
	BOTH("at the rate, and at twice that", at_the_rate),
	BOTH("a crowd", crowd),
	BOTH("in a crowd, a second try", crowd_second_try),
	BOTH("the same port again passes", again_passes),
	BOTH("the allow list's pass", allowed_pass),
	BOTH("watching drops nothing", watching_drops_nothing),
	BOTH("0 is no limit", zero_is_no_limit),
	BOTH("a scan is found all the same", scan_is_found),
	BOTH("a flood beyond scoring", shed_unscored),
	BOTH("what was shed comes again", shed_comes_again),
};

static int setup(void **state)
{
	int err = prog_setup(state);

	if (err)
		return err;
	tries = mmap(NULL, TRIES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		     prog.xdp->fd[XDP_MAP_TRIES], 0);
	return tries == MAP_FAILED ? -1 : system("ip link add queues numrxqueues 4 type veth");
}

PROG_MAIN("holding back", tests, setup)
