/* SPDX-License-Identifier: GPL-2.0-only */
/* test_scan_schedule.c - each index once, shards that fit together, retries when they are due. */
#include "unit.h"

#include "scan/phase.h"
#include "scan/schedule.h"

static void test_permutation_is_exact(void **state)
{
	static const __u64 counts[] = { 1, 2, 3, 7, 64, 65, 1000, 4097, 65535, 65536, 100003 };

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		__u8 *seen = calloc(counts[c], 1);
		struct permute p;

		permute_init(&p, counts[c], 42 + c);
		for (__u64 i = 0; i < counts[c]; i++) {
			__u64 at = permute_at(&p, i);

			assert_true(at < counts[c]);
			assert_int_equal(seen[at]++, 0);
			assert_int_equal(permute_position(&p, at), i);
		}
		free(seen);
	}
}

static void test_permutation_is_large(void **state)
{
	struct permute p, other;
	int equal = 0;

	(void)state;
	permute_init(&p, 1ULL << 56, 1);
	permute_init(&other, 1ULL << 56, 2);
	for (__u64 i = 0; i < 1000; i++) {
		__u64 position = i * 0x9e3779b97f4aULL % (1ULL << 56);

		assert_int_equal(permute_position(&p, permute_at(&p, position)), position);
		equal += permute_at(&p, position) == permute_at(&other, position);
	}
	assert_true(equal < 2);
}

static bool always(void *context, __u64 index, unsigned int pass)
{
	(void)context;
	(void)index;
	return pass == 0;
}

/* Runs pass 0 and counts each index. */
static void cover(const struct schedule_shape *shape, __u8 *seen)
{
	struct schedule schedule;
	__u64 index, position, due, at;

	assert_int_equal(schedule_init(&schedule, shape), 0);
	while (schedule_next(&schedule, 0, 0, always, NULL, &index, &position, &due) ==
	       SCHEDULE_PROBE) {
		assert_true(index < shape->count);
		seen[index]++;
		assert_true(schedule_position(&schedule, index, &at));
		assert_int_equal(at, position);
	}
	assert_int_equal(schedule.pass, 1);
	schedule_free(&schedule);
}

static void test_coverage_and_shards(void **state)
{
	static const struct {
		__u64 count, first, shards;
	} cases[] = { { 1, 0, 1 }, { 1000, 0, 1 }, { 1000, 0, 3 }, { 1000, 17, 7 },
		      { 5, 5, 2 }, { 3, 0, 5 },    { 999, 998, 4 } };

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		__u8 *seen = calloc(cases[c].count, 1);

		for (__u64 shard = 0; shard < cases[c].shards; shard++)
			cover(&(struct schedule_shape){ .count = cases[c].count,
							.first_count = cases[c].first,
							.seed = 7,
							.shard = shard,
							.shards = cases[c].shards },
			      seen);
		for (__u64 i = 0; i < cases[c].count; i++)
			assert_int_equal(seen[i], 1);
		free(seen);
	}
}

static void test_likely_first(void **state)
{
	struct schedule_shape shape = { .count = 100, .first_count = 10, .seed = 3, .shards = 1 };
	struct schedule schedule;

	(void)state;
	assert_int_equal(schedule_init(&schedule, &shape), 0);
	for (__u64 i = 0; i < 100; i++)
		assert_true((schedule_index(&schedule, i) < 10) == (i < 10));
	schedule_free(&schedule);
}

struct answered {
	__u8 has[64];
	unsigned int passes;
};

static bool unanswered(void *context, __u64 index, unsigned int pass)
{
	struct answered *answered = context;

	return pass < answered->passes && !answered->has[index];
}

