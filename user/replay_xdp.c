/* SPDX-License-Identifier: GPL-2.0-only */
/* replay_xdp.c - see replay_xdp.h. */
#include <errno.h>
#include <sched.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include "detector_run.h"
#include "log.h"
#include "names.h"
#include "replay_xdp.h"
#include "xdp_maps.h"

/* BPF_PROG_TEST_RUN takes a frame that fits one page with its headroom. */
#define FRAME_MAX 2048
#define DIFFERENCES_LISTED 20
#define EVENTS_MAX 4 /* one packet gives one; more would be a difference */

struct told {
	struct ps_event event[EVENTS_MAX];
	unsigned int n;
};

struct twins {
	const struct detector_options *options;
	struct engine engine;
	struct xdp *xdp;
	struct xdp_events *events;
	struct ps_config cfg;
	struct clock clock;
	struct told here, there;
	union ps_addr local[PS_LOCALS_MAX];
	unsigned int locals;
	__u64 packets;
	__u64 skipped; /* shorter than any frame an interface delivers */
	__u64 differences;
	int err;
};

static void differ(struct twins *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void differ(struct twins *t, const char *format, ...)
{
	va_list args;

	if (++t->differences > DIFFERENCES_LISTED)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static void keep_event(const struct ps_event *event, void *data)
{
	struct told *told = data;

	if (told->n < EVENTS_MAX)
		told->event[told->n] = *event;
	told->n++;
}

/* ---- one frame -------------------------------------------------------- */

/* The destination becomes an own address of both. */
static int learn_local(struct twins *t, const struct ps_packet *p)
{
	if (t->locals == PS_LOCALS_MAX || lru_find(t->engine.flows.locals, &p->dst))
		return 0;
	lru_take(t->engine.flows.locals, &p->dst, NULL);
	t->local[t->locals++] = p->dst;
	return xdp_locals_set(t->xdp, t->local, t->locals);
}

/*
 * The frame as an interface would deliver it: Ethernet in front of whatever IP
 * packet the capture's own link header had behind it.
 * Returns bytes at @out, 0 when there is nothing to deliver.
 */
static __u32 as_ethernet(const struct engine_frame *frame, const struct ps_packet *p,
			 enum ps_parse parsed, __u8 *out)
{
	struct ps_eth eth = { .type = ps_htons(p->bits & PS_PKT_V4 ? PS_ETH_IPV4 : PS_ETH_IPV6) };
	__u32 from = 0, to = 0, bytes;

	if (frame->link != PS_LINK_ETH) {
		if (!ps_parse_has_addr(parsed))
			return 0;
		eth.dst[0] = p->bits & PS_PKT_GROUP ? 1 : 0;
		memcpy(out, &eth, sizeof(eth));
		from = p->ip_off;
		to = sizeof(eth);
	}
	bytes = frame->captured - from;
	if (bytes > FRAME_MAX - to)
		bytes = FRAME_MAX - to;
	memcpy(out + to, (const char *)frame->data + from, bytes);
	return to + bytes;
}

static bool same_source(const struct ps_source *a, const struct ps_source *b)
{
	size_t bytes = offsetof(struct ps_source, probe) + a->probes * sizeof(a->probe[0]);

	return a->probes == b->probes && memcmp(a, b, bytes) == 0;
}

static bool same_event(const struct ps_event *a, const struct ps_event *b)
{
	return a->kind == b->kind && a->action == b->action && a->reason == b->reason &&
	       a->class == b->class && a->score == b->score && a->class_score == b->class_score &&
	       a->at_ns == b->at_ns && a->until_ns == b->until_ns && a->dropped == b->dropped &&
	       same_source(&a->source, &b->source);
}

static void compare_events(struct twins *t)
{
	if (t->here.n != t->there.n)
		differ(t, "packet %llu: %u events here, %u in the kernel",
		       (unsigned long long)t->packets, t->here.n, t->there.n);
	for (unsigned int i = 0; i < t->here.n && i < t->there.n && i < EVENTS_MAX; i++)
		if (!same_event(&t->here.event[i], &t->there.event[i]))
			differ(t,
			       "packet %llu: event %s %s score %u here, %s %s score %u in the "
			       "kernel",
			       (unsigned long long)t->packets, names_event(t->here.event[i].kind),
			       names_class(t->here.event[i].class), t->here.event[i].score,
			       names_event(t->there.event[i].kind),
			       names_class(t->there.event[i].class), t->there.event[i].score);
	t->here.n = 0;
	t->there.n = 0;
}

static int kernel_verdict(struct twins *t, const void *data, __u32 bytes, __u64 now_ns,
			  __u32 *verdict)
{
	int err;

	t->cfg.test_now_ns = now_ns;
	err = xdp_config_set(t->xdp, &t->cfg);
	if (!err)
		err = xdp_test_run(t->xdp, data, bytes, 0, 1, verdict, NULL);
	if (!err)
		err = xdp_events_poll(t->events, 0);
	return err < 0 ? err : 0;
}

static void on_frame(const struct engine_frame *frame, __u64 at_ns, void *data)
{
	struct twins *t = data;
	__u64 now_ns = clock_advance(&t->clock, at_ns, t->cfg.rule.window_ns);
	struct engine_frame ether = { .link = PS_LINK_ETH };
	struct engine_packet packet;
	__u8 bytes[FRAME_MAX];
	enum ps_action action;
	__u32 verdict = 0;
	bool drops;

	if (t->err)
		return;
	t->packets++;
	engine_parse(&t->engine, frame, now_ns, &packet);
	ether.captured = as_ethernet(frame, &packet.it.packet, packet.parsed, bytes);
	ether.data = bytes;
	ether.bytes = ether.captured;
	if (ether.captured < sizeof(struct ps_eth)) {
		t->skipped++;
		return;
	}
	if (ps_parse_has_addr(packet.parsed))
		t->err = learn_local(t, &packet.it.packet);
	engine_parse(&t->engine, &ether, now_ns, &packet);
	action = engine_judge(&t->engine, &packet);
	if (!t->err)
		t->err = kernel_verdict(t, bytes, ether.captured, now_ns, &verdict);
	if (t->err)
		return;
	drops = action == PS_ACTION_BLOCK || action == PS_ACTION_DROP;
	if (drops != (verdict == XDP_DROP))
		differ(t, "packet %llu: %s here, %s in the kernel", (unsigned long long)t->packets,
		       names_action(action), verdict == XDP_DROP ? "drop" : "pass");
	compare_events(t);
}

/* ---- what is left at the end ------------------------------------------ */

static void compare_counters(struct twins *t, const struct ps_counters *there)
{
	const struct ps_counters *here = &t->engine.counters;

	for (unsigned int i = 0; i < PS_PARSE_MAX; i++)
		if (here->parse[i] != there->parse[i])
			differ(t, "counter %s: %llu here, %llu in the kernel", names_parse(i),
			       (unsigned long long)here->parse[i],
			       (unsigned long long)there->parse[i]);
	/* Nobody reads the contacts here: that the ring fills up says nothing about the twins. */
	for (unsigned int i = 0; i < PS_COUNT_MAX; i++)
		if (i != PS_COUNT_CONTACT_LOST && here->stage[i] != there->stage[i])
			differ(t, "counter %s: %llu here, %llu in the kernel", names_count(i),
			       (unsigned long long)here->stage[i],
			       (unsigned long long)there->stage[i]);
}

static int compare_record(const struct ps_source *there, void *data)
{
	struct twins *t = data;
	__u64 hash = ps_hash_addr(t->cfg.seed, &there->addr);
	const struct ps_bucket *b = store_bucket(&t->engine.store, &t->cfg, hash);
	char text[ADDR_TEXT_BYTES];

	for (int w = 0; w < PS_WAYS; w++)
		if (b->tag[w] && same_source(&b->way[w], there))
			return 0;
	differ(t, "record of %s: not the same here", addr_format(&there->addr, text));
	return 0;
}

static int compare_rest(struct twins *t)
{
	struct ps_counters there;
	int err = xdp_counters(t->xdp, &there);

	if (err)
		return err;
	compare_counters(t, &there);
	return xdp_each_source(t->xdp, compare_record, t);
}

/* ---- the run ----------------------------------------------------------- */

static int set_lists(struct twins *t)
{
	const struct detector_options *o = t->options;
	const struct ps_allow user = { .kind = PS_ALLOW_USER };
	const struct ps_deny manual = { .since_ns = 0 };
	struct store *store = &t->engine.store;
	int err = xdp_dst_set(t->xdp, o->dst.prefix, (unsigned int)o->dst.n);

	for (size_t i = 0; i < o->dst.n && !err; i++)
		err = prefixes_add(&store->dst, &o->dst.prefix[i]);
	for (size_t i = 0; i < o->allow.n && !err; i++) {
		err = prefixes_add(&store->allow, &o->allow.prefix[i]);
		if (!err)
			err = xdp_allow_add(t->xdp, &o->allow.prefix[i], &user);
	}
	for (size_t i = 0; i < o->deny.n && !err; i++) {
		err = prefixes_add(&store->deny, &o->deny.prefix[i]);
		if (!err)
			err = xdp_deny_add(t->xdp, &o->deny.prefix[i], &manual);
	}
	return err;
}

/* What a CPU drops of a blocked source is entered in its block once a second
 * (xdp_recent.h); on one CPU alone each event tells it in full. */
static void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Loads the program where it sees no socket of this host: in a network namespace of its own. */
static int start(struct twins *t)
{
	struct xdp_load_options load = { .rule = t->options->rule.rule,
					 .save_ports = t->options->save_ports,
					 .test_clock = true,
					 .unpinned = true };
	int err;

	if (unshare(CLONE_NEWNET)) {
		err = -errno;
		log_error("making a network namespace without sockets: %s%s", strerror(-err),
			  err == -EPERM ? "; --xdp needs root" : "");
		return err;
	}
	stay_here();
	err = xdp_load(&load, &t->xdp);
	if (err)
		return err;
	err = xdp_config_get(t->xdp, &t->cfg);
	if (!err)
		err = engine_init(&t->engine, &t->cfg, EVIDENCE_NO_SOCKETS, keep_event, &t->here);
	if (!err)
		err = xdp_events_open(t->xdp, keep_event, &t->there, &t->events);
	if (!err)
		err = set_lists(t);
	if (!err)
		err = xdp_config_get(t->xdp, &t->cfg); /* the lists' counts are in it */
	if (err)
		log_error("setting up the XDP program: %s", strerror(-err));
	return err;
}

static int compare_file(struct twins *t, const char *path)
{
	__u64 max = t->options->max_packets;
	struct input_pcap *in = NULL;
	int n, err = input_pcap_file(input_pcap_descriptor(path), path, t->options->filter, &in);

	if (err)
		return err;
	detector_signals(in);
	do {
		__u64 left = max ? max - t->packets : DETECTOR_BATCH;

		n = left ? input_pcap_run(in, left < DETECTOR_BATCH ? (int)left : DETECTOR_BATCH,
					  on_frame, t)
			 : 0;
	} while (n > 0 && !t->err && !detector_stopped());
	detector_signals(NULL);
	if (t->err) {
		n = t->err;
		log_error("running packet %llu of %s in the kernel: %s",
			  (unsigned long long)t->packets, path, strerror(-n));
	}
	input_pcap_close(in);
	return n < 0 ? n : 0;
}

static int conclude(struct twins *t)
{
	int err = compare_rest(t);

	if (err) {
		log_error("reading the XDP program's counters and records: %s", strerror(-err));
		return err;
	}
	if (t->differences > DIFFERENCES_LISTED)
		printf("and %llu more\n",
		       (unsigned long long)(t->differences - DIFFERENCES_LISTED));
	printf("%llu packets, %llu scans, %llu differences",
	       (unsigned long long)(t->packets - t->skipped),
	       (unsigned long long)t->engine.counters.stage[PS_COUNT_SCAN],
	       (unsigned long long)t->differences);
	if (t->skipped)
		printf(" (%llu frames that no interface delivers left out)",
		       (unsigned long long)t->skipped);
	putchar('\n');
	return t->differences ? -EBADE : 0;
}

int replay_xdp(const struct detector_options *o, char *const *files, unsigned int n)
{
	struct twins *t = calloc(1, sizeof(*t));
	int first = 0, err;

	if (!t) {
		log_error("comparing with the XDP program: no memory");
		return -ENOMEM;
	}
	t->options = o;
	err = start(t);
	if (err)
		goto out;
	for (unsigned int i = 0; i < n && !t->err; i++) {
		err = compare_file(t, files[i]);
		if (!first)
			first = err;
	}
	err = t->err ? t->err : conclude(t);
out:
	xdp_events_close(t->events);
	xdp_close(t->xdp);
	engine_free(&t->engine);
	free(t);
	return first ? first : err;
}
