/* SPDX-License-Identifier: GPL-2.0-only */
/* test_classify.c - all 256 flag bytes, and which packets a socket may speak for. */
#include "unit.h"

#include <pscan/classify.h>

enum { F = PS_TCP_FIN, S = PS_TCP_SYN, R = PS_TCP_RST, P = PS_TCP_PSH, A = PS_TCP_ACK,
       U = PS_TCP_URG };

static const struct {
	__u8 flags;
	enum ps_class class;
} named[] = {
	{ S, PS_CLASS_SYN }, { A, PS_CLASS_ACK }, { 0, PS_CLASS_NULL },
	{ F | P | U, PS_CLASS_XMAS }, { F, PS_CLASS_FIN }, { F | A, PS_CLASS_MAIMON },
	{ S | A, PS_CLASS_REPLY },
};

static void test_every_flag_byte(void **state)
{
	(void)state;

	for (int flags = 0; flags < 256; flags++) {
		struct ps_packet p = { .proto = PS_IP_TCP, .flags = (__u8)flags };
		enum ps_class expect = flags & R ? PS_CLASS_REPLY : PS_CLASS_OTHER;

		for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
			if (named[i].flags == (flags & 0x3f)) /* without ECE and CWR */
				expect = named[i].class;
		assert_int_equal(ps_classify(&p), expect);
		p.bits = PS_PKT_FRAG; /* nobody sends an answer in pieces */
		assert_int_equal(ps_classify(&p),
				 expect == PS_CLASS_REPLY ? PS_CLASS_OTHER : expect);
		assert_int_equal(ps_may_be_established(&p), (flags & A) && !(flags & (S | R)));
		assert_int_equal(ps_may_be_reply(&p), (flags & (A | R)) != 0);
	}
}

static void test_other_protocols(void **state)
{
	struct ps_packet udp = { .proto = PS_IP_UDP }, icmp = { .proto = PS_IP_ICMP };
	struct ps_packet tiny = { .proto = PS_IP_TCP, .bits = PS_PKT_TINY };
	(void)state;

	assert_int_equal(ps_classify(&udp), PS_CLASS_UDP);
	udp.bits = PS_PKT_DNS; /* to whom nobody asks from, and to whom a resolver may */
	udp.dport = 1023;
	assert_false(ps_is_answer(&udp, ps_classify(&udp)));
	udp.dport = 1024;
	assert_true(ps_is_answer(&udp, ps_classify(&udp)));
	assert_int_equal(ps_classify(&udp), PS_CLASS_UDP);
	assert_true(ps_may_be_reply(&udp));
	assert_false(ps_may_be_established(&udp));
	assert_int_equal(ps_classify(&icmp), PS_CLASS_NONE);
	assert_false(ps_may_be_reply(&icmp));
	assert_int_equal(ps_classify(&tiny), PS_CLASS_OTHER);
}

static void test_wanted(void **state)
{
	struct ps_rule rule = { .classes = PS_CLASSES_DEFAULT };
	struct ps_packet host = { .proto = PS_IP_TCP, .src.w[3] = 1 };
	struct ps_packet group = { .proto = PS_IP_TCP, .src.w[3] = 1, .bits = PS_PKT_GROUP };
	struct ps_packet nobody = { .proto = PS_IP_UDP };
	(void)state;

	for (int c = 0; c < PS_CLASS_MAX; c++) {
		bool scores = c != PS_CLASS_NONE && c != PS_CLASS_REPLY;

		assert_int_equal(ps_wanted(&rule, &host, (enum ps_class)c), scores);
		assert_false(ps_wanted(&rule, &group, (enum ps_class)c));
		assert_false(ps_wanted(&rule, &nobody, (enum ps_class)c));
		assert_int_equal(ps_class_is_udp((__u32)c), c == PS_CLASS_UDP);
	}
}

/* A DNS response is scored as UDP, where that is wanted and answers are. */
static void test_answer_wanted(void **state)
{
	const __u16 udp = 1U << PS_CLASS_UDP, reply = 1U << PS_CLASS_REPLY;
	const __u16 classes[] = { 0, udp, reply, udp | reply };
	struct ps_packet answer = { .proto = PS_IP_UDP, .src.w[3] = 1, .bits = PS_PKT_DNS,
				    .dport = 40000 };
	struct ps_packet probe = answer;
	(void)state;

	probe.bits = 0;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		struct ps_rule rule = { .classes = classes[i] };

		assert_int_equal(ps_wanted(&rule, &answer, PS_CLASS_UDP), i == 3);
		assert_int_equal(ps_wanted(&rule, &probe, PS_CLASS_UDP), i & 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_flag_byte),
		cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_answer_wanted),
	};

	return cmocka_run_group_tests_name("classify", tests, NULL, NULL);
}
