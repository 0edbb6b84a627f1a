// SPDX-License-Identifier: GPL-2.0-only
/*
 * prog.c - what the XDP program costs per packet, in nanoseconds above a
 * program that does nothing, beside xdp-filter on the same packets in the same
 * run. BPF_PROG_TEST_RUN, no network device; real sockets on loopback where a
 * path needs one. Prints a table, then one line of JSON.
 *
 * usage: prog [XDP-FILTER.o]; ROUNDS, ONLY=key,key in the environment
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json_out.h"
#include "pkt.h"
#include "rule.h"
#include "test_run.h"
#include "walk.skel.h"
#include "xdp_maps.h"

/* Short rounds, the programs of a row taking turns: what else the machine does only
 * ever adds, so the least of many is what a program costs. */
#define ROUNDS_MAX 999
#define REPEAT 40000 /* of one frame */
#define SCALING_ROUNDS 9
#define SCALING_NS 200000000

#define SERVER_PORT 7777

/* A program, by itself and behind one that makes of a frame the next one of a population. */
struct target {
	int prog; /* -1: not there */
	struct walk_bpf *walk;
};

static struct xdp *pscan;
static struct ps_config *cfg;
static struct target bare, filter, detector;
static struct contacts_reader contacts;
static struct json_object *report;
static int rounds = 201;

/* ---- programs ---------------------------------------------------------------- */

/* @prog -1: the program that does nothing. */
static struct target target_of(int prog)
{
	struct walk_bpf *walk = walk_bpf__open();

	must(walk, "walk.bpf.o");
	/* A program array holds programs of one kind; the detector takes fragments. */
	bpf_program__set_flags(walk->progs.walk, BPF_F_XDP_HAS_FRAGS);
	bpf_program__set_flags(walk->progs.nothing, BPF_F_XDP_HAS_FRAGS);
	must(walk_bpf__load(walk) == 0, "loading walk.bpf.o");
	if (prog < 0)
		prog = bpf_program__fd(walk->progs.nothing);
	must(bpf_map_update_elem(bpf_map__fd(walk->maps.next), &(__u32){ 0 }, &prog, BPF_ANY) == 0,
	     "walk's next");
	must(test_run_keep(prog) && test_run_keep(bpf_program__fd(walk->progs.walk)),
	     "attaching to a device");
	walk->bss->by_source = true;
	walk->bss->hashed = true;
	return (struct target){ prog, walk };
}

/* xdp-filter's program that lets all pass but the addresses listed, with one of each family. */
static int load_filter(const char *path)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	int cpus = libbpf_num_possible_cpus();
	union ps_addr denied6 = PKT_SRC6;
	struct bpf_program *first, *prog;
	__be32 denied4 = PKT_SRC4;
	__u64 value[256] = { 0 };
	struct bpf_map *map;

	must(obj, path);
	bpf_object__for_each_map(map, obj) /* it pins its own */
		bpf_map__set_pin_path(map, NULL);
	first = bpf_object__next_program(obj, NULL);
	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog, prog == first);
	bpf_program__set_flags(first, BPF_F_XDP_HAS_FRAGS);
	must(bpf_object__load(obj) == 0, path);
	for (int cpu = 0; cpu < cpus && cpu < 256; cpu++)
		value[cpu] = 3; /* its flags: as source, as destination */
	must(bpf_map_update_elem(bpf_object__find_map_fd_by_name(obj, "filter_ipv4"), &denied4,
				 value, BPF_ANY) == 0 &&
	     bpf_map_update_elem(bpf_object__find_map_fd_by_name(obj, "filter_ipv6"), &denied6,
				 value, BPF_ANY) == 0, "xdp-filter's lists");
	return bpf_program__fd(first);
}

static void allow(union ps_addr addr, enum ps_allow_kind kind)
{
	must(xdp_allow_add(pscan, &(struct prefix){ addr, 128 }, &(struct ps_allow){ .kind = kind }) == 0,
	     "allow");
}

