// SPDX-License-Identifier: GPL-2.0-only
/*
 * vary.bpf.c - a test run repeats one frame; this program in front of another
 * makes each repetition a new source, or a new port, and jumps on. What it
 * costs itself is measured with the program that does nothing behind it.
 */
#include <pscan/wire.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

/* Set before load: another port of one source instead of another source. */
const volatile bool vary_port;

struct frame {
	struct ps_eth eth;
	struct ps_ipv4 ip;
	struct ps_tcp tcp;
} __attribute__((packed));

SEC("xdp")
int vary(struct xdp_md *ctx)
{
	struct frame *f = (void *)(long)ctx->data;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	/* A full-period generator modulo 2^32 (Numerical Recipes), kept in the frame itself. */
	if (vary_port)
		f->tcp.dport = ps_htons((__u16)(1024 | (ps_ntohs(f->tcp.dport) * 13 + 1)));
	else
		f->ip.src = f->ip.src * 1664525U + 1013904223U;
	bpf_tail_call(ctx, &next, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
