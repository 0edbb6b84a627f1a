// SPDX-License-Identifier: GPL-2.0-only
/* scan.c - see scan.h. The phases, and the loop that joins the stages. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "privileges.h"
#include "scan/canary.h"
#include "scan/progress.h"
#include "scan/output.h"
#include "scan/resume.h"
#include "scan/scan.h"
#include "scan/send.h"
#include "scan/trickle.h"

volatile int scan_interrupted;

/* After the last probe answers are waited for this much longer than usual. */
#define LINGER_NS (300 * NS_PER_MS)

/* On the own link an answer that takes longer than this is not coming. Chosen. */
#define LINK_TIMEOUT_NS (300 * NS_PER_MS)

/* A batch's answers are judged when they are due; the look itself is cheap. */
#define CHECK_NS (50 * NS_PER_MS)

/* The share of answered probes must fall this far below its best to mean loss. */
#define SHARE_DROP 0.75

__u64 scan_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * NS_PER_S + (__u64)now.tv_nsec;
}

__u64 scan_timeout(const struct scan *scan)
{
	__u64 timeout = rtt_timeout(&scan->rtt, &scan->config->timing);

	if (scan->phase->kind == PHASE_DISCOVERY && scan->rtt.samples == 0 &&
	    scan->phase->unit_count == 1 && timeout > LINK_TIMEOUT_NS)
		return LINK_TIMEOUT_NS;
	return timeout > scan->rto_ns ? timeout : scan->rto_ns;
}

static bool reachable(struct scan *scan, __u64 target, const union ps_addr *addr)
{
	return !scan->engine->reachable || scan->engine->reachable(scan, target, addr);
}

static bool on_link(struct scan *scan, const union ps_addr *addr)
{
	return scan->engine->on_link && scan->engine->on_link(scan, addr);
}

static bool has_links(struct scan *scan)
{
	return scan->engine->has_links && scan->engine->has_links(scan);
}

static bool wanted_in_discovery(struct scan *scan, __u64 target, __u32 unit, unsigned int pass)
{
	struct host *host = hosts_find(&scan->hosts, target);
	union ps_addr addr;
	bool link;

	if (host && host->status == HOST_UP)
		return false;
	targets_at(scan->targets, target, &addr);
	link = on_link(scan, &addr);
	if (link ? unit != DISCOVERY_FIRST : scan->phase->unit_count == 1)
		return false;
	if (unit == DISCOVERY_FIRST && !scan->engine->raw)
		return false;
	if (pass >= scan->config->timing.tries) {
		scan->given_up++;
		return false;
	}
	return reachable(scan, target, &addr);
}

/* Tries for a host's unanswered ports; 0 when no more are worth while. */
static unsigned int tries_for(const struct scan *scan, const struct host *host)
{
	const struct timing *timing = &scan->config->timing;

	if (!host)
		return timing->tries;
	if (host->canary.blocked)
		return scan->config->stop_when_blocked ? 0 : 1;
	if (host->trickle.active)
		return 0;
	return loss_tries(&host->loss, scan->phase->unit_count, timing);
}

static bool wanted(void *context, __u64 index, unsigned int pass)
{
	struct scan *scan = context;
	struct host *host;
	union ps_addr addr;
	__u64 target;
	__u32 unit;

	phase_split(scan->phase, scan->targets->count, index, &target, &unit);
	if (scan->phase->kind == PHASE_DISCOVERY)
		return wanted_in_discovery(scan, target, unit, pass);
	host = hosts_find(&scan->hosts, target);
	if (host && tally_has(scan_tally(scan, host), unit))
		return false;
	if (scan->pinged && (!host || host->status != HOST_UP))
		return false;
	if (pass >= tries_for(scan, host)) {
		scan->given_up += !host || !host->trickle.active;
		return false;
	}
	targets_at(scan->targets, target, &addr);
	return reachable(scan, target, &addr);
}

