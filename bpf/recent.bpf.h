/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recent.bpf.h - what was found out less than a second ago, so that the
 * commonest packets need not ask again: flows that a socket explained, and
 * blocked sources. One array look-up each; forgetting costs time, never truth.
 *
 * A stranger cannot put a TCP flow into that memory without completing a
 * handshake, and can only share an entry's place by guessing a keyed 64-bit
 * hash. A blocked source's place holds its address and is for nobody else.
 */
#ifndef PSCAN_RECENT_BPF_H
#define PSCAN_RECENT_BPF_H

#include "clock.bpf.h"

/* ---- flows: 48 bits of the hash, 16 of the time -------------------------- */

/* In ticks of the kernel's jiffies: 0.26 s at HZ=1000, 1 s at 250, 2.6 s at 100. */
#define FLOW_FRESH_TICKS 256

/* An edit of the lists makes every flow another one: each passes the gate again. */
static __always_inline __u64 flow_hash(const struct ps_config *cfg, const struct ps_packet *p)
{
	return ps_hash_flow(cfg->flow_key, p) ^ cfg->edits;
}

static __always_inline __u64 *flow_place(const struct ps_config *cfg, __u64 hash)
{
	__u32 place = (__u32)(hash >> (64 - cfg->flow_bits & 63));

	return bpf_map_lookup_elem(&flows, &place);
}

static __always_inline bool flow_known(const struct ps_config *cfg, __u64 hash)
{
	__u64 *flow = flow_place(cfg, hash);

	return flow && (*flow ^ hash << 16) >> 16 == 0 &&
	       (__u16)(clock_ticks(cfg) - *flow) < FLOW_FRESH_TICKS;
}

static __always_inline void flow_remember(const struct ps_config *cfg, __u64 hash)
{
	__u64 *flow = flow_place(cfg, hash);

	if (flow)
		*flow = hash << 16 | (clock_ticks(cfg) & 0xffff);
}

/* ---- blocked sources -------------------------------------------------------- */

/* All of the frame, of which data to data_end is only the first buffer: a jumbo frame has more. */
static __always_inline __u32 frame_bytes(struct xdp_md *ctx)
{
	return (__u32)bpf_xdp_get_buff_len(ctx);
}

/* Its IP header says how long the packet is, and it ends behind the frame's first buffer. */
static __always_inline bool runs_on(struct xdp_md *ctx, bool v4)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ps_ipv4 *ip4 = data + sizeof(struct ps_eth);
	const struct ps_ipv6 *ip6 = data + sizeof(struct ps_eth);

	if (v4)
		return (void *)(ip4 + 1) > end || ps_ntohs(ip4->total_bytes) > end - (void *)ip4;
	return (void *)(ip6 + 1) > end || ps_ntohs(ip6->payload_bytes) > end - (void *)(ip6 + 1);
}

/* frame_bytes() of one that ps_parse_plain() took. One whose packet ends in its first buffer has
 * no other, unless somebody puts kilobytes of padding behind it; the call costs a third of
 * dropping the packet. */
static __always_inline __u32 plain_bytes(struct xdp_md *ctx, const struct ps_packet *p)
{
	if (runs_on(ctx, p->bits & PS_PKT_V4))
		return frame_bytes(ctx);
	return (__u32)((void *)(long)ctx->data_end - (void *)(long)ctx->data);
}

static __always_inline struct ps_recent *recent_place(const struct ps_config *cfg,
						      const union ps_addr *src)
{
	__u32 place = ps_recent_index(cfg->flow_key[0], src);

	return bpf_map_lookup_elem(&recent, &place);
}

static __always_inline bool recent_holds(const struct ps_config *cfg, const struct ps_recent *r)
{
	return r->edits == cfg->edits && clock_coarse(cfg) < r->until_ns;
}

/* Counts the plain packet of a source that was found blocked a moment ago; false: it was not. */
static __always_inline bool recent_hit(struct xdp_md *ctx, const struct ps_config *cfg,
				       const struct ps_packet *p)
{
	struct ps_recent *r = recent_place(cfg, &p->src);

	if (!r || !ps_addr_eq(&r->addr, &p->src) || !recent_holds(cfg, r))
		return false;
	r->packets++;
	r->bytes += plain_bytes(ctx, p);
	return true;
}

/* Enters what was counted here into the block that it belongs to. */
static __always_inline void recent_settle(struct ps_recent *r)
{
	struct ps_block *b;

	if (!r->packets)
		return;
	b = bpf_map_lookup_elem(&blocks, &r->addr);
	if (b && b->since_ns == r->since_ns) {
		__sync_fetch_and_add(&b->packets, r->packets);
		__sync_fetch_and_add(&b->bytes, r->bytes);
	}
	r->packets = 0;
	r->bytes = 0;
}

/* The place of a blocked source, with its own count or none in it; NULL while another has it. */
static __always_inline struct ps_recent *recent_take(const struct ps_config *cfg,
						     const union ps_addr *src)
{
	struct ps_recent *r = recent_place(cfg, src);

	if (!r || (!ps_addr_eq(&r->addr, src) && recent_holds(cfg, r)))
		return NULL;
	recent_settle(r);
	r->addr = *src;
	return r;
}

/* Leaves the source's packets to recent_hit() until they do more than count. */
static __always_inline void recent_keep(const struct ps_config *cfg, struct ps_recent *r,
					const struct ps_block *b)
{
	r->since_ns = b->since_ns;
	r->until_ns = ps_verdict_renew_at(b);
	r->edits = cfg->edits;
}

#endif /* PSCAN_RECENT_BPF_H */
