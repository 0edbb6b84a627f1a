// SPDX-License-Identifier: GPL-2.0-only
/*
 * prog.c - what the XDP program costs per packet, in nanoseconds above a
 * program that does nothing, beside xdp-filter on the same packets in the same
 * run. BPF_PROG_TEST_RUN, no network device; real sockets on loopback where a
 * path needs one. Prints a table, then one line of JSON.
 *
 * usage: prog BARE.bpf.o VARY.bpf.o [XDP-FILTER.o]
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pkt.h"
#include "rule.h"
#include "xdp_maps.h"

/* Short rounds, the programs of a row taking turns: what else the machine does only
 * ever adds, so the least of many is what a program costs. */
#define ROUNDS 21
#define REPEAT 400000
#define SCALING_ROUNDS 9
#define SCALING_REPEAT 3000000

#define SERVER_PORT 7777

struct target {
	int prog;	/* runs as it is */
	int by_source;	/* behind a program that makes each packet a new source */
	int by_port;	/* ... a new port */
};

static const char *comma = ""; /* in front of the next JSON key */
static struct xdp *pscan;
static struct ps_config *cfg;
static struct target bare, filter, detector;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "prog: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- programs ---------------------------------------------------------------- */

static struct bpf_object *open_object(const char *path)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	struct bpf_program *first, *prog;
	struct bpf_map *map;

	must(obj, path);
	bpf_object__for_each_map(map, obj) /* xdp-filter pins its own */
		bpf_map__set_pin_path(map, NULL);
	first = bpf_object__next_program(obj, NULL);
	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog, prog == first);
	/* A program array holds programs of one kind; the detector takes fragments. */
	bpf_program__set_flags(first, BPF_F_XDP_HAS_FRAGS);
	return obj;
}

static int first_program(struct bpf_object *obj)
{
	return bpf_program__fd(bpf_object__next_program(obj, NULL));
}

/* @target behind a vary program of its own. */
static int varied(const char *path, int target, bool port)
{
	struct bpf_object *obj = open_object(path);
	struct bpf_map *map;
	size_t bytes;
	int fd;

	map = bpf_object__find_map_by_name(obj, ".rodata");
	if (!map) /* named after the object in older libbpf */
		bpf_object__for_each_map(map, obj)
			if (strstr(bpf_map__name(map), ".rodata"))
				break;
	must(map, "vary's read-only data");
	*(bool *)bpf_map__initial_value(map, &bytes) = port;
	must(bpf_object__load(obj) == 0, path);
	fd = bpf_object__find_map_fd_by_name(obj, "next");
	must(bpf_map_update_elem(fd, &(__u32){ 0 }, &target, BPF_ANY) == 0, "vary's next");
	return first_program(obj);
}

static struct target target_of(int prog, const char *vary)
{
	return (struct target){ prog, varied(vary, prog, false), varied(vary, prog, true) };
}

/* xdp-filter's program that lets all pass but the addresses listed, with one in its list. */
static int load_filter(const char *path, __be32 denied)
{
	struct bpf_object *obj = open_object(path);
	int cpus = libbpf_num_possible_cpus();
	__u64 value[256] = { 0 };

	must(bpf_object__load(obj) == 0, path);
	for (int cpu = 0; cpu < cpus && cpu < 256; cpu++)
		value[cpu] = 3; /* its flags: as source, as destination */
	must(bpf_map_update_elem(bpf_object__find_map_fd_by_name(obj, "filter_ipv4"), &denied,
				 value, BPF_ANY) == 0, "xdp-filter's list");
	return first_program(obj);
}

static void load_detector(void)
{
	struct xdp_load_options options = { .rule = rule_default(RULE_SOPHOS), .unpinned = true };
	union ps_addr own[] = { pkt_v4(PKT_DST4), pkt_v4(htonl(INADDR_LOOPBACK)) };

	must(xdp_load(&options, &pscan) == 0, "loading the detector");
	must(xdp_locals_set(pscan, own, 2) == 0, "own addresses");
	cfg = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
		   pscan->fd[XDP_MAP_CONFIG], 0);
	must(cfg != MAP_FAILED, "mapping the configuration");
}

/* ---- measuring ------------------------------------------------------------------ */

static __u32 run(int prog, const struct pkt *frame, __u32 repeat, __u32 *verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->bytes,
		    .repeat = (int)repeat);

	must(bpf_prog_test_run_opts(prog, &opts) == 0, "test run");
	if (verdict)
		*verdict = opts.retval;
	return opts.duration;
}

static double cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* One program of a row. */
struct lane {
	const char *what;
	int prog;	/* -1: not there */
	__u32 expect;	/* its verdict */
	double ns[ROUNDS];
};

/* By the thread's own clock: the kernel's figure is in whole nanoseconds. */
static double one_round(const struct lane *lane, const struct pkt *frame)
{
	double before = cpu_ns(), ns;
	__u32 verdict;

	run(lane->prog, frame, REPEAT, &verdict);
	ns = (cpu_ns() - before) / REPEAT;
	if (verdict == lane->expect)
		return ns;
	fprintf(stderr, "prog: %s: verdict %u instead of %u\n", lane->what, verdict, lane->expect);
	exit(1);
}

