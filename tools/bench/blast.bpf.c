// SPDX-License-Identifier: GPL-2.0-only
/*
 * blast.bpf.c - turns one frame into a flood inside the kernel: run as live
 * frames by blast.c, it gives each frame its source and port and sends it out.
 * Checksums stay right without being computed: what is added to the source is
 * taken from a field that only the checksum cares about.
 */
#include <pscan/wire.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 out_ifindex;
const volatile __u32 random_bits; /* of the source address, host order; 0: none */
const volatile __u16 port_first, port_count; /* count 1: one port */

static __always_inline __u16 ones_add(__u32 a, __u32 b)
{
	__u32 sum = a + b;

	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* Changes a 16-bit word and takes the difference from @slack, one's complement. */
static __always_inline void put(__be16 *word, __u16 value, __be16 *slack)
{
	*slack = ones_add(ones_add(*slack, *word), (__u16)~value);
	*word = value;
}

SEC("xdp")
int blast(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ps_eth *eth = data;
	struct ps_ipv4 *ip = (void *)(eth + 1);
	struct ps_tcp *tcp = (void *)(ip + 1);
	__be16 *src, *seq, *id, *dport;
	__u32 r;

	if ((void *)(tcp + 1) > end)
		return XDP_ABORTED;
	src = (void *)&ip->src;
	seq = (void *)&tcp->seq;
	id = (void *)&ip->id;
	dport = (void *)&tcp->dport;
	if (random_bits) {
		__be16 hi = src[0], lo = src[1];

		r = (ps_ntohl(ip->src) & ~random_bits) | (bpf_get_prandom_u32() & random_bits);
		put(&src[0], ps_htons((__u16)(r >> 16)), id);
		put(&src[1], ps_htons((__u16)r), id);
		/* The pseudo header holds the source, too. */
		seq[1] = ones_add(ones_add(seq[1], hi), (__u16)~src[0]);
		seq[1] = ones_add(ones_add(seq[1], lo), (__u16)~src[1]);
	}
	if (port_count > 1) {
		__u16 port = port_first + (bpf_get_prandom_u32() % port_count);

		put(dport, ps_htons(port), &seq[1]);
	}
	return bpf_redirect(out_ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
