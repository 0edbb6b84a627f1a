/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sample.h - which sources' single packets the slow engines look at while a
 * flood of forged ones brings more than the contact ring holds. Without it a
 * poll would get the first 3,600 packets of some ten thousand, other sources
 * each time, and what is remembered of a source that failed once would be
 * pushed out long before its second failure came by.
 *
 * So sources are dealt out to as many turns as it takes, by a keyed hash; a turn
 * lasts ten polls, in which a scan at a probe each 400 ms shows seven. What a
 * flood costs is time: of a hundred thousand packets a second such a scan is
 * found after 16 turns at most, 48 s. A scan slower than a probe a second shows
 * too little in a turn. Pure: no clock, no maps.
 */
#ifndef PSCAN_USER_SAMPLE_H
#define PSCAN_USER_SAMPLE_H

#include <pscan/abi.h>

#define SAMPLE_POLLS 10		/* per turn: 3 s */
#define SAMPLE_TURNS_MAX 256	/* for 2 million packets a second */

/* Single packets that are wanted from a poll. The ring takes a third more; and a first failure
 * is remembered for a turn only while no more come than this: see SEED_BITS. */
#define SAMPLE_WANTED 2700

struct sample {
	__u64 most;	/* contacts of one poll in this turn, seen and lost */
	__u32 polls;	/* of this turn */
	__u16 turns;	/* 0 and 1: no flood; a power of two */
	__u16 turn;
};

/* A poll is over; there were so many contacts in it, seen and lost. Return: what
 * ps_contact_sampled() is to be told from now on. */
__u16 sample_poll(struct sample *sample, __u64 contacts);

#endif
