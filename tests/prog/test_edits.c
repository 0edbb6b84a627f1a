/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_edits.c - user space edits what the program reads, and is killed at it. What is on
 * the operator's list is dropped, however many write it at once and die meanwhile; a block
 * that ran out is removed, and never the one that took its place.
 *
 *	KILLS=200 SEED=1 build/tests/prog/test_edits
 */
#include "prog.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define KILLS 60	/* rounds, unless the environment says otherwise */
#define EDITORS 3
#define NAMES 12	/* prefixes that the editors edit */

static unsigned int seed;

static struct prefix name_of(int i)
{
	return (struct prefix){ pkt_v4(A4(203, 0, 113, 1 + i)), 128 };
}

/* As `block add` and `block del` do it, for as long as it lives. */
static void edit(unsigned int random)
{
	struct xdp *xdp;

	if (xdp_open(&xdp))
		_exit(1);
	for (;;) {
		struct prefix one = name_of(rand_r(&random) % NAMES);
		struct ps_deny value = { .since_ns = xdp_now_ns() };

		if (rand_r(&random) % 4 == 0)
			value.until_ns = value.since_ns + 1 + (__u64)(rand_r(&random) % 1000);
		if (xdp_lists_lock(xdp))
			_exit(1);
		if (rand_r(&random) % 2)
			xdp_deny_add(xdp, &one, &value);
		else
			xdp_deny_del(xdp, &one);
		xdp_lists_unlock(xdp);
	}
}

/* What a loader does to the lists every three seconds. */
static void expire(void)
{
	struct xdp *xdp;

	if (xdp_open(&xdp))
		_exit(1);
	for (;;) {
		if (xdp_lists_lock(xdp))
			_exit(1);
		xdp_lists_expire(xdp);
		xdp_lists_unlock(xdp);
	}
}

/* One that starts: it adopts the maps, writes its rule and announces itself, then again. */
static void load(void)
{
	struct xdp_load_options options = { .rule = rule_default(RULE_SOPHOS), .test_clock = true };
	struct xdp *xdp;

	while (xdp_load(&options, &xdp) == 0)
		xdp_close(xdp);
	_exit(1);
}

static bool drops(const struct prefix *source)
{
	struct pkt f = PKT(ETH(), IPV4(), TCP(.dport = 80));

	pkt_set_src(&f, &source->addr);
	return prog_run(f) == XDP_DROP;
}

struct listed {
	bool is[NAMES];
	__u32 n;
};

static int note_listed(const struct prefix *prefix, const struct ps_deny *value, void *data)
{
	struct listed *listed = data;

	listed->n++;
	for (int i = 0; i < NAMES; i++) {
		struct prefix name = name_of(i);

		if (ps_addr_eq(&prefix->addr, &name.addr))
			listed->is[i] = !value->until_ns;
	}
	return 0;
}

static void check_listed(void)
{
	struct listed listed = { 0 };

	assert_int_equal(xdp_each_deny(prog.xdp, note_listed, &listed), 0);
	assert_true(prog.cfg->deny_count >= listed.n);
	for (int i = 0; i < NAMES; i++) {
		struct prefix name = name_of(i);

		if (listed.is[i])
			assert_true(drops(&name));
	}
}

/* Return: it was killed, and did not fail. */
static bool killed(pid_t pid)
{
	int status = 0;

	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

static pid_t start(unsigned int random, int who)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* of a test that fails, nothing goes on */
	if (who < EDITORS)
		edit(random);
	if (who == EDITORS)
		expire();
	load();
	_exit(1);
}

static void test_edited_and_killed(void **state)
{
	int rounds = getenv("KILLS") ? atoi(getenv("KILLS")) : KILLS;
	pid_t loader = 0;
	(void)state;

	print_message("# seed %u, %d rounds\n", seed, rounds);
	for (int round = 0; round < rounds; round++) {
		pid_t pid[EDITORS + 1];

		/* It takes longer: killed in its first, second or third start. */
		if (round % 10 == 0)
			loader = start(0, EDITORS + 1);
		for (int i = 0; i <= EDITORS; i++)
			pid[i] = start(seed + (unsigned int)(round * EDITORS + i), i);
		usleep((useconds_t)(rand_r(&seed) % 100000));
		for (int i = 0; i <= EDITORS; i++)
			assert_true(killed(pid[i]));
		if (round % 10 == 9 || round == rounds - 1)
			assert_true(killed(loader));
		check_listed();
	}
}

