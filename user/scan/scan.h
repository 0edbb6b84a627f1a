/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan.h - one run of the scanner: the stages and what they share.
 *
 *   targets -> schedule -> send -> recv -> match -> state -> report
 *
 * Everything runs in one thread: a batch goes out, what has come in meanwhile
 * is looked at, and the next batch follows.
 */
#ifndef PSCAN_SCAN_SCAN_H
#define PSCAN_SCAN_SCAN_H

#include "scan/phase.h"
#include "scan/route.h"
#include "scan/targets.h"

struct output;
struct scan;

/* Tries from here on are the canary's: an answer to one is a sign of life, not a finding. */
#define CANARY_ATTEMPT 32

struct scan_config {
	const struct probe_ops *tcp; /* NULL: no TCP phase */
	bool udp;
	bool ping_only;
	bool no_ping;
	bool stop_when_blocked;
	bool dry_run;
	bool verbose;
	struct ports ports;
	struct timing timing;
	struct route_choice route;
	__u16 source_port; /* 0: any */
	__u8 ttl;
	__u64 seed;
	__u64 shard;
	__u64 shards;
	unsigned int connects_max; /* sockets of the connect engine */
};

/* How probes leave and answers come in. Those marked "optional" may be NULL. */
struct engine_ops {
	bool raw; /* sends packets of its own making */

	/* Optional: opens what needs privilege. Negative errno after a line. */
	int (*open)(struct scan *scan);

	/* Optional. */
	void (*close)(struct scan *scan);

	/* Optional, yes: can this target be sent to in this phase? May ask the network. */
	bool (*reachable)(struct scan *scan, __u64 target, const union ps_addr *addr);

	/* Optional, no: must some target's hardware address be asked for? */
	bool (*has_links)(struct scan *scan);

	/* Optional, no: is this one of them? Then its discovery is that one question. */
	bool (*on_link)(struct scan *scan, const union ps_addr *addr);

	/* Queues one probe. -EAGAIN when there is no room until something comes in. */
	int (*probe)(struct scan *scan, struct probe *probe);

	/* Optional: hands over what is queued. */
	int (*flush)(struct scan *scan);

	/* Takes what came in to scan_answer(), waiting for the first until @until_ns. */
	int (*receive)(struct scan *scan, __u64 until_ns);

	/* Optional, 0: packets lost on this host, going out or coming in. */
	__u64 (*drops)(const struct scan *scan);
};

extern const struct engine_ops engine_packet, engine_connect, engine_dry;

struct scan_counts {
	__u64 probes;  /* handed to the kernel, all kinds */
	__u64 answers; /* that said something new */
	__u64 repeats; /* that did not */
	__u64 canaries;
	__u64 unreachable; /* targets without a route or next hop */
	__u64 open;
};

struct scan {
	const struct scan_config *config;
	struct targets *targets;
	const struct engine_ops *engine;
	void *engine_data; /* the engine's own */
	struct probe_context context;
	struct phase *phase; /* the current one */
	struct phase phases[PHASE_MAX];
	bool phase_used[PHASE_MAX];
	struct schedule schedule;
	struct schedule done[PHASE_MAX]; /* as each phase left it, without its log */
	struct pace pace;
	struct hosts hosts;
	struct rtt rtt; /* of all targets together */
	struct loss loss;
	__u64 rto_ns;        /* longest of all targets', as of the last pass */
	double answer_share; /* highest share of probes answered so far in this phase */
	__u64 checked_ns;    /* last look at the share */
	__u64 given_up;      /* probes of the final pass that are still unanswered */
	bool pinged;         /* only hosts that discovery found are scanned */
	bool timed_out;      /* --host-timeout ended the run */
	size_t trickling;    /* hosts asked at the pace of their ICMP budget */
	size_t watched;      /* hosts whose canary is pending: retries are held back */
	size_t watch_cursor;
	__u64 started_ns;
	__u64 phase_started_ns;
	__u64 ended_ns;
	struct scan_counts counts;
	struct output *output;
	struct resume *resume; /* where to go on, or NULL */
	int error;             /* of the engine; ends the run */
};

/* Set by the signal handler: stop sending, report what is known. */
extern volatile int scan_interrupted;

__u64 scan_now(void);

/* Opens sockets and drops privileges. Negative errno after a line. */
int scan_open(struct scan *scan);

/* All phases. Negative errno after a line; what is known is in the hosts in any case. */
int scan_run(struct scan *scan);

void scan_close(struct scan *scan);

/*
 * An answer from @addr, which is target number @target, about @unit.
 * @time_ns: when it came.
 */
void scan_answer(struct scan *scan, __u64 target, const union ps_addr *addr, __u32 unit,
		 const struct answer *answer, __u8 ttl, __u64 time_ns);

/* Sends @unit to @host outside the schedule, as try @attempt. */
int scan_probe_now(struct scan *scan, struct host *host, __u32 unit, __u8 attempt);

/* How long answers are waited for at present. */
__u64 scan_timeout(const struct scan *scan);

/* The tally the current phase writes to, or NULL in discovery. */
static inline struct tally *scan_tally(const struct scan *scan, struct host *host)
{
	if (scan->phase->kind == PHASE_DISCOVERY)
		return NULL;
	return &host->tallies[scan->phase->kind == PHASE_UDP ? TALLY_UDP : TALLY_TCP];
}

/*
 * What a unit's silence means: its technique's word, unknown behind a block,
 * STATE_NONE when it was not probed at all (another shard's, or interrupted).
 */
enum scan_state scan_silence(const struct scan *scan, const struct host *host, enum phase_kind kind,
			     __u32 unit);

/* Packets lost on this host. */
__u64 scan_drops(const struct scan *scan);

#endif
