/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chaos.c - `chaos FILE FRAMES SEED`: a capture of random traffic for comparing
 * the two sides of the detection core. A few hundred sources of both families,
 * networks of theirs, few targets and ports, so that they meet often; every flag,
 * tags, extension headers, fragments; a third of the frames damaged; time that
 * mostly goes on. The same seed gives the same file.
 */
#include <pcap/pcap.h>
#include <stdio.h>

#include "pkt.h"

static __u64 state;

/* xorshift64*: repeatable, and good enough to be chaotic. */
static __u32 roll(__u32 sides)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (__u32)((state * 0x2545f4914f6cdd1dULL) >> 32) % sides;
}

static __be32 any4(void)
{
	return roll(4) ? A4(198, 51, 100, roll(40) + 1) : A4(203, 0, 113, roll(4) + 1);
}

/* Hosts of eight networks, and now and then one that is everybody's. */
static union ps_addr any6(void)
{
	union ps_addr a = A6(roll(12) + 1);

	a.b[7] = (__u8)roll(8);
	if (roll(50) == 0)
		memcpy(a.b, "\xfe\x80\0\0\0\0\0\0", 8);
	return a;
}

static __u16 any_port(void)
{
	static const __u16 likely[] = { 11, 12, 2000, 22, 80, 443, 53, 1023, 1024, 65535, 0 };

	return roll(3) ? (__u16)(roll(30) + 1) : likely[roll(sizeof(likely) / sizeof(likely[0]))];
}

static __u8 any_flags(void)
{
	static const __u8 likely[] = { PS_TCP_SYN, PS_TCP_ACK, 0, PS_TCP_FIN,
				       PS_TCP_FIN | PS_TCP_ACK, PS_TCP_SYN | PS_TCP_ACK };

	return roll(4) ? likely[roll(sizeof(likely))] : (__u8)roll(256);
}

static struct pkt any_v4(void)
{
	__u16 frag = roll(12) ? 0 : roll(2) ? PS_IPV4_MF : (__u16)roll(100);
	__u16 options = roll(8) ? 0 : (__u16)(roll(10) * 4);

	switch (roll(8)) {
	case 0:
		return PKT(ETH(), IPV4(.src = any4(), .dst = any4()), ICMP(), DATA(8));
	case 1:
	case 2:
		return PKT(ETH(), IPV4(.src = any4(), .dst = any4(), .frag = frag),
			   UDP(.sport = any_port(), .dport = any_port()), DATA(12));
	case 3:
		return PKT(ETH(), VLAN(.tpid = roll(2) ? PS_ETH_VLAN : PS_ETH_QINQ), VLAN(),
			   IPV4(.src = any4(), .dst = any4()),
			   TCP(.sport = any_port(), .dport = any_port(), .flags = any_flags()));
	default:
		return PKT(ETH(), IPV4(.src = any4(), .dst = any4(), .frag = frag,
				       .option_bytes = options),
			   TCP(.sport = any_port(), .dport = any_port(), .flags = any_flags(),
			       .option_bytes = (__u16)(roll(5) * 4)));
	}
}

static struct pkt any_v6(void)
{
	__u8 type = (const __u8[]){ PS_IP_HOPOPTS, PS_IP_ROUTING, PS_IP_DSTOPTS,
				    PS_IP_FRAGMENT }[roll(4)];

	switch (roll(4)) {
	case 0:
		return PKT(ETH(), VLAN(), IPV6(.src = any6(), .dst = any6()),
			   UDP(.sport = any_port(), .dport = any_port()), DATA(12));
	case 1:
		return PKT(ETH(), IPV6(.src = any6(), .dst = any6()),
			   EXT(.type = type, .offset_m = (__u16)(roll(3) ? 0 : roll(32))), EXT(),
			   TCP(.dport = any_port(), .flags = any_flags()));
	default:
		return PKT(ETH(), IPV6(.src = any6(), .dst = any6()),
			   TCP(.sport = any_port(), .dport = any_port(), .flags = any_flags()));
	}
}

static void damage(struct pkt *p)
{
	for (__u32 n = roll(4); n; n--)
		p->data[12 + roll(p->bytes - 12)] = (__u8)roll(256);
	if (roll(4) == 0)
		p->bytes = 14 + roll(p->bytes - 13);
}

int main(int argc, char **argv)
{
	pcap_t *none = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 65535,
							    PCAP_TSTAMP_PRECISION_NANO);
	__u64 now_ns = 1700000000ULL * 1000000000ULL, frames;
	pcap_dumper_t *out;

	if (argc != 4 || !none) {
		fprintf(stderr, "usage: chaos FILE FRAMES SEED\n");
		return 2;
	}
	frames = strtoull(argv[2], NULL, 10);
	state = strtoull(argv[3], NULL, 10) * 2 + 1;
	out = pcap_dump_open(none, argv[1]);
	if (!out) {
		fprintf(stderr, "chaos: %s\n", pcap_geterr(none));
		return 1;
	}
	for (__u64 i = 0; i < frames; i++) {
		struct pkt p = roll(3) ? any_v4() : any_v6();
		struct pcap_pkthdr h = { .ts = { .tv_sec = (time_t)(now_ns / 1000000000),
						 .tv_usec = (suseconds_t)(now_ns % 1000000000) } };

		if (roll(3) == 0)
			damage(&p);
		h.caplen = h.len = p.bytes;
		pcap_dump((u_char *)out, &h, p.data);
		now_ns += roll(5) ? roll(3000000) : roll(60000000);
		now_ns -= roll(200) ? 0 : roll(20000000);
	}
	pcap_dump_close(out);
	pcap_close(none);
	return 0;
}