/* The same of many at once, and the last word: as many as are listed, no more. */
static void test_count_is_exact_again(void **state)
{
	struct prefix one = name_of(0);
	struct ps_deny value = { .since_ns = 1 };
	struct listed listed = { 0 };
	(void)state;

	assert_int_equal(xdp_deny_add(prog.xdp, &one, &value), 0);
	assert_int_equal(xdp_each_deny(prog.xdp, note_listed, &listed), 0);
	assert_int_equal(prog.cfg->deny_count, listed.n);
	for (int i = 0; i < NAMES; i++) {
		one = name_of(i);
		xdp_deny_del(prog.xdp, &one);
	}
	assert_int_equal(prog.cfg->deny_count, 0);
	one = name_of(0);
	assert_false(drops(&one));
}

/* ---- blocks ------------------------------------------------------------------ */

#define DUELS 5000

struct duel {
	pthread_barrier_t start, end;
	union ps_addr src;
	struct pkt crossing;
	__u32 verdict;
	int err;
};

/* The source fires again at the moment when its old block is removed. */
static void *fire(void *data)
{
	struct duel *d = data;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	d->err = sched_setaffinity(0, sizeof(set), &set);
	for (int i = 0; i < DUELS; i++) {
		pthread_barrier_wait(&d->start);
		d->err |= xdp_test_run(prog.xdp, d->crossing.data, d->crossing.bytes, 0, 1,
				       &d->verdict, NULL);
		pthread_barrier_wait(&d->end);
	}
	return NULL;
}

static void test_fired_again_while_expiring(void **state)
{
	struct duel d = { .err = 0 };
	pthread_t thread;
	(void)state;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip();
	pthread_barrier_init(&d.start, NULL, 2);
	pthread_barrier_init(&d.end, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, fire, &d), 0);
	for (int i = 0; i < DUELS; i++) {
		struct ps_block old = { .since_ns = 1, .span_ns = SEC }, now;

		prog_begin(false);
		for (__u16 port = 101; port < 107; port++)
			assert_int_equal(prog_syn(port), XDP_PASS);
		d.src = prog_source();
		d.crossing = prog_tcp(107, PS_TCP_SYN);
		old.until_ns = prog_now() - 1;
		old.evidence.addr = d.src;
		assert_int_equal(xdp_block_add(prog.xdp, &d.src, &old), 0);
		pthread_barrier_wait(&d.start);
		assert_int_equal(xdp_block_expire(prog.xdp, &d.src, prog_now()), 0);
		pthread_barrier_wait(&d.end);
		assert_int_equal(d.verdict, XDP_DROP);
		assert_true(prog_has_block(&now));
		assert_true(now.until_ns > prog_now());
	}
	pthread_join(thread, NULL);
	assert_int_equal(d.err, 0);
}

static void test_expired_goes(void **state)
{
	struct ps_block block = { .since_ns = 1, .span_ns = SEC };
	union ps_addr src;
	(void)state;

	prog_begin(false);
	src = prog_source();
	block.until_ns = prog_now();
	assert_int_equal(xdp_block_add(prog.xdp, &src, &block), 0);
	assert_int_equal(xdp_block_expire(prog.xdp, &src, prog_now()), 0);
	assert_false(prog_has_block(&block));
	assert_int_equal(xdp_block_expire(prog.xdp, &src, prog_now()), -ENOENT);
	block.until_ns = prog_now() + 1;
	assert_int_equal(xdp_block_add(prog.xdp, &src, &block), 0);
	assert_int_equal(xdp_block_expire(prog.xdp, &src, prog_now()), 0);
	assert_true(prog_has_block(&block));
}

/* Pinned, unlike the other tests' program: in a bpffs that nobody else sees. */
static int pinned_setup(void **state)
{
	struct xdp_load_options options = { .rule = rule_default(RULE_SOPHOS), .test_clock = true };

	(void)state;
	seed = getenv("SEED") ? (unsigned int)atoi(getenv("SEED")) : (unsigned int)getpid();
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", XDP_BPFFS, "bpf", 0, "mode=0700"))
		return -1;
	prog_lo_up();
	if (xdp_load(&options, &prog.xdp))
		return -1;
	/* Loaders of the test are to have it. */
	close(prog.xdp->root);
	prog.xdp->root = -1;
	prog.cfg = xdp_config_map(prog.xdp);
	if (!prog.cfg)
		return -1;
	prog.cfg->test_now_ns = 1000 * SEC;
	if (xdp_events_open(prog.xdp, prog_on_event, NULL, &prog.ring))
		return -1;
	return prog_own_addresses();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_edited_and_killed),
	cmocka_unit_test(test_count_is_exact_again),
	cmocka_unit_test(test_expired_goes),
	cmocka_unit_test(test_fired_again_while_expiring),
};

PROG_MAIN("edits", tests, pinned_setup)
