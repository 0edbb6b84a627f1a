/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * abi.h - everything that crosses between the XDP program and user space: map
 * keys and values, configuration, events. Byte-exact; implicit padding is an
 * error. Change anything here and PS_ABI_VERSION with it: pins of another
 * version are refused, never misread.
 */
#ifndef PSCAN_ABI_H
#define PSCAN_ABI_H

#include "limits.h"
#include "near.h"
#include "packet.h"

#define PS_ABI_VERSION 5
#define PS_ABI_MAGIC 0x70736e31 /* "psn1" */

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"

/* What a probe resembles; the original detector's types, and three more. */
enum ps_class {
	PS_CLASS_NONE,		/* neither TCP nor UDP */
	PS_CLASS_SYN,
	PS_CLASS_ACK,
	PS_CLASS_NULL,
	PS_CLASS_XMAS,		/* FIN, PSH, URG */
	PS_CLASS_FIN,
	PS_CLASS_MAIMON,	/* FIN, ACK */
	PS_CLASS_OTHER,		/* any other flags, and tiny first fragments */
	PS_CLASS_REPLY,		/* SYN+ACK, RST: what a host sends to answer */
	PS_CLASS_UDP,		/* last: all before it are TCP, see ps_class_is_udp() */
	PS_CLASS_MAX
};

/* Entries of an array indexed by a class that a mask, not a branch, bounds. */
#define PS_CLASS_SLOTS 16

/* 1 or 0, by a carry into bit 4 instead of a branch: it is asked per piece of evidence. */
PS_INLINE __u32 ps_class_is_udp(__u32 class)
{
	return (class + PS_CLASS_SLOTS - PS_CLASS_UDP) >> 4;
}

/* Every class that scores unless told otherwise. An unsolicited reply means
 * that somebody forged our address: blocking its sender would punish the victim. */
#define PS_CLASSES_DEFAULT (((1U << PS_CLASS_MAX) - 1) & ~(1U << PS_CLASS_NONE) & ~(1U << PS_CLASS_REPLY))

enum ps_window {
	PS_WINDOW_SLIDE,	/* points of the last window_ns count */
	PS_WINDOW_GAP,		/* points count until window_ns pass without a new port (xt_psd) */
};

enum ps_count_by {
	PS_BY_PORT,		/* a (protocol, port) scores once per window */
	PS_BY_PACKET,		/* every packet scores: the rule read literally */
};

enum ps_response {
	PS_RESPOND_MONITOR,	/* tell, block nobody */
	PS_RESPOND_SOFT,	/* block, established connections keep flowing */
	PS_RESPOND_HARD,	/* block everything from the source */
};

/*
 * What shows that a scan's packets come from the address they bear. A SYN, a
 * FIN or a datagram shows nothing; only the receiver of our SYN+ACK can
 * acknowledge the sequence number in it (RFC 9293 section 3.5).
 */
enum ps_proof {
	PS_PROOF_NONE,
	PS_PROOF_HANDSHAKE,	/* it completed a handshake amid its probes */
	PS_PROOF_COOKIE,	/* it completed one with a SYN cookie, on a port where nobody listens */
	PS_PROOF_MAX
};

/* What a scan gets that nothing proves. */
enum ps_unproven {
	PS_UNPROVEN_SOFT,	/* unproven_ns, and established connections keep flowing */
	PS_UNPROVEN_COOKIE,	/* the same; its SYNs are answered with SYN cookies */
	PS_UNPROVEN_FULL,	/* what a proven one gets */
};

/* Who found the scan. */
enum ps_engine {
	PS_ENGINE_BURST,	/* the rule, in the kernel; the others run in user space */
	PS_ENGINE_WALK,		/* slow: closed ports, one after the other */
	PS_ENGINE_SWEEP,	/* many hosts of one network */
	PS_ENGINE_CROWD,	/* many sources, one target: told, never blocked */
	PS_ENGINE_MAX
};

/* The rule; every number can be changed while the program runs. */
struct ps_rule {
	__u64 window_ns;
	__u64 block_ns;		/* how long a proven source's first block lasts after the last probe */
	__u64 block_max_ns;	/* each further block of it lasts twice as long, up to this */
	__u64 unproven_ns;	/* how long an unproven source's lasts */
	__u64 quiet_ns;		/* monitor: silence that ends one scan, so the next is told again */
	__u32 classes;		/* 1 << enum ps_class: which score */
	__u32 cookie_rate;	/* SYN cookies a second, at most, of all CPUs together */
	__u16 threshold;	/* points; reached means scan */
	__u16 low_ports;	/* ports below this weigh weight_low */
	__u16 traps[PS_TRAPS_MAX]; /* unused entries repeat the first; all 0: none */
	__u8 weight_low;
	__u8 weight_high;
	__u8 weight_trap;
	__u8 window;		/* enum ps_window */
	__u8 count_by;		/* enum ps_count_by */
	__u8 respond;		/* enum ps_response */
	__u8 unproven;		/* enum ps_unproven */
	__u8 pad[5];
};

