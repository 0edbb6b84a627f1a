/* SPDX-License-Identifier: GPL-2.0-only */
/* test_slow_outcome.c - what a capture shows of the other side: answer, refusal, silence. */
#include "slowly.h"

#include <pscan/contact.h>

#include "slow/outcome_capture.h"

struct side {
	struct slowly *s;
	struct outcomes *outcomes;
	struct flows flows;
};

static struct side start(void)
{
	struct side t = { .s = slowly_start() };

	assert_int_equal(flows_init(&t.flows, EVIDENCE_FLOWS, 42), 0);
	return t;
}

static void stop(struct side *t)
{
	outcomes_free(t->outcomes);
	flows_free(&t->flows);
	slowly_stop(t->s);
}

static struct ps_packet packet(const char *src, __u16 sport, const char *dst, __u16 dport,
			       __u8 proto, __u8 flags)
{
	struct ps_packet p = { .sport = sport, .dport = dport, .proto = proto, .flags = flags,
			       .ttl = 60 };

	p.src = slowly_addr(src);
	p.dst = slowly_addr(dst);
	return p;
}

static struct flow_key key_of(struct side *t, const struct ps_packet *p)
{
	return flows_key(&t->flows, p, ps_hash_addr(42, &p->src));
}

/* The packet goes by; a contact of it waits. */
static void probe(struct side *t, const struct ps_packet *p, enum ps_class class)
{
	struct flow_key key = key_of(t, p);
	struct ps_contact c;
	unsigned int said = flows_see(&t->flows, key, t->s->now_ns);

	ps_contact_fill(&c, p, PS_CONTACT_PROBE, class, 0, t->s->now_ns);
	outcomes_wait(t->outcomes, &c, key, said & FLOW_AWAITED);
}

/* Another packet goes by. Return: it belongs to an awaited flow. */
static bool pass(struct side *t, const struct ps_packet *p)
{
	struct flow_key key = key_of(t, p);

	if (!(flows_see(&t->flows, key, t->s->now_ns) & FLOW_AWAITED))
		return false;
	outcomes_see(t->outcomes, p, key);
	return true;
}

enum reaction { SILENCE, RESET, SYNACK, DATAGRAM, REFUSED, NO_HOST, NO_NET, EXCEEDED, GOES_ON };

static void react(struct side *t, enum reaction reaction, const struct ps_packet *p)
{
	struct ps_packet back = packet(HOST, p->dport, SCANNER, p->sport, p->proto,
				       reaction == SYNACK ? PS_TCP_SYN | PS_TCP_ACK
							  : PS_TCP_RST | PS_TCP_ACK);
	struct ps_packet icmp = { .proto = PS_IP_ICMP, .icmp_type = 3 };
	struct ps_packet ack = *p;

	switch (reaction) {
	case SILENCE:
		return;
	case GOES_ON:
		ack.flags = PS_TCP_ACK;
		assert_true(pass(t, &ack));
		return;
	case RESET:
	case SYNACK:
	case DATAGRAM:
		assert_true(pass(t, &back));
		return;
	case REFUSED:
		icmp.icmp_code = 3;
		break;
	case NO_HOST:
		icmp.icmp_code = 1;
		break;
	case NO_NET:
		break;
	case EXCEEDED:
		icmp.icmp_type = 11;
	}
	outcomes_error(t->outcomes, &icmp, key_of(t, p));
}

/* Four ports, a second apart, all met alike. Return: contacts that were decided. */
static __u64 four(enum reaction reaction, enum ps_class class, unsigned int *walks)
{
	struct side t = start();
	__u8 proto = class == PS_CLASS_UDP ? PS_IP_UDP : PS_IP_TCP;
	__u64 decided;

	t.outcomes = outcomes_new(t.s->slow, &t.flows);
	assert_non_null(t.outcomes);
	for (__u16 port = 1000; port < 1004; port++) {
		struct ps_packet p = packet(SCANNER, 40000, HOST, port, proto,
					    class == PS_CLASS_SYN ? PS_TCP_SYN : 0);

		t.s->now_ns += SEC;
		probe(&t, &p, class);
		probe(&t, &p, class); /* sent again */
		react(&t, reaction, &p);
		outcomes_tick(t.outcomes, t.s->now_ns);
	}
	outcomes_tick(t.outcomes, t.s->now_ns + 2 * SEC);
	if (reaction == SILENCE)
		assert_int_equal(t.s->found[PS_ENGINE_WALK], 0); /* the last may still answer */
	outcomes_tick(t.outcomes, t.s->now_ns + 4 * SEC);
	assert_int_equal(outcomes_held(t.outcomes), 0);
	decided = slow_counts(t.s->slow)->contacts;
	*walks = t.s->found[PS_ENGINE_WALK];
	stop(&t);
	return decided;
}

