/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hold.bpf.h - floods: more probes than a host can answer, from more sources than a
 * list can name.
 *
 * Each costs the host more than all that is done here, so no more than probe_rate a second
 * pass. The rest is dropped until it is tried again (tries.h): a client's SYN is, a second
 * later, and a flood's is not. Nothing of the allow list's is held, and nothing when the
 * program only watches.
 *
 * In a crowd, PS_CROWD times probe_rate, hardly a first try that passes is a client's:
 * there are fewer of them (PS_CROWD_SHARE), and as many second ones as ever.
 *
 * Two places. hold_back() stands behind the score, which therefore misses nothing. Of a flood
 * that would keep a CPU busy with scoring alone, shed() drops SYNs before that, and leaves the
 * rule a sample of PS_LOOK_RATE.
 */
#ifndef PSCAN_HOLD_BPF_H
#define PSCAN_HOLD_BPF_H

#include "rate.bpf.h"
#include "store.bpf.h"

/* rate_allows(): of probes, of those that are tried again, of SYNs looked at in a flood. */
__u64 probe_due_ns, retry_due_ns, look_due_ns;

/* The same of those that are refused at first, at the pace of a crowd; and how far ahead they
 * may be. */
__u64 crowd_due_ns;
#define CROWD_BURST_NS 100000000ULL

static __always_inline bool may_hold(const struct ps_config *cfg)
{
	return cfg->probe_rate && cfg->rule.respond != PS_RESPOND_MONITOR;
}

/* Where a try is remembered. It begins to come from memory. */
static __always_inline struct ps_tries *try_line(struct xdp_md *ctx, const struct ps_config *cfg,
						__u64 hash)
{
	__u32 place = ps_tries_index(hash, ctx->rx_queue_index, cfg->queue_bits);
	struct ps_tries *line = bpf_map_lookup_elem(&tries, &place);

	if (line)
		(void)*(volatile __u32 *)&line->next;
	return line;
}

/* Was it tried before? Remembers it. */
static __always_inline bool tried(struct ps_tries *line, __u64 hash)
{
	if (!line || ps_tries_has(line, hash))
		return true;
	ps_tries_add(line, hash);
	return false;
}

static __always_inline void refused(const struct ps_config *cfg, __u64 now_ns)
{
	rate_takes(&crowd_due_ns, cfg->probe_rate * PS_CROWD, 1, CROWD_BURST_NS, now_ns);
}

/* One more probe: is it beyond those that may pass by being first. */
static __always_inline bool one_too_many(const struct ps_config *cfg)
{
	__u32 *left = bpf_map_lookup_elem(&lots, &(__u32){ 0 });
	__u64 now_ns = clock_coarse(cfg);
	bool crowd = *(const volatile __u64 *)&crowd_due_ns > now_ns + CROWD_BURST_NS / 2;
	__u32 rate = crowd ? cfg->probe_rate / PS_CROWD_SHARE : cfg->probe_rate;

	return may_hold(cfg) && left && !rate_allows_lots(&probe_due_ns, left, rate, now_ns);
}

/* Of a scored probe that is one too many. A function for the sake of 6.1's stack, as the next.
 * Return: XDP_*. */
__attribute__((noinline)) int hold_back(struct xdp_md *ctx, struct ps_sighting *it)
{
	struct ps_config *cfg = bpf_map_lookup_elem(&config, &(__u32){ 0 });
	__u64 now_ns, hash;

	if (!cfg || !it)
		return XDP_PASS;
	now_ns = clock_coarse(cfg);
	if (allowed(&it->packet.src, now_ns) >= 0)
		return XDP_PASS;
	refused(cfg, now_ns);
	hash = ps_tries_hash(cfg->flow_key, &it->packet);
	if (tried(try_line(ctx, cfg, hash), hash) && rate_allows(&retry_due_ns, cfg->probe_rate, now_ns))
		return XDP_PASS;
	count(PS_COUNT_HELD);
	return XDP_DROP;
}

/* @hash  of the try. Return: 1, it is a SYN, and dropped without a look. */
__attribute__((noinline)) int shed(struct xdp_md *ctx, struct ps_packet *p, __u64 hash)
{
	struct ps_config *cfg = bpf_map_lookup_elem(&config, &(__u32){ 0 });
	__u64 now_ns;

	if (!cfg || !p || ps_classify(p) != PS_CLASS_SYN ||
	    !ps_wanted(&cfg->rule, p, PS_CLASS_SYN) || !watched(cfg, &p->dst))
		return 0;
	now_ns = clock_coarse(cfg);
	if (rate_allows(&look_due_ns, PS_LOOK_RATE, now_ns) || allowed(&p->src, now_ns) >= 0 ||
	    tried(try_line(ctx, cfg, hash), hash))
		return 0;
	refused(cfg, now_ns);
	return 1;
}

/* Are probes held back just now? */
static __always_inline bool flooded(const struct ps_config *cfg)
{
	return may_hold(cfg) && rate_reached(&probe_due_ns, clock_coarse(cfg));
}

#endif /* PSCAN_HOLD_BPF_H */
