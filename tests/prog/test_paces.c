/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_paces.c - slow scans from the frame to the finding, under a scripted
 * clock: the program makes contacts of its probes, they pass the ring and are
 * judged against the sockets that there are, and the walk counts what is closed.
 * The paces are those of nmap's -T2, -T1 and -T0, which is half an hour of six
 * probes.
 */
#include "prog.h"

#include <netinet/in.h>

#include <pscan/contact.h>

#include "slow/outcome_host.h"
#include "slow/sample.h"

#define CLOSED_MOST 6 /* ports, whatever the scanner knew before */
#define OPEN_PORTS 3
#define FIRST_OPEN 8001
#define FIRST_CLOSED 3001
#define IS_UDP 0x100

static struct tracking untracked;
static struct outcome_host *host;
static struct slow *slow;
static struct xdp_contacts *contacts;
static struct slow_finding found;
static unsigned int findings, seen;

static __u64 on_finding(const struct slow_finding *finding, void *data)
{
	(void)data;
	found = *finding;
	findings++;
	return 0;
}

static void on_contact(const struct ps_contact *contact, void *data)
{
	(void)data;
	seen++;
	outcome_host_wait(host, contact);
}

/* For every address of either family. */
static int listens(__u16 port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	return fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 1) ? -1 : 0;
}

static int setup(void **state)
{
	struct slow_options options = { .window_ns = 300 * MS, .quiet_ns = SEC, .seed = 1 };
	struct outcome_host_options outcome = { .tracking = &untracked };
	int err = prog_setup(state);

	for (__u16 i = 0; !err && i < OPEN_PORTS; i++)
		err = listens(FIRST_OPEN + i);
	slow = slow_new(&options, on_finding, NULL);
	outcome.slow = slow;
	outcome.xdp = prog.xdp;
	if (err || !slow || outcome_host_open(&outcome, &host))
		return -1;
	return xdp_contacts_open(prog.xdp, on_contact, NULL, &contacts);
}

static int teardown(void **state)
{
	xdp_contacts_close(contacts);
	outcome_host_close(host);
	slow_free(slow);
	return prog_teardown(state);
}

/* One probe, @gap_ns after what was before, and the poll that judges it. */
static void probe(int how, __u16 port, __u64 gap_ns)
{
	prog_at(prog_now() + gap_ns);
	seen = 0;
	assert_int_equal(prog_run(how == IS_UDP ? prog_udp(port) : prog_tcp(port, (__u8)how)),
			 XDP_PASS);
	assert_true(xdp_contacts_read(contacts) >= 0);
	assert_int_equal(seen, 1);
	slow_tick(slow, prog_now());
	assert_int_equal(outcome_host_judge(host, prog_now() + OUTCOME_HOST_WAIT_NS), 0);
}

/* Closed ports that a new source probes at this pace until it is found. */
static unsigned int closed_until_found(bool v6, int how, __u64 gap_ns, __u16 opens)
{
	union ps_addr src;
	__u16 closed = 0;

	prog_begin(v6);
	src = prog_source();
	findings = 0;
	for (__u16 i = 0; i < opens; i++)
		probe(PS_TCP_SYN, FIRST_OPEN + i, gap_ns);
	assert_int_equal(findings, 0);
	while (!findings && closed < 2 * CLOSED_MOST)
		probe(how, FIRST_CLOSED + closed++, gap_ns);
	assert_int_equal(findings, 1);
	assert_int_equal(found.event.engine, PS_ENGINE_WALK);
	assert_int_equal(found.event.score, closed);
	assert_true(ps_addr_eq(&found.event.source.addr, &src));
	assert_int_equal(found.event.source.last_ns, prog_now());
	assert_int_equal(found.event.source.last_ns - found.event.source.first_ns,
			 (closed - 1) * gap_ns);
	return closed;
}

static void found_at(bool v6, __u64 gap_ns)
{
	static const int techniques[] = { PS_TCP_SYN, PS_TCP_FIN, 0, PS_TCP_ACK, IS_UDP };

	for (size_t i = 0; i < sizeof(techniques) / sizeof(techniques[0]); i++)
		assert_int_equal(closed_until_found(v6, techniques[i], gap_ns, 0), 4);
	assert_int_equal(closed_until_found(v6, PS_TCP_SYN, gap_ns, 1), 5);
	assert_int_equal(closed_until_found(v6, PS_TCP_SYN, gap_ns, OPEN_PORTS), CLOSED_MOST);
}

static void t2(bool v6) { found_at(v6, 400 * MS); }
static void t1(bool v6) { found_at(v6, 15 * SEC); }
static void t0(bool v6) { found_at(v6, 300 * SEC); }

/* The fingerprint's clock begins anew after 2^38 ns: the next probe looks as if it came at once. */
static void mark_wraps(bool v6) { found_at(v6, (1ULL << 38) + 100 * MS); }

/* A client that is refused once an hour, at another port each time, for a day of its work. */
static void failing_client(bool v6)
{
	prog_begin(v6);
	findings = 0;
	for (__u16 i = 0; i < 24 * 18; i++) {
		probe(PS_TCP_SYN, FIRST_OPEN + i % OPEN_PORTS, 100 * SEC);
		probe(PS_TCP_SYN, FIRST_OPEN + (i + 1) % OPEN_PORTS, 100 * SEC);
		if (i % 18 == 17)
			probe(PS_TCP_SYN, FIRST_CLOSED + i, 100 * SEC);
	}
	assert_int_equal(findings, 0);
}

