/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.bpf.h - the gate's look-ups (operator's lists, blocks) and the places
 * where sources are kept (marks, buckets).
 */
#ifndef PSCAN_STORE_BPF_H
#define PSCAN_STORE_BPF_H

#include "clock.bpf.h"
#include "cookie.bpf.h"
#include "emit.bpf.h"
#include "evidence.bpf.h"

static __always_inline void prefix_of(const union ps_addr *addr, struct ps_prefix *key)
{
	key->bits = 128;
	ps_memcpy(key->addr, addr, sizeof(key->addr));
}

static __always_inline bool in_force(__u64 until_ns, __u64 now_ns)
{
	return !until_ns || until_ns > now_ns;
}

/* No automatic block stops an established connection's packet. An operator's
 * does: each edit of that list makes unknown every flow that was known. */
static __always_inline bool open_gate(const struct ps_config *cfg)
{
	return cfg->rule.respond != PS_RESPOND_HARD;
}

/* An operator's block covers the source. Always hard. */
static __always_inline bool denied(struct xdp_md *ctx, const struct ps_config *cfg,
				   const union ps_addr *src)
{
	struct ps_prefix key;
	struct ps_deny *d;

	if (!cfg->deny_count)
		return false;
	prefix_of(src, &key);
	d = bpf_map_lookup_elem(&deny, &key);
	if (!d || !in_force(d->until_ns, clock_coarse(cfg)))
		return false;
	__sync_fetch_and_add(&d->packets, 1);
	__sync_fetch_and_add(&d->bytes, frame_bytes(ctx));
	return true;
}

/* Accounts for one dropped packet, moves the deadline, tells when it is time. */
static __always_inline void block_hit(struct xdp_md *ctx, struct ps_block *b, __u64 now_ns)
{
	__u64 told_ns = b->told_ns;
	struct scratch *tmp;

	__sync_fetch_and_add(&b->packets, 1);
	__sync_fetch_and_add(&b->bytes, frame_bytes(ctx));
	if (now_ns < ps_verdict_renew_at(b))
		return;
	b->until_ns = now_ns + b->span_ns;
	if (ps_since(told_ns, now_ns) < b->span_ns / 2)
		return;
	if (__sync_val_compare_and_swap(&b->told_ns, told_ns, now_ns) != told_ns)
		return; /* another CPU tells it */
	__sync_fetch_and_add(&b->renewals, 1);
	tmp = bpf_map_lookup_elem(&scratch, &(__u32){ 0 });
	if (!tmp)
		return;
	ps_event_from_block(b, PS_EVENT_RENEW, ctx->ingress_ifindex, now_ns, &tmp->event);
	emit(&tmp->event);
}

enum gate { GATE_OPEN, GATE_DROP, GATE_SPARED, GATE_ANSWER };

/* What the allow list has this source down for now, enum ps_allow_kind, or -1. A function in
 * BPF too: the verifier walks it once, not once for every caller. */
__attribute__((noinline)) int allowed(const union ps_addr *src, __u64 now_ns)
{
	struct ps_config *cfg = bpf_map_lookup_elem(&config, &(__u32){ 0 });
	struct ps_prefix key;
	struct ps_allow *a;

	if (!cfg || !src || !ps_near(cfg->allow_near, src))
		return -1;
	prefix_of(src, &key);
	a = bpf_map_lookup_elem(&allow, &key);
	return a && in_force(a->until_ns, now_ns) ? (int)a->kind : -1;
}

/* The block in force against a source, its own or its network's (@net). A network's
 * spares whom a list names. */
static __always_inline struct ps_block *block_of(const struct ps_config *cfg,
						 const union ps_addr *src, __u64 *now_ns,
						 bool *net)
{
	struct ps_block *b = bpf_map_lookup_elem(&blocks, src);
	union ps_addr prefix;

	*net = false;
	if (b) {
		*now_ns = clock_coarse(cfg);
		if (in_force(b->until_ns, *now_ns))
			return b;
	}
	if (!ps_addr_has_net(src))
		return NULL;
	ps_addr_net(&prefix, src);
	b = bpf_map_lookup_elem(&blocks, &prefix);
	if (!b)
		return NULL;
	*net = true;
	*now_ns = clock_coarse(cfg);
	return in_force(b->until_ns, *now_ns) && allowed(src, *now_ns) < 0 ? b : NULL;
}