/* As `attach` leaves it, without anything that an operator listed. */
static void load_detector(void)
{
	/* The rate is never reached here, and kept to all the same. */
	struct xdp_load_options options = { .rule = rule_default(RULE_SOPHOS), .unpinned = true,
					    .probe_rate = XDP_PROBE_RATE_MAX };
	union ps_addr own[] = { pkt_v4(PKT_DST4), pkt_v4(htonl(INADDR_LOOPBACK)), PKT_DST6,
				{ .w = { 0, 0, 0, htonl(1) } } };

	must(xdp_load(&options, &pscan) == 0, "loading the detector");
	must(xdp_locals_set(pscan, own, 4) == 0, "own addresses");
	for (int i = 0; i < 4; i++)
		allow(own[i], PS_ALLOW_OWN);
	allow(pkt_v4(A4(192, 0, 2, 1)), PS_ALLOW_GATEWAY);
	allow(pkt_v4(A4(192, 0, 2, 53)), PS_ALLOW_RESOLVER);
	allow(pkt_v4(A4(203, 0, 113, 22)), PS_ALLOW_SSH);
	cfg = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
		   pscan->fd[XDP_MAP_CONFIG], 0);
	must(cfg != MAP_FAILED && contacts_open(&contacts, pscan->fd[XDP_MAP_CONTACTS]),
	     "mapping the configuration and the contacts");
	/* No rule here needs flows to be tracked; the loader says so at each poll. */
	cfg->untracked_until_ns[0] = ~0ULL;
	cfg->untracked_until_ns[1] = ~0ULL;
}

static __u64 counted(enum ps_count stage)
{
	struct ps_counters c;

	must(xdp_counters(pscan, &c) == 0, "counters");
	return c.stage[stage];
}

/* ---- measuring ------------------------------------------------------------------ */

/* What is sent in a round. */
struct traffic {
	const char *what, *key;
	struct pkt frame;
	__u32 verdict, filter_verdict;
	__u32 sources; /* new ones in each round; 0: the frame as it is, REPEAT times */
	__u32 before;  /* ports that each of them has probed before, beside the clock */
	__u32 ports;   /* ... and probes now */
	__u32 first_port;
	bool crowded; /* nobody reads the contacts: their ring is full */
	enum ps_count leaves; /* where each packet is to leave the detector */
};

/* As received from @queue of the device `queues`. */
static void run_from(__u32 queue, int prog, const struct pkt *frame, __u32 repeat, __u32 verdict)
{
	struct xdp_md ctx = { .data_end = frame->bytes, .ingress_ifindex = if_nametoindex("queues"),
			      .rx_queue_index = queue };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->bytes,
		    .repeat = (int)repeat, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	must(bpf_prog_test_run_opts(prog, &opts) == 0, "test run");
	if (opts.retval == verdict)
		return;
	fprintf(stderr, "prog: verdict %u instead of %u\n", opts.retval, verdict);
	exit(1);
}

static void run(int prog, const struct pkt *frame, __u32 repeat, __u32 verdict)
{
	run_from(0, prog, frame, repeat, verdict);
}

/* The same ports of the same sources, from @port on. */
static int walk_to(struct walk_bpf *walk, const struct traffic *t, __u32 port, __u32 ports)
{
	walk->data->sources = t->sources;
	walk->data->ports = ports;
	walk->data->first_port = port;
	walk->bss->turn = 0;
	return bpf_program__fd(walk->progs.walk);
}

/* By the thread's own clock: the kernel's figure is in whole nanoseconds. */
static double one_round(const struct target *of, const struct traffic *t, __u32 verdict)
{
	__u32 repeat = t->sources ? t->sources * t->ports : REPEAT;
	int prog = of->prog;
	double before;

	if (!t->crowded)
		contacts_read(&contacts);
	if (t->sources) {
		if (t->before)
			run(walk_to(of->walk, t, t->first_port, t->before), &t->frame,
			    t->sources * t->before, verdict);
		prog = walk_to(of->walk, t, t->first_port + t->before, t->ports);
	}
	before = clock_read(CLOCK_THREAD_CPUTIME_ID);
	run(prog, &t->frame, repeat, verdict);
	before = clock_read(CLOCK_THREAD_CPUTIME_ID) - before;
	of->walk->bss->first_source += t->sources;
	return before / repeat;
}

/* Of what was sent through the detector nearly all must have gone the way that is measured:
 * a round that the machine stretched past the rule's window begins anew. Of a flood's SYNs
 * PS_LOOK_RATE a second are looked at, the more of them the slower the machine is. */
static void check_way(const struct traffic *t, __u64 left, __u64 lost)
{
	__u64 sent = (__u64)(rounds + 1) * (t->sources ? t->sources * t->ports : REPEAT);
	__u64 least = sent / 10 * (t->leaves == PS_COUNT_SHED ? 7 : 9);

	if (left < least || (t->crowded ? lost < sent / 10 * 9 : lost > sent / 10)) {
		fprintf(stderr, "prog: %s: of %llu packets %llu went that way, %llu contacts were lost\n",
			t->what, (unsigned long long)sent, (unsigned long long)left,
			(unsigned long long)lost);
		exit(1);
	}
}

