/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - the core's steps for one probe at a time, natively and without any
 * of the callers' look-ups: mark, bucket, verdict. What bpf/pscan.bpf.c and
 * user/engine.c do between evidence and event, on tables of one page.
 */
#ifndef PSCAN_TESTS_WALK_H
#define PSCAN_TESTS_WALK_H

#include <string.h>

#include <pscan/detect.h>

#define WALK_BUCKET_BITS 4
#define WALK_MARK_BITS 10

#define MS 1000000ULL
#define SEC 1000000000ULL

struct walk {
	struct ps_config cfg;
	__u64 marks[1 << WALK_MARK_BITS];
	struct ps_bucket buckets[1 << WALK_BUCKET_BITS];
	struct ps_source snapshot;	/* of the latest probe that fired */
	int made;			/* see ps_bucket_take() */
	__u16 open;			/* a port that is found open when a probe crosses; 0: none */
};

/* The rule as the documentation states it, written out a second time on purpose. */
static inline struct ps_rule walk_rule(void)
{
	return (struct ps_rule){
		.window_ns = 300 * MS,
		.block_ns = 600 * SEC,
		.unproven_ns = 60 * SEC,
		.quiet_ns = 60 * SEC,
		.classes = PS_CLASSES_DEFAULT,
		.threshold = 21,
		.low_ports = 1024,
		.traps = { 11, 12, 13, 2000, 11, 11, 11, 11 },
		.weight_low = 3,
		.weight_high = 1,
		.weight_trap = 10,
		.respond = PS_RESPOND_SOFT,
	};
}

/* ... and the kernel module's reading of it. */
static inline struct ps_rule walk_rule_psd(void)
{
	struct ps_rule rule = walk_rule();

	memset(rule.traps, 0, sizeof(rule.traps));
	rule.window_ns = 3 * SEC;
	rule.window = PS_WINDOW_GAP;
	return rule;
}

static inline void walk_init(struct walk *w, struct ps_rule rule)
{
	memset(w, 0, sizeof(*w));
	w->cfg.seed = 0x1234567890abcdefULL;
	w->cfg.rule = rule;
	w->cfg.bucket_bits = WALK_BUCKET_BITS;
	w->cfg.mark_bits = WALK_MARK_BITS;
}

static inline union ps_addr walk_v4(__u32 host)
{
	return (union ps_addr){ .b = { [10] = 0xff, [11] = 0xff, [12] = 198, 51, 100,
				       (__u8)host } };
}

/* One probe. Return: did the rule fire. */
static inline bool walk_probe(struct walk *w, const union ps_addr *src, enum ps_class class,
			      __u16 port, __u64 now_ns)
{
	struct ps_sighting it = { .packet = { .src = *src, .dport = port }, .class = class,
				  .now_ns = now_ns, .blocks = true };
	struct ps_bucket *b;
	__u64 *mark;

	it.hash = ps_hash_addr(w->cfg.seed, src);
	mark = &w->marks[ps_mark_index(&w->cfg, it.hash)];
	it.mark = *mark;
	it.sight = ps_mark_look(&w->cfg.rule, it.mark, it.hash, class, port, now_ns);
	if (it.sight == PS_SIGHT_FIRST) {
		*mark = ps_mark_make(it.hash, false, class, port, now_ns);
		return false;
	}
	if (it.sight == PS_SIGHT_AGAIN) {
		*mark = ps_mark_renew(&w->cfg.rule, it.mark, now_ns);
		return false;
	}
	*mark = ps_mark_track(it.mark, (enum ps_sight)it.sight, it.hash, now_ns);
	b = &w->buckets[ps_bucket_index(&w->cfg, it.hash)];
	if (ps_detect(&w->cfg.rule, b, &it, &w->made, &w->snapshot) != PS_OUTCOME_CROSSES)
		return false;
	for (__u32 i = 0; i < PS_PROBES_MAX; i++)
		if (w->snapshot.probe[i].port == w->open)
			w->snapshot.probe[i].points = 0;
	return ps_cross(&w->cfg.rule, b, &it, &w->snapshot) == PS_OUTCOME_FIRED;
}

/* A connection that @src has with @port explains its packet. */
static inline void walk_settle(struct walk *w, const union ps_addr *src, __u16 port, __u64 now_ns)
{
	struct ps_sighting it = { .packet = { .src = *src, .dport = port, .proto = PS_IP_TCP,
					      .flags = PS_TCP_ACK }, .class = PS_CLASS_ACK };
	__u64 *mark;

	it.hash = ps_hash_addr(w->cfg.seed, src);
	mark = &w->marks[ps_mark_index(&w->cfg, it.hash)];
	it.mark = *mark;
	it.sight = ps_mark_look(&w->cfg.rule, it.mark, it.hash, PS_CLASS_ACK, port, now_ns);
	if (!ps_wants_settling(&w->cfg.rule, &it))
		return;
	if (it.sight == PS_SIGHT_TRACKED)
		ps_settle(&w->buckets[ps_bucket_index(&w->cfg, it.hash)], &it);
	else
		*mark = ps_mark_settle(it.mark, it.hash, port);
}

#endif
