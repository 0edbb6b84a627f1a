/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * track.h - what the walk and the sweep remember of one source in one network
 * of ours, and the table it is kept in. Internal to user/slow/.
 */
#ifndef PSCAN_USER_SLOW_TRACK_H
#define PSCAN_USER_SLOW_TRACK_H

#include <pscan/abi.h>

/*
 * The walk: Jung, Paxson, Berger, Balakrishnan, "Fast Portscan Detection Using
 * Sequential Hypothesis Testing", IEEE S&P 2004. With theta0 0.8 (a benign
 * source's first contact succeeds), theta1 0.2 (a scanner's does), detection
 * 0.99 and false alarm 0.01, a failure multiplies the likelihood ratio by 4 and
 * a success by 1/4, and ln(0.99 / 0.01) / ln 4 = 3.3 steps decide: 4.
 */
#define WALK_SCANNER 4

/* The paper stops at -4 and calls the source benign for good. Nobody is benign
 * for good here, and credit is what a scanner begins with that knows an open
 * port: two failures of it, so at most six closed ports are probed unseen. */
#define WALK_CREDIT (-2)

/* A port that is known to be open counts as a success once per so long: one
 * connection beside each probe hides nothing, a day's work still pays for a
 * mistake now and then. */
#define WALK_AGAIN_NS (3600ULL * 1000000000ULL)

/* Distinct hosts in vain that make a sweep: psad's first level (10). No pause
 * above 15 minutes, as bro-simple-scan has it. A new success takes one back. */
#define SWEEP_HOSTS 10
#define SWEEP_GAP_NS (900ULL * 1000000000ULL)

/* ... where nobody can tell what became of the probes, and a browser's hosts look
 * the same: Zeek's scan.zeek, 25 hosts on one port within 5 minutes. */
#define SWEEP_HOSTS_UNKNOWN 25
#define SWEEP_UNKNOWN_NS (300ULL * 1000000000ULL)

/* A record that slept for so long begins anew. */
#define TRACK_IDLE_NS (86400ULL * 1000000000ULL)

/*
 * Records: 1024 sets of eight, 7.5 MB when all are in use. Full set: the record
 * with the least held against its source goes, the oldest among equals. A flood
 * of forged sources that send two packets each pushes out itself, not a scan
 * that was seen three times.
 */
#define TRACK_SET_BITS 10
#define TRACK_WAYS 8

#define TRACK_OPEN_BITS 512	/* good for about 150 services of one source */
#define TRACK_CLOSED_BITS 256

/* Failures that counted lately: twice what decides. */
#define WALK_WINDOWS 8

struct walk_window {
	__u64 at_ns;
	__u32 port;			/* ps_probe_key() */
	__u32 pad;
};

struct track {
	struct ps_source source;	/* the evidence; probe[].at: ms since first_ns */
	union ps_addr net;		/* of the targets */
	__u64 seen_ns;
	struct walk_window window[WALK_WINDOWS]; /* ring: where a failure counted */
	__u64 open_ns;			/* latest success that it counted */
	__u64 sweep_ns;			/* latest host in vain */
	__u64 unknown_ns;		/* first host of the run that nobody can tell about */
	__u64 seed_open;		/* the seed's filter */
	__u64 open[TRACK_OPEN_BITS / 64];	/* Bloom filters over (host, protocol, port) */
	__u64 closed[TRACK_CLOSED_BITS / 64];
	__u32 host[SWEEP_HOSTS];
	__u32 unknown[SWEEP_HOSTS_UNKNOWN];
	__u16 unknown_port;
	__u16 failures;			/* distinct closed targets in the evidence */
	__u8 windows;			/* entered in the ring, wraps */
	__u8 opens;			/* entered in the filters */
	__u8 closeds;
	__u8 hosts;
	__u8 unknowns;
	__s8 walk;
};

/* What the engines look at of a contact. */
struct target {
	__u64 key;			/* host, protocol and port */
	__u64 at_ns;
	__u32 host;
	__u16 port;
	__u8 class;
	__u8 pad;
};

/*
 * What is kept of a source before it earns a record with its second failure, or
 * its SEED_OPENS_MAX-th service: its first failure and what it found open.
 * 2^15 of them, 1.5 MB; a collision forgets the older. So forged sources that send
 * one packet never touch the records, and clients that use one service neither.
 */
#define SEED_BITS 15
#define SEED_OPENS_MAX 6

struct seed {
	struct target first;		/* at_ns 0: nothing failed yet */
	__u64 open;			/* Bloom filter over what was found open */
	__u32 tag;
	__u8 opens;
	__u8 unknown;			/* nobody can tell about @first */
	__u8 pad[2];
};

struct tracks;

/* NULL: no memory. */
struct tracks *tracks_new(__u64 seed);
void tracks_free(struct tracks *tracks); /* NULL is fine */

/* Of a source in a network. */
__u64 tracks_hash(const struct tracks *tracks, const union ps_addr *src,
		  const union ps_addr *net);

void tracks_expect(const struct tracks *tracks, __u64 hash);

/* The record, NULL when there is none. */
struct track *tracks_find(struct tracks *tracks, __u64 hash, const union ps_addr *src,
			  const union ps_addr *net, __u64 now_ns);

/* Makes it; *@evicted: in another's place. */
struct track *tracks_make(struct tracks *tracks, __u64 hash, const union ps_addr *src,
			  const union ps_addr *net, __u64 now_ns, bool *evicted);

/* What is kept without a record; empty when there was nothing. */
struct seed *tracks_seed(struct tracks *tracks, __u64 hash);

/* Call it when a contact was entered: how long the record stays depends on what it holds. */
void tracks_keep(struct tracks *tracks, struct track *t, __u64 now_ns);

/* ---- walk.c ------------------------------------------------------------- */

struct target track_target(__u64 seed, const struct ps_contact *c);

/* A contact that failed. Return: the engine that calls the source a scanner, or PS_ENGINE_MAX. */
enum ps_engine track_closed(struct track *t, const struct target *c, __u64 window_ns);
/* ... that nobody can tell about. As above. */
enum ps_engine track_unknown(struct track *t, const struct target *c);
/* ... that succeeded. */
void track_open(struct track *t, const struct target *c);

/* Enters a contact of a source that has no record. Return: it has earned one. */
bool seed_enter(struct seed *seed, const struct target *c, bool open, bool unknown);
/* What the seed stood for, into the record that was made. */
void seed_grow(const struct seed *seed, struct track *t, __u64 window_ns);

#endif