/* The same packets through the program that does nothing, xdp-filter, the detector. */
static void row(struct traffic t)
{
	static double ns[3][ROUNDS_MAX];
	const struct target *lane[3] = { &bare, &filter, &detector };
	const __u32 verdict[3] = { XDP_DROP, t.filter_verdict, t.verdict };
	struct json_object *o;
	__u64 left, lost;
	double ratio;

	if (!chosen(t.key))
		return;
	o = json_object_new_object();
	left = counted(t.leaves);
	lost = counted(PS_COUNT_CONTACT_LOST);
	/* The first round warms the caches; the second takes its place. */
	for (int i = -1; i < rounds; i++)
		for (int n = 0; n < 3; n++)
			if (lane[n]->prog >= 0)
				ns[n][i < 0 ? 0 : i] = one_round(lane[n], &t, verdict[n]);
	check_way(&t, counted(t.leaves) - left, counted(PS_COUNT_CONTACT_LOST) - lost);
	add_spread(o, "empty", ns[0], rounds);
	if (filter.prog >= 0)
		add_spread(o, "filter", ns[1], rounds);
	add_spread(o, "ours", ns[2], rounds);
	ratio = filter.prog >= 0 ? (ns[2][0] - ns[0][0]) / (ns[1][0] - ns[0][0]) : 0;
	if (filter.prog >= 0)
		add_double(o, "ratio", ratio);
	json_object_object_add(report, t.key, o);
	fprintf(stderr, "%-44s %6.1f %6.1f %6.1f %7.1f %7.1f %7.2f\n", t.what, ns[0][0], ns[1][0],
		ns[2][0], ns[2][rounds / 2], ns[2][0] - ns[0][0], ratio);
}

/* ---- the paths -------------------------------------------------------------------- */

static void block_source(union ps_addr src)
{
	struct ps_block block = { .until_ns = ~0ULL >> 1, .span_ns = 600 * 1000000000ULL };

	must(bpf_map_update_elem(pscan->fd[XDP_MAP_BLOCKS], &src, &block, BPF_ANY) == 0,
	     "blocking the source");
}

/* A connection over loopback. Return: the port of its client. */
static __u16 connection(int family)
{
	struct sockaddr_in6 sa = { .sin6_family = (sa_family_t)family, .sin6_port = htons(SERVER_PORT) };
	int listener = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0);
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t bytes = sizeof(sa);

	if (family == AF_INET6)
		sa.sin6_addr = in6addr_loopback;
	else
		((struct sockaddr_in *)&sa)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(ioctl(udp, SIOCSIFFLAGS, &ifr) == 0, "lo up");
	must(bind(listener, (struct sockaddr *)&sa, bytes) == 0 && listen(listener, 1) == 0 &&
	     connect(client, (struct sockaddr *)&sa, bytes) == 0 &&
	     getsockname(client, (struct sockaddr *)&sa, &bytes) == 0, "connection");
	close(udp);
	return ntohs(sa.sin6_port); /* at the same place in both families */
}

static void open_doors(void)
{
	__be32 lo4 = htonl(INADDR_LOOPBACK);
	union ps_addr lo6 = { .w = { 0, 0, 0, htonl(1) } };

	row((struct traffic){ "blocked source, bare probe", "blocked",
		PKT(ETH(), IPV4(), TCP(.dport = 80)), XDP_DROP, XDP_DROP, .leaves = PS_COUNT_DROP });
	row((struct traffic){ "  the same over IPv6", "blocked6",
		PKT(ETH(), IPV6(), TCP(.dport = 80)), XDP_DROP, XDP_DROP, .leaves = PS_COUNT_DROP });
	row((struct traffic){ "established TCP data packet", "established",
		PKT(ETH(), IPV4(.src = lo4, .dst = lo4), TCP(.sport = connection(AF_INET),
		    .dport = SERVER_PORT, .flags = PS_TCP_ACK | PS_TCP_PSH)),
		XDP_PASS, XDP_PASS, .leaves = PS_COUNT_FLOW });
	row((struct traffic){ "  the same over IPv6", "established6",
		PKT(ETH(), IPV6(.src = lo6, .dst = lo6), TCP(.sport = connection(AF_INET6),
		    .dport = SERVER_PORT, .flags = PS_TCP_ACK | PS_TCP_PSH)),
		XDP_PASS, XDP_PASS, .leaves = PS_COUNT_FLOW });
}

