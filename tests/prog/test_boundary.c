/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_boundary.c - the rule's numbers in the loaded program, both ways, for
 * both families, and what the event says about the crossing.
 */
#include "prog.h"

static void points(bool v6)
{
	prog_begin(v6);
	assert_int_equal(prog_scan(101, 6, 10 * MS), 0);
	prog_begin(v6);
	assert_int_equal(prog_scan(101, 7, 10 * MS), 7);
	prog_begin(v6);
	assert_int_equal(prog_scan(40000, 20, 10 * MS), 0);
	prog_begin(v6);
	assert_int_equal(prog_scan(40000, 21, 10 * MS), 21);
	prog_begin(v6); /* 6 below 1024, then 3 from there on */
	assert_int_equal(prog_scan(1024 - 6, 8, 10 * MS), 0);
	prog_begin(v6);
	assert_int_equal(prog_scan(1024 - 6, 9, 10 * MS), 9);
}

static void traps(bool v6)
{
	static const __u16 trap[] = { 11, 12, 13, 2000 };

	for (int a = 0; a < 4; a++) {
		for (int b = 0; b < 4; b++) {
			prog_begin(v6);
			assert_int_equal(prog_syn(trap[a]), XDP_PASS);
			assert_int_equal(prog_syn(trap[b]), XDP_PASS);
			assert_int_equal(prog_syn(40000), a == b ? XDP_PASS : XDP_DROP);
		}
	}
}

/* The start slides over a window and a half in uneven steps, before and behind instants where
 * a fixed grid, the 2^42 ns of a tick and the 2^38 ns of a mark come round. */
static void window(bool v6)
{
	static const __u64 edges[] = { 300 * MS * 70000, 1ULL << 42, 3ULL << 42, 151ULL << 38 };

	for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++) {
		for (__u64 back = 0; back < 450 * MS; back += 13 * MS + 7777) {
			prog_begin(v6);
			prog_at(edges[e] - back);
			assert_int_equal(prog_scan(101, 7, 299 * MS), 7);
			prog_begin(v6);
			prog_at(edges[e] - back);
			assert_int_equal(prog_scan(101, 7, 301 * MS), 0);
		}
	}
}

static void same_port(bool v6)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);

	prog_begin(v6);
	assert_int_equal(prog_scan(101, 6, 10 * MS), 0);
	assert_int_equal(prog_scan(101, 6, 10 * MS), 0);
	assert_int_equal(prog_run(prog_udp(101)), XDP_DROP); /* another port: another protocol */

	prog_begin(v6);
	rule.count_by = PS_BY_PACKET;
	prog_rule(rule);
	for (int i = 0; i < 6; i++)
		assert_int_equal(prog_syn(22), XDP_PASS);
	assert_int_equal(prog_syn(22), XDP_DROP);
}

static void psd(bool v6)
{
	prog_begin(v6);
	prog_rule(rule_default(RULE_PSD));
	assert_int_equal(prog_scan(101, 7, 6 * 2990 * MS), 7);
	prog_begin(v6);
	prog_rule(rule_default(RULE_PSD));
	assert_int_equal(prog_scan(101, 7, 6 * 3010 * MS), 0);
	prog_begin(v6);
	prog_rule(rule_default(RULE_PSD));
	assert_int_equal(prog_scan(101, 1, 0), 0);
	prog_at(prog_now() + 2900 * MS);
	assert_int_equal(prog_syn(101), XDP_PASS); /* known: bridges nothing */
	prog_at(prog_now() + 2900 * MS);
	assert_int_equal(prog_scan(102, 6, 5 * MS), 0);
	assert_int_equal(prog_syn(108), XDP_DROP);
}

/* A source that comes back: its record is old, its first port counts all the same. */
static void returning(bool v6)
{
	prog_begin(v6);
	assert_int_equal(prog_scan(101, 6, 10 * MS), 0);
	prog_at(prog_now() + 301 * MS);
	assert_int_equal(prog_scan(201, 6, 10 * MS), 0);
	prog_at(prog_now() + 100 * SEC);
	assert_int_equal(prog_scan(301, 7, 10 * MS), 7);
}

/* The event holds the ports that made the score, no more and no fewer. */
static void evidence(bool v6)
{
	__u32 points[PS_CLASS_SLOTS];
	const struct ps_event *e = &prog.event[0];
	union ps_addr src;
	__u64 now;

	prog_begin(v6);
	prog_scan(9001, 3, 10 * MS); /* run out before the rest begins */
	prog_at(prog_now() + 400 * MS);
	prog_forget();
	now = prog_now();
	assert_int_equal(prog_scan(101, 7, 60 * MS), 7);
	prog_expect_events(1);
	src = prog_source();
	assert_int_equal(e->kind, PS_EVENT_SCAN);
	assert_int_equal(e->action, PS_ACTION_BLOCK);
	assert_int_equal(e->reason, PS_REASON_RULE);
	assert_int_equal(e->class, PS_CLASS_SYN);
	assert_int_equal(e->score, 21);
	assert_int_equal(e->class_score, 21);
	assert_int_equal(e->at_ns, now + 60 * MS);
	assert_int_equal(e->until_ns, e->at_ns + ps_verdict_unproven_ns(&prog.cfg->rule));
	assert_memory_equal(&e->source.addr, &src, sizeof(src));
	assert_int_equal(e->source.probes, 7);
	for (int i = 0; i < 7; i++) {
		__u64 at = now + (__u64)i * 10 * MS;
		__s64 off = (__s64)e->source.probe[i].at - (__s64)(__u32)(at >> PS_TICK_SHIFT);

		assert_int_equal(e->source.probe[i].port, 101 + i);
		assert_int_equal(e->source.probe[i].points, 3);
		/* The first is from the mark, whose clock is coarser: 65.5 us. */
		assert_in_range(off + 64, i ? 64 : 0, i ? 64 : 128);
	}
	assert_int_equal(ps_score_by_class(&prog.cfg->rule, &e->source, e->at_ns, points), 21);
	assert_int_equal(prog_count(PS_COUNT_SCAN), 1);
	assert_int_equal(prog_count(PS_COUNT_BLOCK), 1);
	assert_int_equal(prog_count(PS_COUNT_FIRST), 1);
	assert_int_equal(prog_count(PS_COUNT_SCORED), 6);
}

static const struct CMUnitTest tests[] = {
	BOTH("points add up to the threshold", points),
	BOTH("trap ports", traps),
	BOTH("the window", window),
	BOTH("the same port", same_port),
	BOTH("psd's rule", psd),
	BOTH("a source that comes back", returning),
	BOTH("what a detection says", evidence),
};

PROG_MAIN("boundary", tests, prog_setup)