static int ascending(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* ONLY=key,key in the environment: these rows alone. */
static bool chosen(const char *key)
{
	const char *only = getenv("ONLY"), *at = only ? strstr(only, key) : NULL;
	size_t bytes = strlen(key);

	if (!only)
		return true;
	for (; at; at = strstr(at + 1, key))
		if ((at == only || at[-1] == ',') && (!at[bytes] || at[bytes] == ','))
			return true;
	return false;
}

/*
 * One row: the same packets through the program that does nothing, through
 * xdp-filter, through the detector.
 */
static void row(const char *name, const char *key, int empty, int peer, int ours,
		const struct pkt *frame, __u32 peer_verdict, __u32 verdict)
{
	struct lane lane[3] = { { "empty program", empty, XDP_DROP, { 0 } },
				{ "xdp-filter", peer, peer_verdict, { 0 } },
				{ name, ours, verdict, { 0 } } };
	double e, p, o, ratio;

	if (!chosen(key))
		return;
	/* The first round warms the caches; the second takes its place. */
	for (int i = -1; i < ROUNDS; i++)
		for (int n = 0; n < 3; n++)
			if (lane[n].prog >= 0)
				lane[n].ns[i < 0 ? 0 : i] = one_round(&lane[n], frame);
	for (int n = 0; n < 3; n++)
		qsort(lane[n].ns, ROUNDS, sizeof(double), ascending);
	e = lane[0].ns[0];
	p = lane[1].ns[0];
	o = lane[2].ns[0];
	ratio = p > e ? (o - e) / (p - e) : 0;
	fprintf(stderr, "%-44s %6.1f %6.1f %6.1f %7.1f %7.1f %7.2f\n", name, e, p, o,
		lane[2].ns[ROUNDS / 2], o - e, ratio);
	printf("%s\"%s\":{\"empty_ns\":%.2f,\"filter_ns\":%.2f,\"ns\":%.2f,\"median_ns\":%.2f,"
	       "\"most_ns\":%.2f,\"above_ns\":%.2f,\"ratio\":%.3f}",
	       comma, key, e, p, o, lane[2].ns[ROUNDS / 2],
	       lane[2].ns[ROUNDS - 1], o - e, ratio);
	comma = ",";
}

/* ---- the paths -------------------------------------------------------------------- */

static void block_source(__be32 source)
{
	union ps_addr src = pkt_v4(source);
	struct ps_block block = { .until_ns = ~0ULL >> 1, .span_ns = 600 * 1000000000ULL };

	must(bpf_map_update_elem(pscan->fd[XDP_MAP_BLOCKS], &src, &block, BPF_ANY) == 0,
	     "blocking the source");
}

/* Data on a connection over loopback: the frame that its server would receive. */
static struct pkt connection(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(SERVER_PORT),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	socklen_t bytes = sizeof(sa);

	must(ioctl(listener, SIOCSIFFLAGS, &ifr) == 0, "lo up");
	must(bind(listener, (struct sockaddr *)&sa, bytes) == 0 && listen(listener, 1) == 0 &&
	     connect(client, (struct sockaddr *)&sa, bytes) == 0 &&
	     getsockname(client, (struct sockaddr *)&sa, &bytes) == 0, "connection");
	return PKT(ETH(), IPV4(.src = sa.sin_addr.s_addr, .dst = sa.sin_addr.s_addr),
		   TCP(.sport = ntohs(sa.sin_port), .dport = SERVER_PORT,
		       .flags = PS_TCP_ACK | PS_TCP_PSH));
}

/* A source with a record, every packet a new port, never enough for a verdict. */
static void watched(bool pass)
{
	cfg->rule = rule_default(RULE_SOPHOS);
	if (pass)
		cfg->rule.threshold = 0xffff;
}

static void paths(void)
{
	struct pkt data = connection();
	struct pkt syn = PKT(ETH(), IPV4(), TCP(.dport = 80));
	struct pkt other = PKT(ETH(), IPV4(.src = A4(192, 0, 2, 9)), TCP(.dport = 1025));
	struct pkt ack = PKT(ETH(), IPV4(.src = A4(192, 0, 2, 10)),
			     TCP(.dport = 1025, .flags = PS_TCP_ACK));

	row("blocked source, bare probe", "blocked", bare.prog, filter.prog, detector.prog, &syn,
	    XDP_DROP, XDP_DROP);
	row("established TCP data packet", "established", bare.prog, filter.prog, detector.prog,
	    &data, XDP_PASS, XDP_PASS);
	watched(true);
	row("known source, same port again", "known_port", bare.prog, filter.prog, detector.prog,
	    &other, XDP_PASS, XDP_PASS);
	row("known source, new port, 32 held", "new_port", bare.by_port, filter.by_port,
	    detector.by_port, &other, XDP_PASS, XDP_PASS);
	cfg->rule.window_ns = 1000; /* so that only the latest few are live */
	row("known source, new port, few held", "new_port_few", bare.by_port, filter.by_port,
	    detector.by_port, &other, XDP_PASS, XDP_PASS);
	watched(true);
	row("known source, ACK to a new port, look-up", "new_port_ack", bare.by_port,
	    filter.by_port, detector.by_port, &ack, XDP_PASS, XDP_PASS);
	watched(false);
	row("first packet of a new source", "new_source", bare.by_source, filter.by_source,
	    detector.by_source, &other, XDP_PASS, XDP_PASS);
}

/* ---- two CPUs ------------------------------------------------------------------------ */

struct worker {
	const struct pkt *frame;
	int prog;
	int cpu;
	pthread_barrier_t *start;
	double mpps;
};

static void *work(void *data)
{
	struct worker *w = data;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	pthread_barrier_wait(w->start);
	w->mpps = 1000.0 / run(w->prog, w->frame, SCALING_REPEAT, NULL);
	return NULL;
}

/* Mpps of @cpus CPUs together; each has its own frame and, when given two, its own program. */
static double together(int cpus, const int prog[2], const struct pkt frame[2])
{
	struct worker w[2];
	pthread_t thread[2];
	pthread_barrier_t start;
	double sum = 0;

	pthread_barrier_init(&start, NULL, (unsigned int)cpus);
	for (int i = 0; i < cpus; i++) {
		w[i] = (struct worker){ &frame[i], prog[i], i, &start, 0 };
		must(pthread_create(&thread[i], NULL, work, &w[i]) == 0, "thread");
	}
	for (int i = 0; i < cpus; i++) {
		pthread_join(thread[i], NULL);
		sum += w[i].mpps;
	}
	pthread_barrier_destroy(&start);
	return sum;
}

static void scaling(const char *name, const char *key, const int prog[2],
		    const struct pkt frame[2])
{
	double one[SCALING_ROUNDS], two[SCALING_ROUNDS], ratio[SCALING_ROUNDS];
	int best = 0;

	if (!chosen(key))
		return;
	/* Alternating, and the best of the pairs: anybody else's load only ever lowers it. */
	for (int i = 0; i < SCALING_ROUNDS; i++) {
		one[i] = together(1, prog, frame);
		two[i] = together(2, prog, frame);
		ratio[i] = two[i] / one[i];
		if (two[i] > two[best])
			best = i;
	}
	fprintf(stderr, "%-44s %8.2f %8.2f Mpps %8.2fx\n", name, one[best], two[best], ratio[best]);
	printf("%s\"%s\":{\"one_mpps\":%.2f,\"two_mpps\":%.2f,\"scaling\":%.2f}", comma, key,
	       one[best], two[best], ratio[best]);
	comma = ",";
}

static void cpus(void)
{
	struct pkt same[2] = { PKT(ETH(), IPV4(), TCP(.dport = 80)),
			       PKT(ETH(), IPV4(), TCP(.dport = 80)) };
	struct pkt one[2] = { PKT(ETH(), IPV4(.src = A4(192, 0, 2, 11)), TCP(.dport = 1025)),
			      PKT(ETH(), IPV4(.src = A4(192, 0, 2, 11)), TCP(.dport = 3333)) };
	struct pkt many[2] = { PKT(ETH(), IPV4(.src = A4(192, 0, 2, 12)), TCP(.dport = 80)),
			       PKT(ETH(), IPV4(.src = A4(198, 51, 100, 13)), TCP(.dport = 80)) };
	const int plain[2] = { detector.prog, detector.prog };
	const int port[2] = { detector.by_port, detector.by_port };
	const int source[2] = { detector.by_source, detector.by_source };

	fprintf(stderr, "\n%-44s %8s %8s\n", "CPUs", "one", "two");
	scaling("one blocked source", "cpus_blocked", plain, same);
	watched(true);
	scaling("one known source, new ports", "cpus_known", port, one);
	watched(false);
	scaling("many new sources", "cpus_many", source, many);
}

/* To the CPU it is on: a migration in the middle of a round would be part of the figure. */
static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: prog BARE.bpf.o VARY.bpf.o [XDP-FILTER.o]\n");
		return 2;
	}
	must(unshare(CLONE_NEWNET) == 0, "a network namespace of its own");
	load_detector();
	detector = target_of(pscan->prog, argv[2]);
	block_source(PKT_SRC4);
	{
		struct bpf_object *obj = open_object(argv[1]);

		must(bpf_object__load(obj) == 0, argv[1]);
		bare = target_of(first_program(obj), argv[2]);
	}
	filter = (struct target){ -1, -1, -1 };
	if (argc > 3)
		filter = target_of(load_filter(argv[3], PKT_SRC4), argv[2]);

	pin();
	fprintf(stderr, "%-44s %6s %6s %6s %7s %7s %7s\n", "ns per packet, least of 21 x 400,000",
		"empty", "xdpf", "ours", "median", "above", "ratio");
	putchar('{');
	paths();
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		cpus();
	puts("}");
	return 0;
}
