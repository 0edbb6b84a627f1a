/* SPDX-License-Identifier: GPL-2.0-only */
/* session.c - see session.h. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <pscan/event.h>

#include "collect.h"
#include "guard.h"
#include "json_out.h"
#include "log.h"
#include "privileges.h"
#include "queues.h"
#include "session.h"
#include "session_proof.h"
#include "session_slow.h"
#include "session_tell.h"
#include "tracking.h"
#include "xdp_maps.h"

/* Guards and interfaces are looked at every so many polls: 3 s. */
#define SLOW_POLLS 10
/* ... and blocks too when there are more than this, so that a full list costs little. */
#define SWEEP_ALWAYS 1000
/* The event of a block younger than this may still be on its way here. */
#define EVENT_LATE_NS (100 * 1000000ULL)
#define LINKS_MAX 64

struct session {
	const struct xdp *xdp;
	const struct session_options *options;
	struct report *report;
	struct xdp_events *events;
	struct xdp_contacts *contacts;
	struct proof proof;
	struct conntrack *conntrack;	/* NULL: there is none to ask */
	struct tracking tracking;
	struct session_slow slow;
	struct xdp_link links[LINKS_MAX];
	int n_links;
	struct ps_counters before;	/* at the previous poll, for -v */
	__u64 packets_before;		/* counted by earlier sessions */
	__u64 deadline_ns;		/* for the confirmation; 0: none is awaited */
	__u64 polls;
	struct session_told told;
	size_t blocks;			/* seen by the latest sweep */
	bool hidden;			/* bpffs is gone from its place, as told */
	bool crowded;			/* too many own addresses, as told */
};

static volatile sig_atomic_t stop, confirmed;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		confirmed = 1;
	else
		stop = 1;
}

static void ending_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1);
}

