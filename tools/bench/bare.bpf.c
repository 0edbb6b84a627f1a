// SPDX-License-Identifier: GPL-2.0-only
/* bare.bpf.c - the programs that do nothing: the floor of every comparison. */
#include <pscan/base.h>

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

char LICENSE[] SEC("license") = "GPL";