struct ps_config {
	__u32 magic;
	__u32 version;
	__u64 seed;		/* keys every hash; random per table set, kept across upgrades */
	__u64 flow_key[PS_FLOW_KEYS]; /* of ps_hash_flow(): as random as the seed and not made from
				 * it; the first two are odd */
	__u64 started_ns;	/* monotonic clock at first attach */
	__u64 test_now_ns;	/* scripted clock; read only by a program loaded for tests */
	__u64 tracked_until_ns[2]; /* IPv4, IPv6: flows on their way through enter the connection
				 * table, and the loader looks again before then; else nobody can
				 * tell a reply to them from a probe */
	__u64 untracked_until_ns[2]; /* ... nothing enters it and nothing is in it, so that it
				 * need not be asked */
	struct ps_rule rule;
	__u8 mark_bits;		/* log2 of the fingerprint array's entries */
	__u8 bucket_bits;	/* log2 of the source table's buckets */
	__u8 flow_bits;		/* log2 of the known-flow cache's entries */
	__u8 save_ports;	/* keep per-port counters */
	__u32 deny_count;	/* prefixes in `deny`: zero spares the look-up */
	__u32 dst_count;	/* prefixes in `dst`: zero means every destination */
	__u32 edits;		/* of lists and blocks by hand: each ends all that `recent` holds */
	__u32 loader_pid;	/* of the latest loader; it runs while it holds the pin folder's lock */
	__u32 probe_rate;	/* probes a second that may pass, of all CPUs together; 0: all */
	__u16 sample;		/* ps_contact_sampled(); 0: every contact */
	__u8 queue_bits;	/* log2 of the parts of `tries`, one per receive queue; <= PS_QUEUE_BITS_MAX */
	__u8 pad[5];
	__u64 allow_near[PS_NEAR_WORDS]; /* ps_near(): what `allow` has entries near */
};

/* One piece of evidence. */
struct ps_probe {
	__u32 at;		/* PS_TICK_SHIFT units, wraps after 73 minutes */
	__u16 port;
	__u8 class;		/* enum ps_class; PS_CLASS_UDP means UDP, all others TCP */
	__u8 points;
};

#define PS_TICK_SHIFT 10	/* 1.024 us */

/*
 * A source's record. Lives in a bucket and changes only under its lock.
 * Scores are not stored: they are what the evidence adds up to.
 */
struct ps_source {
	union ps_addr addr;
	union ps_addr dst;	/* target of the latest probe */
	__u64 first_ns;		/* first evidence since the record was made */
	__u64 last_ns;		/* latest probe */
	__u64 active_ns;	/* when it began anew after quiet_ns of silence; 0: has not */
	__u64 scan_ns;		/* when the rule fired last; 0: never */
	__u32 packets[PS_CLASS_MAX]; /* probes, whether or not they scored a new point */
	__u32 detections;
	__u16 peak;		/* highest score reached */
	__u8 probes;		/* pieces of evidence held, <= PS_PROBES_MAX */
	__u8 head;		/* where the next goes when all places are taken */
	__u64 ports[PS_SKETCH_BITS / 64]; /* linear counting: (protocol, port) pairs */
	__u64 hosts[PS_SKETCH_BITS / 64]; /* linear counting: targets */
	struct ps_probe probe[PS_PROBES_MAX];
};

struct ps_bucket {
	PS_LOCK_FIELD;
	__u32 pad;
	__u32 tag[PS_WAYS];	/* 0: the way is empty */
	struct ps_source way[PS_WAYS];
};

/* Why an action was taken. */
enum ps_reason {
	PS_REASON_NONE,
	PS_REASON_RULE,		/* the score reached the threshold */
	PS_REASON_MONITOR,	/* it did, and blocking is off */
	PS_REASON_GUARD,	/* it did, and the source must never be blocked */
	PS_REASON_TABLE,	/* it did, and the block list refused the entry */
	PS_REASON_MANUAL,	/* an operator said so */
	PS_REASON_MAX
};

enum ps_action {
	PS_ACTION_PASS,
	PS_ACTION_ALERT,	/* pass, and tell */
	PS_ACTION_BLOCK,	/* drop, block the source, and tell */
	PS_ACTION_DROP,		/* drop: the source is blocked already */
	PS_ACTION_MAX
};