/* Under the rule as it is shipped: six ports below 1024 are 18 points, 20 above are 20. */
static void probes(void)
{
	struct pkt syn = PKT(ETH(), IPV4(), TCP());
	struct pkt ack = PKT(ETH(), IPV4(), TCP(.flags = PS_TCP_ACK));

	row((struct traffic){ "first packet of a new source", "new_source", syn, XDP_PASS, XDP_PASS,
		TEST_RUN_BATCH, 0, 1, 80, .leaves = PS_COUNT_FIRST });
	row((struct traffic){ "  while contacts wait unread", "new_source_crowded", syn, XDP_PASS,
		XDP_PASS, TEST_RUN_BATCH, 0, 1, 80, true, PS_COUNT_FIRST });
	row((struct traffic){ "second port: a record is made", "second_port", syn, XDP_PASS, XDP_PASS,
		1500, 1, 1, 101, .leaves = PS_COUNT_SCORED });
	row((struct traffic){ "known source, a new port, 3rd to 6th", "new_port", syn, XDP_PASS,
		XDP_PASS, 500, 2, 4, 101, .leaves = PS_COUNT_SCORED });
	row((struct traffic){ "  3rd to 20th, above 1023", "new_port_high", syn, XDP_PASS, XDP_PASS,
		150, 2, 18, 1025, .leaves = PS_COUNT_SCORED });
	row((struct traffic){ "  ACK to a new port, look-up, 3rd to 6th", "new_port_ack", ack,
		XDP_PASS, XDP_PASS, 500, 2, 4, 101, .leaves = PS_COUNT_SCORED });
	cfg->untracked_until_ns[0] = 0;
	row((struct traffic){ "    where flows are tracked", "new_port_ack_tracked", ack, XDP_PASS,
		XDP_PASS, 500, 2, 4, 101, .leaves = PS_COUNT_SCORED });
	cfg->untracked_until_ns[0] = ~0ULL;
	row((struct traffic){ "known source, same port again", "known_port",
		PKT(ETH(), IPV4(.src = A4(192, 0, 2, 9)), TCP(.dport = 1025)), XDP_PASS, XDP_PASS,
		.leaves = PS_COUNT_AGAIN });
	cfg->rule.respond = PS_RESPOND_MONITOR;
	row((struct traffic){ "only watched, a new port, 32 held", "new_port_watched", syn, XDP_PASS,
		XDP_PASS, 1, 40, 3000, 1025, .leaves = PS_COUNT_SCORED });
	cfg->rule.respond = PS_RESPOND_SOFT;
}

/* Beyond --probe-rate; none but a SYN is dropped unscored. */
static void flood(void)
{
	struct pkt syn = PKT(ETH(), IPV4(), TCP());
	struct pkt fin = PKT(ETH(), IPV4(), TCP(.flags = PS_TCP_FIN));

	cfg->probe_rate = 1;
	row((struct traffic){ "in a flood, a FIN of a new source", "held", fin, XDP_DROP, XDP_PASS,
		TEST_RUN_BATCH, 0, 1, 80, true, PS_COUNT_HELD });
	row((struct traffic){ "in a flood, a SYN of a new source", "shed", syn, XDP_DROP, XDP_PASS,
		TEST_RUN_BATCH, 0, 1, 80, .leaves = PS_COUNT_SHED });
}

/* ---- two CPUs ------------------------------------------------------------------------ */

struct worker {
	int prog;
	int cpu;
	struct pkt frame;
	__u32 verdict;
	pthread_barrier_t *start;
	double mpps;
};

static void *work(void *data)
{
	struct worker *w = data;
	double begin, end;
	__u64 packets = 0;

	pin_to(w->cpu);
	pthread_barrier_wait(w->start);
	begin = clock_read(CLOCK_MONOTONIC);
	do {
		run_from((__u32)w->cpu, w->prog, &w->frame, TEST_RUN_BATCH, w->verdict);
		packets += TEST_RUN_BATCH;
		end = clock_read(CLOCK_MONOTONIC);
	} while (end - begin < SCALING_NS);
	w->mpps = (double)packets / (end - begin) * 1e3;
	return NULL;
}

static double together(int cpus, struct worker w[2])
{
	pthread_t thread[2];
	pthread_barrier_t start;
	double sum = 0;

	pthread_barrier_init(&start, NULL, (unsigned int)cpus);
	for (int i = 0; i < cpus; i++) {
		w[i].cpu = i;
		w[i].start = &start;
		must(pthread_create(&thread[i], NULL, work, &w[i]) == 0, "thread");
	}
	for (int i = 0; i < cpus; i++) {
		pthread_join(thread[i], NULL);
		sum += w[i].mpps;
	}
	pthread_barrier_destroy(&start);
	return sum;
}

