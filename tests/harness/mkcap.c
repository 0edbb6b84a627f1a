/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mkcap.c - writes the captures of the golden tests, each a small story told
 * with the packet builder: `mkcap STORY FILE`, or `mkcap` for the list.
 */
#include <pcap/pcap.h>
#include <stdio.h>

#include "pkt.h"

#define MS 1000000ULL
#define SYN PS_TCP_SYN
#define ACK PS_TCP_ACK
#define SYNACK (PS_TCP_SYN | PS_TCP_ACK)
#define DATA_FLAGS (PS_TCP_PSH | PS_TCP_ACK)
#define FINACK (PS_TCP_FIN | PS_TCP_ACK)
#define XMAS (PS_TCP_FIN | PS_TCP_PSH | PS_TCP_URG)
#define IS_UDP 0x100

static pcap_dumper_t *out;
static __u64 now_ns = 1700000000ULL * 1000 * MS;

static const __u16 low[] = { 22, 23, 25, 80, 443, 21, 53 }; /* 21 points */

static void put(struct pkt p)
{
	struct pcap_pkthdr h = { .caplen = p.bytes, .len = p.bytes,
				 .ts = { .tv_sec = (time_t)(now_ns / (1000 * MS)),
					 .tv_usec = (suseconds_t)(now_ns % (1000 * MS)) } };

	pcap_dump((u_char *)out, &h, p.data);
}

static void later(__u64 ms)
{
	now_ns += ms * MS;
}

static void tcp(__be32 src, __u16 sport, __be32 dst, __u16 dport, int flags)
{
	put(PKT(ETH(), IPV4(.src = src, .dst = dst),
		TCP(.sport = sport, .dport = dport, .flags = (__u8)flags)));
	later(1);
}

static void segment(__be32 src, __u16 sport, __be32 dst, __u16 dport)
{
	put(PKT(ETH(), IPV4(.src = src, .dst = dst),
		TCP(.sport = sport, .dport = dport, .flags = DATA_FLAGS), DATA(100)));
	later(1);
}

static void udp(__be32 src, __u16 sport, __be32 dst, __u16 dport)
{
	put(PKT(ETH(), IPV4(.src = src, .dst = dst), UDP(.sport = sport, .dport = dport), DATA(40)));
	later(1);
}

/* One probe of the usual scanner to the usual host; @flags: TCP's, or IS_UDP. */
static void probe(int flags, __u16 port)
{
	if (flags & IS_UDP)
		udp(PKT_SRC4, 40000, PKT_DST4, port);
	else
		tcp(PKT_SRC4, 40000, PKT_DST4, port, flags);
}

static void seven(int flags, __u64 gap_ms)
{
	for (int i = 0; i < 7; i++) {
		probe(flags, low[i]);
		later(gap_ms - 1);
	}
}

static void story_syn(void) { seven(SYN, 10); }
static void story_ecn(void) { seven(SYN | PS_TCP_ECE | PS_TCP_CWR, 10); }
static void story_ack(void) { seven(ACK, 10); }
static void story_null(void) { seven(0, 10); }
static void story_xmas(void) { seven(XMAS, 10); }
static void story_fin(void) { seven(PS_TCP_FIN, 10); }
static void story_maimon(void) { seven(FINACK, 10); }
static void story_other(void) { seven(SYN | PS_TCP_FIN, 10); }
static void story_udp(void) { seven(IS_UDP, 10); }

/* Replies that nobody asked for: whoever forges our address makes victims send them. */
static void story_backscatter(void)
{
	seven(SYNACK, 10);
	seven(PS_TCP_RST, 10);
	seven(PS_TCP_RST | ACK, 10);
}

/* 20 points. */
static void story_under(void)
{
	for (int i = 0; i < 6; i++)
		probe(SYN, low[i]);
	probe(SYN, 8080);
	probe(SYN, 8443);
}

/* The seventh port exactly 300 ms after the first, and just too late. */
static void story_edge(void) { seven(SYN, 50); }
static void story_slow(void) { seven(SYN, 51); }

/* As nmap -T0: a probe every five minutes, for three quarters of an hour, each refused. */
static void story_patient(void)
{
	for (__u16 i = 0; i < 9; i++) {
		probe(SYN, 3001 + i);
		tcp(PKT_DST4, 3001 + i, PKT_SRC4, 40000, PS_TCP_RST | ACK);
		later(300000 - 2);
	}
}

static void story_traps(void)
{
	probe(SYN, 11);
	probe(SYN, 2000);
	probe(SYN, 30000);
}

static void story_again(void)
{
	for (int i = 0; i < 100; i++)
		probe(SYN, i & 1 ? 22 : 80);
}

static void story_mixed(void)
{
	static const int flags[] = { SYN, 0, PS_TCP_FIN, XMAS, 0, IS_UDP, 0 };

	for (int i = 0; i < 7; i++)
		probe(flags[i], low[i]);
}

static void story_vlan(void)
{
	for (int i = 0; i < 7; i++) {
		put(PKT(ETH(), VLAN(.tpid = PS_ETH_QINQ), VLAN(), IPV4(), TCP(.dport = low[i])));
		later(1);
	}
}

/* IPv6, behind extension headers. */
static void story_v6(void)
{
	for (int i = 0; i < 7; i++) {
		put(PKT(ETH(), IPV6(), EXT(), EXT(.type = PS_IP_ROUTING), TCP(.dport = low[i])));
		later(1);
	}
}

/* First fragments that end inside the TCP header, as only scanners send them. */
static void story_tiny(void)
{
	for (int i = 0; i < 7; i++) {
		struct pkt p = PKT(ETH(), IPV4(.frag = PS_IPV4_MF), TCP(.dport = low[i]));

		p.data[p.l3 + 2] = 0;
		p.data[p.l3 + 3] = 28; /* total length: 8 bytes of TCP */
		p.bytes = p.l3 + 28;
		put(p);
		later(1);
	}
}

