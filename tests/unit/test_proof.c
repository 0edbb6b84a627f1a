/* SPDX-License-Identifier: GPL-2.0-only */
/* test_proof.c - which handshakes prove a scan, which do not, and what follows from proof. */
#include "records.h"
#include "unit.h"

#include "proof.h"
#include "rule.h"

#define MS 1000000ULL
#define SEC 1000000000ULL
#define START (1000 * SEC)
#define CROSSED (START + 60 * MS) /* record_scan(): seven probes, 10 ms apart */
#define TTL 57

static struct proof proof;

static int setup(void **state)
{
	(void)state;
	return proof_init(&proof, 1);
}

static int teardown(void **state)
{
	(void)state;
	proof_free(&proof);
	return 0;
}

static void note(enum ps_contact_kind kind, const char *addr, __u16 port, __u8 ttl, __u64 at_ns)
{
	struct ps_contact c = { .kind = (__u8)kind, .src = record_v4(addr), .dport = port,
				.ttl = ttl, .at_ns = at_ns };

	proof_note(&proof, &c);
}

/* What is found for the scan of 198.51.100.7 after one handshake; -1: nothing. */
static int after(const char *addr, __u16 port, __u8 ttl, __u64 at_ns)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_event e = record_scan(&rule, PS_CLASS_SYN, START);
	struct proof_found found;

	assert_int_equal(e.at_ns, CROSSED);
	note(PS_CONTACT_HANDSHAKE, addr, port, ttl, at_ns);
	if (!proof_find(&proof, &e.source, e.at_ns, TTL, &found))
		return -1;
	assert_int_equal(found.ttl, ttl);
	return (int)found.proof;
}

#define SCANNER "198.51.100.7"

static void test_amid(void **state)
{
	(void)state;
	assert_int_equal(after(SCANNER, 22, TTL, START + MS), PS_PROOF_HANDSHAKE);
}

static void test_behind(void **state)
{
	(void)state;
	assert_int_equal(after(SCANNER, 53, TTL, CROSSED + 2 * SEC), PS_PROOF_HANDSHAKE);
}

static void test_too_late(void **state)
{
	(void)state;
	assert_int_equal(after(SCANNER, 53, TTL, CROSSED + PROOF_AFTER_NS + MS), -1);
}

/* What a client opened before, on whatever port, shows nothing about the probes. */
static void test_before(void **state)
{
	(void)state;
	assert_int_equal(after(SCANNER, 443, TTL, START - MS), -1);
}

static void test_other_port(void **state)
{
	(void)state;
	assert_int_equal(after(SCANNER, 8080, TTL, START + 20 * MS), -1);
}

static void test_other_source(void **state)
{
	(void)state;
	assert_int_equal(after("198.51.100.8", 22, TTL, START + MS), -1);
}

static void test_other_ttl(void **state)
{
	(void)state;
	assert_int_equal(after(SCANNER, 22, TTL + 1, START + MS), PS_PROOF_NONE);
	/* One that agrees among several that do not is what counts. */
	assert_int_equal(after(SCANNER, 443, TTL, START + 41 * MS), PS_PROOF_HANDSHAKE);
}

/* The evidence of a /64 is proven by any address in it. */
static void test_network(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_event e = record_scan(&rule, PS_CLASS_SYN, START);
	struct ps_contact c = { .kind = PS_CONTACT_HANDSHAKE, .dport = 22, .ttl = TTL,
				.at_ns = START + MS,
				.src = { .b = { 0x20, 1, 0xd, 0xb8, [15] = 9 } } };
	struct proof_found found;
	(void)state;

	ps_addr_net(&e.source.addr, &c.src);
	assert_false(proof_find(&proof, &e.source, e.at_ns, TTL, &found));
	proof_note(&proof, &c);
	assert_true(proof_find(&proof, &e.source, e.at_ns, TTL, &found));
	assert_int_equal(found.proof, PS_PROOF_HANDSHAKE);
}

static void test_cookies(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_event e = record_scan(&rule, PS_CLASS_SYN, START);
	struct proof_found found;
	(void)state;

	/* Before the block, and twice the same port: no. */
	note(PS_CONTACT_COOKIE, SCANNER, 8080, TTL, START);
	note(PS_CONTACT_COOKIE, SCANNER, 9090, TTL, CROSSED + SEC);
	note(PS_CONTACT_COOKIE, SCANNER, 9090, TTL, CROSSED + 2 * SEC);
	assert_false(proof_find(&proof, &e.source, e.at_ns, TTL, &found));
	note(PS_CONTACT_COOKIE, SCANNER, 9091, TTL, CROSSED + 50 * SEC);
	assert_true(proof_find(&proof, &e.source, e.at_ns, TTL, &found));
	assert_int_equal(found.proof, PS_PROOF_COOKIE);
}

