/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * growth.c - how the cost of a packet grows: with the sources that send, with
 * the blocked ones, with the prefixes on the allow list, with the ports that one
 * source probes in a second. BPF_PROG_TEST_RUN, no network device; nanoseconds
 * above a program that does nothing. A table on standard error, JSON on standard
 * output.
 *
 * usage: growth RUNS REPEAT
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "json_out.h"
#include "pkt.h"
#include "rule.h"
#include "test_run.h"
#include "walk.skel.h"
#include "xdp_maps.h"

#define RUNS_MAX 99
#define NEVER_FIRES 0xffff /* points: everything is scored, nobody is blocked */

/* Populations that do not meet: each measurement's sources begin elsewhere. */
#define REPEATERS 0x0a000000
#define PROBERS 0x14000000
#define BLOCKED 0x1e000000
#define LISTED 0x28000000
#define UNLISTED 0x32000000
#define PACED 0x3c000000

struct bench {
	struct xdp *xdp;
	struct ps_config *cfg;
	struct walk_bpf *ours;	/* walks into the detector */
	struct walk_bpf *empty; /* ... into the program that does nothing */
	struct contacts_reader contacts;
};

struct population {
	__u32 first_source, sources, ports;
	__u64 tick_ns;
	bool scattered;
};

static int runs;
static __u32 repeat;
static struct json_object *report;

/* ---- programs ------------------------------------------------------------------ */

static struct walk_bpf *walk_to(const struct xdp *xdp, int target)
{
	struct walk_bpf *walk = walk_bpf__open();
	int fd;

	must(walk, "walk.bpf.o");
	/* A program array holds programs of one kind; the detector takes fragments. */
	bpf_program__set_flags(walk->progs.walk, BPF_F_XDP_HAS_FRAGS);
	bpf_program__set_flags(walk->progs.nothing, BPF_F_XDP_HAS_FRAGS);
	must(bpf_map__reuse_fd(walk->maps.config, xdp->fd[XDP_MAP_CONFIG]) == 0 &&
	     walk_bpf__load(walk) == 0, "loading walk.bpf.o");
	fd = target < 0 ? bpf_program__fd(walk->progs.nothing) : target;
	must(bpf_map_update_elem(bpf_map__fd(walk->maps.next), &(__u32){ 0 }, &fd, BPF_ANY) == 0,
	     "walk's next");
	must(test_run_keep(bpf_program__fd(walk->progs.walk)), "attaching to a device");
	return walk;
}

static struct bench load(bool test_clock)
{
	struct xdp_load_options options = { .rule = rule_default(RULE_SOPHOS), .unpinned = true,
					    .test_clock = test_clock };
	union ps_addr own = pkt_v4(PKT_DST4);
	struct bench b;

	must(xdp_load(&options, &b.xdp) == 0, "loading the detector");
	must(xdp_locals_set(b.xdp, &own, 1) == 0, "own addresses");
	b.cfg = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
		     b.xdp->fd[XDP_MAP_CONFIG], 0);
	must(b.cfg != MAP_FAILED && contacts_open(&b.contacts, b.xdp->fd[XDP_MAP_CONTACTS]),
	     "mapping the configuration and the contacts");
	b.cfg->test_now_ns = 1000000000000;
	b.ours = walk_to(b.xdp, b.xdp->prog);
	b.empty = walk_to(b.xdp, -1);
	return b;
}

static void unload(struct bench *b)
{
	walk_bpf__destroy(b->ours);
	walk_bpf__destroy(b->empty);
	munmap(b->cfg, (size_t)sysconf(_SC_PAGESIZE));
	xdp_close(b->xdp);
}

/* Of one stage, on all CPUs. */
static __u64 counted(const struct bench *b, enum ps_count stage)
{
	int cpus = libbpf_num_possible_cpus();
	struct ps_counters *of = calloc((size_t)cpus, sizeof(*of));
	__u64 sum = 0;

	must(of && bpf_map_lookup_elem(b->xdp->fd[XDP_MAP_COUNTERS], &(__u32){ 0 }, of) == 0,
	     "counters");
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += of[cpu].stage[stage];
	free(of);
	return sum;
}

/* ---- measuring ------------------------------------------------------------------- */

static void populate(struct walk_bpf *walk, const struct population *of)
{
	walk->bss->first_source = of->first_source;
	walk->data->sources = of->sources;
	walk->data->ports = of->ports;
	walk->bss->tick_ns = of->tick_ns;
	walk->bss->scattered = of->scattered;
}

/* ns per packet, by the thread's own clock: the kernel's figure is in whole nanoseconds.
 * Contacts are read in time. */
