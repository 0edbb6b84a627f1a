// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk.bpf.c - a test run repeats one frame; in front of another program this one
 * makes it the next packet of a given population: so many sources, so many
 * ports, so much time between two packets. What it costs itself is measured
 * with `nothing` behind it.
 */
#include <pscan/abi.h>
#include <pscan/wire.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

/* The detector's, for its scripted clock. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ps_config);
} config SEC(".maps");

/* The population; changed between runs. */
__u32 first_source, sources = 1;
__u32 first_port = 1024, ports = 1;
__u64 tick_ns;
bool scattered; /* sources in no order, some more often than others */
bool by_source; /* each uses its ports before the next one does; else each port is used by all */
bool hashed;	/* sources from anywhere, none twice */
__u64 turn;

struct frame {
	struct ps_eth eth;
	struct ps_ipv4 ip;
	struct ps_tcp tcp;
} __attribute__((packed));

SEC("xdp")
int walk(struct xdp_md *ctx)
{
	struct ps_config *cfg = bpf_map_lookup_elem(&config, &(__u32){ 0 });
	struct frame *f = (void *)(long)ctx->data;
	__u64 i = turn++;
	__u32 at;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end || !cfg)
		return XDP_ABORTED;
	if (scattered) /* Knuth, TAOCP 6.4: the golden ratio of 2^32 spreads evenly */
		at = (__u64)((__u32)i * 2654435761U) * sources >> 32;
	else
		at = (by_source ? i / ports : i) % sources;
	at += first_source;
	f->ip.src = ps_htonl(hashed ? at * 2654435761U : at);
	f->tcp.dport = ps_htons((__u16)(first_port + (by_source ? i : i / sources) % ports));
	if (tick_ns)
		cfg->test_now_ns += tick_ns;
	bpf_tail_call(ctx, &next, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int nothing(struct xdp_md *ctx)
{
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
