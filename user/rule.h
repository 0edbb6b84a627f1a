/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rule.h - the detection rule's options, shared by `attach` and `replay`.
 *
 * Use: make &rule_argp a child of the command's parser and let its input be a
 * struct rule_options (state->child_inputs[]); when argp_parse() is back, the
 * rule in it is complete and valid, or a line was printed and argp_parse()
 * returned EINVAL.
 */
#ifndef PSCAN_USER_RULE_H
#define PSCAN_USER_RULE_H

#include <argp.h>

#include <pscan/abi.h>

enum rule_profile {
	RULE_SOPHOS, /* the default: 21 points within a sliding 300 ms */
	RULE_PSD,    /* xt_psd: 21 points with no gap above 3 s between new ports */
	RULE_PROFILE_MAX
};

/* Every option that sets the rule; the order in which they are applied. */
enum rule_option {
	RULE_OPT_PROFILE,
	RULE_OPT_THRESHOLD,
	RULE_OPT_WINDOW,
	RULE_OPT_WEIGHT_LOW,
	RULE_OPT_WEIGHT_HIGH,
	RULE_OPT_WEIGHT_TRAP,
	RULE_OPT_LOW_PORTS,
	RULE_OPT_TRAPS,
	RULE_OPT_COUNT,
	RULE_OPT_TYPES,
	RULE_OPT_BLOCK,
	RULE_OPT_MONITOR,
	RULE_OPT_BLOCK_TIME,
	RULE_OPT_BLOCK_MAX,
	RULE_OPT_UNPROVEN,
	RULE_OPT_COOKIE_RATE,
	RULE_OPT_UNPROVEN_TIME,
	RULE_OPT_QUIET_TIME,
	RULE_OPT_SLOW,
	RULE_OPT_MAX
};

struct rule_options {
	struct ps_rule rule;       /* out */
	enum rule_profile profile; /* out */
	bool slow;                 /* out: the slow engines run beside the rule */
	/* What the user wrote, NULL where nothing; the latest of several. Owned by argv. */
	const char *text[RULE_OPT_MAX];
};

extern const struct argp rule_argp;

/* The profile's rule, complete and valid. */
struct ps_rule rule_default(enum rule_profile profile);

/*
 * Applies o->text[] to the profile's defaults and writes o->rule. argp calls
 * it; so may whoever has the texts from elsewhere.
 * Returns 0, or -EINVAL with one line printed and o->rule untouched.
 */
int rule_apply(struct rule_options *o);

/* 0 when ps_rule_valid(); else -EINVAL, with one line that says what would be. */
int rule_check(const struct ps_rule *rule);

/* "soft", ...; "sophos", ...; the list of traps as --traps reads it, "none" if empty. */
const char *rule_respond_name(unsigned int respond);
const char *rule_unproven_name(unsigned int unproven);
const char *rule_profile_name(unsigned int profile);
#define RULE_TRAPS_TEXT_BYTES (PS_TRAPS_MAX * 6 + 1)
const char *rule_traps_format(const struct ps_rule *rule, char out[RULE_TRAPS_TEXT_BYTES]);

#endif
