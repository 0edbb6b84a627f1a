/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_size.c - what the program asks of the verifier and of the instruction
 * cache. The ceilings leave some room over what Linux 6.18 says of a program built
 * by clang 14, so that growth is seen here before a kernel refuses.
 */
#include "prog.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* The kernel's own limit is 1,000,000. */
#define VERIFIED_MAX 140000
#define JITED_BYTES_MAX 38500
#define COOKIE_VERIFIED_MAX 180000
#define COOKIE_JITED_BYTES_MAX 42000

static void within(int fd, __u32 verified_max, __u32 jited_max)
{
	struct bpf_prog_info info = {};
	__u32 bytes = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &bytes), 0);
	print_message("# verifier: %u instructions walked; machine code: %u bytes\n",
		      info.verified_insns, info.jited_prog_len);
	assert_true(info.verified_insns > 0);
	if (prog_emulated())
		return;
	assert_true(info.verified_insns <= verified_max);
	assert_true(info.jited_prog_len <= jited_max);
}

static void test_shipped(void **state)
{
	(void)state;
	within(prog.xdp->prog, VERIFIED_MAX, JITED_BYTES_MAX);
}

/* The same for a slot of a dispatcher. */
static void test_slot(void **state)
{
	struct bpf_object *slot = xdp_open_object(prog.xdp);
	(void)state;

	assert_non_null(slot);
	assert_int_equal(bpf_object__load(slot), 0);
	within(bpf_program__fd(bpf_object__next_program(slot, NULL)), VERIFIED_MAX,
	       JITED_BYTES_MAX);
	bpf_object__close(slot);
}

/* --unproven cookie: what answers packets is walked as well. */
static void test_cookies(void **state)
{
	struct xdp_load_options options = { .rule = rule_default(RULE_SOPHOS), .unpinned = true };
	struct xdp *xdp;
	(void)state;

	options.rule.unproven = PS_UNPROVEN_COOKIE;
	assert_int_equal(xdp_load(&options, &xdp), 0);
	within(xdp->prog, COOKIE_VERIFIED_MAX, COOKIE_JITED_BYTES_MAX);
	xdp_close(xdp);
}

static int setup(void **state)
{
	(void)state;
	return prog_load(false); /* as it is shipped: the test clock would hide the real one's code */
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_shipped),
	cmocka_unit_test(test_slot),
	cmocka_unit_test(test_cookies),
};

PROG_MAIN("size", tests, setup)
