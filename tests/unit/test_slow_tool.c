/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_slow_tool.c - the tool that a burst's packets show, in the contacts that wait
 * for their judgement while the burst is told: each tool's defaults, as they were
 * captured, and what is not to be taken for one.
 */
#include "unit.h"

#include "addr.h"
#include "slow/outcome_host.h"

#define SCANNER "198.51.100.7"

static union ps_addr addr_of(const char *text)
{
	union ps_addr addr;

	assert_true(addr_parse(text, &addr));
	return addr;
}

static struct ps_contact contact(const char *src, __u16 window, __u16 ip_id, __u8 options)
{
	return (struct ps_contact){
		.src = addr_of(src), .dst = addr_of("203.0.113.5"), .sport = 40000, .dport = 22,
		.seq = 0x12345678, .window = window, .ip_id = ip_id, .options = options,
		.class = PS_CLASS_SYN, .kind = PS_CONTACT_PROBE,
	};
}

/* What waits, and what it is taken for when @source is told. */
static const char *told(const struct ps_contact *waiting, size_t n, const char *source)
{
	const struct outcome_host_options options = { 0 };
	union ps_addr addr = addr_of(source), net;
	struct outcome_host *host;
	enum slow_tool tool;

	assert_int_equal(outcome_host_open(&options, &host), 0);
	for (size_t i = 0; i < n; i++)
		outcome_host_wait(host, &waiting[i]);
	tool = outcome_host_tool(host, &addr);
	if (ps_addr_has_net(&addr)) {
		ps_addr_net(&net, &addr);
		assert_int_equal(outcome_host_tool(host, &net), tool);
	}
	outcome_host_close(host);
	return slow_tool_name(tool);
}

/* masscan's id: target, port and sequence number, exclusive-or. */
static struct ps_contact masscan(void)
{
	struct ps_contact c = contact(SCANNER, 1024, 0, 4);

	c.ip_id = (__u16)(ps_ntohl(c.dst.w[3]) ^ c.dport ^ c.seq);
	return c;
}

static void test_each_tool(void **state)
{
	struct ps_contact nmap = contact(SCANNER, 3072, 4711, 4), mass = masscan();
	struct ps_contact hping = contact(SCANNER, 512, 815, 0);
	struct ps_contact zmap = contact(SCANNER, 65535, 54321, 4);
	struct ps_contact own = contact(SCANNER, 1024, 0, 4);
	struct ps_contact system = contact(SCANNER, 64240, 99, 20);
	struct ps_contact system6 = contact("2001:db8:1::7", 64800, 0, 20);
	(void)state;

	assert_string_equal(told(&nmap, 1, SCANNER), "nmap");
	assert_string_equal(told(&mass, 1, SCANNER), "masscan");
	assert_string_equal(told(&hping, 1, SCANNER), "hping3");
	assert_string_equal(told(&zmap, 1, SCANNER), "zmap");
	assert_string_equal(told(&own, 1, SCANNER), "pscan-xdp");
	assert_string_equal(told(&system, 1, SCANNER), "connect");
	assert_string_equal(told(&system6, 1, "2001:db8:1::7"), "connect");
}

static void test_none(void **state)
{
	struct ps_contact plain = contact(SCANNER, 5000, 1, 0), udp = contact(SCANNER, 0, 1, 0);
	struct ps_contact other = contact("198.51.100.8", 3072, 4711, 4);
	struct ps_contact ack = contact(SCANNER, 512, 1, 0);
	(void)state;

	udp.class = PS_CLASS_UDP;
	ack.kind = PS_CONTACT_HANDSHAKE;
	assert_string_equal(told(&plain, 1, SCANNER), "");
	assert_string_equal(told(&udp, 1, SCANNER), "");
	assert_string_equal(told(&other, 1, SCANNER), "");
	assert_string_equal(told(&ack, 1, SCANNER), "");
	assert_string_equal(told(NULL, 0, SCANNER), "");
}

/* The latest that shows one; a flood behind it hides it, and costs no more than so many looks. */
static void test_latest(void **state)
{
	static struct ps_contact many[OUTCOME_HOST_LOOKED_AT + 2];
	(void)state;

	many[0] = contact(SCANNER, 512, 815, 0);
	many[1] = contact(SCANNER, 3072, 4711, 4);
	for (size_t i = 2; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = contact("192.0.2.1", 512, 1, 0);
	many[2].src = addr_of(SCANNER);
	many[2].window = 5000;
	assert_string_equal(told(many, 3, SCANNER), "nmap");
	assert_string_equal(told(many, OUTCOME_HOST_LOOKED_AT + 1, SCANNER), "nmap");
	assert_string_equal(told(many, OUTCOME_HOST_LOOKED_AT + 2, SCANNER), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_tool),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_latest),
	};

	return cmocka_run_group_tests_name("slow_tool", tests, NULL, NULL);
}
