/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * limits.h - every size and bound of the core, its reason, and what happens
 * when it is reached.
 */
#ifndef PSCAN_LIMITS_H
#define PSCAN_LIMITS_H

/* ---- parse ---------------------------------------------------------- */

/* 802.1ad carries two tags. Linux strips any number of priority tags (802.1Q,
 * VLAN 0), so a scanner can hide behind more; eight are followed, which is
 * nobody's real network. Deeper: ps_verdict_hidden(), counted as PS_PARSE_VLAN_DEPTH. */
#define PS_VLAN_MAX 8

/* RFC 8200 section 4.1 lists seven extension headers that may sensibly follow
 * each other. Scanners hide behind longer chains, so twice that is followed.
 * Deeper: ps_verdict_hidden(), counted as PS_PARSE_EXT_DEPTH. */
#define PS_EXT_MAX 16

/* Headers are looked for in this many bytes of a frame; bounds the offset for
 * the verifier. Beyond: as PS_EXT_MAX. */
#define PS_HEADERS_BYTES_MAX 4096

/* ---- score ---------------------------------------------------------- */

/* Pieces of evidence held per source. A rule fires at the latest when this
 * many are held, so threshold <= PS_PROBES_MAX * smallest weight is demanded
 * of every rule (ps_rule_valid). In monitor mode a source goes on after it
 * fired: the oldest piece makes room for the newest. Power of two. */
#define PS_PROBES_MAX 32

/* Bits per linear-counting sketch (Whang et al., TODS 1990): distinct ports
 * and distinct targets of one source, good to about 10 % up to 1000,
 * pinned when no bit is left (m ln m, 1419). */
#define PS_SKETCH_BITS 256

/* Destination ports that count as traps: the rule names four. */
#define PS_TRAPS_MAX 8

/* A window longer than the fingerprint's clock can tell apart would read old
 * marks as new ones (ps_mark has 22 bits of 2^16 ns, 275 s). */
#define PS_WINDOW_NS_MAX (60ULL * 1000000000ULL)

/* ---- tables --------------------------------------------------------- */

/* Fingerprint marks, 8 bytes each: 2 MB at 2^18. Lossy by design: a collision
 * costs a scanner's first port, never a packet. Of more of them fewer lie near the
 * CPU: a random source's packet cost 175 ns at 2^20, 103 at 2^18, 45 at 2^14. While a
 * million others come in a second, a scanner that takes the rule's 300 ms for its
 * seven ports finds every seventh mark overwritten; at 2^20 every 25th. */
#define PS_MARK_BITS 18

/* Buckets of the source table, PS_WAYS records each: 2^14 * 4 = 65,536 sources.
 * Full bucket: the record with the least live evidence goes, the oldest among
 * equals; counted as PS_COUNT_EVICT. */
#define PS_BUCKET_BITS 14
#define PS_WAYS 4

/* Words of the secret that keys flows: two for IPv4, four more for IPv6's longer addresses. */
#define PS_FLOW_KEYS 6

/* Known-flow cache, 8 bytes each: 1 MB at 2^17. A collision costs one socket
 * look-up. */
#define PS_FLOW_BITS 17

/* Lines of 28 first tries that were dropped for --probe-rate, 64 bytes each: 4 MB at
 * 2^16. Lossy: a flood of more than 1.8 million a second makes a client's second try,
 * a second later, look like a first one. */
#define PS_TRIES_BITS 16

/* Receive queues that have a part of those lines each, log2: 64 parts of 64 KB. More queues
 * share; one queue's part forgets what came before 29,000 others. */
#define PS_QUEUE_BITS_MAX 6

/* A crowd: so many times the probes that --probe-rate lets through. Where clients stay
 * below that rate, fewer than one in PS_CROWD of those that pass by being first is one of
 * theirs. They are cut to one in PS_CROWD_SHARE, 1000 a second by default: each costs the
 * host some 30 us in answers, 20000 of them more than half of a CPU. */
#define PS_CROWD 10
#define PS_CROWD_SHARE 20

/* SYNs a second that are scored while more come in than may pass: it keeps a CPU busy
 * for some 3 % of its time. */
#define PS_LOOK_RATE 100000

/* Automatic blocks (LRU): the least recently active makes room. */
#define PS_BLOCKS_MAX 32768

/* Blocked sources whose packets are dropped by the short way, per CPU. More at
 * a time, or two in one place: the rest take the long way. */
#define PS_RECENT_BITS 10

/* Sources whose earlier proven blocks make the next one longer (LRU): the one
 * asked for least recently begins again. */
#define PS_OFFENDERS_MAX 8192

/* Prefixes in each of allow, deny and dst. Full: the command that adds says so. */
#define PS_PREFIXES_MAX 65536

/* Bits that say what is near the allow list (near.h), 512 bytes. With entries in a thousand
 * networks every fifth stranger is looked up for nothing. */
#define PS_NEAR_BITS 12

/* Own addresses. More than this: packets that could be replies to the rest
 * are not scored. */
#define PS_LOCALS_MAX 1024

/* Bytes of ring buffer: about 2000 events between two polls. Full: the event
 * is lost and counted as PS_COUNT_EVENT_LOST; the block stands all the same. */
#define PS_RING_BYTES (1U << 20)

/* Bytes of ring buffer for contacts: about 6500 between two polls. What only
 * shows one packet of its source may fill half of it, so that a flood of
 * forged sources leaves room for the rest. Full: counted as
 * PS_COUNT_CONTACT_LOST; the burst rule is not affected. */
#define PS_CONTACTS_BYTES (1U << 19)

/* (source, protocol, port) counters under --save-ports: the least recently
 * hit makes room. */
#define PS_PORTS_MAX 32768

#endif /* PSCAN_LIMITS_H */