/* Value of `blocks`, keyed by union ps_addr. */
struct ps_block {
	__u64 since_ns;
	__u64 until_ns;
	__u64 span_ns;		/* how long it lasts after the latest packet */
	__u64 told_ns;		/* when the latest event about it went out */
	__u64 packets;		/* dropped since */
	__u64 bytes;
	__u32 renewals;		/* PS_EVENT_RENEW events told about it */
	__u8 class;		/* the scan's name, enum ps_class */
	__u8 reason;		/* enum ps_reason */
	__u16 score;
	__u8 engine;		/* enum ps_engine */
	__u8 proof;		/* enum ps_proof */
	__u8 respond;		/* enum ps_response: soft or hard */
	__u8 ttl;		/* of the crossing probe */
	__u8 proof_ttl;		/* of the packet that completed the handshake; 0: none was seen */
	__u8 tool;		/* for people: user space's guess at the scanner; 0: none */
	__u8 pad[2];
	struct ps_source evidence; /* as it was at the crossing probe */
};

/*
 * Value of `recent`, one array per CPU: a blocked source that sent something
 * to this CPU a moment ago. What it sends next is dropped and counted here.
 */
struct ps_recent {
	union ps_addr addr;
	__u64 since_ns;		/* tells its block from a later one of the same source */
	__u64 until_ns;		/* when the block's deadline is moved next; nothing but counts changes before */
	__u64 bytes;		/* dropped and not yet entered in the block */
	__u32 packets;
	__u32 edits;		/* config.edits as of then */
};

/* Value of `tries`: a cache line of them (tries.h). */
#define PS_TRIES_WORDS 7
struct ps_tries {
	__u64 tags[PS_TRIES_WORDS];
	__u32 next;		/* lane that is written next */
	__u32 pad;
};

/*
 * Value of `offenders`, keyed by union ps_addr: who was blocked with proof
 * before. The kernel's side does not ask it; it is a map to outlive the loader.
 */
struct ps_offender {
	__u64 until_ns;		/* end of the latest such block, as it was made */
	__u32 blocks;
	__u32 pad;
};

/* Key of the LPM tries `allow`, `deny` and `dst`. */
struct ps_prefix {
	__u32 bits;
	__be32 addr[4];		/* as union ps_addr, without its alignment */
};

enum ps_allow_kind {
	PS_ALLOW_USER,		/* an operator's: neither scored nor blocked */
	PS_ALLOW_OWN,		/* the rest is found at run time: scored, never blocked */
	PS_ALLOW_GATEWAY,
	PS_ALLOW_RESOLVER,
	PS_ALLOW_SSH,
	PS_ALLOW_MAX
};

/* Value of `allow`. */
struct ps_allow {
	__u64 until_ns;		/* 0: for ever */
	__u32 kind;		/* enum ps_allow_kind */
	__u32 pad;
};

/* Value of `deny`: an operator's block, always hard. */
struct ps_deny {
	__u64 since_ns;
	__u64 until_ns;		/* 0: for ever */
	__u64 packets;
	__u64 bytes;
};

/* Key of `ports` (--save-ports); the value is a __u64 packet count. */
struct ps_port_key {
	union ps_addr src;
	__u16 port;
	__u8 udp;
	__u8 pad[5];
};

enum ps_event_kind {
	PS_EVENT_SCAN,		/* the rule fired */
	PS_EVENT_RENEW,		/* a blocked source goes on; at most one per half block time */
	PS_EVENT_EXPIRE,	/* a block ran out; made by user space */
	PS_EVENT_PROVEN,	/* the proof came after the block, which is what it deserves now; too */
	PS_EVENT_MAX
};

struct ps_event {
	__u64 at_ns;
	__u64 until_ns;		/* end of the block; 0: none */
	__u64 dropped;		/* packets dropped from the source so far */
	__u32 ifindex;
	__u16 score;		/* total at the crossing probe */
	__u16 class_score;	/* of it, what `class` contributed */
	__u8 kind;		/* enum ps_event_kind */
	__u8 action;		/* enum ps_action */
	__u8 reason;		/* enum ps_reason */
	__u8 class;		/* enum ps_class with the most points */
	__u8 engine;		/* enum ps_engine */
	__u8 proof;		/* enum ps_proof */
	__u8 ttl;		/* of the crossing probe */
	__u8 proof_ttl;		/* as in ps_block */
	struct ps_source source; /* the record at that moment: the evidence */
};

