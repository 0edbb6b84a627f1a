/* SPDX-License-Identifier: GPL-2.0-only */
/* test_table.c - finding, making and throwing out records inside one bucket. */
#include "unit.h"

#include "walk.h"

static struct ps_bucket bucket;

/* The hash is made up: only its tag, the low 32 bits, matters inside a bucket. */
static struct ps_source *take(__u32 host, __u64 hash, __u64 now_ns, int *made)
{
	struct ps_rule rule = walk_rule();
	union ps_addr addr = walk_v4(host);

	return ps_bucket_take(&rule, &bucket, hash, &addr, now_ns, made);
}

static void test_made_then_found(void **state)
{
	struct ps_source *s[PS_WAYS];
	int made;
	(void)state;

	memset(&bucket, 0, sizeof(bucket));
	for (__u32 i = 0; i < PS_WAYS; i++) {
		s[i] = take(i, i * 2, SEC, &made); /* tag 0 | 1 is one, too */
		assert_int_equal(made, 1);
		s[i]->probes = 2;
	}
	for (__u32 i = 0; i < PS_WAYS; i++) {
		assert_ptr_equal(take(i, i * 2, SEC, &made), s[i]);
		assert_int_equal(made, 0);
		assert_int_equal(s[i]->probes, 2);
	}
}

/* Least live evidence goes first, the oldest among equals; what ran out is worth nothing. */
static void test_victim(void **state)
{
	struct ps_source *s[PS_WAYS];
	int made;
	(void)state;

	for (__u32 victim = 0; victim < PS_WAYS; victim++) {
		memset(&bucket, 0, sizeof(bucket));
		for (__u32 i = 0; i < PS_WAYS; i++) {
			s[i] = take(i, i * 2, SEC, &made);
			s[i]->probes = i == victim ? 2 : 3;
			s[i]->last_ns = SEC + 100 * MS;
		}
		assert_ptr_equal(take(9, 90, SEC + 200 * MS, &made), s[victim]);
		assert_int_equal(made, 2);
		assert_int_equal(s[victim]->probes, 0);

		for (__u32 i = 0; i < PS_WAYS; i++) {
			s[i]->probes = i == victim ? 31 : 2;
			s[i]->last_ns = i == victim ? SEC - 300 * MS : SEC + 100 * MS;
		}
		assert_ptr_equal(take(10, 100, SEC + 200 * MS, &made), s[victim]);
		for (__u32 i = 0; i < PS_WAYS; i++) {
			s[i]->probes = 2;
			s[i]->last_ns = SEC + (i == victim ? 100 : 150) * MS;
		}
		assert_ptr_equal(take(11, 110, SEC + 200 * MS, &made), s[victim]);
	}
}

/* Two sources that share a tag: neither's evidence is held against the other. */
static void test_shared_tag(void **state)
{
	struct ps_source *s;
	int made;
	(void)state;

	memset(&bucket, 0, sizeof(bucket));
	s = take(1, 42, SEC, &made);
	s->probes = 6;
	assert_ptr_equal(take(2, 42, SEC, &made), s);
	assert_int_equal(made, 2);
	assert_int_equal(s->probes, 0);
}

static void test_indices_stay_inside(void **state)
{
	(void)state;

	for (unsigned int bits = 1; bits <= 20; bits++) {
		struct ps_config cfg = { .mark_bits = (__u8)bits, .bucket_bits = (__u8)bits };

		for (int i = 0; i < 64; i++) {
			__u64 hash = ps_mix((__u64)i);

			assert_true(ps_mark_index(&cfg, hash) < 1U << bits);
			assert_true(ps_bucket_index(&cfg, hash) < 1U << bits);
			assert_int_not_equal(ps_bucket_tag(hash), 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_then_found),
		cmocka_unit_test(test_victim),
		cmocka_unit_test(test_shared_tag),
		cmocka_unit_test(test_indices_stay_inside),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
