/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evidence.bpf.h - does a socket or a tracked flow of ours explain this packet.
 *
 * A look-up costs as much as everything else together, so it is paid only for
 * packets that would otherwise score, and its answer is remembered for about a
 * second per flow (recent.bpf.h). A stranger cannot put a flow into that memory that nobody of
 * ours answered. To a half-open TCP connection of this host's (a request socket,
 * or a SYN cookie where the listener's queue overflowed) only an ACK of the very
 * sequence number that we sent belongs, which is one in 2^32 to whoever did not
 * get it; of one on its way through, that number is not for us to know.
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

enum sock_says {
	SOCKET_NONE,		/* there is none, or it only listens */
	SOCKET_EXPLAINS,
	SOCKET_HANDSHAKE,	/* ... and the packet completes its handshake */
	SOCKET_COOKIE,		/* it only listens, and the packet completes a handshake by SYN cookie */
	SOCKET_REFUTES,		/* half-open, and the packet is no part of its handshake */
};

/* Does @p acknowledge the SYN+ACK behind which request socket @sk waits? A SYN+ACK
 * belongs to no such socket; a RST does, and proves nothing. */
static __always_inline enum sock_says half_open(struct bpf_sock *sk, const struct ps_packet *p)
{
	struct tcp_request_sock *request;

	if (!ps_may_be_established(p))
		return p->flags & PS_TCP_RST ? SOCKET_EXPLAINS : SOCKET_REFUTES;
	request = bpf_skc_to_tcp_request_sock(sk);
	if (request && p->ack == request->snt_isn + 1)
		return SOCKET_HANDSHAKE;
	return SOCKET_REFUTES;
}

/* Does @p acknowledge a SYN cookie of listener @sk, whose queue overflowed lately? */
static __always_inline bool cookie_valid(struct xdp_md *ctx, struct bpf_sock *sk,
					 const struct ps_packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	void *ip = data + (p->ip_off & (PS_HEADERS_BYTES_MAX - 1));
	void *tcp = data + (p->l4_off & (PS_HEADERS_BYTES_MAX - 1));

	if (tcp + sizeof(struct ps_tcp) > end)
		return false;
	if (p->bits & PS_PKT_V4)
		return ip + sizeof(struct ps_ipv4) <= end &&
		       bpf_tcp_check_syncookie(sk, ip, sizeof(struct ps_ipv4), tcp,
					       sizeof(struct ps_tcp)) == 0;
	return ip + sizeof(struct ps_ipv6) <= end &&
	       bpf_tcp_check_syncookie(sk, ip, sizeof(struct ps_ipv6), tcp,
				       sizeof(struct ps_tcp)) == 0;
}

/* The socket that a TCP packet with this tuple would get to; to be released. */
static __always_inline struct bpf_sock *tcp_lookup(struct xdp_md *ctx,
						   struct bpf_sock_tuple *tuple, __u32 bytes)
{
	/* Two calls: the verifier wants a constant size. */
	if (bytes == sizeof(tuple->ipv4))
		return bpf_skc_lookup_tcp(ctx, tuple, sizeof(tuple->ipv4), BPF_F_CURRENT_NETNS, 0);
	return bpf_skc_lookup_tcp(ctx, tuple, sizeof(tuple->ipv6), BPF_F_CURRENT_NETNS, 0);
}

/* What the TCP socket that would get @p makes of it: connecting, open, closing and in
 * TIME-WAIT it explains. */
static __always_inline enum sock_says tcp_socket(struct xdp_md *ctx, const struct ps_packet *p)
{
	enum sock_says found = SOCKET_EXPLAINS;
	struct bpf_sock_tuple tuple = {};
	__u32 bytes = flow_tuple(p, &tuple);
	struct bpf_sock *sk = tcp_lookup(ctx, &tuple, bytes);

	if (!sk)
		return SOCKET_NONE;
	if (sk->state == BPF_TCP_NEW_SYN_RECV)
		found = half_open(sk, p);
	else if (sk->state == BPF_TCP_LISTEN)
		found = ps_may_be_established(p) && cookie_valid(ctx, sk, p) ?
				SOCKET_COOKIE : SOCKET_NONE;
	bpf_sk_release(sk);
	return found;
}

/*
 * Does somebody listen on this TCP port of @p's destination, an own address? Asked for a
 * source port that no connection has. A function in BPF too: it is asked per piece of evidence.
 */
__attribute__((noinline)) int listens(struct xdp_md *ctx, const struct ps_packet *p, __u32 port)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;
	bool open;
	__u32 bytes;

	if (!p)
		return false;
	bytes = flow_tuple(p, &tuple);
	if (bytes == sizeof(tuple.ipv4)) {
		tuple.ipv4.sport = 0;
		tuple.ipv4.dport = ps_htons((__u16)port);
	} else {
		tuple.ipv6.sport = 0;
		tuple.ipv6.dport = ps_htons((__u16)port);
	}
	sk = tcp_lookup(ctx, &tuple, bytes);
	if (!sk)
		return false;
	open = sk->state == BPF_TCP_LISTEN;
	bpf_sk_release(sk);
	return open;
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

/* Is that table known to be empty, as user space found lately: the look-up costs three
 * times what a socket's does. */
static __always_inline bool untracked(const struct ps_config *cfg, const struct ps_packet *p)
{
	return !have_conntrack ||
	       clock_coarse(cfg) < cfg->untracked_until_ns[!(p->bits & PS_PKT_V4)];
}

/* A function in BPF too: the verifier walks it once, not once for every caller. */
__attribute__((noinline)) int tracked(struct xdp_md *ctx, const struct ps_packet *p)
{
	struct ps_config *cfg = bpf_map_lookup_elem(&config, &(__u32){ 0 });
	struct bpf_sock_tuple tuple = {};
	__u32 bytes;

	if (!p || !cfg || untracked(cfg, p))
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
	bool local = bpf_map_lookup_elem(&locals, &p->dst);
	enum sock_says says = SOCKET_NONE;

	if (local && p->proto == PS_IP_TCP)
		says = tcp_socket(ctx, p);
	else if (local && udp_bound(ctx, p))
		says = SOCKET_EXPLAINS;
	if (says == SOCKET_REFUTES)
		return PS_EVIDENCE_NONE;
	if (says == SOCKET_NONE && !tracked(ctx, p))
		return local || tracking(cfg, p, now_ns) ? PS_EVIDENCE_NONE : PS_EVIDENCE_UNKNOWN;
	/* A RST ends a flow, and a half-open one's is anybody's to send. */
	if (!(p->proto == PS_IP_TCP && p->flags & PS_TCP_RST))
		flow_remember(cfg, flow);
	return says == SOCKET_HANDSHAKE || says == SOCKET_COOKIE ? PS_EVIDENCE_HANDSHAKE :
								   PS_EVIDENCE_EXPLAINED;
}

#endif /* PSCAN_EVIDENCE_BPF_H */
