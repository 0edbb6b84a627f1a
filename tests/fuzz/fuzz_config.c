/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_config.c - what people type, and what DHCP clients write: the rule's options,
 * durations, prefixes, resolv.conf.
 * Whatever is taken is valid, and what is written back reads as the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pscan/score.h>

#include "addr.h"
#include "duration.h"
#include "guard.h"
#include "rule.h"

#define CHECK(condition)                \
	do {                            \
		if (!(condition))       \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stderr = fopen("/dev/null", "w"); /* the fuzzer's own messages go to the descriptor */
	return !stderr;
}

static void try_duration(const char *text)
{
	char out[DURATION_TEXT_BYTES];
	__u64 ns, again = 1;

	if (!duration_parse(text, &ns))
		return;
	CHECK(ns <= DURATION_NS_MAX);
	CHECK(duration_parse(duration_format(ns, out), &again) && again == ns);
}

static void try_prefix(const char *text)
{
	struct prefix prefix, again;
	char out[PREFIX_TEXT_BYTES];

	if (!prefix_parse(text, &prefix))
		return;
	CHECK(prefix.bits <= 128 && prefix_covers(&prefix, &prefix.addr));
	CHECK(prefix_parse(prefix_format(&prefix, out), &again));
	CHECK(again.bits == prefix.bits && ps_addr_eq(&again.addr, &prefix.addr));
}

/* Line by line: the first byte says which option, the rest is its value. */
static void try_rule(char *text)
{
	struct rule_options o = { .profile = RULE_SOPHOS };
	char traps[RULE_TRAPS_TEXT_BYTES], *line;

	while ((line = strsep(&text, "\n")))
		if (*line)
			o.text[(unsigned char)*line % RULE_OPT_MAX] = line + 1;
	if (rule_apply(&o))
		return;
	CHECK(ps_rule_valid(&o.rule));
	memset(o.text, 0, sizeof(o.text));
	rule_traps_format(&o.rule, traps);
	o.text[RULE_OPT_TRAPS] = traps;
	CHECK(rule_apply(&o) == 0);
}

/* Only resolvers, none twice, no more than there is room for. */
static void try_resolvers(const char *text, size_t bytes)
{
	static struct guard guard;
	FILE *f = fmemopen((void *)text, bytes, "r");

	if (!f)
		return;
	guard.n = 0;
	guard_resolvers(&guard, f);
	fclose(f);
	CHECK(guard.n <= GUARD_MAX);
	for (unsigned int i = 0; i < guard.n; i++) {
		CHECK(guard.entry[i].kind == PS_ALLOW_RESOLVER);
		for (unsigned int k = 0; k < i; k++)
			CHECK(!ps_addr_eq(&guard.entry[i].addr, &guard.entry[k].addr));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1);

	memcpy(text, data, bytes);
	text[bytes] = '\0';
	try_resolvers(text, bytes);
	try_duration(text);
	try_prefix(text);
	try_rule(text);
	free(text);
	return 0;
}