static void test_reactions(void **state)
{
	static const struct {
		enum reaction reaction;
		enum ps_class class;
		unsigned int decided, walks;
	} cases[] = {
		{ SILENCE, PS_CLASS_SYN, 4, 1 },
		{ SILENCE, PS_CLASS_FIN, 4, 1 },
		{ SILENCE, PS_CLASS_OTHER, 4, 0 }, /* nobody knows whether it arrived */
		{ SILENCE, PS_CLASS_UDP, 4, 0 },
		{ RESET, PS_CLASS_SYN, 4, 1 },
		{ RESET, PS_CLASS_NULL, 4, 1 },
		{ SYNACK, PS_CLASS_SYN, 4, 0 },
		{ DATAGRAM, PS_CLASS_UDP, 4, 0 },
		{ REFUSED, PS_CLASS_UDP, 4, 1 },
		{ NO_HOST, PS_CLASS_SYN, 4, 1 },
		{ NO_NET, PS_CLASS_SYN, 0, 0 },	   /* it never got there */
		{ EXCEEDED, PS_CLASS_UDP, 0, 0 },
		{ GOES_ON, PS_CLASS_SYN, 4, 0 },   /* half of the capture is missing */
	};
	unsigned int walks;
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(four(cases[i].reaction, cases[i].class, &walks),
				 cases[i].decided);
		assert_int_equal(walks, cases[i].walks);
	}
}

/* Only the ACK of our SYN+ACK's sequence number completes a handshake. */
static void test_handshake(void **state)
{
	struct side t = start();
	struct ps_packet p = packet(SCANNER, 40000, HOST, 22, PS_IP_TCP, PS_TCP_SYN), back, ack;
	(void)state;

	t.outcomes = outcomes_new(t.s->slow, &t.flows);
	for (__u16 round = 0; round < 2; round++) {
		p.dport = (__u16)(22 + round);
		probe(&t, &p, PS_CLASS_SYN);
		back = packet(HOST, p.dport, SCANNER, 40000, PS_IP_TCP, PS_TCP_SYN | PS_TCP_ACK);
		back.seq = 0xffffffff;
		assert_true(pass(&t, &back));
		ack = packet(SCANNER, 40000, HOST, p.dport, PS_IP_TCP, PS_TCP_ACK);
		ack.ack = round ? 0 : 1; /* a guess, then the truth */
		assert_true(pass(&t, &ack));
		assert_false(pass(&t, &ack)); /* nobody waits any more */
		assert_int_equal(slow_counts(t.s->slow)->contacts, round ? 3 : 1);
	}
	stop(&t);
}

/* The capture ends in the middle. */
static void test_end(void **state)
{
	struct side t = start();
	(void)state;

	t.outcomes = outcomes_new(t.s->slow, &t.flows);
	for (__u16 port = 1000; port < 1004; port++) {
		struct ps_packet p = packet(SCANNER, 40000, HOST, port, PS_IP_TCP, PS_TCP_SYN);

		t.s->now_ns += 400 * MS;
		probe(&t, &p, PS_CLASS_SYN);
	}
	assert_int_equal(slowly_all(t.s), 0);
	outcomes_end(t.outcomes);
	assert_int_equal(t.s->found[PS_ENGINE_WALK], 1);
	stop(&t);
}

/* More than can wait: the oldest leave undecided, counted, and are held against nobody. */
static void test_full(void **state)
{
	struct side t = start();
	struct ps_packet p = packet(SCANNER, 0, HOST, 80, PS_IP_TCP, PS_TCP_SYN);
	const __u32 flood = 3 * OUTCOME_WAITING;
	(void)state;

	t.outcomes = outcomes_new(t.s->slow, &t.flows);
	for (__u32 i = 0; i < flood; i++) {
		memcpy(&p.src.w[3], &i, sizeof(i));
		probe(&t, &p, PS_CLASS_SYN);
		assert_true(outcomes_held(t.outcomes) <= OUTCOME_WAITING);
	}
	assert_true(outcomes_dropped(t.outcomes) >= flood - OUTCOME_WAITING);
	outcomes_end(t.outcomes);
	assert_int_equal(outcomes_held(t.outcomes), 0);
	assert_int_equal(slow_counts(t.s->slow)->contacts, flood);
	assert_int_equal(slowly_all(t.s), 0);
	stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reactions),
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("slow_outcome", tests, NULL, NULL);
}
