/* SPDX-License-Identifier: GPL-2.0-only */
/* evidence.c - see evidence.h. */
#include <errno.h>
#include <string.h>

#include "evidence.h"
#include "pages.h"

#define TIME_SHIFT 30 /* 1.07 s; 24 bits wrap after 208 days and only order by age */
#define TIME_MASK 0xffffffULL
#define SEEN_UP (1ULL << 24)
#define SEEN_DOWN (1ULL << 25)
#define SEEN_BOTH (SEEN_UP | SEEN_DOWN)
#define AWAITED (1ULL << 26)
#define GONE_ON (1ULL << 27)
#define TAG_MASK (~0ULL << 28)

/* Bytes that an Ethernet driver may add behind a short packet (IEEE 802.3: 46
 * bytes at least), and a trailer with them. */
#define PADDING_BYTES_MAX 18U

static const size_t table_bytes = sizeof(struct flow_line) << FLOW_LINE_BITS;

int flows_init(struct flows *flows, enum evidence_mode mode, __u64 seed)
{
	memset(flows, 0, sizeof(*flows));
	flows->mode = mode;
	flows->seed = seed;
	if (mode == EVIDENCE_FLOWS)
		flows->line = pages_new(table_bytes, true);
	else
		flows->locals = lru_new(PS_LOCALS_MAX, sizeof(union ps_addr), 1, seed);
	return flows->line || flows->locals ? 0 : -ENOMEM;
}

void flows_free(struct flows *flows)
{
	pages_free(flows->line, table_bytes);
	lru_free(flows->locals);
	flows->line = NULL;
	flows->locals = NULL;
}

/* What a flow is worth keeping: two-way before one-way, then the younger. */
static __u64 flow_worth(__u64 flow, __u64 now)
{
	__u64 age = (now - flow) & TIME_MASK;

	if (!flow)
		return 0;
	return 1 + ((flow & SEEN_BOTH) == SEEN_BOTH ? TIME_MASK + 1 : 0) + (TIME_MASK - age);
}

static __u64 *flow_victim(struct flows *flows, struct flow_line *line, __u64 now)
{
	__u64 *victim = &line->way[0], least = flow_worth(*victim, now);

	for (int w = 1; w < FLOW_WAYS; w++) {
		__u64 worth = flow_worth(line->way[w], now);

		if (worth < least) {
			least = worth;
			victim = &line->way[w];
		}
	}
	flows->forgotten += (*victim & SEEN_BOTH) == SEEN_BOTH;
	return victim;
}

/* One end of a flow; the sum of both is the same in either direction. */
static __u64 flow_end(__u64 addr_hash, __u16 port)
{
	return addr_hash ^ (port + 1ULL) * 0x9e3779b97f4a7c15ULL;
}

static struct flow_line *line_of(const struct flows *flows, __u64 hash)
{
	return &flows->line[hash & ((1U << FLOW_LINE_BITS) - 1)];
}

static enum flow_step step_of(const struct ps_packet *p)
{
	if (ps_may_be_established(p))
		return FLOW_STEP_GOES_ON;
	if (p->proto == PS_IP_TCP && p->flags & PS_TCP_RST)
		return FLOW_STEP_ENDS;
	return ps_classify(p) == PS_CLASS_SYN ? FLOW_STEP_OPENS : FLOW_STEP_ANY;
}

struct flow_key flows_key(const struct flows *flows, const struct ps_packet *p, __u64 src_hash)
{
	struct flow_key key = { 0, 0, FLOW_STEP_ANY };
	__u64 src, dst;

	if (!flows->line || (p->proto != PS_IP_TCP && p->proto != PS_IP_UDP))
		return key;
	src = flow_end(src_hash, p->sport);
	dst = flow_end(ps_hash_addr(flows->seed, &p->dst), p->dport);
	key.hash = ps_mix(src + dst + p->proto);
	key.way = src < dst ? SEEN_UP : SEEN_DOWN;
	if (src == dst)
		key.way = SEEN_UP; /* nobody answers himself */
	key.step = step_of(p);
	__builtin_prefetch(line_of(flows, key.hash), 1);
	return key;
}

static __u64 *flow_find(struct flow_line *line, __u64 tag)
{
	for (int w = 0; w < FLOW_WAYS; w++)
		if (line->way[w] && (line->way[w] & TAG_MASK) == tag)
			return &line->way[w];
	return NULL;
}

unsigned int flows_see(struct flows *flows, struct flow_key key, __u64 now_ns)
{
	__u64 now = now_ns >> TIME_SHIFT & TIME_MASK, tag = key.hash & TAG_MASK, *flow;
	struct flow_line *line;
	unsigned int said;

	if (!flows->start_ns)
		flows->start_ns = now_ns;
	if (!key.way)
		return 0;
	line = line_of(flows, key.hash);
	flow = flow_find(line, tag);
	if (!flow) {
		*flow_victim(flows, line, now) = tag | key.way | now;
		return 0;
	}
	said = (*flow & SEEN_BOTH & ~key.way) ? FLOW_ANSWERED : 0;
	if (*flow & AWAITED)
		said |= FLOW_AWAITED;
	if (key.step == FLOW_STEP_GOES_ON && said & FLOW_ANSWERED && !(*flow & GONE_ON)) {
		said |= FLOW_COMPLETED;
		*flow |= GONE_ON;
	} else if (key.step == FLOW_STEP_ENDS) {
		*flow |= GONE_ON;
	} else if (key.step == FLOW_STEP_OPENS) {
		*flow &= ~GONE_ON;
	}
	*flow = (*flow & ~TIME_MASK) | key.way | now;
	return said;
}

void flows_await(struct flows *flows, struct flow_key key, bool awaited)
{
	__u64 *flow = key.way ? flow_find(line_of(flows, key.hash), key.hash & TAG_MASK) : NULL;

	if (flow)
		*flow = awaited ? *flow | AWAITED : *flow & ~AWAITED;
}

/* A segment of a connection that was there before the capture, as far as one can tell. */
static bool older_than_capture(const struct flows *flows, const struct ps_sighting *it)
{
	return it->packet.proto == PS_IP_TCP &&
	       ps_since(flows->start_ns, it->now_ns) < EVIDENCE_GRACE_NS &&
	       it->frame_bytes > (__u32)it->packet.payload_off + PADDING_BYTES_MAX;
}

enum ps_evidence evidence(const struct flows *flows, const struct ps_sighting *it, bool answered)
{
	if (answered)
		return PS_EVIDENCE_EXPLAINED;
	if (flows->mode == EVIDENCE_NO_SOCKETS)
		return lru_find(flows->locals, &it->packet.dst) ? PS_EVIDENCE_NONE
								: PS_EVIDENCE_UNKNOWN;
	return older_than_capture(flows, it) ? PS_EVIDENCE_UNKNOWN : PS_EVIDENCE_NONE;
}
