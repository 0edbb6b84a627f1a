/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_full.c - what is full, and what becomes of that for which there is no room: a block
 * list that makes none, contacts that nobody reads, more offenders than are remembered.
 * (Tables that make room under attack: tests/lab/faults.bats.)
 */
#include "prog.h"

#define BLOCKS 2

/* Refused: counted, told with its reason, and its probes dropped while its score is over. */
static void test_blocks_refused(void **state)
{
	struct ps_block block;
	(void)state;

	for (int i = 0; i < BLOCKS; i++) {
		prog_begin(false);
		prog_forget();
		assert_int_equal(prog_scan(101, 7, MS), 7);
		assert_true(prog_has_block(&block));
		prog_expect_events(1);
		assert_int_equal(prog.event[0].reason, PS_REASON_RULE);
	}
	for (int v6 = 0; v6 < 2; v6++) {
		prog_begin(v6);
		prog_forget();
		assert_int_equal(prog_scan(101, 7, MS), 7);
		assert_false(prog_has_block(&block));
		assert_int_equal(prog_count(PS_COUNT_TABLE), 1);
		assert_int_equal(prog_count(PS_COUNT_BLOCK), 0);
		prog_expect_events(1);
		assert_int_equal(prog.event[0].reason, PS_REASON_TABLE);
		/* Not one more port of it is answered, and it is not told again. */
		for (__u16 port = 201; port < 211; port++)
			assert_int_equal(prog_syn(port), XDP_DROP);
		prog_expect_events(1);
		prog_at(prog_now() + SEC);
		assert_int_equal(prog_syn(300), XDP_PASS);
	}
}

static unsigned int contacts;

static void on_contact(const struct ps_contact *contact, void *data)
{
	(void)contact;
	(void)data;
	contacts++;
}

#define MORE 1000

/* Nobody reads: what does not fit is counted, and costs nobody his score. */
static void test_contacts_lost(void **state)
{
	const unsigned int sent = PS_CONTACTS_BYTES / (sizeof(struct ps_contact) + 8) + MORE;
	struct xdp_contacts *ring;
	unsigned int lost;
	(void)state;

	assert_int_equal(xdp_contacts_open(prog.xdp, on_contact, NULL, &ring), 0);
	xdp_contacts_read(ring);
	prog_begin(false);
	prog_forget();
	for (unsigned int i = 0; i < sent; i++) {
		prog.sources++;
		assert_int_equal(prog_syn(80), XDP_PASS);
	}
	lost = (unsigned int)prog_count(PS_COUNT_CONTACT_LOST);
	assert_true(lost >= MORE);
	prog.sources++;
	assert_int_equal(prog_scan(101, 7, MS), 7);
	contacts = 0;
	assert_true(xdp_contacts_read(ring) > 0);
	/* What came before those of the last scan, which found a place or did not. */
	assert_int_equal(contacts, sent + 7 - prog_count(PS_COUNT_CONTACT_LOST));
	lost = (unsigned int)prog_count(PS_COUNT_CONTACT_LOST);
	prog.sources++;
	assert_int_equal(prog_syn(80), XDP_PASS);
	assert_int_equal(prog_count(PS_COUNT_CONTACT_LOST), lost);
	assert_int_equal(xdp_contacts_read(ring), 1);
	xdp_contacts_close(ring);
}

/* The latest is known, and those before it make room. */
static void test_offenders_full(void **state)
{
	struct ps_offender offender = { .until_ns = 1 };
	unsigned int known = 0;
	(void)state;

	for (__u32 i = 1; i <= 2 * PS_OFFENDERS_MAX; i++) {
		union ps_addr addr = A6(0x2000000 + i);
		struct ps_offender back;

		offender.blocks = i;
		assert_int_equal(xdp_offender_set(prog.xdp, &addr, &offender), 0);
		xdp_offender_get(prog.xdp, &addr, &back);
		assert_int_equal(back.blocks, i);
	}
	for (__u32 i = 1; i <= 2 * PS_OFFENDERS_MAX; i++) {
		union ps_addr addr = A6(0x2000000 + i);

		xdp_offender_get(prog.xdp, &addr, &offender);
		assert_true(!offender.blocks || offender.blocks == i);
		known += offender.blocks != 0;
	}
	assert_in_range(known, PS_OFFENDERS_MAX / 2, PS_OFFENDERS_MAX);
	print_message("# %u of %d remembered\n", known, 2 * PS_OFFENDERS_MAX);
}

static int setup(void **state)
{
	int err = prog_load_options((struct xdp_load_options){
		.rule = rule_default(RULE_SOPHOS), .test_clock = true, .blocks_max = BLOCKS });

	(void)state;
	return err ? err : prog_own_addresses();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_blocks_refused),
	cmocka_unit_test(test_contacts_lost),
	cmocka_unit_test(test_offenders_full),
};

PROG_MAIN("full", tests, setup)
