/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cookie.bpf.h - --unproven cookie: every SYN of a source that is blocked
 * without proof is answered here with a SYN cookie, whatever its port. A client
 * whose address somebody forges gets in by acknowledging it, a scanner finds
 * every port open, and whoever completes handshakes with ports where nobody
 * listens has proven itself the scanner.
 *
 * To a port with a listener the kernel makes the cookie in the listener's name,
 * which lets the stack accept the ACK (net.ipv4.tcp_syncookies=2); to any other,
 * in nobody's. The answers look the same. One per probe, never larger than it,
 * never to a group, a fragment or a packet with IP options, and no more than
 * cookie_rate a second from all CPUs: as a reflector this is not worth anything.
 */
#ifndef PSCAN_COOKIE_BPF_H
#define PSCAN_COOKIE_BPF_H

#include "evidence.bpf.h"
#include "rate.bpf.h"

/* Set before load; where it is false the verifier never walks what is here. */
const volatile bool with_cookies;

#ifdef PSCAN_SLOT
#define COOKIES false /* ... and the compiler makes nothing of it */
#else
#define COOKIES with_cookies
#endif

/* rate_allows() */
__u64 cookie_due_ns;

#define COOKIE_TTL 64
#define COOKIE_WINDOW 64240
#define COOKIE_MSS4 1460
#define COOKIE_MSS6 1440
#define TCP_BYTES_MAX 60
#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_MSS 2
#define TCP_OPTION_MSS_BYTES 4
#define IPV4_DF 0x4000

/* Does the block leave its source a way in? */
static __always_inline bool cookie_possible(const struct ps_config *cfg, const struct ps_block *b)
{
	return cfg->rule.unproven == PS_UNPROVEN_COOKIE && b->proof == PS_PROOF_NONE;
}

/* ... and can @p be a step on it? */
static __always_inline bool cookie_applies(const struct ps_config *cfg, const struct ps_block *b,
					   const struct ps_packet *p)
{
	__u32 ip_bytes = p->bits & PS_PKT_V4 ? sizeof(struct ps_ipv4) : sizeof(struct ps_ipv6);

	return cookie_possible(cfg, b) && p->proto == PS_IP_TCP && !(p->bits & (PS_PKT_FRAG | PS_PKT_TINY | PS_PKT_GROUP)) &&
	       p->l4_off - p->ip_off == ip_bytes && bpf_map_lookup_elem(&locals, &p->dst);
}

/* The headers of a SYN, copied: the helpers want more of them than the frame may hold. */
struct cookie_probe {
	union {
		struct ps_ipv4 v4;
		struct ps_ipv6 v6;
	} ip;
	__u8 tcp[TCP_BYTES_MAX];
} __attribute__((aligned(8)));

struct cookie_segment {
	struct ps_tcp tcp;
	__u8 kind;
	__u8 bytes;
	__be16 mss;
} PS_PACKED __attribute__((aligned(8)));

static __always_inline bool has_mss(const struct cookie_probe *probe, __u32 tcp_bytes)
{
	__u32 at = sizeof(struct ps_tcp);

	for (int i = 0; i < TCP_BYTES_MAX - (int)sizeof(struct ps_tcp); i++) {
		__u8 kind, bytes;

		if (at + 1 >= tcp_bytes)
			return false;
		ps_opaque(at); /* as in cookie_answer() */
		if (at > TCP_BYTES_MAX - 2)
			return false;
		kind = probe->tcp[at];
		if (kind == TCP_OPTION_END)
			return false;
		bytes = kind == TCP_OPTION_NOP ? 1 : probe->tcp[at + 1];
		if (kind == TCP_OPTION_MSS)
			return bytes == TCP_OPTION_MSS_BYTES && at + bytes <= tcp_bytes;
		if (!bytes)
			return false;
		at += bytes;
	}
	return false;
}

/* Return: the cookie, with the segment size to offer above its 32 bits; negative: none. */
static __always_inline __s64 make_cookie(struct xdp_md *ctx, const struct ps_packet *p,
					 struct cookie_probe *probe, __u32 tcp_bytes)
{
	struct bpf_sock_tuple tuple = {};
	bool v4 = flow_tuple(p, &tuple) == sizeof(tuple.ipv4);
	struct tcphdr *tcp = (struct tcphdr *)probe->tcp;
	struct bpf_sock *sk;
	__s64 cookie = -1;

