/* SPDX-License-Identifier: GPL-2.0-only */
/* test_slow_walk.c - closed ports one after the other, over hours; and who must not be taken
 * for a scanner. */
#include "slowly.h"

#define WALK_MOST 6 /* closed ports, whatever the scanner knew before */

/* Closed ports that a scan at this pace probes until it is found; 0: never. */
static unsigned int probes_until_found(__u64 gap_ns, unsigned int opens)
{
	struct slowly *s = slowly_start();
	unsigned int closed = 0;

	for (__u16 port = 1; port <= opens; port++)
		slowly_syn(s, SCANNER, port, gap_ns, SLOW_OPEN);
	while (!slowly_all(s) && closed < 100)
		slowly_syn(s, SCANNER, (__u16)(1000 + closed++), gap_ns, SLOW_CLOSED);
	if (slowly_all(s)) {
		assert_int_equal(s->found[PS_ENGINE_WALK], 1);
		assert_int_equal(s->last.event.score, closed);
		assert_int_equal(s->last.event.source.probes, closed);
		assert_int_equal(s->last.event.class, PS_CLASS_SYN);
		assert_int_equal(s->last.event.at_ns, s->now_ns);
		/* Hours are told as hours. */
		assert_int_equal(s->last.event.source.probe[closed - 1].at,
				 (closed - 1) * gap_ns / MS);
	}
	slowly_stop(s);
	return closed < 100 ? closed : 0;
}

static void test_paces(void **state)
{
	static const __u64 gaps[] = { 301 * MS, 400 * MS, SEC, 15 * SEC, 5 * MIN, HOUR, 23 * HOUR };
	(void)state;

	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
		assert_int_equal(probes_until_found(gaps[i], 0), 4);
		assert_int_equal(probes_until_found(gaps[i], 1), 5);
		assert_int_equal(probes_until_found(gaps[i], 2), WALK_MOST);
		assert_int_equal(probes_until_found(gaps[i], 5), WALK_MOST);
		assert_int_equal(probes_until_found(gaps[i], 20), WALK_MOST);
	}
	assert_int_equal(probes_until_found(25 * HOUR, 0), 0); /* a day's silence forgets */
}

/* What happens inside one window is the burst rule's: seven low ports, or fifty. */
static void test_one_window(void **state)
{
	struct slowly *s = slowly_start();
	(void)state;

	for (__u16 port = 0; port < 50; port++)
		slowly_syn(s, SCANNER, (__u16)(2000 + port), 5 * MS, SLOW_CLOSED);
	assert_int_equal(slowly_all(s), 0);
	/* Three more windows: four failures count. */
	for (__u16 port = 0; port < 3; port++)
		slowly_syn(s, SCANNER, (__u16)(3000 + port), 301 * MS, SLOW_CLOSED);
	assert_int_equal(s->found[PS_ENGINE_WALK], 1);
	/* A Bloom filter takes a port or two for known. */
	assert_in_range(s->last.event.score, 48, 53);
	slowly_stop(s);
}

/* The same, with the outcomes known late and out of order. */
static void test_late_silence(void **state)
{
	struct slowly *s = slowly_start();
	__u64 start_ns = s->now_ns;
	(void)state;

	slowly_syn(s, SCANNER, 1, 2 * SEC, SLOW_CLOSED);
	for (__u16 port = 0; port < 20; port++) {
		s->now_ns = start_ns + port * 10 * MS;
		slowly_syn(s, SCANNER, (__u16)(2000 + port), 0, SLOW_CLOSED);
	}
	assert_int_equal(slowly_all(s), 0);
	slowly_stop(s);
}

/* One probe of a closed port beside each connection to an open one. */
static void test_interleaving(void **state)
{
	static const __u64 gaps[] = { 400 * MS, 15 * SEC };
	(void)state;

	for (int i = 0; i < 2; i++) {
		struct slowly *s = slowly_start();
		unsigned int closed = 0;

		while (!slowly_all(s) && closed < 20) {
			slowly_syn(s, SCANNER, 443, gaps[i] / 2, SLOW_OPEN);
			slowly_syn(s, SCANNER, (__u16)(1000 + closed++), gaps[i] / 2, SLOW_CLOSED);
		}
		assert_in_range(closed, 4, WALK_MOST);
		slowly_stop(s);
	}
}

