// SPDX-License-Identifier: GPL-2.0-only
/* progress.c - see progress.h. */
#include <stdio.h>
#include <unistd.h>

#include "scan/progress.h"
#include "scan/trickle.h"

#define SHOW_NS (100 * NS_PER_MS)
#define QUIET_START_NS (300 * NS_PER_MS)

static __u64 shown_ns;
static bool visible;

/* Share of the phase that is settled, as far as the pass order tells. */
static double share_done(const struct scan *scan)
{
	const struct schedule *schedule = &scan->schedule;
	unsigned int passes = scan->config->timing.tries;
	double pass = schedule->pass < passes ? schedule->pass : passes;

	if (schedule->count == 0)
		return 1;
	pass += schedule->pass < passes ? (double)schedule->position / (double)schedule->count : 0;
	/* Retries mostly skip: weigh the first pass as half of the work. */
	return pass < 1 ? pass / 2 : 0.5 + (pass - 1) / (2.0 * (passes > 1 ? passes - 1 : 1));
}

static double seconds_left(const struct scan *scan, __u64 now_ns, double done)
{
	double spent = (double)(now_ns - scan->phase_started_ns) / NS_PER_S;

	if (trickle_pending(scan))
		return trickle_eta(scan);
	return done > 0.01 ? spent * (1 - done) / done : 0;
}

void progress_show(const struct scan *scan, __u64 now_ns)
{
	static const char *const phases[PHASE_MAX] = { "discovery", "TCP", "UDP" };
	double spent = (double)(now_ns - scan->started_ns) / NS_PER_S, done, left;

	if (now_ns - shown_ns < SHOW_NS || now_ns - scan->started_ns < QUIET_START_NS ||
	    scan->config->dry_run || !isatty(STDERR_FILENO))
		return;
	shown_ns = now_ns;
	visible = true;
	done = share_done(scan);
	left = seconds_left(scan, now_ns, done);
	fprintf(stderr,
		"\r\033[K%s try %u  %3.0f %%  %.0f probes/s  %llu open  loss %.1f %%  "
		"about %.0f s left",
		phases[scan->phase->kind], scan->schedule.pass + 1, done * 100,
		(double)scan->counts.probes / spent, (unsigned long long)scan->counts.open,
		loss_rate(&scan->loss) * 100, left);
}

void progress_clear(void)
{
	if (visible)
		fputs("\r\033[K", stderr);
	visible = false;
}