static int emit(struct scan *scan, __u64 target, const union ps_addr *addr, __u32 unit,
		__u8 attempt)
{
	struct probe probe = {
		.ops = scan->phase->units[unit].ops,
		.target = *addr,
		.target_index = target,
		.unit = unit,
		.port = scan->phase->units[unit].port,
		.attempt = attempt,
	};
	unsigned int payloads = probe.ops == &probe_udp ? payload_count(probe.port) : 1;
	int err = 0;

	for (unsigned int i = 0; i < payloads && !err; i++) {
		probe.payload = (__u8)i;
		err = scan->engine->probe(scan, &probe);
	}
	return err;
}

int scan_probe_now(struct scan *scan, struct host *host, __u32 unit, __u8 attempt)
{
	return emit(scan, host->target, &host->addr, unit, attempt);
}

/* The first try's place in the order tells how far a scan came; any try gives a round trip. */
static void learn_from(struct scan *scan, struct host *host, __u32 unit,
		       const struct answer *answer, __u64 time_ns, __u64 *rtt_ns)
{
	__u64 index = phase_index(scan->phase, scan->targets->count, host->target, unit);
	unsigned int pass = answer->attempt;
	__u64 position, sent_ns;

	*rtt_ns = 0;
	/* Outside the schedule only the port tells the try, and several share one. */
	if (host->trickle.active)
		return;
	if (pass >= CANARY_ATTEMPT) {
		if (pass - CANARY_ATTEMPT == (host->canary.sent - 1) % CANARY_ATTEMPT &&
		    time_ns > host->canary.asked_ns)
			*rtt_ns = time_ns - host->canary.asked_ns;
	} else if (schedule_position(&scan->schedule, index, &position) &&
		   schedule_sent_at(&scan->schedule, pass, position, true, &sent_ns)) {
		*rtt_ns = time_ns > sent_ns ? time_ns - sent_ns : 1;
		if (pass == 0)
			canary_progress(host, position, sent_ns);
	}
}

static void host_is_up(struct host *host, enum scan_reason reason)
{
	if (host->status == HOST_UP)
		return;
	host->status = HOST_UP;
	host->up_reason = reason;
}

static void record(struct scan *scan, struct host *host, __u32 unit, const struct answer *answer,
		   __u8 ttl, __u64 rtt_ns)
{
	struct tally *tally = scan_tally(scan, host);
	struct finding finding = {
		.unit = unit,
		.state = (__u8)answer->state,
		.reason = (__u8)answer->reason,
		.ttl = ttl,
		.tries = (__u8)(answer->attempt < CANARY_ATTEMPT ? answer->attempt + 1 : 1),
		.bare = answer->bare,
		.rtt_us = (__u32)((rtt_ns + 999) / 1000),
	};
	int news = tally_record(tally, scan->phase->unit_count, &finding);

	if (news < 0) {
		scan->error = news;
		return;
	}
	if (news == 0) {
		scan->counts.repeats++;
		return;
	}
	scan->counts.answers++;
	scan->counts.open += answer->state == STATE_OPEN;
	tally->bare += answer->bare;
	if (scan->given_up)
		scan->given_up--;
	output_finding(scan->output, scan, host, &finding);
}

void scan_answer(struct scan *scan, __u64 target, const union ps_addr *addr, __u32 unit,
		 const struct answer *answer, __u8 ttl, __u64 time_ns)
{
	struct host *host = hosts_get(&scan->hosts, target, addr);
	__u64 rtt_ns;
	bool first;

	if (!host) {
		scan->error = -ENOMEM;
		return;
	}
	if (!host->first_ns)
		host->first_ns = time_ns;
	first = scan->phase->kind == PHASE_DISCOVERY || !tally_has(scan_tally(scan, host), unit);
	learn_from(scan, host, unit, answer, time_ns, &rtt_ns);
	/* Repeated answers are late by the target's own timers, not the path's. */
	if (rtt_ns && answer->attempt_known && (first || answer->attempt >= CANARY_ATTEMPT)) {
		rtt_add(&host->rtt, rtt_ns);
		rtt_add(&scan->rtt, rtt_ns);
	}
	/* Only a host that refuses for somebody else can stay unknown: its gateway answers. */
	if (answer->state != STATE_FILTERED || scan->phase->kind == PHASE_DISCOVERY)
		host_is_up(host, answer->reason);
	pace_answers(&scan->pace, time_ns, 1);
	if (scan->phase->kind == PHASE_DISCOVERY) {
		scan->counts.answers++;
		return;
	}
	if (first && answer->attempt < CANARY_ATTEMPT && answer->attempt_known &&
	    !host->trickle.active) {
		loss_add(&host->loss, answer->attempt);
		loss_add(&scan->loss, answer->attempt);
	}
	record(scan, host, unit, answer, ttl, rtt_ns);
	canary_alive(scan, host, unit, answer, time_ns);
}

