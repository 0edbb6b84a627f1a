/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_recent.c - the short ways: a blocked source that is busy, a flow that a
 * socket explained. They give the verdicts and the counts of the long ones, and
 * end at once when an operator changes something.
 */
#include "prog.h"

#include <bpf/bpf.h>
#include <pscan/table.h>

#include "xdp_recent.h"

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void blocked(bool v6)
{
	prog_begin(v6);
	prog_forget();
	assert_int_equal(prog_scan(101, 7, MS), 7);
}

/* Of a bare SYN. */
static __u64 frame_bytes(void)
{
	return prog.v6 ? 74 : 54;
}

/* Packets that lie in the CPUs' own counts, not yet in the block of the current source. */
static __u64 unsettled(void)
{
	struct xdp_recent recent = { 0 };
	struct ps_block block, b;
	union ps_addr src = prog_source();
	__u64 packets;

	assert_int_equal(bpf_map_lookup_elem(prog.xdp->fd[XDP_MAP_BLOCKS], &src, &b), 0);
	block = b;
	assert_int_equal(xdp_recent_add(prog.xdp, &recent, &src, &block), 0);
	packets = block.packets - b.packets;
	assert_int_equal(block.bytes - b.bytes, packets * frame_bytes());
	xdp_recent_free(&recent);
	return packets;
}

static __u64 dropped(void)
{
	struct ps_block block;

	assert_true(prog_has_block(&block));
	assert_int_equal(block.bytes, block.packets * frame_bytes());
	return block.packets;
}

/* The first drop takes the long way, those of the next second the short one. */
static void counts(bool v6)
{
	blocked(v6);
	for (__u64 n = 1; n <= 100; n++) {
		assert_int_equal(prog_syn(80), XDP_DROP);
		assert_int_equal(dropped(), n + 1);
		assert_int_equal(unsettled(), n - 1);
	}
	assert_int_equal(prog_count(PS_COUNT_DROP), 100);
	assert_int_equal(prog_parsed(PS_PARSE_OK), 107);
	prog_at(prog_now() + SEC);
	assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(unsettled(), 0);
	assert_int_equal(dropped(), 102);
	prog_expect_events(1);
}

/* Only what the long way would drop as well. */
static void not_for_connections(bool v6)
{
	blocked(v6);
	assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(prog_run(prog_tcp(80, PS_TCP_ACK)), XDP_DROP);
	assert_int_equal(unsettled(), 0);
	assert_int_equal(prog_run(prog_tcp(80, PS_TCP_RST | PS_TCP_ACK)), XDP_DROP);
	assert_int_equal(prog_run(prog_udp(80)), XDP_DROP);
	assert_int_equal(prog_count(PS_COUNT_DROP), 4);
	prog.cfg->rule.respond = PS_RESPOND_MONITOR;
	assert_int_equal(prog_syn(80), XDP_PASS);
}

static void unblocked_at_once(bool v6)
{
	union ps_addr src;

	blocked(v6);
	src = prog_source();
	for (int i = 0; i < 3; i++)
		assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(xdp_block_del(prog.xdp, &src), 0);
	prog_forget();
	prog_syn(80);
	assert_int_equal(prog_count(PS_COUNT_DROP), 0);
}

static int same_deny(const struct prefix *prefix, const struct ps_deny *value, void *data)
{
	(void)prefix;
	*(struct ps_deny *)data = *value;
	return 0;
}

/* From then on it is the operator's block that counts. */
static void denied_at_once(bool v6)
{
	struct ps_deny deny = { .since_ns = 1 };
	struct prefix one;

	blocked(v6);
	one = (struct prefix){ .addr = prog_source(), .bits = 128 };
	for (int i = 0; i < 3; i++)
		assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(xdp_deny_add(prog.xdp, &one, &deny), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(xdp_each_deny(prog.xdp, same_deny, &deny), 0);
	assert_int_equal(deny.packets, 5);
	assert_int_equal(dropped(), 4);
	assert_int_equal(xdp_deny_del(prog.xdp, &one), 0);
	assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(dropped(), 5);
}

/* A block of its own time: what an earlier one of the source left behind is not its count. */
static void blocked_again(bool v6)
{
	union ps_addr src;

	blocked(v6);
	src = prog_source();
	for (int i = 0; i < 9; i++)
		assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(xdp_block_del(prog.xdp, &src), 0);
	prog_at(prog_now() + 10 * SEC);
	assert_int_equal(prog_scan(201, 7, MS), 7);
	assert_int_equal(dropped(), 1);
	assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(dropped(), 2);
}

/* Two that share a place: one has it while it is busy; both are counted to the packet. */
static void one_place(bool v6)
{
	__u64 key = prog.cfg->flow_key[0];
	union ps_addr first, second;
	__u32 sources;

	blocked(v6);
	first = prog_source();
	sources = prog.sources;
	do {
		prog.sources++;
		second = prog_source();
	} while (ps_recent_index(key, &first) != ps_recent_index(key, &second));
	prog_scan(101, 7, MS);
	for (__u64 n = 1; n <= 50; n++) {
		__u32 other = prog.sources;

		prog.sources = sources;
		assert_int_equal(prog_syn(80), XDP_DROP);
		assert_int_equal(dropped(), n + 1);
		prog.sources = other;
		assert_int_equal(prog_syn(80), XDP_DROP);
		assert_int_equal(dropped(), n + 1);
		assert_int_equal(unsettled(), 0);
	}
	/* The first falls silent; the second takes over, and settles for it. */
	prog_at(prog_now() + SEC);
	assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(unsettled(), 1);
	assert_int_equal(dropped(), 53);
	prog.sources = sources;
	assert_int_equal(unsettled(), 0);
	assert_int_equal(dropped(), 51);
}

/* A network's block: many may send, and each a little. Counted, the long way, and its
 * neighbours of other networks stay what they are. */
static void of_a_network(bool v6)
{
	struct ps_block block = { .until_ns = ~0ULL >> 1, .span_ns = SEC };
	union ps_addr src, net;

	prog_begin(v6);
	src = prog_source();
	ps_addr_net(&net, &src);
	assert_int_equal(bpf_map_update_elem(prog.xdp->fd[XDP_MAP_BLOCKS], &net, &block, BPF_ANY), 0);
	prog_forget();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(prog_syn(80), XDP_DROP);
		prog.sources++;
	}
	for (int i = 0; i < 10; i++)
		assert_int_equal(prog_syn(80), XDP_DROP);
	assert_int_equal(prog_count(PS_COUNT_DROP), 20);
	assert_int_equal(bpf_map_lookup_elem(prog.xdp->fd[XDP_MAP_BLOCKS], &net, &block), 0);
	assert_int_equal(block.packets, 20);
	assert_int_equal(xdp_block_del(prog.xdp, &net), 0);
	assert_int_equal(prog_syn(80), XDP_PASS);
}

static int setup(void **state)
{
	pin(); /* the counts are each CPU's own */
	return prog_setup(state);
}

static const struct CMUnitTest tests[] = {
	BOTH("counts", counts),
	BOTH("not for connections", not_for_connections),
	BOTH("unblocked at once", unblocked_at_once),
	BOTH("denied at once", denied_at_once),
	BOTH("blocked again", blocked_again),
	BOTH("one place", one_place),
	ONLY_V6("of a network", of_a_network),
};

PROG_MAIN("short ways", tests, setup)