/* One connection in three fails, at services that come and go. */
static void test_failing_client(void **state)
{
	struct slowly *s = slowly_start();
	(void)state;

	for (__u16 i = 0; i < 60; i++) {
		slowly_syn(s, SCANNER, (__u16)(8000 + i * 3), 10 * SEC, SLOW_OPEN);
		slowly_syn(s, SCANNER, (__u16)(8001 + i * 3), 10 * SEC, SLOW_OPEN);
		slowly_syn(s, SCANNER, (__u16)(8002 + i * 3), 10 * SEC, SLOW_CLOSED);
	}
	/* One port that is closed, asked for a thousand times, is one failure. */
	for (int i = 0; i < 1000; i++)
		slowly_syn(s, "198.51.100.8", 8080, SEC, SLOW_CLOSED);
	assert_int_equal(slowly_all(s), 0);
	slowly_stop(s);
}

/* Thirty services polled every minute; then all of them are down for an hour. */
static void test_monitoring_host(void **state)
{
	struct slowly *s = slowly_start();
	(void)state;

	for (int round = 0; round < 60; round++)
		for (__u16 service = 0; service < 30; service++)
			slowly_syn(s, SCANNER, (__u16)(1000 + service), 2 * SEC, SLOW_OPEN);
	for (int round = 0; round < 60; round++)
		for (__u16 service = 0; service < 30; service++)
			slowly_syn(s, SCANNER, (__u16)(1000 + service), 2 * SEC, SLOW_CLOSED);
	assert_int_equal(slowly_all(s), 0);
	slowly_stop(s);
}

/* 200 clients behind one address for a day: three services, now and then a mistake. */
static void test_nat_gateway(void **state)
{
	static const __u16 services[] = { 22, 80, 443 };
	struct slowly *s = slowly_start();
	unsigned int mistakes = 0;
	(void)state;

	for (int i = 0; i < 24 * 720; i++) {
		slowly_syn(s, SCANNER, services[i % 3], 5 * SEC, SLOW_OPEN);
		if (i % 1000 == 999)
			slowly_syn(s, SCANNER, (__u16)(2000 + mistakes++), SEC, SLOW_CLOSED);
	}
	assert_int_equal(mistakes, 17);
	assert_int_equal(slowly_all(s), 0);
	slowly_stop(s);
}

/* A peer-to-peer client behind us: hundreds of peers that are gone, all over the Internet. */
static void test_peers(void **state)
{
	struct slowly *s = slowly_start();
	union ps_addr client = slowly_addr(HOST), peer = slowly_addr("198.51.100.1");
	(void)state;

	for (int i = 0; i < 2000; i++) {
		s->now_ns += 200 * MS;
		peer.b[12] = (__u8)(1 + i % 220); /* another network each time */
		peer.b[13] = (__u8)(i / 220);
		peer.b[15] = (__u8)i;
		slowly_meet(s, &client, &peer, (__u16)(6881 + i % 100), PS_CLASS_SYN,
			    i % 3 ? SLOW_CLOSED : SLOW_OPEN);
	}
	assert_int_equal(slowly_all(s), 0);
	slowly_stop(s);
}

/* Answers that come when the socket is gone already, and traceroute. */
static void test_late_answers(void **state)
{
	struct slowly *s = slowly_start();
	union ps_addr server = slowly_addr("192.0.2.53"), host = slowly_addr(HOST);
	static const enum ps_class late[] = { PS_CLASS_UDP, PS_CLASS_ACK, PS_CLASS_MAIMON };
	(void)state;

	for (__u16 i = 0; i < 300; i++) {
		s->now_ns += 400 * MS;
		s->next.sport = i & 1 ? 53 : 443;
		slowly_meet(s, &server, &host, (__u16)(33000 + i), late[i % 3], SLOW_CLOSED);
		slowly_meet(s, &server, &host, (__u16)(33000 + i), PS_CLASS_REPLY, SLOW_CLOSED);
		s->next.sport = 40000;
		s->next.ttl = (__u8)(1 + i % 30);
		slowly_meet(s, &server, &host, (__u16)(33434 + i % 100), PS_CLASS_UDP, SLOW_CLOSED);
	}
	assert_int_equal(slowly_all(s), 0);
	/* A SYN is no answer, wherever it comes from. */
	s->next.sport = 53;
	for (__u16 i = 0; i < 4; i++) {
		s->now_ns += 400 * MS;
		slowly_meet(s, &server, &host, (__u16)(33000 + i), PS_CLASS_SYN, SLOW_CLOSED);
	}
	assert_int_equal(s->found[PS_ENGINE_WALK], 1);
	slowly_stop(s);
}

