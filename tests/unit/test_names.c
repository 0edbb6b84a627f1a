/* SPDX-License-Identifier: GPL-2.0-only */
/* test_names.c - every enum value has a word of its own, and it reads back. */
#include "unit.h"

#include "names.h"

/* Words of one enum: present, distinct, fit for a JSON key. */
static void check_words(const char *(*name)(unsigned int), unsigned int max)
{
	for (unsigned int i = 0; i < max; i++) {
		const char *word = name(i);

		assert_true(*word != '?' && *word != '\0');
		assert_null(strpbrk(word, " -\"\\"));
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(word, name(j));
	}
	assert_string_equal(name(max), "?");
	assert_string_equal(name(~0u), "?");
}

static void test_words(void **state)
{
	(void)state;
	check_words(names_class, PS_CLASS_MAX);
	check_words(names_action, PS_ACTION_MAX);
	check_words(names_reason, PS_REASON_MAX);
	check_words(names_event, PS_EVENT_MAX);
	check_words(names_parse, PS_PARSE_MAX);
	check_words(names_count, PS_COUNT_MAX);
	check_words(names_allow, PS_ALLOW_MAX);
}

static void test_class_find(void **state)
{
	(void)state;
	for (unsigned int c = PS_CLASS_SYN; c < PS_CLASS_MAX; c++)
		assert_int_equal(names_class_find(names_class(c)), c);
	assert_int_equal(names_class_find("maimon"), PS_CLASS_MAIMON);
	assert_int_equal(names_class_find("NONE"), PS_CLASS_NONE);
	assert_int_equal(names_class_find("SYNN"), PS_CLASS_NONE);
	assert_int_equal(names_class_find(""), PS_CLASS_NONE);
}

static void test_service(void **state)
{
	(void)state;
	assert_string_equal(names_service(22, false), "ssh");
	assert_string_equal(names_service(53, true), "domain");
	assert_ptr_equal(names_service(22, false), names_service(22, false));
	assert_null(names_service(0, false));
	assert_null(names_service(69, false)); /* tftp is UDP only */
	assert_string_equal(names_service(69, true), "tftp");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_class_find),
		cmocka_unit_test(test_service),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