/* ---- amid a flood ----------------------------------------------------------------- */

#define POLL_NS (300 * MS)
#define FORGED 6000 /* between two polls; the ring has room for 3640 */
#define TURNS 4

static __u32 forged_sources;

/* A single packet of a source that nobody else has, outside prog_source()'s networks. */
static void forge(void)
{
	struct pkt frame = prog_tcp(80, PS_TCP_SYN);
	__u32 n = ++forged_sources;
	union ps_addr src = prog.v6 ? A6(0x40000000 + n)
				    : pkt_v4(A4(240, n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff));

	pkt_set_src(&frame, &src);
	prog_run(frame);
}

/* A poll's frames. A probe of the scan, one each 400 ms, comes last, when the ring is full. */
static void poll_of_flood(__u64 from_ns, __u16 *port)
{
	__u64 probe_ns = (from_ns + POLL_NS) / (400 * MS) * (400 * MS);

	for (int i = 0; i < FORGED; i++)
		forge();
	if (probe_ns > from_ns) {
		prog_at(probe_ns);
		prog_syn((*port)++);
	}
	prog_at(from_ns + POLL_NS);
	seen = 0;
	assert_true(xdp_contacts_read(contacts) >= 0);
	slow_tick(slow, prog_now());
	assert_int_equal(outcome_host_judge(host, prog_now()), 0);
}

/* Return: polls until a scan at -T2's pace is found in a flood; 0: never in one round. */
static unsigned int polls_until_found(bool v6, bool sampling)
{
	unsigned int polls = 0, most = (TURNS + 1) * SAMPLE_POLLS + 2;
	struct sample sample = { 0 };
	__u64 taken = 0, lost = 0, frames;
	__u16 port = FIRST_CLOSED;

	prog_begin(v6);
	prog_forget();
	prog.cfg->sample = 0;
	findings = 0;
	for (; !findings && polls < most; polls++) {
		poll_of_flood(prog_now(), &port);
		taken += seen;
		frames = seen + prog_count(PS_COUNT_CONTACT_LOST) - lost;
		lost = prog_count(PS_COUNT_CONTACT_LOST);
		if (sampling)
			prog.cfg->sample = sample_poll(&sample, frames);
	}
	prog.cfg->sample = 0;
	/* What the engines did not see was counted. */
	assert_int_equal(taken + lost, polls * FORGED + port - FIRST_CLOSED);
	assert_true(lost > FORGED);
	if (!findings)
		return 0;
	assert_int_equal(found.event.engine, PS_ENGINE_WALK);
	assert_in_range(found.event.score, 4, 5);
	return polls;
}

static void flood(bool v6)
{
	unsigned int polls;

	assert_int_equal(polls_until_found(v6, false), 0);
	polls = polls_until_found(v6, true);
	assert_in_range(polls, 1, (TURNS + 1) * SAMPLE_POLLS + 2);
	print_message("# found after %u polls\n", polls);
}

/* As many turns as it takes, each source in one of them, and none when the flood is over. */
static void turns(void **state)
{
	unsigned int sampled[TURNS] = { 0 };
	struct sample s = { 0 };
	__u16 value = 0;
	(void)state;

	for (int poll = 0; poll < SAMPLE_POLLS; poll++) {
		assert_int_equal(value, 0);
		value = sample_poll(&s, FORGED);
	}
	for (int turn = 0; turn < TURNS; turn++) {
		for (int poll = 0; poll < SAMPLE_POLLS; poll++) {
			for (__u64 hash = 0; hash < TURNS; hash++)
				sampled[hash] += ps_contact_sampled(value, hash << 56, PS_SIGHT_FIRST);
			assert_true(ps_contact_sampled(value, 0, PS_SIGHT_SECOND));
			value = sample_poll(&s, turn == TURNS - 1 ? SAMPLE_WANTED : FORGED);
		}
	}
	for (int hash = 0; hash < TURNS; hash++)
		assert_int_equal(sampled[hash], SAMPLE_POLLS);
	assert_int_equal(value, 0);
	/* Beyond the last turn there is none. */
	for (int poll = 0; poll < SAMPLE_POLLS; poll++)
		value = sample_poll(&s, ~0ULL);
	assert_int_equal(value & 0xff, SAMPLE_TURNS_MAX - 1);
}

static const struct CMUnitTest tests[] = {
	BOTH("-T2", t2),
	BOTH("-T1", t1),
	BOTH("-T0", t0),
	BOTH("a gap of a turn of the fingerprint's clock", mark_wraps),
	BOTH("a client that fails once an hour", failing_client),
	BOTH("-T2 in a flood of forged sources", flood),
	cmocka_unit_test(turns),
};

int main(void)
{
	if (geteuid()) {
		puts("1..0 # SKIP needs root: loads a BPF program");
		return 0;
	}
	return cmocka_run_group_tests_name("paces", tests, setup, teardown);
}