static void story_horizontal(void)
{
	for (__u8 host = 1; host < 60; host++)
		tcp(PKT_SRC4, 40000, A4(203, 0, 113, host), 22, SYN);
}

static void story_block(void)
{
	for (int i = 0; i < 7; i++)
		for (__u8 host = 1; host < 4; host++)
			tcp(PKT_SRC4, 40000, A4(203, 0, 113, host), low[i], SYN);
}

/* Every connection of a hundred clients, both directions: its answers are no probes. */
static void story_server(void)
{
	for (__u16 c = 0; c < 100; c++) {
		tcp(A4(198, 51, 100, 100 + c), 30000 + c, PKT_DST4, 443, SYN);
		tcp(PKT_DST4, 443, A4(198, 51, 100, 100 + c), 30000 + c, SYNACK);
		tcp(A4(198, 51, 100, 100 + c), 30000 + c, PKT_DST4, 443, ACK);
		segment(PKT_DST4, 443, A4(198, 51, 100, 100 + c), 30000 + c);
	}
	for (__u16 c = 0; c < 100; c++)
		tcp(PKT_DST4, 443, A4(198, 51, 100, 100 + c), 30000 + c, FINACK);
}

/* The same, but the capture starts in the middle. */
static void story_midstream(void)
{
	for (__u16 c = 0; c < 100; c++)
		segment(PKT_DST4, 443, A4(198, 51, 100, 100 + c), 30000 + c);
	for (__u16 c = 0; c < 100; c++)
		tcp(A4(198, 51, 100, 100 + c), 30000 + c, PKT_DST4, 443, ACK);
}

static void story_resolver(void)
{
	for (__u16 q = 0; q < 100; q++) {
		udp(PKT_DST4, 20000 + q, A4(192, 0, 2, 53), 53);
		udp(A4(192, 0, 2, 53), 53, PKT_DST4, 20000 + q);
	}
}

/* One scanner and four decoys, interleaved. */
static void story_decoys(void)
{
	for (int i = 0; i < 7; i++)
		for (__u8 d = 0; d < 5; d++)
			tcp(A4(198, 51, 100, 7 + d), 40000, PKT_DST4, low[i], SYN);
}

/* A block's life under --block-time 10s: an open connection is spared, probes
 * renew it, silence ends it, and the next scan makes a new one. */
static void story_life(void)
{
	tcp(PKT_SRC4, 50000, PKT_DST4, 22, SYN);
	tcp(PKT_DST4, 22, PKT_SRC4, 50000, SYNACK);
	tcp(PKT_SRC4, 50000, PKT_DST4, 22, ACK);
	later(1000);
	seven(SYN, 10);
	segment(PKT_SRC4, 50000, PKT_DST4, 22);
	later(6000);
	probe(SYN, 8080);
	later(11000);
	tcp(A4(198, 51, 100, 99), 40000, PKT_DST4, 80, SYN);
	seven(SYN, 10);
}

/* Queues that deliver out of order, and two files joined in the wrong order. */
static void story_backwards(void)
{
	for (int i = 0; i < 7; i++) {
		probe(SYN, low[i]);
		now_ns -= i & 1 ? 0 : 3 * MS;
		later(2);
	}
	now_ns -= 3600 * 1000 * MS;
	for (int i = 0; i < 7; i++)
		tcp(A4(198, 51, 100, 8), 40000, PKT_DST4, low[i], SYN);
}

/* Group addresses, ICMP, ARP: nothing that could be a scan. */
static void story_noise(void)
{
	for (__u16 port = 1; port < 60; port++) {
		udp(PKT_SRC4, 5353, A4(224, 0, 0, 251), port);
		put(PKT(ETH(.type = PS_ETH_ARP), DATA(28)));
		put(PKT(ETH(), IPV4(), ICMP()));
		put(PKT(ETH(.dst = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }), IPV4(), UDP(.dport = port)));
	}
}

#define STORY(name) { #name, story_##name }

static const struct {
	const char *name;
	void (*tell)(void);
} stories[] = {
	STORY(syn), STORY(ecn), STORY(ack), STORY(null), STORY(xmas), STORY(fin), STORY(maimon),
	STORY(other), STORY(udp), STORY(backscatter), STORY(under), STORY(edge), STORY(slow), STORY(patient),
	STORY(traps), STORY(again), STORY(mixed), STORY(vlan), STORY(v6), STORY(tiny),
	STORY(horizontal), STORY(block), STORY(server), STORY(midstream), STORY(resolver),
	STORY(decoys), STORY(life), STORY(backwards), STORY(noise),
};

#define STORIES (sizeof(stories) / sizeof(stories[0]))

static int write_story(const char *name, const char *path)
{
	pcap_t *pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 65535,
							    PCAP_TSTAMP_PRECISION_NANO);
	size_t i = 0;

	while (i < STORIES && strcmp(stories[i].name, name) != 0)
		i++;
	out = pcap && i < STORIES ? pcap_dump_open(pcap, path) : NULL;
	if (!out) {
		fprintf(stderr, "mkcap: %s: %s\n", name,
			i == STORIES ? "no such story" : pcap ? pcap_geterr(pcap) : "no memory");
		return 1;
	}
	stories[i].tell();
	pcap_dump_close(out);
	pcap_close(pcap);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return write_story(argv[1], argv[2]);
	for (size_t i = 0; i < STORIES; i++)
		puts(stories[i].name);
	return argc == 1 ? 0 : 2;
}