	if (v4)
		sk = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	else
		sk = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	if (sk) {
		if (sk->state == BPF_TCP_LISTEN && v4)
			cookie = bpf_tcp_gen_syncookie(sk, &probe->ip, sizeof(struct ps_ipv4), tcp,
						       tcp_bytes);
		else if (sk->state == BPF_TCP_LISTEN)
			cookie = bpf_tcp_gen_syncookie(sk, &probe->ip, sizeof(struct ps_ipv6), tcp,
						       tcp_bytes);
		bpf_sk_release(sk);
	}
	/* Nobody listens, or the listener has no room: which of them is nobody's business. */
	if (cookie < 0 && v4)
		cookie = bpf_tcp_raw_gen_syncookie_ipv4((struct iphdr *)&probe->ip, tcp, tcp_bytes);
	else if (cookie < 0)
		cookie = bpf_tcp_raw_gen_syncookie_ipv6((struct ipv6hdr *)&probe->ip, tcp,
							tcp_bytes);
	return cookie;
}

static __always_inline __be16 fold(__s64 sum)
{
	__u32 s = (__u32)sum;

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return (__be16)~s;
}

/* The SYN+ACK; @bytes of it, which is with or without the MSS option. */
static __always_inline void fill_segment(const struct ps_packet *p, __s64 cookie, __u32 mss_most,
					 __u32 bytes, struct cookie_segment *s)
{
	__u32 mss = (__u32)(cookie >> 32) & 0xffff;

	s->tcp.sport = ps_htons(p->dport);
	s->tcp.dport = ps_htons(p->sport);
	s->tcp.seq = ps_htonl((__u32)cookie);
	s->tcp.ack = ps_htonl(p->seq + 1);
	s->tcp.offset_res = (__u8)(bytes / 4 << 4);
	s->tcp.flags = PS_TCP_SYN | PS_TCP_ACK;
	s->tcp.window = ps_htons(COOKIE_WINDOW);
	s->tcp.check = 0;
	s->tcp.urgent = 0;
	s->kind = TCP_OPTION_MSS;
	s->bytes = TCP_OPTION_MSS_BYTES;
	s->mss = ps_htons((__u16)(mss < mss_most ? mss : mss_most));
}

/* The sum over both addresses, protocol and length, and the segment (RFC 9293 section 3.1). */
static __always_inline __be16 segment_check(void *addrs, __u32 addr_bytes,
					    struct cookie_segment *s, __u32 bytes)
{
	__s64 sum = ps_htons(PS_IP_TCP) + ps_htons((__u16)bytes);

	if (addr_bytes == 8)
		sum = bpf_csum_diff(NULL, 0, addrs, 8, (__u32)sum);
	else
		sum = bpf_csum_diff(NULL, 0, addrs, 32, (__u32)sum);
	if (bytes == sizeof(s->tcp))
		sum = bpf_csum_diff(NULL, 0, (void *)s, sizeof(s->tcp), (__u32)sum);
	else
		sum = bpf_csum_diff(NULL, 0, (void *)s, sizeof(*s), (__u32)sum);
	return fold(sum);
}

static __always_inline int write_ipv4(struct xdp_md *ctx, const struct ps_packet *p,
				      struct cookie_probe *probe, struct cookie_segment *s,
				      __u32 bytes)
{
	struct ps_ipv4 *ip = &probe->ip.v4;

	ip->version_ihl = 0x45;
	ip->tos = 0;
	ip->total_bytes = ps_htons((__u16)(sizeof(*ip) + bytes));
	ip->id = 0;
	ip->frag = ps_htons(IPV4_DF);
	ip->ttl = COOKIE_TTL;
	ip->proto = PS_IP_TCP;
	ip->check = 0;
	ip->src = p->dst.w[3];
	ip->dst = p->src.w[3];
	ip->check = fold(bpf_csum_diff(NULL, 0, (void *)ip, sizeof(*ip), 0));
	s->tcp.check = segment_check(&ip->src, 8, s, bytes);
	return bpf_xdp_store_bytes(ctx, p->ip_off, ip, sizeof(*ip));
}

static __always_inline int write_ipv6(struct xdp_md *ctx, const struct ps_packet *p,
				      struct cookie_probe *probe, struct cookie_segment *s,
				      __u32 bytes)
{
	struct ps_ipv6 *ip = &probe->ip.v6;

	ip->version_class_flow = ps_htonl(0x60000000);
	ip->payload_bytes = ps_htons((__u16)bytes);
	ip->next = PS_IP_TCP;
	ip->hop_limit = COOKIE_TTL;
	ps_memcpy(ip->src, &p->dst, sizeof(ip->src));
	ps_memcpy(ip->dst, &p->src, sizeof(ip->dst));
	s->tcp.check = segment_check(ip->src, 32, s, bytes);
	return bpf_xdp_store_bytes(ctx, p->ip_off, ip, sizeof(*ip));
}

