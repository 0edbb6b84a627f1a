/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_outcome.c - what the loader makes of contacts: real sockets listen, or do
 * not, in a namespace of the test's own; the slow engines that the judgements go
 * to say whether they were failures. Six failures of a new source, one after the
 * other, are a walk in any case, six successes never.
 */
#include "prog_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "slow/outcome_host.h"

#define OWN4 A4(192, 0, 2, 1)
#define OTHER4 A4(192, 0, 2, 2)
#define OWN6 A6(0x0101)
#define PORTS 6

static struct tracking untracked;
static struct outcome_host *host;
static struct slow *slow;
static unsigned int findings;

static __u64 on_finding(const struct slow_finding *finding, void *data)
{
	(void)data;
	findings += finding->event.engine == PS_ENGINE_WALK;
	return 0;
}

static int setup(void **state)
{
	union ps_addr addrs[] = { pkt_v4(OWN4), pkt_v4(OTHER4), OWN6 };
	struct slow_options options = { .window_ns = 300 * MS, .quiet_ns = SEC, .seed = 1 };
	struct outcome_host_options outcome = { .tracking = &untracked };
	int err = prog_load(true);

	(void)state;
	if (err)
		return err;
	slow = slow_new(&options, on_finding, NULL);
	outcome.slow = slow;
	outcome.xdp = prog.xdp;
	if (!slow || outcome_host_open(&outcome, &host))
		return -1;
	host_address("192.0.2.1/32");
	host_address("192.0.2.2/32");
	host_address("2001:db8::101/128");
	return xdp_locals_set(prog.xdp, addrs, 3);
}

static int teardown(void **state)
{
	outcome_host_close(host);
	slow_free(slow);
	return prog_teardown(state);
}

