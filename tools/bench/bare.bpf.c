// SPDX-License-Identifier: GPL-2.0-only
/*
 * bare.bpf.c - the programs that do nothing, the floor of every comparison; and
 * one that drops the SYNs of flood.sh's flood, known by their ports, and nothing
 * else: nobody could do better.
 */
#include <pscan/wire.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int bare_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp.pass")
int bare_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* In as many buffers as it takes, as ours does. */
SEC("xdp.frags")
int bare_frags(struct xdp_md *ctx)
{
	return XDP_PASS;
}

struct frame {
	struct ps_eth eth;
	struct ps_ipv4 ip;
	struct ps_tcp tcp;
} __attribute__((packed));

SEC("xdp.flood")
int bare_flood(struct xdp_md *ctx)
{
	struct frame *f = (void *)(long)ctx->data;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end || f->ip.proto != PS_IP_TCP)
		return XDP_PASS;
	return f->tcp.flags == PS_TCP_SYN && ps_ntohs(f->tcp.dport) <= 1000 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