/* Fills one batch. False when nothing is left to send in this phase. */
static bool send_some(struct scan *scan, __u64 now, __u64 *due_ns)
{
	unsigned int allowed, sent = 0, pass = scan->schedule.pass;
	__u64 index, position, first = 0, target, wait_ns;
	enum schedule_step step = SCHEDULE_PROBE;
	union ps_addr addr;
	__u32 unit;

	allowed = pace_allow(&scan->pace, now, SEND_BATCH, &wait_ns);
	if (!allowed) {
		*due_ns = now + wait_ns;
		return true;
	}
	while (sent < allowed) {
		step = schedule_next(&scan->schedule, now, scan_timeout(scan), wanted, scan, &index,
				     &position, due_ns);
		if (step != SCHEDULE_PROBE)
			break;
		phase_split(scan->phase, scan->targets->count, index, &target, &unit);
		targets_at(scan->targets, target, &addr);
		if (emit(scan, target, &addr, unit, (__u8)pass) == -EAGAIN) {
			scan->schedule.position = position;
			scan->schedule.pass_sent--;
			*due_ns = now + NS_PER_MS;
			break;
		}
		first = sent++ ? first : position;
	}
	if (sent) {
		pace_spend(&scan->pace, sent);
		schedule_sent(&scan->schedule, pass, first, sent, scan_now());
	}
	if (step == SCHEDULE_PASS) {
		canary_watch(scan, now);
		scan->rto_ns = 0;
		for (size_t i = 0; i < scan->hosts.n; i++) {
			__u64 rto = rtt_timeout(&scan->hosts.all[i]->rtt, &scan->config->timing);

			if (scan->hosts.all[i]->rtt.samples && rto > scan->rto_ns)
				scan->rto_ns = rto;
		}
		if (!scan->schedule.pass_before_sent)
			return false;
		scan->given_up = 0;
	}
	if (step == SCHEDULE_PROBE || step == SCHEDULE_AGAIN || step == SCHEDULE_PASS)
		*due_ns = 0;
	return true;
}

/* Fewer of the probes get an answer than before: the path is losing them. */
static void watch_loss(struct scan *scan, __u64 now)
{
	__u64 sent, answered, timeout = scan_timeout(scan);
	double share;

	if (now - scan->checked_ns < CHECK_NS || now < timeout)
		return;
	scan->checked_ns = now;
	schedule_harvest(&scan->schedule, now - timeout, &sent, &answered);
	if (sent < 64 || scan->schedule.pass > 0)
		return;
	share = (double)answered / (double)sent;
	if (share < scan->answer_share * SHARE_DROP && answered)
		pace_loss(&scan->pace, now);
	else if (share > scan->answer_share)
		scan->answer_share = share;
}

static bool expired(const struct scan *scan, __u64 now)
{
	__u64 limit = scan->config->timing.host_timeout_ns;

	return limit && now - scan->started_ns > limit;
}

/* send -> recv -> match -> state, until every answer is in or overdue. */
static int phase_loop(struct scan *scan)
{
	bool more = true;
	int err = 0;

	while (!scan_interrupted && !err && !scan->error) {
		__u64 now = scan_now(), due = now + NS_PER_S, linger;

		if (expired(scan, now)) {
			scan->timed_out = true;
			break;
		}
		if (scan->schedule.pass && !scan->schedule.pass_sent)
			trickle_take(scan, now);
		/* Between passes, first make sure that the targets still answer at all. */
		if (more && !(scan->watched && scan->schedule.pass && !scan->schedule.pass_sent))
			more = send_some(scan, now, &due);
		canary_step(scan, now, &due);
		trickle_step(scan, now, &due);
		if (scan->engine->flush)
			err = scan->engine->flush(scan);
		if (!more && !scan->watched && !trickle_pending(scan)) {
			linger = scan->schedule.last_sent_ns + scan_timeout(scan) + LINGER_NS;
			if (!scan->given_up || now >= linger)
				break;
			due = due < linger ? due : linger;
		}
		if (!err)
			err = scan->engine->receive(scan, due);
		watch_loss(scan, now);
		progress_show(scan, now);
	}
	return err ? err : scan->error;
}

