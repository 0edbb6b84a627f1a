/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_cpus_counts.c - two CPUs at once, once more: what is counted beside the records
 * (ports, an operator's blocks, IPv6 networks), and neighbouring hash buckets with records
 * that push each other out and blocks that run out meanwhile. Every number is exact.
 */
#include "cpus.h"

#include <bpf/bpf.h>

struct port_sum {
	const union ps_addr *src;
	__u64 packets;
	unsigned int ports;
};

static int add_port(const struct ps_port_key *key, __u64 packets, void *data)
{
	struct port_sum *sum = data;

	if (ps_addr_eq(&key->src, sum->src)) {
		sum->packets += packets;
		sum->ports++;
	}
	return 0;
}

/* Short rounds: the delicate moment is the first packet to each port. */
static void test_saved_ports(void **state)
{
	(void)state;

	cpus_needed();
	for (int i = 0; i < 300; i++) {
		struct round r = { .n = 1, .calls = 4 * PORTS, .repeat = 1, .v6 = i & 1 };
		struct port_sum sum = { .src = r.src };

		prog_begin(i & 1);
		prog.cfg->rule.respond = PS_RESPOND_MONITOR;
		prog.cfg->save_ports = true;
		prog_forget();
		r.src[0] = prog_source();
		cpus_run(&r);
		prog.cfg->save_ports = false;
		assert_int_equal(xdp_each_port(prog.xdp, add_port, &sum), 0);
		assert_int_equal(sum.ports, PORTS);
		/* With the one that waited in the mark. */
		assert_int_equal(sum.packets, prog_count(PS_COUNT_SCORED) + 1);
	}
}

/* @each sources in each of two buckets, one behind the other, in turn. */
static void two_buckets(union ps_addr *src, int each)
{
	int have[2] = { 0 };
	__u32 first = 0;

	prog.sources++;
	src[0] = prog_source();
	first = cpus_bucket(&src[0]) & ~1U;
	while (have[0] < each || have[1] < each) {
		union ps_addr next;
		__u32 which;

		prog.sources++;
		next = prog_source();
		which = cpus_bucket(&next) - first;
		if (which < 2 && have[which] < each)
			src[2 * have[which]++ + (int)which] = next;
	}
}

static void test_neighbouring_buckets(void **state)
{
	(void)state;

	cpus_needed();
	for (int i = 0; i < 5; i++) {
		struct round r = { .n = 2 * PS_WAYS, .calls = 10000, .repeat = 1 };

		prog_begin(false);
		prog.cfg->rule.respond = PS_RESPOND_MONITOR;
		two_buckets(r.src, PS_WAYS);
		prog_forget();
		cpus_run(&r);
		cpus_check_watched(&r, (__u64)CPUS * (__u64)r.calls * r.repeat);
	}
}

/* A second, whenever another thousand packets were dropped. */
static void time_passes(struct round *r)
{
	__u64 next = 1000;

	while (atomic_load(&r->ended) < CPUS) {
		if (prog_count(PS_COUNT_DROP) < next)
			continue;
		prog_at(prog_now() + SEC);
		next = prog_count(PS_COUNT_DROP) + 1000;
	}
}

/* Twice as many sources as both buckets hold, blocked for a second each while seconds pass. */
static void test_deadlines_and_evictions(void **state)
{
	struct round r = { .n = 4 * PS_WAYS, .calls = 100000, .repeat = 1 };
	__u64 scans;
	(void)state;

	cpus_needed();
	prog_begin(false);
	prog.cfg->rule.block_ns = prog.cfg->rule.unproven_ns = SEC;
	two_buckets(r.src, 2 * PS_WAYS);
	prog_forget();
	cpus_run_beside(&r, time_passes);
	scans = prog_count(PS_COUNT_SCAN);
	assert_true(scans > 100 && prog_count(PS_COUNT_EVICT) > 100);
	assert_int_equal(prog_count(PS_COUNT_BLOCK), scans);
	assert_int_equal(cpus_all_exits(), CPUS * r.calls);
	/* Told half a block later at the earliest, a renewal is told in no block of these. */
	cpus_check_told(scans);
	print_message("# %llu scans, %llu records pushed out\n",
		      (unsigned long long)scans, (unsigned long long)prog_count(PS_COUNT_EVICT));
}

static void test_deny_counters(void **state)
{
	struct round r = { .n = 1, .calls = 50000, .repeat = 1 };
	struct ps_deny deny = { .since_ns = 1 };
	struct ps_prefix key = { .bits = 128 };
	struct prefix one = { .bits = 128 };
	(void)state;

	cpus_needed();
	prog_begin(false);
	r.src[0] = one.addr = prog_source();
	assert_int_equal(xdp_deny_add(prog.xdp, &one, &deny), 0);
	prog_forget();
	assert_int_equal(cpus_run(&r), CPUS * r.calls);
	assert_int_equal(prog_count(PS_COUNT_DROP), CPUS * r.calls);
	memcpy(key.addr, &one.addr, sizeof(key.addr));
	assert_int_equal(bpf_map_lookup_elem(prog.xdp->fd[XDP_MAP_DENY], &key, &deny), 0);
	assert_int_equal(deny.packets, CPUS * r.calls);
	assert_int_equal(deny.bytes, deny.packets * 54);
	assert_int_equal(xdp_deny_del(prog.xdp, &one), 0);
}

/* Host @host of 2001:db8:1:@net::/64. */
static union ps_addr host_of(__u8 net, __u32 host)
{
	union ps_addr addr = { .b = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, net } };

	addr.w[3] = ps_htonl(host);
	return addr;
}

/* Each probe of a host is its network's, too, until the rule fires for the host. */
static void test_network(void **state)
{
	(void)state;

	cpus_needed();
	for (__u8 i = 1; i <= 20; i++) {
		struct round r = { .n = PS_WAYS, .calls = 5000, .repeat = 1, .v6 = true };
		union ps_addr net = host_of(i, 0);
		struct ps_source s;

		prog_begin(true);
		prog.cfg->rule.threshold = PORTS + 1;
		/* Two hosts, two ports: from here on nothing waits in the network's mark. */
		for (__u32 n = 0; n < 2; n++) {
			struct pkt f = PKT(ETH(), IPV6(), TCP(.dport = (__u16)(40000 + n)));
			union ps_addr src = host_of(i, 1000 + n);

			pkt_set_src(&f, &src);
			assert_int_equal(prog_run(f), XDP_PASS);
		}
		prog_forget();
		for (int n = 0; n < r.n; n++)
			r.src[n] = host_of(i, 1 + (__u32)n);
		cpus_run(&r);
		assert_int_equal(xdp_source_get(prog.xdp, &net, &s), 0);
		assert_int_equal(s.probes, PORTS);
		assert_int_equal(s.peak, PORTS);
		assert_int_equal(cpus_packets_of(&s) - 2,
				 prog_count(PS_COUNT_FIRST) + prog_count(PS_COUNT_SCORED));
		prog_expect_events(0);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_saved_ports),
	cmocka_unit_test(test_neighbouring_buckets),
	cmocka_unit_test(test_deadlines_and_evictions),
	cmocka_unit_test(test_deny_counters),
	cmocka_unit_test(test_network),
};

PROG_MAIN("two CPUs, counts", tests, prog_setup)