static __always_inline int turn_ethernet(struct xdp_md *ctx)
{
	struct ps_eth was, now;

	if (bpf_xdp_load_bytes(ctx, 0, &was, sizeof(was)))
		return -1;
	ps_memcpy(now.dst, was.src, sizeof(now.dst));
	ps_memcpy(now.src, was.dst, sizeof(now.src));
	now.type = was.type;
	return bpf_xdp_store_bytes(ctx, 0, &now, sizeof(now));
}

/* Turns the SYN in the frame into our answer to it. False: there is none to give. */
static __attribute__((noinline)) bool cookie_answer(struct xdp_md *ctx, const struct ps_packet *p)
{
	__u32 tcp_bytes = (p->payload_off - p->l4_off) & 63, bytes = sizeof(struct ps_tcp);
	bool v4 = p->bits & PS_PKT_V4;
	struct cookie_segment segment;
	struct cookie_probe probe = {};
	__s64 cookie;
	int err;

	/* Two comparisons of the very register that is used: made into one of its difference,
	 * as clang 14 would, they tell the verifier of 6.1 nothing. */
	ps_opaque(tcp_bytes);
	if (tcp_bytes < sizeof(struct ps_tcp))
		return false;
	ps_opaque(tcp_bytes);
	if (tcp_bytes > TCP_BYTES_MAX)
		return false;
	if (v4)
		err = bpf_xdp_load_bytes(ctx, p->ip_off, &probe.ip, sizeof(probe.ip.v4));
	else
		err = bpf_xdp_load_bytes(ctx, p->ip_off, &probe.ip, sizeof(probe.ip.v6));
	if (err || bpf_xdp_load_bytes(ctx, p->l4_off, probe.tcp, tcp_bytes))
		return false;
	cookie = make_cookie(ctx, p, &probe, tcp_bytes);
	if (cookie < 0)
		return false;
	if (has_mss(&probe, tcp_bytes))
		bytes = sizeof(segment);
	fill_segment(p, cookie, v4 ? COOKIE_MSS4 : COOKIE_MSS6, bytes, &segment);
	err = v4 ? write_ipv4(ctx, p, &probe, &segment, bytes) :
		   write_ipv6(ctx, p, &probe, &segment, bytes);
	if (!err && bytes == sizeof(segment))
		err = bpf_xdp_store_bytes(ctx, p->l4_off, &segment, sizeof(segment));
	else if (!err)
		err = bpf_xdp_store_bytes(ctx, p->l4_off, &segment, sizeof(segment.tcp));
	if (!err)
		err = turn_ethernet(ctx);
	if (!err)
		err = bpf_xdp_adjust_tail(ctx, (int)(p->l4_off + bytes) -
						       (int)bpf_xdp_get_buff_len(ctx));
	return !err;
}

/* Does the ACK complete, with our cookie, a handshake with a port where nobody listens? */
static __attribute__((noinline)) bool cookie_of_closed_port(struct xdp_md *ctx,
							    const struct ps_packet *p)
{
	struct bpf_sock_tuple tuple = {};
	bool v4 = flow_tuple(p, &tuple) == sizeof(tuple.ipv4);
	struct cookie_probe probe = {};
	struct tcphdr *tcp = (struct tcphdr *)probe.tcp;
	struct bpf_sock *sk;

	if (v4)
		sk = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	else
		sk = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	if (sk) {
		bpf_sk_release(sk);
		return false;
	}
	if (bpf_xdp_load_bytes(ctx, p->l4_off, probe.tcp, sizeof(struct ps_tcp)))
		return false;
	if (v4)
		return bpf_xdp_load_bytes(ctx, p->ip_off, &probe.ip, sizeof(probe.ip.v4)) == 0 &&
		       bpf_tcp_raw_check_syncookie_ipv4((struct iphdr *)&probe.ip, tcp) == 0;
	return bpf_xdp_load_bytes(ctx, p->ip_off, &probe.ip, sizeof(probe.ip.v6)) == 0 &&
	       bpf_tcp_raw_check_syncookie_ipv6((struct ipv6hdr *)&probe.ip, tcp) == 0;
}

#endif /* PSCAN_COOKIE_BPF_H */