static int run_phase(struct scan *scan, enum phase_kind kind)
{
	struct phase *phase = &scan->phases[kind];
	struct schedule_shape shape = {
		.count = phase_index_count(phase, scan->targets->count),
		.first_count = scan->targets->count * phase->likely_count,
		.seed = scan->config->seed + kind,
		.shard = kind == PHASE_DISCOVERY ? 0 : scan->config->shard,
		.shards = kind == PHASE_DISCOVERY ? 1 : scan->config->shards,
	};
	int err = schedule_init(&scan->schedule, &shape);

	if (err)
		return err;
	scan->phase = phase;
	scan->phase_used[kind] = true;
	scan->phase_started_ns = scan_now();
	scan->answer_share = 0;
	scan->given_up = 0;
	pace_init(&scan->pace, &scan->config->timing, scan->phase_started_ns);
	canary_begin(scan);
	err = resume_phase(scan->resume, scan, kind);
	if (!err)
		err = phase_loop(scan);
	schedule_free(&scan->schedule);
	scan->done[kind] = scan->schedule;
	return err;
}

int scan_open(struct scan *scan)
{
	int err = scan->engine->open ? scan->engine->open(scan) : 0;

	if (!err)
		err = privileges_drop(PRIVILEGES_SCANNER);
	return err ? err : privileges_confine(PRIVILEGES_SCANNER, true);
}

void scan_close(struct scan *scan)
{
	if (scan->engine->close)
		scan->engine->close(scan);
	for (int i = 0; i < PHASE_MAX; i++)
		phase_free(&scan->phases[i]);
	hosts_free(&scan->hosts);
}

int scan_run(struct scan *scan)
{
	const struct scan_config *config = scan->config;
	bool ping = config->ping_only || (!config->no_ping && scan->targets->count > 1);
	int err = 0;

	scan->started_ns = scan_now();
	if (ping || has_links(scan)) {
		err = phase_discovery(&scan->phases[PHASE_DISCOVERY], ping);
		if (!err)
			err = run_phase(scan, PHASE_DISCOVERY);
		scan->pinged = ping;
	}
	if (!err && config->tcp && !config->ping_only && !scan_interrupted) {
		err = phase_ports(&scan->phases[PHASE_TCP], PHASE_TCP, config->tcp,
				  &config->ports.tcp);
		if (!err)
			err = run_phase(scan, PHASE_TCP);
	}
	if (!err && config->udp && !config->ping_only && !scan_interrupted) {
		err = phase_ports(&scan->phases[PHASE_UDP], PHASE_UDP, &probe_udp,
				  &config->ports.udp);
		if (!err)
			err = run_phase(scan, PHASE_UDP);
	}
	scan->ended_ns = scan_now();
	return err;
}

enum scan_state scan_silence(const struct scan *scan, const struct host *host, enum phase_kind kind,
			     __u32 unit)
{
	const struct phase *phase = &scan->phases[kind];
	const struct schedule *done = &scan->done[kind];
	__u64 index = phase_index(phase, scan->targets->count, host->target, unit), position;

	if (!schedule_position(done, index, &position) ||
	    (done->pass == 0 && position >= done->position))
		return STATE_NONE;
	if (host->canary.blocked && (host->canary.blocked_phase < (unsigned int)kind ||
				     position > host->canary.last_position))
		return STATE_UNKNOWN;
	return phase->ops->silence;
}

__u64 scan_drops(const struct scan *scan)
{
	return scan->engine->drops ? scan->engine->drops(scan) : 0;
}