/* A listener for @addr, zero for any. */
static int listens(const struct sockaddr_in6 *addr, bool v6only, __u16 port)
{
	struct sockaddr_in6 sa = *addr;
	int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1, only = v6only;

	assert_true(fd >= 0);
	sa.sin6_family = AF_INET6;
	sa.sin6_port = htons(port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* One SYN of a new source to each of six ports of @dst, a second apart. Return: found as a walk. */
static bool walks(union ps_addr dst, enum ps_class class, enum ps_contact_kind kind)
{
	struct ps_contact c = { .src = prog_source(), .dst = dst, .sport = 40000, .ttl = 64,
				.class = (__u8)class, .kind = (__u8)kind };

	findings = 0;
	for (__u16 i = 0; i < PORTS; i++) {
		prog_at(prog_now() + SEC);
		c.at_ns = prog_now();
		c.dport = (__u16)(3001 + i);
		outcome_host_wait(host, &c);
		assert_int_equal(outcome_host_judge(host, c.at_ns + OUTCOME_HOST_WAIT_NS), 0);
	}
	return findings > 0;
}

static bool syns(union ps_addr dst)
{
	return walks(dst, PS_CLASS_SYN, PS_CONTACT_PROBE);
}

static void nobody_listens(void **state)
{
	(void)state;
	prog_begin(false);
	assert_true(syns(pkt_v4(OWN4)));
	prog_begin(true);
	assert_true(syns(OWN6));
	prog_begin(false);
	assert_true(walks(pkt_v4(OWN4), PS_CLASS_UDP, PS_CONTACT_PROBE));
}

/* Opens the six ports, asks about each destination, closes them. */
static void while_listening(const struct sockaddr_in6 *addr, bool v6only, bool own4, bool other4,
			    bool own6)
{
	int fd[PORTS];

	for (__u16 i = 0; i < PORTS; i++)
		fd[i] = listens(addr, v6only, (__u16)(3001 + i));
	prog_begin(false);
	assert_int_equal(syns(pkt_v4(OWN4)), !own4);
	prog_begin(false);
	assert_int_equal(syns(pkt_v4(OTHER4)), !other4);
	prog_begin(true);
	assert_int_equal(syns(OWN6), !own6);
	for (int i = 0; i < PORTS; i++)
		close(fd[i]);
}

static void any_address(void **state)
{
	struct sockaddr_in6 any = { 0 };

	(void)state;
	while_listening(&any, false, true, true, true);
}

static void any_address_of_one_family(void **state)
{
	struct sockaddr_in6 any = { 0 };

	(void)state;
	while_listening(&any, true, false, false, true);
}

static void one_address(void **state)
{
	struct sockaddr_in6 one = { 0 };

	(void)state;
	inet_pton(AF_INET6, "2001:db8::101", &one.sin6_addr);
	while_listening(&one, false, false, false, true);
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &one.sin6_addr);
	while_listening(&one, false, true, false, false);
	/* What listens on loopback serves nobody outside. */
	one.sin6_addr = in6addr_loopback;
	while_listening(&one, false, false, false, false);
}

static void forwarded_and_untracked(void **state)
{
	(void)state;
	prog_begin(false);
	assert_false(syns(pkt_v4(A4(203, 0, 113, 9))));
}

static void completed_handshakes(void **state)
{
	(void)state;
	prog_begin(false);
	assert_false(walks(pkt_v4(OWN4), PS_CLASS_ACK, PS_CONTACT_HANDSHAKE));
}

static void allowed_by_the_operator(void **state)
{
	struct prefix one;

	(void)state;
	prog_begin(false);
	one = (struct prefix){ prog_source(), 128 };
	assert_int_equal(xdp_allow_add(prog.xdp, &one, &(struct ps_allow){ .kind = PS_ALLOW_USER }),
			 0);
	assert_false(syns(pkt_v4(OWN4)));
}

/* An answer has the time to be given: a service that comes up meanwhile counts. */
static void judged_late_enough(void **state)
{
	struct ps_contact c = { .dst = pkt_v4(OWN4), .class = PS_CLASS_SYN };
	__u64 before = slow_counts(slow)->contacts;

	(void)state;
	prog_begin(false);
	c.src = prog_source();
	c.at_ns = prog_now();
	outcome_host_wait(host, &c);
	assert_int_equal(outcome_host_judge(host, c.at_ns + OUTCOME_HOST_WAIT_NS - 1), 0);
	assert_int_equal(slow_counts(slow)->contacts, before);
	assert_int_equal(outcome_host_judge(host, c.at_ns + OUTCOME_HOST_WAIT_NS), 0);
	assert_int_equal(slow_counts(slow)->contacts, before + 1);
	assert_int_equal(outcome_host_judge(host, c.at_ns + SEC), 0);
	assert_int_equal(slow_counts(slow)->contacts, before + 1);
}

static void more_than_can_wait(void **state)
{
	struct ps_contact c = { .dst = pkt_v4(OWN4), .class = PS_CLASS_SYN };
	__u64 before = slow_counts(slow)->contacts;

	(void)state;
	prog_begin(false);
	c.at_ns = prog_now();
	for (__u32 i = 0; i < OUTCOME_HOST_MAX + 5; i++) {
		c.src = A6(0x100000 + i);
		outcome_host_wait(host, &c);
	}
	assert_int_equal(outcome_host_lost(host), 5);
	assert_int_equal(outcome_host_judge(host, c.at_ns + SEC), 0);
	assert_int_equal(slow_counts(slow)->contacts, before + OUTCOME_HOST_MAX);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nobody_listens),
	cmocka_unit_test(any_address),
	cmocka_unit_test(any_address_of_one_family),
	cmocka_unit_test(one_address),
	cmocka_unit_test(forwarded_and_untracked),
	cmocka_unit_test(completed_handshakes),
	cmocka_unit_test(allowed_by_the_operator),
	cmocka_unit_test(judged_late_enough),
	cmocka_unit_test(more_than_can_wait),
};

int main(void)
{
	if (geteuid()) {
		puts("1..0 # SKIP needs root: loads a BPF program");
		return 0;
	}
	return cmocka_run_group_tests_name("outcome", tests, setup, teardown);
}