/* Told once while it goes on; again when its block ended; never beside the rule. */
static void test_told_once(void **state)
{
	struct slowly *s = slowly_start();
	struct ps_event event = { .at_ns = s->now_ns };
	(void)state;

	for (__u16 port = 0; port < 100; port++)
		slowly_syn(s, SCANNER, (__u16)(1000 + port), 5 * MIN, SLOW_CLOSED);
	assert_int_equal(slowly_all(s), 1);
	s->block_ns = MIN;
	for (__u16 port = 0; port < 6; port++)
		slowly_syn(s, "198.51.100.8", (__u16)(1000 + port), 5 * MIN, SLOW_CLOSED);
	assert_int_equal(slowly_all(s), 4); /* at the fourth port, the fifth, the sixth */
	event.source.addr = slowly_addr("198.51.100.9");
	event.at_ns = s->now_ns;
	event.until_ns = s->now_ns + HOUR;
	slow_told(s->slow, &event);
	for (__u16 port = 0; port < 100; port++)
		slowly_syn(s, "198.51.100.9", (__u16)(1000 + port), SEC, SLOW_CLOSED);
	assert_int_equal(slowly_all(s), 4);
	slowly_stop(s);
}

/* Each probe from another address of one /64. */
static void test_net(void **state)
{
	struct slowly *s = slowly_start();
	union ps_addr src = slowly_addr("2001:db8:7::1"), dst = slowly_addr("2001:db8:1::5");
	(void)state;

	for (__u16 port = 0; port < 4; port++) {
		s->now_ns += SEC;
		src.b[15]++;
		slowly_meet(s, &src, &dst, (__u16)(1000 + port), PS_CLASS_SYN, SLOW_CLOSED);
	}
	assert_int_equal(slowly_all(s), 1);
	assert_true(ps_addr_is_net(&s->last.event.source.addr));
	/* One host alone is told as itself, its /64 is not. */
	src = slowly_addr("2001:db8:8::1");
	for (__u16 port = 0; port < 20; port++) {
		s->now_ns += SEC;
		slowly_meet(s, &src, &dst, (__u16)(1000 + port), PS_CLASS_SYN, SLOW_CLOSED);
	}
	assert_int_equal(slowly_all(s), 2);
	assert_false(ps_addr_is_net(&s->last.event.source.addr));
	slowly_stop(s);
}

static bool is_own(const union ps_addr *net, const void *data)
{
	union ps_addr own = slowly_addr(data);

	return net->d[0] == own.d[0];
}

/* Four hosts of one link ask for a closed port each: where it is our link, too, that is not
 * held against all of it. */
static void test_own_net(void **state)
{
	const struct slow_options options = {
		.window_ns = 300 * MS, .own = is_own, .own_data = "2001:db8:7::99",
	};
	struct slowly *s = slowly_start();
	union ps_addr dst = slowly_addr("2001:db8:1::5");
	(void)state;

	slow_free(s->slow);
	s->slow = slow_new(&options, slowly_found, s);
	for (int net = 7; net < 9; net++) {
		union ps_addr src = slowly_addr(net == 7 ? "2001:db8:7::1" : "2001:db8:8::1");

		for (__u16 port = 0; port < 20; port++) {
			s->now_ns += SEC;
			src.b[15]++;
			slowly_meet(s, &src, &dst, (__u16)(1000 + port), PS_CLASS_SYN, SLOW_CLOSED);
		}
		assert_int_equal(s->found[PS_ENGINE_WALK] > 0, net == 8);
	}
	slowly_stop(s);
}

/* How long a scan at this pace is blocked. */
static __u64 block_at(const struct ps_rule *rule, __u64 gap_ns, unsigned int opens)
{
	struct slowly *s = slowly_start();
	__u64 block_ns;

	for (__u16 port = 1; port <= opens; port++)
		slowly_syn(s, SCANNER, port, gap_ns, SLOW_OPEN);
	for (__u16 port = 1000; !slowly_all(s) && port < 1100; port++)
		slowly_syn(s, SCANNER, port, gap_ns, SLOW_CLOSED);
	assert_int_equal(slowly_all(s), 1);
	block_ns = slow_block_ns(rule, &s->last.event);
	slowly_stop(s);
	return block_ns;
}

