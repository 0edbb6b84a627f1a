/* SPDX-License-Identifier: GPL-2.0-only */
/* damage.h - frames with random damage, the same in every run. After prog.h. */
#ifndef PSCAN_TESTS_DAMAGE_H
#define PSCAN_TESTS_DAMAGE_H

#include "prog.h"

#include <pscan/parse.h>

static __u64 damage_state = 88172645463325252ULL;

static inline __u32 damage_random(void) /* xorshift64*, Vigna 2016 */
{
	damage_state ^= damage_state >> 12;
	damage_state ^= damage_state << 25;
	damage_state ^= damage_state >> 27;
	return (__u32)(damage_state * 0x2545f4914f6cdd1dULL >> 32);
}

/* Overwrites up to eight bytes, mostly in the headers, and sometimes cuts the end off. */
static inline struct pkt damage(const struct pkt *from)
{
	struct pkt p = *from;
	__u32 n = damage_random() % 9;

	for (__u32 i = 0; i < n; i++) {
		__u32 r = damage_random();

		p.data[(r & 0xffff) % p.bytes] =
			r >> 31 ? (__u8)(r >> 16) : p.data[(r & 0xffff) % p.bytes] ^ (1 << (r >> 16 & 7));
	}
	if (damage_random() % 8 == 0) /* the kernel wants an Ethernet header's bytes */
		p = pkt_cut(p, 14 + damage_random() % (p.bytes - 13));
	return p;
}

/* What the parser's native compilation says. Not inline: gcc 12 would see bytes that nothing wrote. */
static __attribute__((noinline, unused)) enum ps_parse damage_parse(const struct pkt *p,
								    struct ps_packet *parsed)
{
	return ps_parse_eth(p->data, p->data + p->bytes, parsed);
}

#endif
