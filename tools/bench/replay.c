/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay.c - what tools/bench/replay.sh measures with.
 *
 *	replay gen FILE N	writes a capture of N packets: a busy server's
 *				traffic with scans and forged sources in it
 *	replay forge FILE N	... of N packets from N/2 forged sources, two ports each
 *	replay loop FILE	reads it through an empty libpcap loop
 *	replay cost CMD...	runs it, its output thrown away
 *
 * cost prints seconds of wall time and the most memory in KB. A capture is the
 * same for the same N.
 */
#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pscan/hash.h>
#include <pscan/wire.h>

#define FLOWS 200000	/* connections open at a time */
#define SCANNERS 1000
#define DATA_BYTES 32
#define SPACING_NS 2000	/* 500,000 packets a second */

struct frame {
	struct ps_eth eth;
	struct ps_ipv4 ip;
	union {
		struct ps_tcp tcp;
		struct ps_udp udp;
	};
	__u8 data[DATA_BYTES];
} PS_PACKED;

static __u64 state = 1;

static __u32 pick(__u32 below)
{
	state += 0x9e3779b97f4a7c15ULL;
	return (__u32)((ps_mix(state) >> 32) * below >> 32);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void set_ip(struct frame *f, __u32 src, __u32 dst, __u8 proto, size_t l4_bytes)
{
	memset(f, 0, sizeof(*f));
	f->eth.type = htons(PS_ETH_IPV4);
	f->ip.version_ihl = 0x45;
	f->ip.ttl = 64;
	f->ip.proto = proto;
	f->ip.total_bytes = htons((__u16)(sizeof(f->ip) + l4_bytes));
	f->ip.src = htonl(src);
	f->ip.dst = htonl(dst);
}

static size_t tcp_frame(struct frame *f, __u32 src, __u16 sport, __u32 dst, __u16 dport,
			__u8 flags, size_t data)
{
	set_ip(f, src, dst, PS_IP_TCP, sizeof(f->tcp) + data);
	f->tcp.sport = htons(sport);
	f->tcp.dport = htons(dport);
	f->tcp.offset_res = 5 << 4;
	f->tcp.flags = flags;
	return sizeof(f->eth) + sizeof(f->ip) + sizeof(f->tcp) + data;
}

static size_t udp_frame(struct frame *f, __u32 src, __u16 sport, __u32 dst, __u16 dport)
{
	set_ip(f, src, dst, PS_IP_UDP, sizeof(f->udp) + DATA_BYTES);
	f->udp.sport = htons(sport);
	f->udp.dport = htons(dport);
	f->udp.bytes = htons(sizeof(f->udp) + DATA_BYTES);
	return sizeof(f->eth) + sizeof(f->ip) + sizeof(f->udp) + DATA_BYTES;
}

#define SERVER 0xcb007105 /* 203.0.113.5 */
#define CLIENTS 0xc6120000 /* 198.18.0.0/15, RFC 2544 */
#define SCANS 0xc6336400 /* 198.51.100.0 */

/* Packet @i of the capture. Of 100: 86 of open connections, 8 DNS, 4 probes, 2 forged. */
static size_t make_frame(struct frame *f, __u64 i)
{
	__u32 kind = pick(100), flow = pick(FLOWS);
	__u32 client = CLIENTS + flow % 65536;
	__u16 port = (__u16)(20000 + flow / 65536);

	if (i < 2 * FLOWS) { /* each connection opens from either side first */
		client = CLIENTS + (__u32)(i / 2) % 65536;
		port = (__u16)(20000 + i / 2 / 65536);
		return i & 1 ? tcp_frame(f, SERVER, 443, client, port, PS_TCP_SYN | PS_TCP_ACK, 0)
			     : tcp_frame(f, client, port, SERVER, 443, PS_TCP_SYN, 0);
	}
	if (kind < 43)
		return tcp_frame(f, client, port, SERVER, 443, PS_TCP_ACK, 0);
	if (kind < 86)
		return tcp_frame(f, SERVER, 443, client, port, PS_TCP_ACK | PS_TCP_PSH, DATA_BYTES);
	if (kind < 90)
		return udp_frame(f, client, port, SERVER, 53);
	if (kind < 94)
		return udp_frame(f, SERVER, 53, client, port);
	if (kind < 98)
		return tcp_frame(f, SCANS + pick(SCANNERS), 40000, SERVER, (__u16)pick(65536),
				 PS_TCP_SYN, 0);
	return tcp_frame(f, pick(0xe0000000), 1024, SERVER, (__u16)pick(65536), PS_TCP_SYN, 0);
}

/* Packet @i of a flood that passes admission: every source probes two ports. */
static size_t forge_frame(struct frame *f, __u64 i)
{
	__u32 src = (__u32)(ps_mix(i / 2 + 1) % 0xdf000000) + 0x01000000;

	return tcp_frame(f, src, 1024, SERVER, i & 1 ? 22 : 80, PS_TCP_SYN, 0);
}

static int generate(const char *path, __u64 n, size_t (*make)(struct frame *f, __u64 i))
{
	pcap_t *pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 128,
							    PCAP_TSTAMP_PRECISION_NANO);
	pcap_dumper_t *out = pcap ? pcap_dump_open(pcap, path) : NULL;
	struct frame frame;

	if (!out) {
		fprintf(stderr, "writing %s: %s\n", path, pcap ? pcap_geterr(pcap) : "no memory");
		return 1;
	}
	for (__u64 i = 0; i < n; i++) {
		struct pcap_pkthdr h = { .ts.tv_sec = (time_t)(1700000000 + i * SPACING_NS / 1000000000),
					 .ts.tv_usec = (suseconds_t)(i * SPACING_NS % 1000000000) };

		h.caplen = h.len = (bpf_u_int32)make(&frame, i);
		pcap_dump((u_char *)out, &h, (const u_char *)&frame);
	}
	if (pcap_dump_flush(out)) {
		fprintf(stderr, "writing %s: the disk is full\n", path);
		return 1;
	}
	pcap_dump_close(out);
	pcap_close(pcap);
	return 0;
}

static void nothing(u_char *user, const struct pcap_pkthdr *h, const u_char *data)
{
	(void)h;
	(void)data;
	++*(__u64 *)user;
}

static int loop(const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, why);
	__u64 n = 0;

	if (!pcap || pcap_loop(pcap, -1, nothing, (u_char *)&n)) {
		fprintf(stderr, "reading %s: %s\n", path, pcap ? pcap_geterr(pcap) : why);
		return 1;
	}
	pcap_close(pcap);
	printf("%llu packets\n", (unsigned long long)n);
	return 0;
}

static int cost(char **command)
{
	double start = seconds();
	struct rusage used;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(127);
		execv(command[0], command);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid || status) {
		fprintf(stderr, "replay: %s did not end well\n", command[0]);
		return 1;
	}
	printf("%.3f %ld\n", seconds() - start, used.ru_maxrss);
	return 0;
}

int main(int argc, char **argv)
{
	int err = 2;

	if (argc > 2 && strcmp(argv[1], "cost") == 0)
		err = cost(argv + 2);
	else if (argc == 4 && strcmp(argv[1], "gen") == 0)
		err = generate(argv[2], strtoull(argv[3], NULL, 10), make_frame);
	else if (argc == 4 && strcmp(argv[1], "forge") == 0)
		err = generate(argv[2], strtoull(argv[3], NULL, 10), forge_frame);
	else if (argc == 3 && strcmp(argv[1], "loop") == 0)
		err = loop(argv[2]);
	else
		fprintf(stderr, "usage: replay gen|forge FILE N | loop FILE | cost CMD...\n");
	return err;
}