/* Does a socket speak for this packet of a blocked source. A handshake that began before
 * the block may complete behind it: what comes too late to save the source may prove it. */
static __always_inline bool spared(struct xdp_md *ctx, const struct ps_config *cfg,
				   struct ps_sighting *it)
{
	enum sock_says says = tcp_socket(ctx, &it->packet);

	if (says == SOCKET_NONE || says == SOCKET_REFUTES)
		return false;
	/* A cookie may be one of those that are meant to let it in. */
	if (says == SOCKET_HANDSHAKE || (says == SOCKET_COOKIE && !COOKIES)) {
		it->class = PS_CLASS_ACK;
		it->now_ns = clock_fine(cfg);
		contact(ctx, it, PS_CONTACT_HANDSHAKE);
	}
	flow_remember(cfg, flow_hash(cfg, &it->packet));
	return true;
}

/* A packet that no socket speaks for, of a source that nothing proves, under --unproven cookie. */
static __always_inline enum gate challenged(struct xdp_md *ctx, const struct ps_config *cfg,
					    struct ps_sighting *it, bool established)
{
	struct ps_packet *p = &it->packet;

	it->class = ps_classify(p);
	it->now_ns = clock_fine(cfg);
	if (established && cookie_of_closed_port(ctx, p))
		contact(ctx, it, PS_CONTACT_COOKIE);
	if (it->class != PS_CLASS_SYN)
		return GATE_DROP;
	if (!rate_allows(&cookie_due_ns, cfg->rule.cookie_rate, it->now_ns))
		return count(PS_COUNT_COOKIE_OVER), GATE_DROP;
	return cookie_answer(ctx, p) ? GATE_ANSWER : GATE_DROP;
}

/*
 * Is the source blocked, and is this packet spared all the same. @established:
 * it has the flags of an open connection, so a socket may speak for it.
 */
static __always_inline enum gate blocked(struct xdp_md *ctx, const struct ps_config *cfg,
					 struct ps_sighting *it, bool established)
{
	const struct ps_packet *p = &it->packet;
	struct ps_recent *r = NULL;
	struct ps_block *b;
	__u64 now_ns = 0;
	bool net;

	if (cfg->rule.respond == PS_RESPOND_MONITOR)
		return GATE_OPEN;
	b = block_of(cfg, &p->src, &now_ns, &net);
	if (!b)
		return GATE_OPEN;
	if (established && ps_verdict_may_spare(&cfg->rule, b, p) && spared(ctx, cfg, it))
		return GATE_SPARED;
	if (!net) /* of which many may send, and each a little: not recalled */
		r = recent_take(cfg, &p->src);
	block_hit(ctx, b, now_ns);
	if (COOKIES && cookie_applies(cfg, b, p))
		return challenged(ctx, cfg, it, established);
	if (r && !(COOKIES && cookie_possible(cfg, b)))
		recent_keep(cfg, r, b);
	return GATE_DROP;
}

/* Is scoring wanted for this destination. */
static __always_inline bool watched(const struct ps_config *cfg, const union ps_addr *addr)
{
	struct ps_prefix key;

	if (!cfg->dst_count)
		return true;
	prefix_of(addr, &key);
	return bpf_map_lookup_elem(&dst, &key) != NULL;
}

static __always_inline void save_port(const union ps_addr *src, __u16 port, enum ps_class class)
{
	struct ps_port_key key = { .src = *src, .port = port, .udp = class == PS_CLASS_UDP };
	__u64 one = 1, *packets = bpf_map_lookup_elem(&ports, &key);

	if (!packets) {
		if (!bpf_map_update_elem(&ports, &key, &one, BPF_NOEXIST))
			return;
		packets = bpf_map_lookup_elem(&ports, &key); /* another CPU was faster */
	}
	if (packets)
		__sync_fetch_and_add(packets, 1);
}

/* What ps_detect() entered: the probe, and the one that its mark stood for. */
static __always_inline void save_ports(const struct ps_sighting *it)
{
	if (it->sight == PS_SIGHT_SECOND)
		save_port(&it->packet.src, ps_mark_port(it->mark), ps_mark_class(it->mark));
	save_port(&it->packet.src, it->packet.dport, it->class);
}

#endif /* PSCAN_STORE_BPF_H */
