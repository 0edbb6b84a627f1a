/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine.h - the detection flow without a kernel: the twin of
 * bpf/pscan.bpf.c, with the same steps and names in the same order. Time is
 * an argument and never runs backwards (clock.h); packets come from anywhere.
 */
#ifndef PSCAN_USER_ENGINE_H
#define PSCAN_USER_ENGINE_H

#include <pscan/link.h>

#include "evidence.h"
#include "store.h"

typedef void engine_event_fn(const struct ps_event *event, void *data);
typedef void engine_contact_fn(const struct ps_contact *contact, void *data);

struct engine {
	struct ps_config cfg;
	struct ps_counters counters;
	struct store store;
	struct flows flows;
	engine_event_fn *emit;
	engine_contact_fn *contact;	/* NULL: nobody wants them; set after engine_init() */
	void *data;
};

/* A packet on its way through the flow. */
struct engine_packet {
	struct ps_sighting it;
	struct flow_key flow;
	__u32 ifindex;
	enum ps_parse parsed;
	bool established;	/* has the flags of an open connection */
	bool answered;		/* an earlier packet went the opposite way */
	bool completes;		/* ... and this is the first that goes on behind it */
	bool awaited;		/* somebody waits for what becomes of its flow */
	enum ps_count stage;	/* where it left the flow; PS_COUNT_MAX: at the parser */
};

struct engine_frame {
	const void *data;
	__u32 captured;		/* bytes at data */
	__u32 bytes;		/* of the frame on the wire */
	__u32 ifindex;
	enum ps_link link;
};

/* A configuration with the default sizes. @seed: any number, random when live. */
struct ps_config engine_config(const struct ps_rule *rule, __u64 seed, bool save_ports);

/* 0, or -ENOMEM with a line printed. @emit gets each event as it happens. */
int engine_init(struct engine *engine, const struct ps_config *cfg, enum evidence_mode mode,
		engine_event_fn *emit, void *data);
void engine_free(struct engine *engine);

/*
 * The flow in two steps, so that a caller can let the memory that the second
 * needs arrive while it parses the next packets: parse, and all the rest. Each
 * packet passes through both, in the same order. The frame may go after the
 * first.
 */
void engine_parse(struct engine *engine, const struct engine_frame *frame, __u64 now_ns,
		  struct engine_packet *packet);
enum ps_action engine_judge(struct engine *engine, struct engine_packet *packet);

/* Tells the blocks that ran out by now; what user space does beside the XDP program. */
void engine_expire(struct engine *engine, __u64 now_ns);

#endif
