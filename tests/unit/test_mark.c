/* SPDX-License-Identifier: GPL-2.0-only */
/* test_mark.c - what the one word per source remembers, for how long, and for whom. */
#include "unit.h"

#include "walk.h"

#define HASH 0xfedcba9876543210ULL
#define OTHER (HASH ^ 1ULL << 30) /* another source in the same place */

static void test_round_trip(void **state)
{
	(void)state;

	for (int class = 0; class < PS_CLASS_MAX; class++) {
		for (unsigned int port = 0; port < 65536; port += 4369) {
			__u64 m = ps_mark_make(HASH, port & 1, (enum ps_class)class, (__u16)port,
					       77 * SEC);

			assert_int_equal(ps_mark_port(m), port);
			assert_int_equal(ps_mark_class(m), class);
			assert_int_equal(ps_mark_tracked(m), port & 1);
			assert_true(ps_mark_is(m, HASH));
			assert_false(ps_mark_is(m, OTHER));
		}
	}
}

/* Ages are right up to the clock's period, wherever it turns over. */
static void test_age(void **state)
{
	(void)state;

	for (__u64 then = 1; then < 600 * SEC; then += 7777777777) {
		__u64 m = ps_mark_make(HASH, false, PS_CLASS_SYN, 22, then);

		for (__u64 age = 0; age < 274 * SEC; age += 3333333333) {
			__u64 got = ps_mark_age_ns(m, then + age);

			assert_in_range(got + 65536, age, age + 2 * 65536);
		}
		assert_int_equal(ps_mark_age_ns(m, then > 60 * MS ? then - 60 * MS : then), 0);
	}
}

static enum ps_sight look(const struct ps_rule *rule, __u64 mark, enum ps_class class, __u16 port,
			  __u64 now_ns)
{
	return ps_mark_look(rule, mark, HASH, class, port, now_ns);
}

static void test_sights(void **state)
{
	struct ps_rule rule = walk_rule();
	__u64 mine = ps_mark_make(HASH, false, PS_CLASS_SYN, 22, SEC);
	__u64 tracked = ps_mark_make(HASH, true, PS_CLASS_NONE, 0, SEC);
	__u64 theirs = ps_mark_make(OTHER, false, PS_CLASS_SYN, 22, SEC);
	__u64 theirs_tracked = ps_mark_make(OTHER, true, PS_CLASS_NONE, 0, SEC);
	(void)state;

	assert_int_equal(look(&rule, 0, PS_CLASS_SYN, 22, SEC), PS_SIGHT_FIRST);
	assert_int_equal(look(&rule, mine, PS_CLASS_SYN, 22, SEC), PS_SIGHT_AGAIN);
	assert_int_equal(look(&rule, mine, PS_CLASS_FIN, 22, SEC), PS_SIGHT_AGAIN);
	assert_int_equal(look(&rule, mine, PS_CLASS_UDP, 22, SEC), PS_SIGHT_SECOND);
	assert_int_equal(look(&rule, mine, PS_CLASS_SYN, 23, SEC + 299 * MS), PS_SIGHT_SECOND);
	assert_int_equal(look(&rule, mine, PS_CLASS_SYN, 23, SEC + 301 * MS), PS_SIGHT_FIRST);
	assert_int_equal(look(&rule, tracked, PS_CLASS_SYN, 22, SEC), PS_SIGHT_TRACKED);
	assert_int_equal(look(&rule, tracked, PS_CLASS_SYN, 22, SEC + 301 * MS), PS_SIGHT_FIRST);
	assert_int_equal(look(&rule, theirs, PS_CLASS_SYN, 22, SEC), PS_SIGHT_FIRST);
	assert_int_equal(look(&rule, theirs_tracked, PS_CLASS_SYN, 22, SEC), PS_SIGHT_TRACKED);
	rule.count_by = PS_BY_PACKET;
	assert_int_equal(look(&rule, mine, PS_CLASS_SYN, 22, SEC), PS_SIGHT_SECOND);
}

