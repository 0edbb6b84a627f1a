/* SPDX-License-Identifier: GPL-2.0-only */
/* test_lru.c - the table that forgets: against a plain model, and at its edges. */
#include "unit.h"

#include "lru.h"

static void test_order(void **state)
{
	struct lru *lru = lru_new(3, sizeof(__u64), sizeof(__u32), 7);
	__u64 keys[] = { 10, 20, 30, 40 };
	const void *key;
	bool evicted;
	(void)state;

	assert_null(lru_oldest(lru, &key));
	for (int i = 0; i < 3; i++)
		*(__u32 *)lru_take(lru, &keys[i], &evicted) = (__u32)i + 1;
	assert_false(evicted);
	assert_int_equal(*(__u32 *)lru_find(lru, &keys[0]), 1); /* 20 is the oldest now */
	assert_int_equal(*(__u32 *)lru_take(lru, &keys[3], &evicted), 0);
	assert_true(evicted);
	assert_null(lru_find(lru, &keys[1]));
	assert_int_equal(lru_count(lru), 3);
	lru_oldest(lru, &key);
	assert_int_equal(*(const __u64 *)key, 30);
	lru_delete(lru, &keys[2]);
	lru_delete(lru, &keys[2]);
	assert_int_equal(lru_count(lru), 2);
	lru_take(lru, &keys[1], &evicted);
	assert_false(evicted); /* the deleted entry's place */
	lru_free(lru);
	lru_free(NULL);
}

/* 20,000 random operations on 16 keys and 8 places, against arrays. */
static void test_model(void **state)
{
	struct lru *lru = lru_new(8, 24, sizeof(__u64), 1);
	unsigned int stamp[16] = { 0 }, now = 0; /* 0: absent */
	(void)state;

	srand(3);
	for (int i = 0; i < 20000; i++) {
		unsigned int k = (unsigned int)rand() % 16, held = 0, oldest = 16;
		char key[24] = { 0 };

		key[23] = (char)k;
		for (unsigned int j = 0; j < 16; j++) {
			held += stamp[j] != 0;
			if (stamp[j] && (oldest == 16 || stamp[j] < stamp[oldest]))
				oldest = j;
		}
		switch (rand() % 3) {
		case 0:
			assert_int_equal(lru_find(lru, key) != NULL, stamp[k] != 0);
			stamp[k] = stamp[k] ? ++now : 0;
			break;
		case 1:
			assert_non_null(lru_take(lru, key, NULL));
			if (!stamp[k] && held == 8)
				stamp[oldest] = 0;
			stamp[k] = ++now;
			break;
		case 2:
			lru_delete(lru, key);
			stamp[k] = 0;
			break;
		}
	}
	lru_free(lru);
}

static void test_walk(void **state)
{
	struct lru *lru = lru_new(100, sizeof(__u32), sizeof(__u32), 0);
	__u32 cursor = 0, expected = 0;
	const void *key;
	(void)state;

	for (__u32 i = 0; i < 100; i++)
		*(__u32 *)lru_take(lru, &i, NULL) = i;
	while (lru_next(lru, &cursor, &key))
		assert_int_equal(*(const __u32 *)key, expected++);
	assert_int_equal(expected, 100);
	lru_free(lru);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests_name("lru", tests, NULL, NULL);
}