/* More sources than there is room for: the memory stays, the oldest go. */
static void test_full(void **state)
{
	(void)state;
	for (__u32 i = 0; i < PROOF_SOURCES_MAX + 1000; i++) {
		struct ps_contact c = { .kind = PS_CONTACT_HANDSHAKE, .dport = 22, .ttl = TTL,
					.at_ns = START + MS };

		ps_addr_from_v4(&c.src, ps_htonl(0xc6120000 + i));
		proof_note(&proof, &c);
	}
	assert_int_equal(lru_count(proof.handshakes), PROOF_SOURCES_MAX);
}

/* ---- what follows --------------------------------------------------------------------- */

static struct ps_block unproven_block(const struct ps_rule *rule, __u64 since_ns)
{
	return (struct ps_block){ .since_ns = since_ns, .until_ns = since_ns + rule->unproven_ns,
				  .span_ns = rule->unproven_ns, .respond = PS_RESPOND_SOFT,
				  .reason = PS_REASON_RULE };
}

static void test_raise(void **state)
{
	struct proof_found found = { .proof = PS_PROOF_HANDSHAKE, .ttl = TTL };
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_offender offender = { 0 };
	__u64 span_ns = rule.block_ns, now_ns = START;
	(void)state;

	rule.respond = PS_RESPOND_HARD;
	for (int i = 0; i < 12; i++) {
		struct ps_block b = unproven_block(&rule, now_ns);

		b.until_ns += 5 * SEC; /* the latest packet came 5 s after the first */
		proof_raise(&rule, &found, &b, &offender);
		assert_int_equal(b.span_ns, span_ns < rule.block_max_ns ? span_ns :
									  rule.block_max_ns);
		assert_int_equal(b.until_ns, now_ns + 5 * SEC + b.span_ns);
		assert_int_equal(b.respond, PS_RESPOND_HARD);
		assert_int_equal(b.proof, PS_PROOF_HANDSHAKE);
		assert_int_equal(b.proof_ttl, TTL);
		assert_int_equal(offender.blocks, i + 1);
		now_ns = b.until_ns + rule.block_max_ns / 2;
		span_ns *= 2;
	}
}

static void test_forgiven(void **state)
{
	struct proof_found found = { .proof = PS_PROOF_COOKIE };
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_block b = unproven_block(&rule, START);
	struct ps_offender offender = { 0 };
	(void)state;

	proof_raise(&rule, &found, &b, &offender);
	b = unproven_block(&rule, b.until_ns + rule.block_max_ns + SEC);
	proof_raise(&rule, &found, &b, &offender);
	assert_int_equal(b.span_ns, rule.block_ns);
	assert_int_equal(offender.blocks, 1);
}

/* --block-max below --block-time limits nothing but the doubling. */
static void test_most_below_first(void **state)
{
	struct proof_found found = { .proof = PS_PROOF_HANDSHAKE };
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_block b = unproven_block(&rule, START);
	struct ps_offender offender = { .until_ns = START, .blocks = 5 };
	(void)state;

	rule.block_max_ns = SEC;
	proof_raise(&rule, &found, &b, &offender);
	assert_int_equal(b.span_ns, rule.block_ns);
}

static void test_awaited(void **state)
{
	struct ps_rule rule = rule_default(RULE_SOPHOS);
	struct ps_block b = unproven_block(&rule, START);
	(void)state;

	assert_true(proof_awaited(&rule, &b, START + PROOF_AFTER_NS));
	assert_false(proof_awaited(&rule, &b, START + 50 * SEC));
	rule.unproven = PS_UNPROVEN_COOKIE; /* may come for as long as the block lasts */
	assert_true(proof_awaited(&rule, &b, START + 50 * SEC));
	b.proof = PS_PROOF_COOKIE;
	assert_false(proof_awaited(&rule, &b, START));
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_amid),	   FRESH(test_behind),
		FRESH(test_too_late),	   FRESH(test_before),
		FRESH(test_other_port),	   FRESH(test_other_source),
		FRESH(test_other_ttl),	   FRESH(test_network),
		FRESH(test_cookies),	   FRESH(test_full),
		cmocka_unit_test(test_raise),
		cmocka_unit_test(test_forgiven),
		cmocka_unit_test(test_most_below_first),
		cmocka_unit_test(test_awaited),
	};

	return cmocka_run_group_tests_name("proof", tests, NULL, NULL);
}
