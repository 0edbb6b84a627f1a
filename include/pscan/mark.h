/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * mark.h - admission: a source earns a record with its second distinct port.
 *
 * Until then it is one 64-bit mark in a lossy array, so that a flood of forged
 * one-packet sources costs a cache line and never touches the source table.
 * The adversary can overwrite marks (the scanner's first port is then seen
 * again as a first) but not those of sources that have a record: a collision
 * with a live one sends the packet to the table without admission.
 *
 *	63       49 48   43 42        41  38 37  22 21     0
 *	| tag (15) | host  | tracked | class | port | time  |
 *
 * `host` tells the port of one target from the same port of the next, for
 * contacts alone (ps_mark_moved()): the score does not look at it.
 */
#ifndef PSCAN_MARK_H
#define PSCAN_MARK_H

#include "abi.h"
#include "hash.h"

#define PS_MARK_TIME_SHIFT 16 /* 65.5 us; 22 bits wrap after 275 s */
#define PS_MARK_TIME_MASK 0x3fffffULL

enum ps_sight {
	PS_SIGHT_FIRST,		/* nothing known: leave a mark */
	PS_SIGHT_AGAIN,		/* the marked port once more: nothing new */
	PS_SIGHT_SECOND,	/* another port inside the window: make a record */
	PS_SIGHT_TRACKED,	/* has a record, or shares the mark with one that has */
};

PS_INLINE __u64 ps_mark_make(__u64 hash, bool tracked, enum ps_class class, __u16 port,
			     __u64 now_ns)
{
	return (hash >> 20 & 0x7fff) << 49 | (__u64)tracked << 42 | (__u64)class << 38 |
	       (__u64)port << 22 | (now_ns >> PS_MARK_TIME_SHIFT & PS_MARK_TIME_MASK);
}

PS_INLINE __u16 ps_mark_port(__u64 mark)
{
	return (__u16)(mark >> 22);
}

PS_INLINE enum ps_class ps_mark_class(__u64 mark)
{
	return (enum ps_class)(mark >> 38 & 0xf);
}

/*
 * The class, in the mark of a source without a record, of a SYN whose port is worth nothing
 * any more: a handshake completed there. No probe has this class.
 */
#define PS_MARK_SETTLED PS_CLASS_NONE
#define PS_MARK_CLASS_MASK (0xfULL << 38)

PS_INLINE bool ps_mark_tracked(__u64 mark)
{
	return mark >> 42 & 1;
}

PS_INLINE bool ps_mark_is(__u64 mark, __u64 hash)
{
	return mark >> 49 == (hash >> 20 & 0x7fff);
}

#define PS_MARK_HOST_SHIFT 43
#define PS_MARK_HOST_MASK (0x3fULL << PS_MARK_HOST_SHIFT)

/* The mark of a source's probe to @dst; keyed by the source's hash, so that nobody
 * can choose targets that look like one. */
PS_INLINE __u64 ps_mark_at(__u64 mark, __u64 hash, const union ps_addr *dst)
{
	__u64 host = ps_mix(hash ^ dst->d[1] ^ dst->d[0] * 3) << PS_MARK_HOST_SHIFT;

	return (mark & ~PS_MARK_HOST_MASK) | (host & PS_MARK_HOST_MASK);
}

/* The marked port, probed again: at another target, but for one in 64? */
PS_INLINE bool ps_mark_moved(__u64 mark, __u64 hash, const union ps_addr *dst)
{
	return ps_mark_at(mark, hash, dst) != mark;
}

/* The mark once a handshake with @port completed: settled, if it stands for the SYN there. */
PS_INLINE __u64 ps_mark_settle(__u64 mark, __u64 hash, __u16 port)
{
	bool stands = ps_mark_is(mark, hash) && !ps_mark_tracked(mark) &&
		      ps_mark_port(mark) == port && ps_mark_class(mark) == PS_CLASS_SYN;

	return stands ? (mark & ~PS_MARK_CLASS_MASK) | (__u64)PS_MARK_SETTLED << 38 : mark;
}

/* Two CPUs' clocks, read before the mark was, differ by less than this: 67 ms. */
#define PS_MARK_TIME_SKEW 1024

/*
 * How long ago the mark was left, in ns; modulo 275 s. One that another CPU
 * left in the near future was left now.
 */
PS_INLINE __u64 ps_mark_age_ns(__u64 mark, __u64 now_ns)
{
	__u64 age = (now_ns >> PS_MARK_TIME_SHIFT) - (mark & PS_MARK_TIME_MASK);

	age &= PS_MARK_TIME_MASK;
	return age > PS_MARK_TIME_MASK - PS_MARK_TIME_SKEW ? 0 : age << PS_MARK_TIME_SHIFT;
}

/* @mark is what the array holds for @hash; 0 means never used. */
PS_INLINE enum ps_sight ps_mark_look(const struct ps_rule *rule, __u64 mark, __u64 hash,
				     enum ps_class class, __u16 port, __u64 now_ns)
{
	bool fresh = mark && ps_mark_age_ns(mark, now_ns) <= rule->window_ns;
	bool ours = ps_mark_is(mark, hash);

	if (!fresh)
		return PS_SIGHT_FIRST;
	if (ps_mark_tracked(mark))
		return PS_SIGHT_TRACKED;
	if (!ours)
		return PS_SIGHT_FIRST;
	if (rule->count_by == PS_BY_PORT && ps_mark_port(mark) == port &&
	    ps_class_is_udp(ps_mark_class(mark)) == ps_class_is_udp(class))
		return PS_SIGHT_AGAIN;
	return PS_SIGHT_SECOND;
}

/* The mark after its own port was probed again: as of now, but no gap closes over it. */
PS_INLINE __u64 ps_mark_renew(const struct ps_rule *rule, __u64 mark, __u64 now_ns)
{
	if (rule->window == PS_WINDOW_GAP)
		return mark;
	return (mark & ~PS_MARK_TIME_MASK) | (now_ns >> PS_MARK_TIME_SHIFT & PS_MARK_TIME_MASK);
}

/*
 * What to store after a probe went to the source table: a tracked mark, unless
 * the place is taken by another source's that is live.
 */
PS_INLINE __u64 ps_mark_track(__u64 mark, enum ps_sight sight, __u64 hash, __u64 now_ns)
{
	if (sight == PS_SIGHT_TRACKED && !ps_mark_is(mark, hash))
		return mark;
	return ps_mark_make(hash, true, PS_CLASS_NONE, 0, now_ns);
}

#endif /* PSCAN_MARK_H */
