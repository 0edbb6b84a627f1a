// SPDX-License-Identifier: GPL-2.0-only
/* trickle.c - see trickle.h. */
#include <math.h>

#include "scan/trickle.h"

/* Linux: net.ipv4.icmp_ratelimit = 1000 ms, six in store (XRLIM_BURST_FACTOR). */
#define BUDGET_BURST 6.0
#define BUDGET_RATE 1.0

/* A first sweep answered more often than this shows a budget that counts by the second. */
#define BUDGET_LARGE 12

/* Probes of one group. */
#define GROUP_MAX 64

static bool rations(const struct scan *scan, struct host *host)
{
	struct tally *tally = scan_tally(scan, host);

	return scan->config->timing.tries_max > 1 && !host->trickle.active && tally->counts[STATE_CLOSED] > 0 &&
	       tally->answered < scan->phase->unit_count && !host->canary.blocked;
}

void trickle_take(struct scan *scan, __u64 now_ns)
{
	if (scan->phase->kind != PHASE_UDP)
		return;
	for (size_t i = 0; i < scan->hosts.n; i++) {
		struct host *host = scan->hosts.all[i];
		__u32 closed;

		if (!rations(scan, host))
			continue;
		closed = scan_tally(scan, host)->counts[STATE_CLOSED];
		host->trickle = (struct trickle){
			.active = true,
			.burst = closed > BUDGET_LARGE ? closed : BUDGET_BURST,
			.rate_pps = closed > BUDGET_LARGE ? closed : BUDGET_RATE,
			.filled_ns = scan->schedule.last_sent_ns,
			.due_ns = now_ns,
			.answers_seen = closed,
		};
		scan->trickling++;
	}
}

static void refill(struct trickle *trickle, const struct tally *tally, __u64 now_ns)
{
	__u32 closed = tally->counts[STATE_CLOSED];
	double spent = closed - trickle->answers_seen;

	/* The caller's time may be a little older than the last batch. */
	if (now_ns < trickle->filled_ns)
		now_ns = trickle->filled_ns;
	trickle->tokens += (double)(now_ns - trickle->filled_ns) / NS_PER_S * trickle->rate_pps;
	trickle->tokens = fmax(fmin(trickle->tokens, trickle->burst) - spent, 0);
	trickle->filled_ns = now_ns;
	trickle->round_answers += closed - trickle->answers_seen;
	trickle->answers_seen = closed;
}

static void finish(struct scan *scan, struct host *host)
{
	host->trickle.finished = true;
	scan->trickling--;
}

/* Next unanswered unit; false when a whole round brought nothing new or nothing is left. */
static bool next_unit(struct scan *scan, struct host *host, __u32 *unit)
{
	struct trickle *trickle = &host->trickle;
	struct tally *tally = scan_tally(scan, host);

	if (tally->answered >= scan->phase->unit_count)
		return false;
	for (;;) {
		if (trickle->cursor >= scan->phase->unit_count) {
			if (trickle->round > 0 && trickle->round_answers == 0)
				return false;
			trickle->cursor = 0;
			trickle->round++;
			trickle->round_answers = 0;
		}
		*unit = trickle->cursor++;
		if (!tally_has(tally, *unit))
			return true;
	}
}

static void send_group(struct scan *scan, struct host *host, __u64 now_ns)
{
	struct trickle *trickle = &host->trickle;
	unsigned int group = trickle->tokens < GROUP_MAX ? (unsigned int)trickle->tokens : GROUP_MAX;
	__u32 unit;

	for (unsigned int i = 0; i < group; i++) {
		__u8 attempt = (__u8)((2 + trickle->round) % scan->context.udp_port_count);

		if (!next_unit(scan, host, &unit)) {
			/* Those just sent are still owed their time. */
			if (i == 0)
				finish(scan, host);
			break;
		}
		scan_probe_now(scan, host, unit, attempt);
	}
	trickle->due_ns = now_ns + rtt_timeout(&host->rtt, &scan->config->timing);
}

void trickle_step(struct scan *scan, __u64 now_ns, __u64 *due_ns)
{
	for (size_t i = 0; scan->trickling && i < scan->hosts.n; i++) {
		struct host *host = scan->hosts.all[i];
		struct trickle *trickle = &host->trickle;
		__u64 at;

		if (!trickle->active || trickle->finished)
			continue;
		refill(trickle, scan_tally(scan, host), now_ns);
		/* Half a percent over: the target's clock ticks more coarsely than ours. */
		if (now_ns >= trickle->due_ns && trickle->tokens >= 1.005)
			send_group(scan, host, now_ns);
		at = now_ns + (__u64)(fmax(1.006 - trickle->tokens, 0) / trickle->rate_pps * NS_PER_S);
		at = at > trickle->due_ns ? at : trickle->due_ns;
		if (!trickle->finished && at < *due_ns)
			*due_ns = at;
	}
}

double trickle_eta(const struct scan *scan)
{
	double longest = 0;

	for (size_t i = 0; i < scan->hosts.n; i++) {
		struct host *host = scan->hosts.all[i];
		double left = scan->phase->unit_count - scan_tally(scan, host)->answered;

		if (host->trickle.active && !host->trickle.finished)
			longest = fmax(longest, left / host->trickle.rate_pps);
	}
	return longest;
}
