// SPDX-License-Identifier: GPL-2.0-only
/* canary.c - see canary.h. */
#include "addr.h"
#include "log.h"
#include "scan/canary.h"

/* A target quiet for this long while it is being probed is asked. Chosen. */
#define QUIET_NS (250 * NS_PER_MS)

/* A blocked target is asked again at this distance, should the block be lifted. */
#define BLOCKED_ASK_NS NS_PER_S

/* Tries before silence means blocked: three, and more where loss alone could explain it. */
#define TRIES_MIN 3
#define TRIES_MAX 8

/* Hosts looked at in one step; the rest follow in the next ones. */
#define STEP_HOSTS 256

/* Positions counted one by one to tell which probe was the last answered. */
#define COUNT_MAX (1u << 22)

static unsigned int tries_needed(const struct scan *scan)
{
	double missed = loss_rate(&scan->loss), all = 1;
	unsigned int tries = 0;

	while (tries < TRIES_MAX && (tries < TRIES_MIN || all > 1e-4)) {
		all *= missed;
		tries++;
	}
	return tries;
}

static void set_watch(struct scan *scan, struct host *host, bool watch)
{
	scan->watched += watch;
	scan->watched -= host->canary.watch;
	host->canary.watch = watch;
}

static bool has_silent_ports(const struct scan *scan, struct host *host)
{
	struct tally *tally = scan_tally(scan, host);

	return tally && tally->answered < scan->phase->unit_count;
}

void canary_begin(struct scan *scan)
{
	scan->watched = 0;
	for (size_t i = 0; i < scan->hosts.n; i++) {
		struct canary *canary = &scan->hosts.all[i]->canary;

		/* A block stays known; it takes an answer to lift it. */
		canary->known = false;
		canary->watch = false;
		canary->tries = 0;
		if (!canary->blocked)
			*canary = (struct canary){ .alive_ns = canary->alive_ns };
	}
}

void canary_alive(struct scan *scan, struct host *host, __u32 unit, const struct answer *answer,
		  __u64 now_ns)
{
	struct canary *canary = &host->canary;
	bool own_answer = answer->state == STATE_OPEN ||
			  (answer->reason == REASON_RESET && answer->state != STATE_NONE) ||
			  answer->reason == REASON_CONN_REFUSED;

	canary->alive_ns = now_ns;
	set_watch(scan, host, false);
	canary->tries = 0;
	if (!canary->known && own_answer) {
		canary->known = true;
		canary->unit = unit;
	}
	if (canary->blocked) {
		char text[ADDR_TEXT_BYTES];

		canary->blocked = false;
		log_note("%s answers again", addr_format(&host->addr, text));
	}
}

void canary_progress(struct host *host, __u64 position, __u64 sent_ns)
{
	struct canary *canary = &host->canary;

	if (canary->last_position_ns == 0 || position > canary->last_position) {
		canary->last_position = position;
		canary->last_position_ns = sent_ns;
	}
}

/* Probes of the first pass sent to the host up to and with @position. */
static __u64 ordinal(struct scan *scan, const struct host *host, __u64 position)
{
	__u64 n = 0, target;
	__u32 unit;

	if (scan->targets->count == 1)
		return position + 1;
	if (position > COUNT_MAX)
		return position / scan->targets->count + 1;
	for (__u64 at = 0; at <= position; at++) {
		phase_split(scan->phase, scan->targets->count, schedule_index(&scan->schedule, at),
			    &target, &unit);
		n += target == host->target;
	}
	return n;
}

static void declare_blocked(struct scan *scan, struct host *host)
{
	struct canary *canary = &host->canary;
	char text[ADDR_TEXT_BYTES];

	canary->blocked = true;
	canary->blocked_phase = scan->phase->kind;
	set_watch(scan, host, false);
	canary->tries = 0;
	canary->blocked_after = ordinal(scan, host, canary->last_position);
	canary->blocked_ms =
		canary->last_position_ns > scan->phase_started_ns
			? (canary->last_position_ns - scan->phase_started_ns) / NS_PER_MS
			: 0;
	log_note("%s: blocked after probe %llu, %llu ms: what answered before is silent now",
		 addr_format(&host->addr, text), (unsigned long long)canary->blocked_after,
		 (unsigned long long)canary->blocked_ms);
}

void canary_watch(struct scan *scan, __u64 now_ns)
{
	for (size_t i = 0; i < scan->hosts.n; i++) {
		struct host *host = scan->hosts.all[i];

		if (!host->canary.known || host->canary.blocked || !has_silent_ports(scan, host) ||
		    host->canary.alive_ns + NS_PER_MS > now_ns)
			continue;
		set_watch(scan, host, true);
		host->canary.tries = 0;
	}
}

/* When this host wants to be asked; ~0 for never. */
static __u64 ask_at(const struct scan *scan, struct host *host)
{
	struct canary *canary = &host->canary;
	__u64 timeout = rtt_timeout(&host->rtt, &scan->config->timing);
	__u64 quiet = timeout > QUIET_NS ? timeout : QUIET_NS;

	if (!canary->known || !has_silent_ports(scan, host))
		return ~0ULL;
	if (canary->blocked)
		return canary->asked_ns + BLOCKED_ASK_NS;
	if (canary->tries > 0)
		return canary->asked_ns + timeout;
	if (canary->watch)
		return 0;
	return canary->alive_ns + quiet;
}

static void ask(struct scan *scan, struct host *host, __u64 now_ns)
{
	struct canary *canary = &host->canary;
	__u8 attempt = (__u8)(CANARY_ATTEMPT + canary->sent % (COOKIE_ATTEMPTS - CANARY_ATTEMPT));

	if (!canary->blocked && canary->tries >= tries_needed(scan)) {
		declare_blocked(scan, host);
		canary->asked_ns = now_ns;
		return;
	}
	if (scan_probe_now(scan, host, canary->unit, attempt) < 0)
		return;
	canary->asked_ns = now_ns;
	canary->sent++;
	canary->tries += !canary->blocked;
	scan->counts.canaries++;
}

void canary_step(struct scan *scan, __u64 now_ns, __u64 *due_ns)
{
	size_t looked = scan->hosts.n < STEP_HOSTS ? scan->hosts.n : STEP_HOSTS;

	for (size_t i = 0; i < looked; i++) {
		struct host *host = scan->hosts.all[scan->watch_cursor++ % scan->hosts.n];
		__u64 at = ask_at(scan, host);

		if (at <= now_ns) {
			ask(scan, host, now_ns);
			at = ask_at(scan, host);
		}
		if (at < *due_ns)
			*due_ns = at;
	}
}
