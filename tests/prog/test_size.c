/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_size.c - what the program asks of the verifier and of the instruction
 * cache. The ceilings lie above what Linux 6.18 says of a program built by clang 14 (half as
 * much again, and a tenth), so that growth is seen here before a kernel refuses.
 */
#include "prog.h"

/* The kernel's own limit is 1,000,000. */
#define VERIFIED_MAX 130000
#define JITED_BYTES_MAX 32000

static void test_size(void **state)
{
	__u32 verified = 0, jited = 0;
	(void)state;

	assert_int_equal(xdp_program_size(prog.xdp, &verified, &jited), 0);
	print_message("# verifier: %u instructions walked; machine code: %u bytes\n", verified,
		      jited);
	assert_in_range(verified, 1, VERIFIED_MAX);
	assert_in_range(jited, 0, JITED_BYTES_MAX);
}

static int setup(void **state)
{
	(void)state;
	return prog_load(false); /* as it is shipped: the test clock would hide the real one's code */
}

static const struct CMUnitTest tests[] = { cmocka_unit_test(test_size) };

PROG_MAIN("size", tests, setup)
