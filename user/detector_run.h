/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * detector_run.h - what a run over files and a live run share: one engine, its
 * clock, the slow engines beside it, the report and the signals that end it.
 */
#ifndef PSCAN_USER_DETECTOR_RUN_H
#define PSCAN_USER_DETECTOR_RUN_H

#include "clock.h"
#include "detector.h"
#include "input_pcap.h"
#include "report.h"
#include "slow/outcome_capture.h"

/* Packets parsed ahead of the one that is judged. */
#define DETECTOR_AHEAD 16

struct detector_ahead {
	struct engine_packet packet;
	struct flow_key quoted;	/* of the packet that an ICMP error quotes; way 0: none */
	__u64 shift_ns;		/* clock's, when it was captured */
};

struct detector {
	const struct detector_options *options;
	struct engine engine;
	struct clock clock;
	struct report *report;
	struct model *model;	/* the options', or made for -l; NULL: none */
	struct slow *slow;	/* NULL: --slow off */
	struct outcomes *outcomes;
	const struct engine_packet *judged_packet; /* while the engine looks at it */
	enum slow_tool tool;	/* of that packet, as far as it was a contact */
	struct detector_ahead ahead[DETECTOR_AHEAD]; /* ring */
	__u64 shift_ns;		/* of the packet that is judged */
	__u64 packets;		/* parsed */
	__u64 judged;
	__u64 lost;
};

/* Frames that are taken between two looks at signals and limits. */
#define DETECTOR_BATCH 4096

/*
 * @rule   the options', or one made of it
 * @title  what the packets come from
 * 0, or negative errno with a line printed.
 */
int detector_start(struct detector *d, const struct detector_options *options,
		   const struct ps_rule *rule, __u64 seed, const char *title);

/*
 * Runs one input for a batch, or as far as -m allows.
 * Returns frames taken, 0 at the end, negative errno with a line printed.
 */
int detector_take(struct detector *d, struct input_pcap *in);

/* -m is reached or a signal asked for the end. */
bool detector_done(const struct detector *d);

/* Closing summary and LaTeX report. 0, or negative errno with a line printed. */
int detector_finish(struct detector *d);
void detector_free(struct detector *d);

/* ---- detector_slow.c: contacts to the slow engines, findings to the report ---- */

/* As the options want it. 0, or -ENOMEM with a line printed. */
int detector_slow_start(struct detector *d, __u64 seed);
void detector_slow_free(struct detector *d);

/* After the engine parsed the packet, while the frame is there. */
void detector_slow_parsed(const struct detector *d, const struct engine_frame *frame,
			  struct detector_ahead *next);

/* After the engine judged the packet. */
void detector_slow_see(struct detector *d, const struct detector_ahead *next);

/* Time passed without a packet: live. */
void detector_slow_tick(struct detector *d, __u64 now_ns);

/* No packet comes any more. */
void detector_slow_end(struct detector *d);

/* How a source's event is told: on_event() of the run and a finding share it. */
void detector_tell(struct detector *d, const struct ps_event *event,
		   const struct report_facts *facts);

/* A signal asked for the end. */
bool detector_stopped(void);

/* From here on SIGINT and SIGTERM end the run, and @in's batch; NULL: no input now. */
void detector_signals(struct input_pcap *in);

#endif
