/* SPDX-License-Identifier: GPL-2.0-only */
/* test_engine.c - the flow without a kernel: every stage, its evidence and its clock. */
#include "unit.h"

#include <arpa/inet.h>

#include "clock.h"
#include "engine.h"
#include "rule.h"

#define START_NS 1700000000000000000ULL
#define MS 1000000ULL
#define SCANNER "198.51.100.7"
#define HOST "203.0.113.5"

struct fixture {
	struct engine engine;
	struct ps_event event[16];
	unsigned int events;
	__u64 now_ns;
};

static void on_event(const struct ps_event *event, void *data)
{
	struct fixture *f = data;

	assert_true(f->events < 16);
	f->event[f->events++] = *event;
}

static struct fixture *start(const struct ps_rule *rule)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ps_config cfg = engine_config(rule, 42, true);

	assert_non_null(f);
	cfg.bucket_bits = 6;
	cfg.mark_bits = 10;
	assert_int_equal(engine_init(&f->engine, &cfg, EVIDENCE_FLOWS, on_event, f), 0);
	f->now_ns = START_NS;
	return f;
}

static void stop(struct fixture *f)
{
	engine_free(&f->engine);
	free(f);
}

/* One packet 1 ms after the one before. */
static enum ps_action deliver(struct fixture *f, const char *src, __u16 sport, const char *dst,
			      __u16 dport, int flags, unsigned int data)
{
	struct {
		struct ps_ipv4 ip;
		union {
			struct ps_tcp tcp;
			struct ps_udp udp;
		};
		__u8 data[64];
	} PS_PACKED p = { .ip = { .version_ihl = 0x45, .ttl = 64, .src = inet_addr(src),
				  .dst = inet_addr(dst) } };
	size_t l4 = flags < 0 ? sizeof(p.udp) : sizeof(p.tcp);
	struct engine_frame frame = { .data = &p, .link = PS_LINK_IP };
	struct engine_packet packet;

	frame.captured = frame.bytes = (__u32)(sizeof(p.ip) + l4 + data);
	p.ip.total_bytes = htons((__u16)frame.bytes);
	p.ip.proto = flags < 0 ? PS_IP_UDP : PS_IP_TCP;
	p.tcp.sport = htons(sport);
	p.tcp.dport = htons(dport);
	if (flags < 0) {
		p.udp.bytes = htons((__u16)(l4 + data));
	} else {
		p.tcp.offset_res = 5 << 4;
		p.tcp.flags = (__u8)flags;
	}
	engine_parse(&f->engine, &frame, f->now_ns += MS, &packet);
	return engine_judge(&f->engine, &packet);
}

#define UDP (-1)
#define SYN PS_TCP_SYN
#define ACK PS_TCP_ACK
#define SYNACK (PS_TCP_SYN | PS_TCP_ACK)

static __u64 counted(const struct fixture *f, enum ps_count stage)
{
	return f->engine.counters.stage[stage];
}

/* 7 low ports are 21 points: the seventh is dropped, the sixth is not. */
static void test_threshold(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct fixture *f = start(&rule);
	(void)state;

	for (__u16 port = 20; port < 26; port++)
		assert_int_equal(deliver(f, SCANNER, 40000, HOST, port, SYN, 0), PS_ACTION_PASS);
	assert_int_equal(f->events, 0);
	assert_int_equal(deliver(f, SCANNER, 40000, HOST, 26, SYN, 0), PS_ACTION_BLOCK);
	assert_int_equal(f->events, 1);
	assert_int_equal(f->event[0].score, 21);
	assert_int_equal(f->event[0].class, PS_CLASS_SYN);
	assert_int_equal(f->event[0].until_ns, f->now_ns + ps_verdict_unproven_ns(&rule));
	assert_int_equal(deliver(f, SCANNER, 40000, HOST, 27, SYN, 0), PS_ACTION_DROP);
	assert_int_equal(counted(f, PS_COUNT_FIRST), 1);
	assert_int_equal(counted(f, PS_COUNT_SCORED), 6);
	assert_int_equal(counted(f, PS_COUNT_DROP), 1);
	stop(f);
}

/* The same ports, too slow for the window. */
static void test_slow(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct fixture *f = start(&rule);
	(void)state;

	for (__u16 port = 20; port < 60; port++) {
		f->now_ns += 60 * MS;
		assert_int_equal(deliver(f, SCANNER, 40000, HOST, port, SYN, 0), PS_ACTION_PASS);
	}
	assert_int_equal(f->events, 0);
	stop(f);
}

static void test_monitor_passes(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct fixture *f;
	(void)state;

	rule.respond = PS_RESPOND_MONITOR;
	f = start(&rule);
	for (__u16 port = 1; port < 200; port++)
		assert_true(deliver(f, SCANNER, 40000, HOST, port, SYN, 0) <= PS_ACTION_ALERT);
	assert_int_equal(f->events, 1);
	assert_int_equal(f->event[0].reason, PS_REASON_MONITOR);
	stop(f);
}

