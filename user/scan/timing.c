// SPDX-License-Identifier: GPL-2.0-only
/* timing.c - see timing.h. */
#include <math.h>

#include "scan/timing.h"

/*
 * Chosen: 5000 probes a second are 2.5 Mbit/s, which any access line carries,
 * and sweep 1000 silent ports in a fifth of a second. T0 to T2 send one probe
 * at a time with the gaps that users of those levels expect.
 */
static const struct timing templates[TIMING_TEMPLATES] = {
	[0] = { .rate_pps = 1,
		.rate_max_pps = 1,
		.tries = 2,
		.tries_max = 10,
		.rto_first_ns = 5 * NS_PER_S,
		.rto_min_ns = 1 * NS_PER_S,
		.rto_max_ns = 300 * NS_PER_S,
		.delay_ns = 300 * NS_PER_S },
	[1] = { .rate_pps = 1,
		.rate_max_pps = 1,
		.tries = 2,
		.tries_max = 10,
		.rto_first_ns = 5 * NS_PER_S,
		.rto_min_ns = 500 * NS_PER_MS,
		.rto_max_ns = 15 * NS_PER_S,
		.delay_ns = 15 * NS_PER_S },
	[2] = { .rate_pps = 3,
		.rate_max_pps = 3,
		.tries = 3,
		.tries_max = 10,
		.rto_first_ns = 1 * NS_PER_S,
		.rto_min_ns = 300 * NS_PER_MS,
		.rto_max_ns = 10 * NS_PER_S,
		.delay_ns = 400 * NS_PER_MS },
	[3] = { .rate_pps = 5000,
		.rate_max_pps = 2000000,
		.tries = 3,
		.tries_max = 14,
		.rto_first_ns = 1 * NS_PER_S,
		.rto_min_ns = 200 * NS_PER_MS,
		.rto_max_ns = 10 * NS_PER_S },
	[4] = { .rate_pps = 10000,
		.rate_max_pps = 2000000,
		.tries = 2,
		.tries_max = 14,
		.rto_first_ns = 500 * NS_PER_MS,
		.rto_min_ns = 100 * NS_PER_MS,
		.rto_max_ns = 1250 * NS_PER_MS },
	[5] = { .rate_pps = 25000,
		.rate_max_pps = 2000000,
		.tries = 2,
		.tries_max = 6,
		.rto_first_ns = 250 * NS_PER_MS,
		.rto_min_ns = 50 * NS_PER_MS,
		.rto_max_ns = 300 * NS_PER_MS },
};

/* Answers saved up while the sender was busy may be spent at once, but no more than this. */
#define CREDIT_MAX 4096.0

/* Time tokens saved up likewise: 20 ms worth, at least one probe. */
#define BURST_S 0.02

const struct timing *timing_template(unsigned int level)
{
	return &templates[level];
}

void rtt_add(struct rtt *rtt, __u64 sample_ns)
{
	__u64 off, most;

	if (rtt->samples++ == 0) {
		rtt->srtt_ns = sample_ns;
		rtt->var_ns = sample_ns / 2;
		return;
	}
	/*
	 * One outlier (a SYN+ACK that the target repeated after a second) moves the
	 * estimate, it does not throw it; a path that has become slower still gets
	 * there within a few samples.
	 */
	most = 2 * (rtt->srtt_ns + 4 * rtt->var_ns) + NS_PER_MS;
	if (sample_ns > most)
		sample_ns = most;
	off = sample_ns > rtt->srtt_ns ? sample_ns - rtt->srtt_ns : rtt->srtt_ns - sample_ns;
	rtt->var_ns = (rtt->var_ns * 3 + off) / 4;
	rtt->srtt_ns = (rtt->srtt_ns * 7 + sample_ns) / 8;
}

__u64 rtt_timeout(const struct rtt *rtt, const struct timing *timing)
{
	__u64 timeout = rtt->srtt_ns + 4 * rtt->var_ns;

	if (rtt->samples == 0)
		return timing->rto_first_ns;
	if (timeout < timing->rto_min_ns)
		return timing->rto_min_ns;
	return timeout > timing->rto_max_ns ? timing->rto_max_ns : timeout;
}