static void test_renew_and_track(void **state)
{
	struct ps_rule slide = walk_rule(), gap = walk_rule_psd();
	__u64 mine = ps_mark_make(HASH, false, PS_CLASS_SYN, 22, SEC);
	__u64 theirs = ps_mark_make(OTHER, true, PS_CLASS_NONE, 0, SEC);
	(void)state;

	assert_int_equal(ps_mark_age_ns(ps_mark_renew(&slide, mine, 2 * SEC), 2 * SEC), 0);
	assert_int_equal(ps_mark_port(ps_mark_renew(&slide, mine, 2 * SEC)), 22);
	assert_int_equal(ps_mark_renew(&gap, mine, 2 * SEC), mine);
	/* A live neighbour keeps its place; ours otherwise. */
	assert_int_equal(ps_mark_track(theirs, PS_SIGHT_TRACKED, HASH, SEC), theirs);
	assert_true(ps_mark_is(ps_mark_track(mine, PS_SIGHT_SECOND, HASH, SEC), HASH));
	assert_true(ps_mark_tracked(ps_mark_track(mine, PS_SIGHT_SECOND, HASH, SEC)));
}

/* The same port of the next target is told from a retransmission; no other field feels it. */
static void test_moved(void **state)
{
	struct ps_rule rule = walk_rule();
	__u64 mark = ps_mark_make(HASH, false, PS_CLASS_OTHER, 0xffff, 77 * SEC);
	union ps_addr dst = { .b = { [10] = 0xff, 0xff, 203, 0, 113, 0 } }, next = dst;
	unsigned int moved = 0;
	(void)state;

	mark = ps_mark_at(mark, HASH, &dst);
	assert_false(ps_mark_moved(mark, HASH, &dst));
	assert_int_equal(look(&rule, mark, PS_CLASS_SYN, 0xffff, 77 * SEC), PS_SIGHT_AGAIN);
	assert_int_equal(ps_mark_class(mark), PS_CLASS_OTHER);
	assert_int_equal(ps_mark_port(mark), 0xffff);
	assert_false(ps_mark_tracked(mark));
	for (next.b[15] = 1; next.b[15]; next.b[15]++)
		moved += ps_mark_moved(mark, HASH, &next);
	assert_in_range(moved, 240, 255);
	assert_false(ps_mark_moved(ps_mark_renew(&rule, mark, 78 * SEC), HASH, &dst));
}

/* What stands for a SYN to the port is worth nothing from then on, and still stands for it. */
static void test_settle(void **state)
{
	struct ps_rule rule = walk_rule();
	union ps_addr dst = { .b = { [10] = 0xff, 0xff, 203, 0, 113, 5 } };
	__u64 syn = ps_mark_at(ps_mark_make(HASH, false, PS_CLASS_SYN, 22, 77 * SEC), HASH, &dst);
	__u64 fin = ps_mark_make(HASH, false, PS_CLASS_FIN, 22, 77 * SEC);
	__u64 tracked = ps_mark_make(HASH, true, PS_CLASS_NONE, 22, 77 * SEC), left;
	(void)state;

	left = ps_mark_settle(syn, HASH, 22);
	assert_int_equal(ps_mark_class(left), PS_MARK_SETTLED);
	assert_int_equal(ps_mark_port(left), 22);
	assert_int_equal(ps_mark_age_ns(left, 77 * SEC), 0);
	assert_false(ps_mark_moved(left, HASH, &dst));
	assert_int_equal(look(&rule, left, PS_CLASS_SYN, 22, 77 * SEC), PS_SIGHT_AGAIN);
	assert_int_equal(look(&rule, left, PS_CLASS_UDP, 22, 77 * SEC), PS_SIGHT_SECOND);
	assert_int_equal(ps_mark_settle(left, HASH, 22), left);
	assert_int_equal(ps_mark_settle(syn, HASH, 23), syn);
	assert_int_equal(ps_mark_settle(syn, OTHER, 22), syn);
	assert_int_equal(ps_mark_settle(fin, HASH, 22), fin);
	assert_int_equal(ps_mark_settle(tracked, HASH, 22), tracked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_sights),
		cmocka_unit_test(test_renew_and_track),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_settle),
	};

	return cmocka_run_group_tests_name("mark", tests, NULL, NULL);
}