/* The block of a scan lasts until its next probe, and no longer than a proven one's first. */
static void test_block(void **state)
{
	struct ps_rule rule = { .block_ns = 10 * MIN, .unproven_ns = MIN };
	struct ps_event lone = { .source = { .packets = { [PS_CLASS_SYN] = 1 } } };
	(void)state;

	assert_int_equal(block_at(&rule, 400 * MS, 0), MIN);
	assert_int_equal(block_at(&rule, 15 * SEC, 0), MIN);
	assert_int_equal(block_at(&rule, 31 * SEC, 0), 62 * SEC);
	assert_int_equal(block_at(&rule, 2 * MIN, 2), 4 * MIN);
	assert_int_equal(block_at(&rule, 5 * MIN, 0), 10 * MIN);
	assert_int_equal(block_at(&rule, HOUR, 0), 10 * MIN);
	assert_int_equal(slow_block_ns(&rule, &lone), MIN);
	/* An unproven block that is asked for longer stays so; so does the most that anybody gets. */
	rule.unproven_ns = 8 * MIN;
	assert_int_equal(block_at(&rule, 2 * MIN, 0), 8 * MIN);
	rule.unproven_ns = HOUR;
	assert_int_equal(block_at(&rule, 15 * SEC, 0), 10 * MIN);
}

static void test_facts(void **state)
{
	struct slowly *s = slowly_start();
	(void)state;

	s->next.window = 1024;
	s->next.options = 4;
	s->next.ip_id = 77;
	slowly_syn(s, SCANNER, 1, SEC, SLOW_CLOSED);
	slowly_syn(s, SCANNER, 2, SEC, SLOW_CLOSED);
	s->next.kind = PS_CONTACT_HANDSHAKE;
	slowly_syn(s, SCANNER, 22, SEC, SLOW_OPEN);
	s->next.kind = PS_CONTACT_PROBE;
	for (__u16 port = 3; port < 7; port++)
		slowly_syn(s, SCANNER, port, SEC, SLOW_CLOSED);
	assert_int_equal(slowly_all(s), 1);
	assert_int_equal(s->last.tool, SLOW_TOOL_NMAP);
	assert_true(s->last.handshake);
	slowly_stop(s);
}

/* A scan at a probe each 400 ms, in the middle of ten million forged sources. */
static void test_flood(void **state)
{
	struct slowly *s = slowly_start();
	union ps_addr src = slowly_addr("192.0.2.1"), dst = slowly_addr(HOST);
	__u64 evicted;
	__u16 port = 0;
	(void)state;

	for (__u32 i = 0; i < 10000000; i++) {
		__u32 n = i * 2654435761U;

		memcpy(&src.w[3], &n, sizeof(n));
		s->now_ns += 50000; /* 20,000 contacts a second, as many as the ring brings */
		slowly_meet(s, &src, &dst, (__u16)(n >> 7), PS_CLASS_SYN, SLOW_CLOSED);
		if (i % 8000 == 0 && !s->found[PS_ENGINE_WALK])
			slowly_syn(s, SCANNER, (__u16)(1000 + port++), 0, SLOW_CLOSED);
	}
	evicted = slow_counts(s->slow)->evicted;
	assert_int_equal(s->found[PS_ENGINE_WALK], 1);
	assert_in_range(port, 4, WALK_MOST);
	assert_int_equal(slow_counts(s->slow)->contacts, 10000000 + port);
	print_message("# found after %u ports, %llu records evicted\n", port,
		      (unsigned long long)evicted);
	slowly_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paces),
		cmocka_unit_test(test_one_window),
		cmocka_unit_test(test_late_silence),
		cmocka_unit_test(test_interleaving),
		cmocka_unit_test(test_failing_client),
		cmocka_unit_test(test_monitoring_host),
		cmocka_unit_test(test_nat_gateway),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_late_answers),
		cmocka_unit_test(test_told_once),
		cmocka_unit_test(test_net),
		cmocka_unit_test(test_own_net),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests_name("slow_walk", tests, NULL, NULL);
}