void loss_add(struct loss *loss, unsigned int attempt)
{
	loss->answers++;
	loss->misses += attempt;
}

double loss_rate(const struct loss *loss)
{
	if (loss->answers == 0)
		return 0;
	return (double)loss->misses / (double)(loss->misses + loss->answers);
}

unsigned int loss_tries(const struct loss *loss, __u64 ports, const struct timing *timing)
{
	double rate = loss_rate(loss), tries;

	if (rate <= 0)
		return timing->tries;
	/* ports * rate^tries < 0.01 */
	tries = ceil(log(0.01 / (double)ports) / log(rate));
	if (tries <= timing->tries)
		return timing->tries;
	return tries >= timing->tries_max ? timing->tries_max : (unsigned int)tries;
}

void pace_init(struct pace *pace, const struct timing *timing, __u64 now_ns)
{
	*pace = (struct pace){
		.timing = timing,
		.rate_pps = timing->rate_pps,
		.last_ns = now_ns,
		.tokens = 1,
		.ceiling = 1,
	};
}

static double burst_of(double rate_pps)
{
	double burst = rate_pps * BURST_S;

	return burst < 1 ? 1 : burst;
}

static void refill(struct pace *pace, __u64 now_ns)
{
	double seconds;

	if (now_ns < pace->last_ns)
		now_ns = pace->last_ns;
	seconds = (double)(now_ns - pace->last_ns) / (double)NS_PER_S;
	pace->last_ns = now_ns;
	pace->tokens = fmin(pace->tokens + seconds * pace->rate_pps, burst_of(pace->rate_pps));
	pace->ceiling = fmin(pace->ceiling + seconds * pace->timing->rate_max_pps,
			     burst_of(pace->timing->rate_max_pps));
	/* A rate that loss has lowered comes back over ten seconds. */
	if (now_ns >= pace->careful_until_ns && pace->rate_pps < pace->timing->rate_pps)
		pace->rate_pps = fmin(pace->rate_pps + seconds * pace->timing->rate_pps / 10,
				      pace->timing->rate_pps);
}

unsigned int pace_allow(struct pace *pace, __u64 now_ns, unsigned int most, __u64 *wait_ns)
{
	double allowed;

	refill(pace, now_ns);
	allowed = fmin(pace->tokens + pace->credit, pace->ceiling);
	if (allowed >= 1)
		return allowed >= most ? most : (unsigned int)allowed;
	if (pace->ceiling < 1)
		*wait_ns = (__u64)((1 - pace->ceiling) / pace->timing->rate_max_pps * NS_PER_S) + 1;
	else
		*wait_ns = (__u64)((1 - allowed) / pace->rate_pps * NS_PER_S) + 1;
	return 0;
}

void pace_spend(struct pace *pace, unsigned int probes)
{
	double from_credit = fmin(pace->credit, probes);

	pace->credit -= from_credit;
	pace->tokens -= probes - from_credit;
	pace->ceiling -= probes;
}

void pace_answers(struct pace *pace, __u64 now_ns, unsigned int answers)
{
	if (pace->timing->rate_fixed || pace->timing->delay_ns || now_ns < pace->careful_until_ns)
		return;
	pace->credit = fmin(pace->credit + answers * (pace->seen_loss ? 1.05 : 2.0), CREDIT_MAX);
}

void pace_loss(struct pace *pace, __u64 now_ns)
{
	if (pace->timing->rate_fixed || now_ns < pace->careful_until_ns)
		return;
	pace->seen_loss = true;
	pace->careful_until_ns = now_ns + NS_PER_S / 2;
	pace->credit = 0;
	pace->rate_pps = fmax(pace->rate_pps * 0.7, pace->timing->rate_pps / 8);
	pace->rate_pps = fmax(pace->rate_pps, pace->timing->rate_min_pps);
}