static double run(const struct bench *b, const struct walk_bpf *walk, __u32 packets)
{
	struct pkt frame = PKT(ETH(), IPV4(), TCP());
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.data, .data_size_in = frame.bytes);
	double before = clock_read(CLOCK_THREAD_CPUTIME_ID);

	for (__u32 left = packets; left; left -= (__u32)opts.repeat) {
		opts.repeat = (int)(left < TEST_RUN_BATCH ? left : TEST_RUN_BATCH);
		must(bpf_prog_test_run_opts(bpf_program__fd(walk->progs.walk), &opts) == 0,
		     "test run");
		must(opts.retval == XDP_DROP || opts.retval == XDP_PASS, "verdict");
		contacts_read(&b->contacts);
	}
	return (clock_read(CLOCK_THREAD_CPUTIME_ID) - before) / packets;
}

static void add_share(struct json_object *point, const char *key, double share)
{
	json_object_object_add(point, key, json_object_new_double(round(share * 1000) / 1000));
}

/*
 * A point of a line: both programs in turn, so that they meet the same machine.
 * What else that does only ever adds: the least is what a packet costs.
 */
static struct json_object *measure(const struct bench *b, const char *line, double x,
				   struct population of)
{
	__u32 packets = repeat > 2 * of.sources ? repeat : 2 * of.sources;
	double all = (double)packets * runs;
	struct json_object *point = json_object_new_object();
	double above[RUNS_MAX], empty = 1e9;
	__u64 drops, scored;

	populate(b->ours, &of);
	populate(b->empty, &of);
	run(b, b->ours, packets / 2); /* tables and caches */
	drops = counted(b, PS_COUNT_DROP);
	scored = counted(b, PS_COUNT_SCORED);
	for (int i = 0; i < runs; i++) {
		empty = fmin(empty, run(b, b->empty, repeat));
		above[i] = run(b, b->ours, packets);
	}
	for (int i = 0; i < runs; i++)
		above[i] = round((above[i] - empty) * 10) / 10;
	qsort(above, (size_t)runs, sizeof(above[0]), ascending);
	json_object_object_add(point, "x", json_object_new_double(x));
	json_object_object_add(point, "ns", json_object_new_double(above[0]));
	json_object_object_add(point, "median", json_object_new_double(above[runs / 2]));
	json_object_object_add(point, "most", json_object_new_double(above[runs - 1]));
	add_share(point, "dropped", (double)(counted(b, PS_COUNT_DROP) - drops) / all);
	add_share(point, "scored", (double)(counted(b, PS_COUNT_SCORED) - scored) / all);
	fprintf(stderr, "  %-20s %10.0f %7.1f ns  (median %.1f, most %.1f)\n", line, x, above[0],
		above[runs / 2], above[runs - 1]);
	return point;
}

static struct json_object *child(struct json_object *o, const char *key, struct json_object *fresh)
{
	struct json_object *found;

	if (json_object_object_get_ex(o, key, &found)) {
		json_object_put(fresh);
		return found;
	}
	json_object_object_add(o, key, fresh);
	return fresh;
}

static void add(const char *series, const char *line, struct json_object *point)
{
	struct json_object *lines = child(report, series, json_object_new_object());

	json_object_array_add(child(lines, line, json_object_new_array()), point);
}

static __u32 map_entries(int fd)
{
	struct bpf_map_info info = {};
	__u32 bytes = sizeof(info);

	must(bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0, "map info");
	return info.max_entries;
}

/* A series begins; its table holds so many. */
static void limit(const char *series, __u32 entries)
{
	json_number(child(report, "limits", json_object_new_object()), series, entries);
	fprintf(stderr, "%s: the table holds %u\n", series, entries);
}

/* ---- the series -------------------------------------------------------------------- */

static const __u32 steps[] = { 100, 1000, 10000, 30000, 60000, 100000, 300000, 1000000 };
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static void sources(void)
{
	struct bench b = load(false);

	limit("sources", map_entries(b.xdp->fd[XDP_MAP_BUCKETS]) * PS_WAYS);
	b.cfg->rule.threshold = NEVER_FIRES;
	for (size_t i = 0; i < STEPS; i++) {
		add("sources", "same_port", measure(&b, "the same port again", steps[i],
			(struct population){ REPEATERS, steps[i], 1, 0, false }));
		add("sources", "new_port", measure(&b, "a new port", steps[i],
			(struct population){ PROBERS, steps[i], 60000, 0, false }));
	}
	unload(&b);
}