/* A busy server: its answers to a hundred clients and a hundred resolver ports score nothing. */
static void test_replies_never_score(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct fixture *f = start(&rule);
	char client[32];
	(void)state;

	for (__u16 i = 0; i < 100; i++) {
		snprintf(client, sizeof(client), "198.51.100.%u", i + 100);
		deliver(f, client, (__u16)(30000 + i), HOST, 443, SYN, 0);
		deliver(f, HOST, 443, client, (__u16)(30000 + i), SYNACK, 0);
		deliver(f, client, (__u16)(30000 + i), HOST, 443, ACK, 0);
		deliver(f, HOST, 443, client, (__u16)(30000 + i), ACK | PS_TCP_PSH, 40);
		deliver(f, HOST, (__u16)(40000 + i), "192.0.2.53", 53, UDP, 20);
		deliver(f, "192.0.2.53", 53, HOST, (__u16)(40000 + i), UDP, 40);
	}
	for (__u16 i = 0; i < 100; i++) {
		snprintf(client, sizeof(client), "198.51.100.%u", i + 100);
		deliver(f, HOST, 443, client, (__u16)(30000 + i), PS_TCP_FIN | ACK, 0);
	}
	assert_int_equal(f->events, 0);
	assert_int_equal(counted(f, PS_COUNT_EXPLAINED), 200);
	stop(f);
}

static struct ps_source *record_of(struct fixture *f, const char *src)
{
	union ps_addr addr;
	__u64 hash;

	ps_addr_from_v4(&addr, inet_addr(src));
	hash = ps_hash_addr(f->engine.cfg.seed, &addr);
	return ps_bucket_find(store_bucket(&f->engine.store, &f->engine.cfg, hash), hash, &addr);
}

/* A monitoring host's round: thirty handshakes side by side, each then with a line. */
static void test_handshakes_take_points_back(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct fixture *f = start(&rule);
	struct ps_source *s;
	(void)state;

	for (__u16 port = 20; port < 50; port++) {
		deliver(f, SCANNER, 40000 + port, HOST, port, SYN, 0);
		deliver(f, HOST, port, SCANNER, 40000 + port, SYNACK, 0);
		deliver(f, SCANNER, 40000 + port, HOST, port, ACK, 0);
		deliver(f, SCANNER, 40000 + port, HOST, port, ACK | PS_TCP_PSH, 8);
	}
	assert_int_equal(f->events, 0);
	s = record_of(f, SCANNER);
	assert_non_null(s);
	assert_int_equal(ps_score_total(&rule, s, f->now_ns), 0);
	/* What it finds closed counts, six of those are too few, and open ones never make up. */
	for (__u16 port = 101; port < 107; port++)
		deliver(f, SCANNER, 40000, HOST, port, SYN, 0);
	assert_int_equal(f->events, 0);
	deliver(f, SCANNER, 40000, HOST, 107, SYN, 0);
	assert_int_equal(f->events, 1);
	stop(f);
}

/* What answers itself, or was refused, completes nothing. */
static void test_no_handshake_no_points_back(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct fixture *f = start(&rule);
	(void)state;

	for (__u16 port = 20; port < 27; port++) {
		deliver(f, SCANNER, 40000, HOST, port, SYN, 0);
		deliver(f, SCANNER, 40000, HOST, port, ACK, 0);
		deliver(f, HOST, port, SCANNER, 40000, PS_TCP_RST | ACK, 0);
		deliver(f, SCANNER, 40000, HOST, port, ACK, 0);
	}
	assert_int_equal(f->events, 1);
	stop(f);
}

/* The same packets without the other direction are an ACK scan. */
static void test_ack_scan(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct fixture *f = start(&rule);
	(void)state;

	for (__u16 port = 20; port < 27; port++)
		deliver(f, SCANNER, 40000, HOST, port, ACK, 0);
	assert_int_equal(f->events, 1);
	assert_int_equal(f->event[0].class, PS_CLASS_ACK);
	stop(f);
}

/* Segments with data out of nowhere: older than the capture at its start, probes later. */
static void test_older_than_capture(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct fixture *f = start(&rule);
	(void)state;

	for (__u16 port = 30000; port < 30050; port++)
		deliver(f, HOST, 443, SCANNER, port, ACK | PS_TCP_PSH, 40);
	assert_int_equal(f->events, 0);
	assert_int_equal(counted(f, PS_COUNT_FORWARDED), 50);
	f->now_ns += EVIDENCE_GRACE_NS;
	for (__u16 port = 31000; port < 31050; port++)
		deliver(f, HOST, 443, SCANNER, port, ACK | PS_TCP_PSH, 40);
	assert_int_equal(f->events, 1);
	stop(f);
}

