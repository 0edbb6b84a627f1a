/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.h - the engine's time out of a capture's: never backwards.
 *
 * Captures step back: a little where several queues or devices feed one file,
 * by days where files were joined, and by anything when somebody set a live
 * machine's clock. A small step is jitter and means "now"; a larger one starts
 * a new piece, whose first packet is placed just behind the evidence of the
 * piece before, so that neither can be held against the other's sources.
 */
#ifndef PSCAN_USER_CLOCK_H
#define PSCAN_USER_CLOCK_H

#include <pscan/base.h>

struct clock {
	__u64 now_ns;		/* engine time of the latest packet */
	__u64 shift_ns;		/* engine time - capture time, modulo 2^64 */
	__u64 pieces;		/* large steps back */
};

/* Engine time of a packet captured at @at_ns. @window_ns: how long evidence lasts. */
static inline __u64 clock_advance(struct clock *clock, __u64 at_ns, __u64 window_ns)
{
	__u64 now_ns = at_ns + clock->shift_ns;

	if (now_ns < clock->now_ns) {
		if (clock->now_ns - now_ns <= window_ns)
			return clock->now_ns;
		clock->shift_ns = clock->now_ns + 2 * window_ns - at_ns;
		clock->pieces++;
		now_ns = at_ns + clock->shift_ns;
	}
	clock->now_ns = now_ns;
	return now_ns;
}

#endif
