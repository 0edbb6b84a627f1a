/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conntrack.bpf.h - does a flow that this host tracks explain the packet: what is
 * on its way through to somebody else, or is translated (NAT), has no socket here.
 *
 * The look-up is a kfunc of nf_conntrack's, which a kernel may lack or load
 * later. User space knows before load and sets have_conntrack; where it is
 * false the verifier never sees the call.
 */
#ifndef PSCAN_CONNTRACK_BPF_H
#define PSCAN_CONNTRACK_BPF_H

#include <pscan/packet.h>

#include <bpf/bpf_helpers.h>

/* Set before load: the kernel has the two kfuncs below. */
const volatile bool have_conntrack;

/* As of 5.18; the zone fields that 6.10 appended are left out, and zone 0 is meant. */
struct bpf_ct_opts___zone0 {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

/* linux/netfilter/nf_conntrack_{tuple_common,common}.h */
#define CT_DIR_REPLY 1
#define CT_SEEN_REPLY (1UL << 1)

struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *ctx, struct bpf_sock_tuple *tuple,
				  __u32 tuple_bytes, struct bpf_ct_opts___zone0 *opts,
				  __u32 opts_bytes) __ksym __weak;
void bpf_ct_release(struct nf_conn *ct) __ksym __weak;

/*
 * Is there a flow that somebody of ours takes part in: it runs the other way, or
 * was answered. One that only the packet's own sender began explains nothing.
 */
static __always_inline bool flow_tracked(struct xdp_md *ctx, const struct ps_packet *p,
					 struct bpf_sock_tuple *tuple, __u32 tuple_bytes)
{
	struct bpf_ct_opts___zone0 opts = {
		.netns_id = BPF_F_CURRENT_NETNS,
		.l4proto = p->proto,
	};
	struct nf_conn *ct;
	bool ours;

	/* Two calls: the verifier wants a constant size. */
	if (tuple_bytes == sizeof(tuple->ipv4))
		ct = bpf_xdp_ct_lookup(ctx, tuple, sizeof(tuple->ipv4), &opts, sizeof(opts));
	else
		ct = bpf_xdp_ct_lookup(ctx, tuple, sizeof(tuple->ipv6), &opts, sizeof(opts));
	if (!ct)
		return false;
	ours = opts.dir == CT_DIR_REPLY || (ct->status & CT_SEEN_REPLY);
	bpf_ct_release(ct);
	return ours;
}

#endif /* PSCAN_CONNTRACK_BPF_H */
