/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_parse.c - frames of every link type, and packets quoted by ICMP: nothing
 * outside the frame is read, and what is said of it is true of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pscan/classify.h>
#include <pscan/link.h>

#define CHECK(condition)                \
	do {                            \
		if (!(condition))       \
			__builtin_trap(); \
	} while (0)

static void check(enum ps_parse res, const struct ps_packet *p, size_t bytes)
{
	CHECK(res < PS_PARSE_MAX);
	if (res != PS_PARSE_OK)
		return;
	CHECK(p->ip_off < p->l4_off && p->l4_off <= p->payload_off);
	CHECK(p->l4_off + 8u <= bytes);
	CHECK(ps_classify(p) < PS_CLASS_MAX);
	CHECK((ps_classify(p) == PS_CLASS_NONE) ==
	      (p->proto == PS_IP_ICMP || p->proto == PS_IP_ICMPV6));
	CHECK(ps_addr_is_v4(&p->src) == ps_addr_is_v4(&p->dst) || !(p->bits & PS_PKT_V4));
}

/* The short way says what the long one says, but for the group bit, or nothing. */
static void check_plain(const char *frame, size_t bytes)
{
	struct ps_packet plain, p;

	if (!ps_parse_plain(frame, frame + bytes, &plain))
		return;
	CHECK(ps_parse_eth(frame, frame + bytes, &p) == PS_PARSE_OK);
	p.bits &= (__u8)~PS_PKT_GROUP;
	CHECK(memcmp(&plain, &p, sizeof(p)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ps_packet p;
	char *frame;

	if (!bytes)
		return 0;
	/* An allocation of its own, so that the sanitizer sees the frame's end. */
	frame = malloc(bytes);
	memcpy(frame, data, bytes);
	for (int link = PS_LINK_ETH; link <= PS_LINK_NULL; link++)
		check(ps_parse_link((enum ps_link)link, frame, frame + bytes, &p), &p, bytes);
	check_plain(frame, bytes);
	CHECK(ps_parse_quote(frame, frame + bytes, &p) < PS_PARSE_MAX);
	free(frame);
	return 0;
}
