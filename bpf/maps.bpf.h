/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps.bpf.h - every map: what it holds, who writes it, what happens when it
 * is full. All of one interface set share them; user space pins them by name.
 * (Not so the rates' clocks in hold.bpf.h and `lots`: behind a dispatcher each interface's
 * program has its own.)
 * Entry counts that depend on options are set by user/xdp.c before load.
 */
#ifndef PSCAN_MAPS_BPF_H
#define PSCAN_MAPS_BPF_H

#include <pscan/detect.h>

#include <bpf/bpf_helpers.h>

/* The rule and the sizes. Written by user space, at any time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ps_config);
} config SEC(".maps");

/* One ps_counters per CPU. Written here only. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ps_counters);
} counters SEC(".maps");

/* Fingerprint marks (mark.h), 2 MB. Lossy: never full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1U << PS_MARK_BITS);
	__type(key, __u32);
	__type(value, __u64);
} marks SEC(".maps");

/* Source table (table.h), 28 MB. Full bucket: the least evidence goes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1U << PS_BUCKET_BITS);
	__type(key, __u32);
	__type(value, struct ps_bucket);
} buckets SEC(".maps");

/* Flows that a socket explained: tag and time, 1 MB. Lossy: never full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1U << PS_FLOW_BITS);
	__type(key, __u32);
	__type(value, __u64);
} flows SEC(".maps");

/* First tries that were dropped beyond probe_rate, 4 MB. Lossy: never full. Mappable for
 * where such an array begins: another's entries of 64 bytes lie in two lines of the cache each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1U << PS_TRIES_BITS);
	__type(key, __u32);
	__type(value, struct ps_tries);
} tries SEC(".maps");

/*
 * Blocked sources, 18 MB. Added here, removed by user space when they ran out
 * or when told to. Full: the least recently active is forgotten, so a flood of
 * forged scans cannot keep a real one from being blocked.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PS_BLOCKS_MAX);
	__type(key, union ps_addr);
	__type(value, struct ps_block);
} blocks SEC(".maps");

/*
 * Blocked sources that are busy, 40 KB per CPU: direct-mapped, so that what is
 * dropped most costs least. First come, first kept, while it goes on: who finds
 * the place taken is dropped by way of `blocks`.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1U << PS_RECENT_BITS);
	__type(key, __u32);
	__type(value, struct ps_recent);
} recent SEC(".maps");

/* Operator's lists, written by user space. Full: the command that adds says so. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PS_PREFIXES_MAX);
	__type(key, struct ps_prefix);
	__type(value, struct ps_allow);
} allow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PS_PREFIXES_MAX);
	__type(key, struct ps_prefix);
	__type(value, struct ps_deny);
} deny SEC(".maps");

/* Destinations to watch; consulted only when dst_count is not zero. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PS_PREFIXES_MAX);
	__type(key, struct ps_prefix);
	__type(value, __u8);
} dst SEC(".maps");

/* Addresses of this host: only for these can a socket look-up say "no". */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PS_LOCALS_MAX);
	__type(key, union ps_addr);
	__type(value, __u8);
} locals SEC(".maps");

/* Probes per (source, protocol, port), under --save-ports. LRU. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PS_PORTS_MAX);
	__type(key, struct ps_port_key);
	__type(value, __u64);
} ports SEC(".maps");

/* Events to the reporter. Full: lost and counted. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PS_RING_BYTES);
} events SEC(".maps");

/* First packets to a port, for the slow engines; read at every poll. Full: lost and counted. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PS_CONTACTS_BYTES);
} contacts SEC(".maps");

/* Who was blocked with proof before, 1 MB; user space's alone. LRU. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PS_OFFENDERS_MAX);
	__type(key, union ps_addr);
	__type(value, struct ps_offender);
} offenders SEC(".maps");

/* Of probe_rate, what each CPU has taken and not used (rate.bpf.h). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} lots SEC(".maps");

/* Too big for the 512-byte stack. Safe per CPU: XDP programs do not nest. */
struct scratch {
	struct ps_event event;
	struct ps_block block;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

#endif /* PSCAN_MAPS_BPF_H */