/* Packets a second of one CPU and of two, in turns. */
static void scaling(const char *what, const char *key, struct worker w[2])
{
	double one[SCALING_ROUNDS], two[SCALING_ROUNDS], ratio[SCALING_ROUNDS];
	struct json_object *o;

	if (!chosen(key))
		return;
	o = json_object_new_object();
	for (int i = 0; i < SCALING_ROUNDS; i++) {
		one[i] = together(1, w);
		two[i] = together(2, w);
		ratio[i] = two[i] / one[i];
	}
	add_spread(o, "one_mpps", one, SCALING_ROUNDS);
	add_spread(o, "two_mpps", two, SCALING_ROUNDS);
	add_spread(o, "scaling", ratio, SCALING_ROUNDS);
	json_object_object_add(report, key, o);
	fprintf(stderr, "%-44s %8.2f %8.2f Mpps %8.2fx  (%.2f..%.2f)\n", what,
		one[SCALING_ROUNDS / 2], two[SCALING_ROUNDS / 2], ratio[SCALING_ROUNDS / 2],
		ratio[0], ratio[SCALING_ROUNDS - 1]);
}

/* On two CPUs two walks: each its own ports of one source, or its own sources. */
static void scaling_walks(const char *what, const char *key, __u32 sources, __u32 ports,
			  __u32 verdict)
{
	struct worker w[2];

	for (int i = 0; i < 2; i++) {
		struct walk_bpf *walk = i ? target_of(detector.prog).walk : detector.walk;

		walk->data->sources = sources;
		walk->data->ports = ports;
		walk->data->first_port = 1024 + (ports > 1 ? (__u32)i * 30000 : 0);
		walk->bss->first_source = sources > 1 ? (__u32)i << 31 : 0x7fffffff;
		w[i] = (struct worker){ .prog = bpf_program__fd(walk->progs.walk),
					.frame = PKT(ETH(), IPV4(), TCP()), .verdict = verdict };
	}
	scaling(what, key, w);
}

static void cpus(void)
{
	struct worker blocked = { .prog = detector.prog, .frame = PKT(ETH(), IPV4(), TCP(.dport = 80)),
				  .verdict = XDP_DROP };

	fprintf(stderr, "\n%-44s %8s %8s\n", "CPUs", "one", "two");
	scaling("one blocked source", "cpus_blocked", (struct worker[]){ blocked, blocked });
	scaling_walks("many new sources", "cpus_many", 1U << 31, 1, XDP_PASS);
	cfg->probe_rate = 1;
	scaling_walks("  in a flood", "cpus_flood", 1U << 31, 1, XDP_DROP);
	cfg->probe_rate = XDP_PROBE_RATE_MAX;
	cfg->rule.respond = PS_RESPOND_MONITOR;
	scaling_walks("one source that is only watched, new ports", "cpus_known", 1, 30000, XDP_PASS);
	cfg->rule.respond = PS_RESPOND_SOFT;
}

int main(int argc, char **argv)
{
	char title[64];

	if (getenv("ROUNDS"))
		rounds = atoi(getenv("ROUNDS"));
	if (argc > 2 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: prog [XDP-FILTER.o], ROUNDS from 1 to %d\n", ROUNDS_MAX);
		return 2;
	}
	must(unshare(CLONE_NEWNET) == 0, "a network namespace of its own");
	must(system("ip link add queues numrxqueues 2 type veth") == 0, "a device with two queues");
	load_detector();
	cfg->queue_bits = 1; /* as the loader sets it for that many queues */
	detector = target_of(pscan->prog);
	block_source(pkt_v4(PKT_SRC4));
	block_source(PKT_SRC6);
	bare = target_of(-1);
	filter.prog = -1;
	if (argc > 1)
		filter = target_of(load_filter(argv[1]));
	report = json_object_new_object();

	/* A migration in the middle of a round would be part of the figure. */
	pin_to(sched_getcpu());
	snprintf(title, sizeof(title), "ns per packet, least of %d rounds", rounds);
	fprintf(stderr, "%-44s %6s %6s %6s %7s %7s %7s\n", title, "empty", "xdpf", "ours", "median",
		"above", "ratio");
	open_doors();
	probes();
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		cpus();
	flood(); /* nothing passes after this */
	json_print(report);
	return 0;
}
