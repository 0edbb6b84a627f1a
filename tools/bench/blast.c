/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * blast.c - a bounded packet generator without hardware: BPF_PROG_TEST_RUN with
 * live frames, out of one interface of a lab. Prints one JSON line.
 *
 *	blast --dev a0 --dst-mac MAC --src A --dst B --count N [--port P[-Q]] [--random]
 *	      [--flags HEX] [--threads N] [--seconds N] [--rate PPS]
 *
 * --random is any source; --sources N the N addresses from --src on (N a power
 * of two, --src aligned to it). --rate is kept frame by frame, by one thread that
 * never sleeps. SIGTERM ends it early, with its line.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <pthread.h>
#include <pscan/wire.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "blast.skel.h"

#define CHUNK 65536 /* frames between two looks at the clock; a fifth of a second at a rate */
#define BATCH 64 /* frames delivered together */
#define BATCH_PACED 16
#define THREADS_MAX 8

struct blast {
	unsigned int ifindex, threads;
	__u8 dst_mac[6];
	struct in_addr src, dst;
	__u16 port_first, port_last;
	__u8 flags;
	bool random;
	__u32 sources;	/* 0: the one, or any with --random */
	double rate;	/* frames per second; 0: as fast as can be */
	__u64 count;	/* frames, of all threads */
	double seconds;
	int prog;
	const volatile __u64 *paced; /* frames sent so far at a rate, by the program's own count */
	unsigned char frame[60];
	__u64 sent[THREADS_MAX];
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

struct worker {
	struct blast *blast;
	unsigned int number;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static __u16 checksum(const void *data, size_t bytes, __u32 sum)
{
	const __u8 *p = data;

	for (size_t i = 0; i + 1 < bytes; i += 2)
		sum += (__u32)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static void build_frame(struct blast *b)
{
	struct ps_eth *eth = (void *)b->frame;
	struct ps_ipv4 *ip = (void *)(eth + 1);
	struct ps_tcp *tcp = (void *)(ip + 1);
	__u32 pseudo = PS_IP_TCP + sizeof(*tcp);

	memcpy(eth->dst, b->dst_mac, 6);
	memcpy(eth->src, "\x02\x00\x00\x00\x00\x99", 6);
	eth->type = htons(PS_ETH_IPV4);
	ip->version_ihl = 0x45;
	ip->total_bytes = htons(sizeof(*ip) + sizeof(*tcp));
	ip->ttl = 64;
	ip->proto = PS_IP_TCP;
	ip->src = b->src.s_addr;
	ip->dst = b->dst.s_addr;
	ip->check = htons(checksum(ip, sizeof(*ip), 0));
	tcp->sport = htons(40000);
	tcp->dport = htons(b->port_first);
	tcp->seq = htonl(0x12345678);
	tcp->offset_res = 5 << 4;
	tcp->flags = b->flags;
	tcp->window = htons(1024);
	for (int i = 0; i < 8; i += 2)
		pseudo += (__u32)((__u8 *)&ip->src)[i] << 8 | ((__u8 *)&ip->src)[i + 1];
	tcp->check = htons(checksum(tcp, sizeof(*tcp), pseudo));
}

static void *work(void *arg)
{
	const struct worker *w = arg;
	struct blast *b = w->blast;
	__u64 share = b->count / b->threads, *sent = &b->sent[w->number];
	__u64 chunk = b->rate > 0 ? (__u64)(b->rate / 5) + 1 : CHUNK;
	double end = now() + b->seconds;

	while (*sent < share && !stopped && now() < end) {
		__u64 left = share - *sent;
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = b->frame,
			    .data_size_in = sizeof(b->frame),
			    .repeat = (int)(left < chunk ? left : chunk),
			    .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
			    .batch_size = b->rate > 0 ? BATCH_PACED : BATCH);

		if (bpf_prog_test_run_opts(b->prog, &opts) && errno != EINTR) {
			fprintf(stderr, "blast: %s\n", strerror(errno));
			break;
		}
		*sent = b->rate > 0 ? *b->paced : *sent + (stopped ? 0 : (__u64)opts.repeat);
	}
	return NULL;
}

static int parse(int argc, char **argv, struct blast *b)
{
	static const struct option options[] = {
		{ "dev", 1, NULL, 'd' },     { "dst-mac", 1, NULL, 'm' }, { "src", 1, NULL, 's' },
		{ "dst", 1, NULL, 't' },     { "count", 1, NULL, 'c' },   { "port", 1, NULL, 'p' },
		{ "random", 0, NULL, 'r' },  { "flags", 1, NULL, 'f' },   { "threads", 1, NULL, 'n' },
		{ "seconds", 1, NULL, 'e' }, { "sources", 1, NULL, 'S' },
		{ "rate", 1, NULL, 'R' },    { 0 },
	};
	unsigned int first, last;
	int c, n;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd': b->ifindex = if_nametoindex(optarg); break;
		case 'm':
			sscanf(optarg, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &b->dst_mac[0],
			       &b->dst_mac[1], &b->dst_mac[2], &b->dst_mac[3], &b->dst_mac[4],
			       &b->dst_mac[5]);
			break;
		case 's': inet_pton(AF_INET, optarg, &b->src); break;
		case 't': inet_pton(AF_INET, optarg, &b->dst); break;
		case 'c': b->count = strtoull(optarg, NULL, 10); break;
		case 'p':
			n = sscanf(optarg, "%u-%u", &first, &last);
			b->port_first = (__u16)first;
			b->port_last = (__u16)(n == 2 ? last : first);
			break;
		case 'r': b->random = true; break;
		case 'f': b->flags = (__u8)strtoul(optarg, NULL, 16); break;
		case 'n': b->threads = (unsigned int)atoi(optarg); break;
		case 'e': b->seconds = atof(optarg); break;
		case 'S': b->sources = (__u32)strtoul(optarg, NULL, 10); break;
		case 'R': b->rate = atof(optarg); break;
		default: return -1;
		}
	}
	if (b->rate > 0 && b->threads > 1)
		return -1;
	return b->ifindex && b->count && b->threads && b->threads <= THREADS_MAX ? 0 : -1;
}