static void test_retries(void **state)
{
	struct schedule_shape shape = { .count = 64, .seed = 5, .shards = 1 };
	struct answered answered = { .passes = 3 };
	__u64 index, position, due = 0, now = 1000, sent;
	struct schedule s;

	(void)state;
	assert_int_equal(schedule_init(&s, &shape), 0);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(
			schedule_next(&s, now, 500, unanswered, &answered, &index, &position, &due),
			SCHEDULE_PROBE);
		schedule_sent(&s, 0, position, 1, now);
		/* All but four ports answer. */
		answered.has[index] = index >= 4;
		now += 10;
	}
	assert_int_equal(
		schedule_next(&s, now, 500, unanswered, &answered, &index, &position, &due),
		SCHEDULE_PASS);
	assert_int_equal(s.pass_before_sent, 64);
	for (unsigned int pass = 1; pass < 3; pass++) {
		int probes = 0;
		enum schedule_step step;

		while ((step = schedule_next(&s, now, 500, unanswered, &answered, &index, &position,
					     &due)) != SCHEDULE_PASS) {
			if (step == SCHEDULE_WAIT) {
				assert_true(due > now);
				now = due;
				continue;
			}
			assert_int_equal(step, SCHEDULE_PROBE);
			assert_true(index < 4);
			assert_true(schedule_sent_at(&s, pass - 1, position, false, &sent));
			/* Never before the answer was overdue. */
			assert_true(now >= sent + 500);
			schedule_sent(&s, pass, position, 1, now);
			probes++;
		}
		assert_int_equal(probes, 4);
	}
	assert_int_equal(
		schedule_next(&s, now, 500, unanswered, &answered, &index, &position, &due),
		SCHEDULE_PASS);
	assert_int_equal(s.pass_before_sent, 0);
	schedule_free(&s);
}

static void test_harvest(void **state)
{
	struct schedule_shape shape = { .count = 1000, .seed = 5, .shards = 1 };
	__u64 sent, answered, when;
	struct schedule s;

	(void)state;
	assert_int_equal(schedule_init(&s, &shape), 0);
	schedule_sent(&s, 0, 0, 64, 100);
	schedule_sent(&s, 0, 64, 64, 200);
	assert_true(schedule_sent_at(&s, 0, 63, true, &when));
	assert_int_equal(when, 100);
	assert_true(schedule_sent_at(&s, 0, 64, true, &when));
	assert_int_equal(when, 200);
	schedule_harvest(&s, 150, &sent, &answered);
	assert_int_equal(sent, 64);
	assert_int_equal(answered, 1);
	schedule_harvest(&s, 150, &sent, &answered);
	assert_int_equal(sent, 0);
	schedule_harvest(&s, 1000, &sent, &answered);
	assert_int_equal(sent, 64);
	assert_int_equal(answered, 1);
	/* The log is a ring: the oldest batches are forgotten, never mistaken. */
	for (__u64 i = 0; i < SENDLOG_ENTRIES; i++)
		schedule_sent(&s, 0, 128 + i, 1, 300 + i);
	assert_false(schedule_sent_at(&s, 0, 63, false, &when));
	assert_true(schedule_sent_at(&s, 0, 128 + SENDLOG_ENTRIES - 1, false, &when));
	assert_int_equal(when, 300 + SENDLOG_ENTRIES - 1);
	schedule_free(&s);
}

static void test_phase_index(void **state)
{
	static struct port_set ports;
	struct phase phase;
	__u64 target;
	__u32 unit;

	(void)state;
	for (unsigned int port = 50; port <= 60; port++)
		port_set_add(&ports, port);
	assert_int_equal(phase_ports(&phase, PHASE_UDP, &probe_udp, &ports), 0);
	assert_int_equal(phase.unit_count, 11);
	assert_int_equal(phase.likely_count, 1);
	assert_int_equal(phase.units[0].port, 53);
	for (__u64 index = 0; index < phase_index_count(&phase, 5); index++) {
		phase_split(&phase, 5, index, &target, &unit);
		assert_true(target < 5 && unit < 11);
		assert_true((unit == 0) == (index < 5));
		assert_int_equal(phase_index(&phase, 5, target, unit), index);
	}
	phase_free(&phase);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permutation_is_exact),
		cmocka_unit_test(test_permutation_is_large),
		cmocka_unit_test(test_coverage_and_shards),
		cmocka_unit_test(test_likely_first),
		cmocka_unit_test(test_retries),
		cmocka_unit_test(test_harvest),
		cmocka_unit_test(test_phase_index),
	};

	return cmocka_run_group_tests_name("scan_schedule", tests, NULL, NULL);
}