/* As it happens in earnest: a source's second port crosses the rule. Of few at a time: marks run out. */
static void block(const struct bench *b, __u32 from, __u32 to)
{
	__u64 before = counted(b, PS_COUNT_BLOCK);
	__u32 few, done;

	b->cfg->rule.threshold = 1;
	for (done = from; done < to; done += few) {
		few = to - done < 1000 ? to - done : 1000;
		populate(b->ours, &(struct population){ BLOCKED + done, few, 2, 0, false });
		run(b, b->ours, 4 * few);
	}
	b->cfg->rule.threshold = NEVER_FIRES;
	must(counted(b, PS_COUNT_BLOCK) - before > (to - from) / 100 * 95, "sources were not blocked");
}

/* Once told to block more than the list holds, it has forgotten some: `dropped` says how many. */
static void blocked(void)
{
	struct bench b = load(false);

	limit("blocked", map_entries(b.xdp->fd[XDP_MAP_BLOCKS]));
	for (size_t i = 0; i < STEPS; i++) {
		block(&b, i ? steps[i - 1] : 0, steps[i]);
		add("blocked", "blocked_source", measure(&b, "a packet of one", steps[i],
			(struct population){ BLOCKED, steps[i], 1, 0, true }));
	}
	unload(&b);
}

/* The @i-th /24, in no order: an odd factor permutes the numbers below 2^24. */
static __u32 prefix_of(__u32 i)
{
	return (LISTED >> 8 ^ (i * 0x9e3779b1U & 0xffffff)) << 8;
}

/* Returns how many of @want the list took. */
static __u32 allow(const struct bench *b, __u32 have, __u32 want)
{
	struct ps_allow entry = { .kind = PS_ALLOW_USER };
	struct prefix prefix = { .bits = 96 + 24 };

	for (; have < want; have++) {
		prefix.addr = pkt_v4(ps_htonl(prefix_of(have)));
		if (xdp_allow_add(b->xdp, &prefix, &entry))
			break;
	}
	return have;
}

static void allowed(void)
{
	static const __u32 prefixes[] = { 1, 10, 100, 1000, 10000, 30000, 100000 };
	struct bench b = load(false);
	__u32 have = 0, last;
	__u64 before;

	limit("allowed", map_entries(b.xdp->fd[XDP_MAP_ALLOW]));
	b.cfg->rule.threshold = NEVER_FIRES;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		last = have;
		have = allow(&b, have, prefixes[i]);
		if (have == last)
			break;
		before = counted(&b, PS_COUNT_ALLOWED);
		add("allowed", "unlisted", measure(&b, "source not listed", have,
			(struct population){ prefix_of(0xfffff0), 1, 60000, 0, false }));
		must(counted(&b, PS_COUNT_ALLOWED) == before, "the source is listed");
		add("allowed", "listed", measure(&b, "source listed", have,
			(struct population){ prefix_of(0), 1, 60000, 0, false }));
		must(counted(&b, PS_COUNT_ALLOWED) > before, "the source is not listed");
		add("allowed", "same_port", measure(&b, "the same port again", have,
			(struct population){ REPEATERS, 1, 1, 0, false }));
	}
	unload(&b);
}

/* Against a scripted clock: what decides is how many ports lie within the rule's 300 ms. */
static void paced(void)
{
	static const __u32 rates[] = { 10, 30, 60, 100, 300, 1000, 10000, 100000, 1000000 };
	struct bench b = load(true);

	fprintf(stderr, "ports: those that one source probes in a second; scripted clock\n");
	json_number(child(report, "limits", json_object_new_object()), "ports",
		    b.cfg->rule.threshold * 1000000000ULL / b.cfg->rule.window_ns /
		    b.cfg->rule.weight_high);
	for (__u32 i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		b.cfg->rule.respond = PS_RESPOND_MONITOR;
		add("ports", "monitor", measure(&b, "told of", rates[i],
			(struct population){ PACED + 2 * i, 1, 60000, 1000000000 / rates[i], false }));
		b.cfg->rule.respond = PS_RESPOND_SOFT;
		add("ports", "block", measure(&b, "blocked", rates[i],
			(struct population){ PACED + 2 * i + 1, 1, 60000, 1000000000 / rates[i], false }));
	}
	unload(&b);
}

int main(int argc, char **argv)
{
	if (argc != 3 || (runs = atoi(argv[1])) < 1 || runs > RUNS_MAX ||
	    (repeat = (__u32)atoi(argv[2])) < 1000) {
		fprintf(stderr, "usage: growth RUNS REPEAT, at most %d runs, at least 1000 packets\n",
			RUNS_MAX);
		return 2;
	}
	must(unshare(CLONE_NEWNET) == 0, "a network namespace of its own");
	report = json_object_new_object();
	json_text(report, "bench", "growth");
	sources();
	blocked();
	allowed();
	paced();
	json_print(report);
	return 0;
}
