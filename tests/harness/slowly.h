/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slowly.h - the slow engines under a scripted clock: contacts as the loader or
 * the capture side would hand them over, and what was found.
 */
#ifndef PSCAN_TESTS_SLOWLY_H
#define PSCAN_TESTS_SLOWLY_H

#include "unit.h"

#include "addr.h"
#include "slow/slow.h"

#define MS 1000000ULL
#define SEC (1000 * MS)
#define MIN (60 * SEC)
#define HOUR (60 * MIN)

#define HOST "203.0.113.5"
#define SCANNER "198.51.100.7"

struct slowly {
	struct slow *slow;
	struct slow_finding last;
	struct slow_crowd crowd; /* the latest one */
	unsigned int found[PS_ENGINE_MAX];
	__u64 now_ns;
	__u64 block_ns;		/* what the caller makes of a finding; 0: nothing */
	struct ps_contact next;	/* fields that contacts take over */
};

static inline __u64 slowly_found(const struct slow_finding *finding, void *data)
{
	struct slowly *s = data;

	s->last = *finding;
	if (finding->event.engine == PS_ENGINE_CROWD)
		s->crowd = finding->crowd;
	s->found[finding->event.engine]++;
	return s->block_ns ? finding->event.at_ns + s->block_ns : 0;
}

static inline struct slowly *slowly_start(void)
{
	const struct slow_options options = {
		.window_ns = 300 * MS,
		.quiet_ns = MIN,
		.seed = 42,
	};
	struct slowly *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->slow = slow_new(&options, slowly_found, s);
	assert_non_null(s->slow);
	s->now_ns = 1700000000 * SEC;
	s->next = (struct ps_contact){ .sport = 40000, .window = 64240, .options = 20, .ttl = 60 };
	return s;
}

static inline void slowly_stop(struct slowly *s)
{
	slow_free(s->slow);
	free(s);
}

static inline unsigned int slowly_all(const struct slowly *s)
{
	return s->found[PS_ENGINE_WALK] + s->found[PS_ENGINE_SWEEP] + s->found[PS_ENGINE_CROWD];
}

/* One contact now. */
static inline void slowly_meet(struct slowly *s, const union ps_addr *src,
			       const union ps_addr *dst, __u16 port, enum ps_class class,
			       enum slow_outcome outcome)
{
	struct ps_contact c = s->next;

	c.at_ns = s->now_ns;
	c.src = *src;
	c.dst = *dst;
	c.dport = port;
	c.class = (__u8)class;
	slow_contact(s->slow, &c, outcome);
}

static inline union ps_addr slowly_addr(const char *text)
{
	union ps_addr addr;

	assert_true(addr_parse(text, &addr));
	return addr;
}

/* @src to the usual host, @gap_ns after what was before. */
static inline void slowly_syn(struct slowly *s, const char *src, __u16 port, __u64 gap_ns,
			      enum slow_outcome outcome)
{
	union ps_addr from = slowly_addr(src), to = slowly_addr(HOST);

	s->now_ns += gap_ns;
	slowly_meet(s, &from, &to, port, PS_CLASS_SYN, outcome);
}

#endif
