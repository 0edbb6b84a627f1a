/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * timing.h - how long to wait, how fast to send, how often to try: arithmetic
 * only. Every function takes the time; none reads a clock.
 */
#ifndef PSCAN_SCAN_TIMING_H
#define PSCAN_SCAN_TIMING_H

#include <linux/types.h>
#include <stdbool.h>

#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL

/* A -T template with the explicit options written over it. */
struct timing {
	double rate_pps; /* into silence */
	double rate_min_pps;
	double rate_max_pps;
	bool rate_fixed;        /* --rate: neither answers nor loss change it */
	unsigned int tries;     /* per probe while no loss is seen */
	unsigned int tries_max; /* when it is */
	__u64 rto_first_ns;     /* before any answer */
	__u64 rto_min_ns;
	__u64 rto_max_ns;
	__u64 delay_ns;        /* between two probes; 0 for none */
	__u64 host_timeout_ns; /* 0 for none */
};

#define TIMING_TEMPLATES 6
#define TIMING_DEFAULT 3

/* @level below TIMING_TEMPLATES: -T0 (paranoid) to -T5 (insane). */
const struct timing *timing_template(unsigned int level);

/* Round trip estimate of RFC 6298. Zeroed is "no sample yet". */
struct rtt {
	__u64 srtt_ns;
	__u64 var_ns;
	__u64 samples;
};

void rtt_add(struct rtt *rtt, __u64 sample_ns);

/* How long an answer may take before its probe counts as lost. */
__u64 rtt_timeout(const struct rtt *rtt, const struct timing *timing);

/* Answers, and the tries before them that went unanswered. Zeroed is "none yet". */
struct loss {
	__u64 answers;
	__u64 misses;
};

/* @attempt: the try that was answered, from 0. */
void loss_add(struct loss *loss, unsigned int attempt);

/* Share of tries that got no answer although the port answers (0..1). */
double loss_rate(const struct loss *loss);

/* Tries after which, at the loss seen, fewer than 1 in 100 scans of @ports misses an answer. */
unsigned int loss_tries(const struct loss *loss, __u64 ports, const struct timing *timing);

/*
 * When the next probe may go. A steady trickle at @rate, and on top of it one
 * or two probes for each answer: an answering target so paces the scan at the
 * speed of its own path, a silent one is swept at the steady rate.
 */
struct pace {
	const struct timing *timing;
	double rate_pps;
	double tokens;  /* from time */
	double credit;  /* from answers */
	double ceiling; /* tokens of --max-rate */
	__u64 last_ns;
	__u64 careful_until_ns; /* after loss: answers buy nothing until then */
	bool seen_loss;         /* slow start is over */
};

void pace_init(struct pace *pace, const struct timing *timing, __u64 now_ns);

/* Probes that may be sent now, at most @most; *wait_ns until the next when that is 0. */
unsigned int pace_allow(struct pace *pace, __u64 now_ns, unsigned int most, __u64 *wait_ns);

void pace_spend(struct pace *pace, unsigned int probes);
void pace_answers(struct pace *pace, __u64 now_ns, unsigned int answers);
void pace_loss(struct pace *pace, __u64 now_ns);

#endif