void session_hold_signals(void)
{
	sigset_t set;

	ending_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void catch_signals(bool unconfirmed)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	stop = 0;
	confirmed = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	/* The terminal goes away: who just locked themselves out wants to be let in again. */
	if (unconfirmed)
		sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	ending_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static const char *name_of(const void *data, __u32 ifindex)
{
	const struct session *s = data;

	for (int i = 0; i < s->n_links; i++)
		if (s->links[i].ifindex == ifindex)
			return s->links[i].ifname;
	return NULL;
}

static void on_contact(const struct ps_contact *contact, void *data)
{
	struct session *s = data;

	proof_note(&s->proof, contact);
	/* A cookie's ACK comes of our own answer, it is no probe. */
	if (contact->kind != PS_CONTACT_COOKIE)
		session_slow_contact(&s->slow, contact);
}

static void read_contacts(struct session *s)
{
	int n = xdp_contacts_read(s->contacts);

	if (n < 0)
		log_warn("cannot read contacts: %s", strerror(-n));
}

/* What completed by now is proof by now. */
static void on_event(const struct ps_event *event, void *data)
{
	struct session *s = data;
	struct report_facts facts = { .tool = "" };
	struct ps_event told = *event;

	if (event->kind == PS_EVENT_SCAN) {
		read_contacts(s);
		session_prove_event(s->xdp, &s->proof, s->options->rule, &told);
	}
	session_slow_event(&s->slow, &told, &facts);
	report_scan(s->report, &told, name_of(s, event->ifindex), &facts);
}

/* ---- once per poll ------------------------------------------------------ */

struct sweep {
	struct session *session;
	union ps_addr *expired;
	size_t n, room, seen;
	__u64 now_ns;
};

/* Proof that came after the block's own event. */
static void prove_block(struct session *s, const union ps_addr *addr, const struct ps_block *block,
			__u64 now_ns)
{
	struct ps_block now = *block;
	struct ps_event event;

	if (!proof_awaited(s->options->rule, block, now_ns) || ps_since(block->since_ns, now_ns) < EVENT_LATE_NS ||
	    !session_prove_block(s->xdp, &s->proof, s->options->rule, addr, &now))
		return;
	ps_event_from_block(&now, PS_EVENT_PROVEN, 0, now_ns, &event);
	report_scan(s->report, &event, NULL, &(struct report_facts){ slow_tool_name(now.tool), 0 });
}

static int look_at_block(const union ps_addr *addr, const struct ps_block *block, void *data)
{
	struct sweep *sweep = data;
	struct ps_event event;

	sweep->seen++;
	if (block->until_ns > sweep->now_ns) {
		prove_block(sweep->session, addr, block, sweep->now_ns);
		return 0;
	}
	if (sweep->n == sweep->room) {
		size_t room = sweep->room ? sweep->room * 2 : 64;
		union ps_addr *more = realloc(sweep->expired, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		sweep->expired = more;
		sweep->room = room;
	}
	sweep->expired[sweep->n++] = *addr;
	ps_event_from_block(block, PS_EVENT_EXPIRE, 0, sweep->now_ns, &event);
	report_event(sweep->session->report, &event, NULL);
	return 0;
}

/* Blocks that ran out already let packets through; here they are told and removed. Blocks
 * that proof has come for are raised. */
static void sweep_blocks(struct session *s)
{
	struct sweep sweep = { .session = s, .now_ns = xdp_now_ns() };
	int err = 0;

	if (s->blocks > SWEEP_ALWAYS && s->polls % SLOW_POLLS)
		return;
	xdp_each_block(s->xdp, look_at_block, &sweep);
	for (size_t i = 0; i < sweep.n && (!err || err == -ENOENT); i++)
		err = xdp_block_expire(s->xdp, &sweep.expired[i], sweep.now_ns);
	if (err && err != -ENOENT)
		log_warn("cannot remove a block that ran out: %s", strerror(-err));
	s->blocks = sweep.seen - sweep.n;
	free(sweep.expired);
	session_tell_full(&s->told, s->blocks);
}

static __u64 packets_of(const struct ps_counters *c)
{
	__u64 sum = 0;

	for (int i = 0; i < PS_PARSE_MAX; i++)
		sum += c->parse[i];
	return sum;
}

static void tell_poll(struct session *s, const struct ps_counters *now)
{
	const __u64 *new = now->stage, *old = s->before.stage;

	log_debug("poll: %llu packets, %llu dropped, %llu scored, %llu explained, %llu first sights, "
		  "%zu blocked",
		  (unsigned long long)(packets_of(now) - packets_of(&s->before)),
		  (unsigned long long)(new[PS_COUNT_DROP] - old[PS_COUNT_DROP]),
		  (unsigned long long)(new[PS_COUNT_SCORED] - old[PS_COUNT_SCORED]),
		  (unsigned long long)(new[PS_COUNT_EXPLAINED] - old[PS_COUNT_EXPLAINED]),
		  (unsigned long long)(new[PS_COUNT_FIRST] - old[PS_COUNT_FIRST]), s->blocks);
	s->before = *now;
}

static const struct xdp_link *listed(const struct xdp_link *links, int n, unsigned int ifindex)
{
	for (int i = 0; i < n; i++)
		if (links[i].ifindex == ifindex)
			return &links[i];
	return NULL;
}

static void tell_gone(const struct xdp_link *before, const struct xdp_link *now)
{
	if (now && now->elsewhere)
		log_warn("%s went to another network namespace, and is watched there; `pscan-xdp "
			 "detach --all` ends that", before->ifname);
	else if (!now || !now->ifname[0])
		log_warn("%s is no longer attached: it was removed or detached", before->ifname);
}

static void tell_renamed(const struct session *s, const struct xdp_link *now)
{
	const char *before = name_of(s, now->ifindex);

	if (before && before[0] && now->ifname[0] && strcmp(before, now->ifname))
		log_note("%s is called %s now, and still watched", before, now->ifname);
}

/* The folder we hold open keeps the pins alive, and with them the links, while we live. */
static void tell_hidden(struct session *s)
{
	if (!s->hidden)
		log_warn("%s was unmounted or covered, and the pins with it: scans are still detected "
			 "and blocked, until this process ends; put it back, or end this and attach "
			 "again", XDP_BPFFS);
	s->hidden = true;
}

/* Picks up interfaces attached beside us and says which went away. */
static int check_links(struct session *s)
{
	struct xdp_link now[LINKS_MAX];
	bool held = xdp_holds_pins(s->xdp);
	int n = held ? xdp_links(now, LINKS_MAX) : 0, live = 0;

	if (!held && xdp_pins_hidden(s->xdp)) {
		tell_hidden(s);
		return 0;
	}
	s->hidden = false;
	for (int i = 0; i < s->n_links; i++)
		if (s->links[i].ifname[0])
			tell_gone(&s->links[i], listed(now, n, s->links[i].ifindex));
	for (int i = 0; i < n; i++) {
		live += now[i].ifname[0] || now[i].elsewhere;
		tell_renamed(s, &now[i]);
	}
	s->n_links = n > 0 ? n : 0;
	memcpy(s->links, now, sizeof(now[0]) * (size_t)s->n_links);
	queues_refresh(s->xdp, s->links, s->n_links);
	if (live)
		return 0;
	log_error("no interface is left to watch");
	return -ENODEV;
}

static void refresh_tracking(struct session *s)
{
	int err = tracking_refresh(&s->tracking, s->xdp);

	if (err)
		log_warn("cannot say whether flows are tracked: %s", strerror(-err));
}

static void refresh_guard(struct session *s)
{
	static struct guard guard;
	int err;

	guard_collect(&guard);
	if (guard.crowded && !s->crowded)
		log_warn("this host has more addresses than the %d that fit: what could be an answer "
			 "to the others is not scored", PS_LOCALS_MAX);
	s->crowded = guard.crowded;
	err = xdp_lists_lock(s->xdp);
	if (!err) {
		err = guard_apply(s->xdp, &guard);
		if (!err)
			err = xdp_lists_expire(s->xdp);
		xdp_lists_unlock(s->xdp);
	}
	if (err)
		log_warn("cannot update the allow and deny lists: %s", strerror(-err));
}

/* attach --confirm: whoever cannot reach the host any more cannot confirm either. */
static int await_confirmation(struct session *s)
{
	if (!s->deadline_ns)
		return 0;
	if (confirmed) {
		s->deadline_ns = 0;
		signal(SIGHUP, SIG_DFL);
		log_note("confirmed, staying attached");
		return 0;
	}
	if (!stop && xdp_now_ns() < s->deadline_ns)
		return 0;
	log_error("nobody confirmed in time (`pscan-xdp confirm`): detaching");
	return -ETIMEDOUT;
}

static int poll_once(struct session *s)
{
	struct ps_counters now;
	int err = await_confirmation(s);

	if (err)
		return err;
	/* Somebody may have set the clock; only what is told depends on it. */
	report_wall(s->report, collect_wall_ns());
	while (xdp_events_poll(s->events, 0) > 0)
		;
	read_contacts(s);
	session_slow_poll(&s->slow);
	sweep_blocks(s);
	if (xdp_counters(s->xdp, &now) == 0) {
		session_tell_lost(&s->told, &now);
		tell_poll(s, &now);
		if (s->options->max_packets &&
		    packets_of(&now) - s->packets_before >= s->options->max_packets)
			stop = 1;
	}
	if (s->polls++ % SLOW_POLLS == 0) {
		err = check_links(s);
		refresh_guard(s);
		refresh_tracking(s);
	}
	return err;
}

/* ---- start and end ------------------------------------------------------ */

static int open_report(struct session *s)
{
	struct report_options options = {
		.text = s->options->json ? NULL : stdout,
		.json = s->options->json ? stdout : NULL,
		.json_path = s->options->events,
		.wall_ns = collect_wall_ns(),
		.rule = s->options->rule,
	};

	return report_open(&options, &s->report);
}

static void summarize(const struct session *s)
{
	struct collected c;

	if (collect(s->xdp, NULL, &c))
		return;
	c.summary.lost = c.counters.stage[PS_COUNT_EVENT_LOST];
	summary_sort(&c.summary, SUMMARY_BY_SCORE);
	if (s->options->json)
		json_print(summary_json(&c.summary));
	else
		summary_text(&c.summary, stdout);
	fflush(stdout);
	collect_free(&c);
}

static int watch(struct session *s)
{
	__u64 next_ns = xdp_now_ns();
	int err = 0;

	while (!stop && !err) {
		__u64 now_ns = xdp_now_ns();

		if (now_ns >= next_ns) {
			err = poll_once(s);
			next_ns = xdp_now_ns() + SESSION_POLL_MS * 1000000ULL;
			continue;
		}
		err = xdp_events_poll(s->events, (int)((next_ns - now_ns) / 1000000) + 1);
		if (err == -EINTR || err > 0)
			err = 0;
		if (err)
			log_error("cannot read events: %s", strerror(-err));
	}
	/* What was under way when we were told to stop is told, too. */
	while (!err && xdp_events_poll(s->events, 0) > 0)
		;
	return err;
}

static int open_rings(struct session *s)
{
	struct ps_config cfg;
	int err = xdp_config_get(s->xdp, &cfg);

	if (!err)
		err = proof_init(&s->proof, cfg.seed);
	if (!err)
		err = xdp_contacts_open(s->xdp, on_contact, s, &s->contacts);
	if (!err)
		err = xdp_events_open(s->xdp, on_event, s, &s->events);
	if (err)
		log_error("cannot open the event rings: %s", strerror(-err));
	return err;
}

/* What the loader asks the kernel about flows and ports that the program cannot see. */
static int open_evidence(struct session *s)
{
	struct session_slow_options slow = {
		.xdp = s->xdp,
		.rule = s->options->rule,
		.report = s->report,
		.tracking = &s->tracking,
		.ifname = name_of,
		.ifname_data = s,
	};

	if (conntrack_open(&s->conntrack))
		log_debug("no connection table to ask: what is forwarded cannot be judged");
	tracking_init(&s->tracking, s->conntrack);
	slow.conntrack = s->conntrack;
	return s->options->slow ? session_slow_open(&s->slow, &slow) : 0;
}

/* Everything is open: from here on nothing takes more than looking after maps and pins. */
static int give_up_privileges(void)
{
	int err = privileges_drop(PRIVILEGES_LOADER);

	return err ? err : privileges_confine(PRIVILEGES_LOADER, false);
}

int session_run(const struct xdp *xdp, const struct session_options *options)
{
	struct session s = { .xdp = xdp, .options = options };
	int err;

	catch_signals(options->confirm_ns != 0);
	if (options->confirm_ns)
		s.deadline_ns = xdp_now_ns() + options->confirm_ns;
	s.n_links = xdp_links(s.links, LINKS_MAX);
	if (xdp_counters(xdp, &s.before) == 0) {
		session_told_begin(&s.told, &s.before);
		s.packets_before = packets_of(&s.before);
	}
	err = open_report(&s);
	if (!err)
		err = open_rings(&s);
	if (!err)
		err = open_evidence(&s);
	if (err)
		goto out;
	err = give_up_privileges();
	if (err)
		goto out;
	err = watch(&s);
	summarize(&s);
out:
	xdp_events_close(s.events);
	xdp_contacts_close(s.contacts);
	session_slow_close(&s.slow);
	proof_free(&s.proof);
	report_close(s.report);
	conntrack_close(s.conntrack);
	return err;
}
