/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evidence.bpf.h - does a socket or a tracked flow of ours explain this packet.
 *
 * A look-up costs as much as everything else together, so it is paid only for
 * packets that would otherwise score, and its answer is remembered for about a
 * second per flow (recent.bpf.h). A stranger cannot put a flow into that memory
 * that nobody of ours answered.
 */
#ifndef PSCAN_EVIDENCE_BPF_H
#define PSCAN_EVIDENCE_BPF_H

#include "conntrack.bpf.h"
#include "recent.bpf.h"

/* Fills the look-up tuple for the socket that would receive @p. Return: its size. */
static __always_inline __u32 flow_tuple(const struct ps_packet *p, struct bpf_sock_tuple *t)
{
	if (p->bits & PS_PKT_V4) {
		t->ipv4.saddr = p->src.w[3];
		t->ipv4.daddr = p->dst.w[3];
		t->ipv4.sport = ps_htons(p->sport);
		t->ipv4.dport = ps_htons(p->dport);
		return sizeof(t->ipv4);
	}
	ps_memcpy(t->ipv6.saddr, &p->src, sizeof(t->ipv6.saddr));
	ps_memcpy(t->ipv6.daddr, &p->dst, sizeof(t->ipv6.daddr));
	t->ipv6.sport = ps_htons(p->sport);
	t->ipv6.dport = ps_htons(p->dport);
	return sizeof(t->ipv6);
}

/* A TCP socket that is past listening: connecting, open, closing or in TIME-WAIT. */
static __always_inline bool tcp_connected(struct xdp_md *ctx, const struct ps_packet *p)
{
	struct bpf_sock_tuple tuple = {};
	__u32 bytes = flow_tuple(p, &tuple);
	struct bpf_sock *sk;
	bool connected;

	/* Two calls: the verifier wants a constant size. */
	if (bytes == sizeof(tuple.ipv4))
		sk = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	else
		sk = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return false;
	connected = sk->state != BPF_TCP_LISTEN;
	bpf_sk_release(sk);
	return connected;
}

/* A UDP socket bound to the port and, if connected, to this peer. */
static __always_inline bool udp_bound(struct xdp_md *ctx, const struct ps_packet *p)
{
	struct bpf_sock_tuple tuple = {};
	__u32 bytes = flow_tuple(p, &tuple);
	struct bpf_sock *sk;

	if (bytes == sizeof(tuple.ipv4))
		sk = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	else
		sk = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return false;
	bpf_sk_release(sk);
	return true;
}

/* Do flows of the packet's family enter the table at all, as user space found lately. */
static __always_inline bool tracking(const struct ps_config *cfg, const struct ps_packet *p,
				     __u64 now_ns)
{
	return have_conntrack && now_ns < cfg->tracked_until_ns[!(p->bits & PS_PKT_V4)];
}

/* A function in BPF too: the verifier walks it once, not once for every caller. */
__attribute__((noinline)) int tracked(struct xdp_md *ctx, const struct ps_packet *p)
{
	struct bpf_sock_tuple tuple = {};
	__u32 bytes;

	if (!p || !have_conntrack)
		return false;
	bytes = flow_tuple(p, &tuple);
	return flow_tracked(ctx, p, &tuple, bytes);
}

/*
 * For a packet that could be a reply. Sockets of this host speak only for its
 * own addresses; of what is on its way through to somebody else, only a table
 * that such flows enter can say "no".
 */
static __always_inline enum ps_evidence evidence(struct xdp_md *ctx, const struct ps_config *cfg,
						 const struct ps_packet *p, __u64 flow,
						 __u64 now_ns)
{
	bool local = bpf_map_lookup_elem(&locals, &p->dst), explained = false;

	if (local)
		explained = p->proto == PS_IP_TCP ? tcp_connected(ctx, p) : udp_bound(ctx, p);
	if (!explained && !tracked(ctx, p))
		return local || tracking(cfg, p, now_ns) ? PS_EVIDENCE_NONE : PS_EVIDENCE_UNKNOWN;
	flow_remember(cfg, flow);
	return PS_EVIDENCE_EXPLAINED;
}

#endif /* PSCAN_EVIDENCE_BPF_H */
