/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_flood.c - forged sources by the hundred thousand while somebody really
 * scans: the scan is found, and the counters say what the flood did.
 *
 * Seed and sources are fixed, so every run sees the same collisions.
 *
 *	FORGED=10000000 build/tests/prog/test_flood
 */
#include "prog.h"

#define FORGED 1000000 /* unless the environment's FORGED says more */
#define FRAMES_PER_SCAN 40000
#define SCAN_PORTS 8

static __u64 random_state;

static __u32 next_random(void) /* xorshift64*, Vigna 2016 */
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (__u32)(random_state * 0x2545f4914f6cdd1dULL >> 32);
}

static void begin(void)
{
	prog_begin(false);
	prog.cfg->seed = 0x0123456789abcdefULL;
	random_state = 88172645463325252ULL;
	prog_forget();
}

/* One packet of a source that nobody else has, outside the scanners' 198.18.0.0/15. */
static union ps_addr forged(struct pkt *frame)
{
	union ps_addr src = pkt_v4(ps_htonl(next_random() | 0x80000000U) & ~ps_htonl(0x40000000U));

	pkt_set_src(frame, &src);
	return src;
}

/*
 * 4 million forged packets a second, one per source; every 1.2 ms a probe of
 * one of 25 scanners (or more, in a longer run), one after the other.
 */
static void test_one_packet_each(void **state)
{
	struct pkt frame = PKT(ETH(), IPV4(), TCP(.dport = 80));
	__u64 start_ns, records;
	int forged_count = prog_rounds("FORGED", FORGED);
	int scans = forged_count / FRAMES_PER_SCAN, late = 0, probe = 0, fired = 0;
	(void)state;

	assert_true(scans > 0);

	begin();
	start_ns = prog_now();
	for (int i = 0; i < forged_count; i++) {
		prog_at(start_ns + (__u64)i * 250);
		forged(&frame);
		assert_int_equal(prog_run(frame), XDP_PASS);
		if (i % (FRAMES_PER_SCAN / SCAN_PORTS))
			continue;
		if (probe == 0)
			prog.sources++;
		if (prog_syn((__u16)(101 + probe)) == XDP_DROP && !fired)
			fired = probe + 1;
		if (++probe < SCAN_PORTS)
			continue;
		assert_in_range(fired, 7, 8);
		late += fired == 8;
		probe = fired = 0;
	}
	/* A first port is lost when its mark is overwritten within 1.2 ms: 5000 of 2^20. */
	assert_in_range(late, 0, 1 + scans / 25);
	assert_int_equal(prog_count(PS_COUNT_SCAN), scans);
	assert_int_equal(prog_count(PS_COUNT_FIRST) + prog_count(PS_COUNT_AGAIN) +
				 prog_count(PS_COUNT_SCORED) + prog_count(PS_COUNT_DROP),
			 forged_count + scans * SCAN_PORTS);
	records = prog_count(PS_COUNT_ADMIT);
	/* Only those whose mark is shared with a scanner's got a record. */
	assert_in_range(records, scans, 5 * scans);
	assert_int_equal(prog_count(PS_COUNT_EVICT), 0);
	print_message("# %d forged sources: %llu records, %d of %d scans a port late\n", forged_count,
		      (unsigned long long)records, late, scans);
}

/* Twice as many sources as there are places, each with two ports, in less than a window. */
static void test_two_packets_each(void **state)
{
	struct pkt frame = PKT(ETH(), IPV4(), TCP());
	__u64 start_ns;
	(void)state;

	begin();
	start_ns = prog_now();
	assert_int_equal(prog_scan(101, 6, MS), 0);
	for (int i = 0; i < 2 * (PS_WAYS << PS_BUCKET_BITS); i++) {
		prog_at(start_ns + MS + (__u64)i * 1000);
		forged(&frame);
		pkt_set_dport(&frame, 80);
		assert_int_equal(prog_run(frame), XDP_PASS);
		pkt_set_dport(&frame, 443);
		assert_int_equal(prog_run(frame), XDP_PASS);
	}
	assert_true(prog_count(PS_COUNT_ADMIT) > PS_WAYS << PS_BUCKET_BITS);
	assert_true(prog_count(PS_COUNT_EVICT) > (PS_WAYS << PS_BUCKET_BITS) / 2);
	assert_int_equal(prog_count(PS_COUNT_SCAN), 0);
	/* The scan in progress holds more evidence than they: it kept its place. */
	assert_int_equal(prog_syn(107), XDP_DROP);
	prog_expect_events(1);
	assert_int_equal(prog.event[0].source.probes, 7);
	print_message("# %llu records made, %llu evicted\n",
		      (unsigned long long)prog_count(PS_COUNT_ADMIT),
		      (unsigned long long)prog_count(PS_COUNT_EVICT));
}

/* Forged scans: the list of blocks is full, and the real scanner is blocked all the same. */
static void test_more_blocks_than_places(void **state)
{
	struct pkt frame = PKT(ETH(), IPV4(), TCP());
	struct ps_block block;
	(void)state;

	begin();
	prog.cfg->rule.threshold = 3; /* two high ports and a third: cheap to forge */
	for (int i = 0; i < PS_BLOCKS_MAX + PS_BLOCKS_MAX / 4; i++) {
		forged(&frame);
		for (__u16 port = 5000; port < 5003; port++) {
			pkt_set_dport(&frame, port);
			prog_run(frame);
		}
	}
	assert_true(prog_count(PS_COUNT_BLOCK) > PS_BLOCKS_MAX);
	assert_int_equal(prog_count(PS_COUNT_TABLE), 0);
	assert_true(prog_count(PS_COUNT_EVENT_LOST) > 0); /* nobody read meanwhile, and it says so */
	assert_int_equal(prog_count(PS_COUNT_SCAN), prog_count(PS_COUNT_BLOCK));
	prog_syn(5000);
	prog_syn(5001);
	assert_int_equal(prog_syn(5002), XDP_DROP);
	assert_true(prog_has_block(&block));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_one_packet_each),
	cmocka_unit_test(test_two_packets_each),
	cmocka_unit_test(test_more_blocks_than_places),
};

PROG_MAIN("flood", tests, prog_setup)