static int run(struct blast *b)
{
	struct worker worker[THREADS_MAX];
	pthread_t thread[THREADS_MAX];
	double start = now(), took;
	__u64 sent = 0;

	for (unsigned int i = 0; i < b->threads; i++) {
		worker[i] = (struct worker){ b, i };
		pthread_create(&thread[i], NULL, work, &worker[i]);
	}
	for (unsigned int i = 0; i < b->threads; i++) {
		pthread_join(thread[i], NULL);
		sent += b->sent[i];
	}
	took = now() - start;
	printf("{\"frames\":%llu,\"seconds\":%.4f,\"mpps\":%.4f}\n", (unsigned long long)sent, took,
	       (double)sent / took / 1e6);
	return sent ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct blast b = { .threads = 1, .seconds = 30, .flags = PS_TCP_SYN, .port_first = 80,
			   .port_last = 80 };
	struct blast_bpf *skel;
	int rc;

	if (parse(argc, argv, &b)) {
		fprintf(stderr, "blast: --dev, --dst-mac, --src, --dst and --count are needed; "
			"--rate is for one thread\n");
		return 2;
	}
	skel = blast_bpf__open();
	if (!skel)
		return 1;
	skel->rodata->out_ifindex = b.ifindex;
	skel->rodata->random_bits = b.random ? ~0U : b.sources ? b.sources - 1 : 0;
	skel->rodata->port_first = b.port_first;
	skel->rodata->port_count = (__u16)(b.port_last - b.port_first + 1);
	skel->rodata->gap_ns = b.rate > 0 ? (__u64)(1e9 / b.rate) : 0;
	skel->rodata->frames_max = b.count;
	if (blast_bpf__load(skel)) {
		blast_bpf__destroy(skel);
		return 1;
	}
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop }, NULL);
	b.prog = bpf_program__fd(skel->progs.blast);
	b.paced = &skel->bss->frames;
	build_frame(&b);
	rc = run(&b);
	blast_bpf__destroy(skel);
	return rc;
}
