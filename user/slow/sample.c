/* SPDX-License-Identifier: GPL-2.0-only */
/* sample.c - see sample.h. */
#include "sample.h"

static __u16 turns_for(__u64 contacts)
{
	__u16 turns = 1;

	while (turns < SAMPLE_TURNS_MAX && contacts / turns > SAMPLE_WANTED)
		turns *= 2;
	return turns;
}

__u16 sample_poll(struct sample *s, __u64 contacts)
{
	if (contacts > s->most)
		s->most = contacts;
	if (++s->polls >= SAMPLE_POLLS) {
		s->turns = turns_for(s->most);
		s->turn = (__u16)((s->turn + 1) % s->turns);
		s->most = 0;
		s->polls = 0;
	}
	return s->turns > 1 ? (__u16)(s->turn << 8 | (s->turns - 1)) : 0;
}