enum ps_contact_kind {
	PS_CONTACT_PROBE,	/* nothing of ours explains it; whether the port is open is for
				 * user space to find out */
	PS_CONTACT_HANDSHAKE,	/* acknowledges the sequence number of our SYN+ACK */
	PS_CONTACT_COOKIE,	/* acknowledges a SYN cookie, of a port where nobody listens */
};

/*
 * A source's first packet to a port of a target within the window, for the
 * engines that look at minutes and hours. A record of its own, since most sources that send
 * one never get a ps_source.
 */
struct ps_contact {
	__u64 at_ns;
	union ps_addr src;
	union ps_addr dst;
	__u32 seq;		/* TCP */
	__u32 ifindex;
	__u16 sport;
	__u16 dport;
	__u16 window;		/* TCP */
	__u16 ip_id;		/* IPv4 */
	__u8 kind;		/* enum ps_contact_kind */
	__u8 class;		/* enum ps_class */
	__u8 ttl;
	__u8 options;		/* bytes of TCP options */
	__u32 pad;
};

/*
 * Where a packet left the flow; one counter each, per CPU. The parser's
 * results are counted beside these, by enum ps_parse.
 */
enum ps_count {
	PS_COUNT_FLOW,		/* a flow that a socket explained a moment ago */
	PS_COUNT_DROP,		/* gate: source blocked or headers hidden, dropped; a crossing
				 * probe counts as scored */
	PS_COUNT_COOKIE,	/* gate: source blocked, its SYN answered with a SYN cookie */
	PS_COUNT_COOKIE_OVER,	/* gate: not answered for cookie_rate, and dropped */
	PS_COUNT_SPARED,	/* gate: source blocked, its established connection passes */
	PS_COUNT_UNSCORED,	/* group address, destination not watched, ICMP, class not wanted */
	PS_COUNT_REPLY,		/* SYN+ACK, RST or DNS response that nothing of ours asked for */
	PS_COUNT_EXPLAINED,	/* evidence: a socket or a tracked flow of ours explains it */
	PS_COUNT_FORWARDED,	/* evidence: may be a reply, and is not for this host to know */
	PS_COUNT_FIRST,		/* score: first port of a source, fingerprint only */
	PS_COUNT_AGAIN,		/* score: the same port of such a source */
	PS_COUNT_ALLOWED,	/* an operator's list: not scored; asked only of what would score */
	PS_COUNT_SCORED,	/* score: a probe entered its source's record */
	PS_COUNT_ADMIT,		/* a record was made */
	PS_COUNT_EVICT,		/* ... and another's place was taken for it */
	PS_COUNT_HELD,		/* verdict: beyond probe_rate, dropped until it is tried again */
	PS_COUNT_SHED,		/* ... without a look, or a score */
	PS_COUNT_SCAN,		/* verdict: the rule fired */
	PS_COUNT_BLOCK,		/* verdict: a source was blocked */
	PS_COUNT_TABLE,		/* verdict: the block list refused the entry */
	PS_COUNT_EVENT_LOST,	/* event: ring buffer full */
	PS_COUNT_CONTACT_LOST,	/* contact: ring buffer full, or not the source's turn (contact.h):
				 * the slow engines miss it */
	PS_COUNT_MAX
};

struct ps_counters {
	__u64 parse[PS_PARSE_MAX];
	__u64 stage[PS_COUNT_MAX];
};

#pragma GCC diagnostic pop

_Static_assert(sizeof(union ps_addr) == 16, "abi");
_Static_assert(PS_CLASS_UDP == PS_CLASS_MAX - 1 && PS_CLASS_MAX <= PS_CLASS_SLOTS, "abi");
_Static_assert(sizeof(struct ps_probe) == 8, "abi");
_Static_assert(sizeof(struct ps_rule) == 80, "abi");
_Static_assert(sizeof(struct ps_config) == 224 + PS_NEAR_WORDS * 8, "abi");
_Static_assert(sizeof(struct ps_recent) == 48, "abi");
_Static_assert(sizeof(struct ps_source) == 432, "abi");
_Static_assert(sizeof(struct ps_bucket) == 24 + PS_WAYS * 432, "abi");
_Static_assert(sizeof(struct ps_block) == 64 + 432, "abi");
_Static_assert(sizeof(struct ps_event) == 40 + 432, "abi");
_Static_assert(sizeof(struct ps_tries) == 64, "abi");
_Static_assert(sizeof(struct ps_offender) == 16, "abi");
_Static_assert(sizeof(struct ps_prefix) == 20, "abi");
_Static_assert(sizeof(struct ps_port_key) == 24, "abi");
_Static_assert(sizeof(struct ps_contact) == 64, "abi");

#endif /* PSCAN_ABI_H */