static void test_lists(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct fixture *f = start(&rule);
	struct prefix prefix;
	(void)state;

	assert_true(prefix_parse(SCANNER, &prefix));
	assert_int_equal(prefixes_add(&f->engine.store.allow, &prefix), 0);
	assert_true(prefix_parse("192.0.2.0/24", &prefix));
	assert_int_equal(prefixes_add(&f->engine.store.deny, &prefix), 0);
	assert_true(prefix_parse(HOST, &prefix));
	assert_int_equal(prefixes_add(&f->engine.store.dst, &prefix), 0);
	for (__u16 port = 20; port < 40; port++) {
		assert_int_equal(deliver(f, SCANNER, 4, HOST, port, SYN, 0), PS_ACTION_PASS);
		assert_int_equal(deliver(f, "198.51.100.8", 4, "203.0.113.6", port, SYN, 0),
				 PS_ACTION_PASS);
		assert_int_equal(deliver(f, "192.0.2.9", 4, HOST, port, SYN, 0), PS_ACTION_DROP);
	}
	assert_int_equal(f->events, 0);
	assert_int_equal(counted(f, PS_COUNT_ALLOWED), 19); /* the first leaves a mark */
	assert_int_equal(counted(f, PS_COUNT_UNSCORED), 20);
	stop(f);
}

/* A blocked source: open connections are spared, probes renew, silence ends it. */
static void test_block_life(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct fixture *f;
	(void)state;

	rule.block_ns = 10000 * MS;
	f = start(&rule);
	deliver(f, SCANNER, 50000, HOST, 22, SYN, 0);
	deliver(f, HOST, 22, SCANNER, 50000, SYNACK, 0);
	for (__u16 port = 1000; port < 1007; port++)
		deliver(f, SCANNER, 40000, HOST, port, SYN, 0);
	assert_int_equal(f->events, 1);
	assert_int_equal(deliver(f, SCANNER, 50000, HOST, 22, ACK, 0), PS_ACTION_PASS);
	assert_int_equal(deliver(f, SCANNER, 50001, HOST, 22, ACK, 0), PS_ACTION_DROP);
	f->now_ns += 6000 * MS;
	deliver(f, SCANNER, 40000, HOST, 2222, SYN, 0);
	assert_int_equal(f->events, 2);
	assert_int_equal(f->event[1].kind, PS_EVENT_RENEW);
	engine_expire(&f->engine, f->now_ns + 9999 * MS);
	assert_int_equal(f->events, 2);
	engine_expire(&f->engine, f->now_ns + 10000 * MS);
	assert_int_equal(f->events, 3);
	assert_int_equal(f->event[2].kind, PS_EVENT_EXPIRE);
	assert_int_equal(f->event[2].dropped, 4); /* 1005 that crossed, 1006, the bare ACK, 2222 */
	stop(f);
}

/* More flows than a line holds: answered ones outlive any number of one-way ones. */
static void test_flow_flood(void **state)
{
	struct flows flows;
	struct flow_key victim = { .hash = 5ULL << 40, .way = 1ULL << 24 };
	(void)state;

	assert_int_equal(flows_init(&flows, EVIDENCE_FLOWS, 1), 0);
	assert_int_equal(flows_see(&flows, victim, START_NS), 0);
	victim.way = 1ULL << 25;
	assert_int_equal(flows_see(&flows, victim, START_NS), FLOW_ANSWERED);
	flows_await(&flows, victim, true);
	for (__u64 i = 0; i < 1000; i++)
		flows_see(&flows, (struct flow_key){ .hash = (i + 6) << 40, .way = 1ULL << 24 },
			  START_NS + i);
	assert_int_equal(flows.forgotten, 0);
	assert_int_equal(flows_see(&flows, victim, START_NS), FLOW_ANSWERED | FLOW_AWAITED);
	flows_await(&flows, victim, false);
	assert_int_equal(flows_see(&flows, victim, START_NS), FLOW_ANSWERED);
	flows_free(&flows);
}

static void test_clock(void **state)
{
	const __u64 window = 300 * MS;
	struct clock clock = { 0 };
	(void)state;

	assert_int_equal(clock_advance(&clock, 1000 * MS, window), 1000 * MS);
	assert_int_equal(clock_advance(&clock, 800 * MS, window), 1000 * MS); /* jitter */
	assert_int_equal(clock_advance(&clock, 1100 * MS, window), 1100 * MS);
	assert_int_equal(clock.pieces, 0);
	assert_int_equal(clock_advance(&clock, 100 * MS, window), 1700 * MS); /* a new piece */
	assert_int_equal(clock_advance(&clock, 150 * MS, window), 1750 * MS);
	assert_int_equal(clock.now_ns - clock.shift_ns, 150 * MS);
	assert_int_equal(clock.pieces, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_monitor_passes),
		cmocka_unit_test(test_replies_never_score),
		cmocka_unit_test(test_handshakes_take_points_back),
		cmocka_unit_test(test_no_handshake_no_points_back),
		cmocka_unit_test(test_ack_scan),
		cmocka_unit_test(test_older_than_capture),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_block_life),
		cmocka_unit_test(test_flow_flood),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
