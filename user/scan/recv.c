// SPDX-License-Identifier: GPL-2.0-only
/* recv.c - see recv.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <pscan/wire.h>

#include "log.h"
#include "scan/recv.h"
#include "scan/timing.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23 /* Linux 4.20 */
#endif

/*
 * 8 MB hold 32,768 answers: many times what arrives between two looks at
 * the fastest rate. 256 bytes hold every header we read, and the quote inside
 * an ICMP error. A full ring loses answers; that is counted and told, and
 * retries make up for it.
 */
#define FRAME_BYTES 256
#define BLOCK_BYTES (1 << 20)
#define RING_BYTES (8 << 20)
#define FRAMES (RING_BYTES / FRAME_BYTES)

/* Longest program: 20 steps and two per port. */
#define FILTER_MAX 96

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void step(struct filter *filter, __u16 code, __u32 k, __u8 yes, __u8 no)
{
	filter->code[filter->n++] = (struct sock_filter)BPF_JUMP(code, k, yes, no);
}

#define LOAD_WORD (BPF_LD | BPF_W | BPF_ABS)
#define LOAD_HALF (BPF_LD | BPF_H | BPF_ABS)
#define LOAD_BYTE (BPF_LD | BPF_B | BPF_ABS)
#define IF_EQUAL (BPF_JMP | BPF_JEQ | BPF_K)
#define RETURN (BPF_RET | BPF_K)

/* Accepts when A is one of our ports, else drops. */
static void step_ports(struct filter *filter, const struct probe_context *context)
{
	for (unsigned int i = 0; i < context->tcp_port_count; i++) {
		step(filter, IF_EQUAL, context->tcp_ports[i], 0, 1);
		step(filter, RETURN, FRAME_BYTES, 0, 0);
	}
	for (unsigned int i = 0; i < context->udp_port_count; i++) {
		step(filter, IF_EQUAL, context->udp_ports[i], 0, 1);
		step(filter, RETURN, FRAME_BYTES, 0, 0);
	}
	step(filter, RETURN, 0, 0, 0);
}

/*
 * To our ports, any ICMP, ARP. An IPv6 packet with extension headers is let
 * through: parse.h follows them, four lines of filter could not.
 */
static void make_filter(struct filter *filter, const struct probe_context *context)
{
	filter->n = 0;
	step(filter, LOAD_WORD, (__u32)(SKF_AD_OFF + SKF_AD_PROTOCOL), 0, 0);
	step(filter, IF_EQUAL, PS_ETH_ARP, 1, 0);
	step(filter, IF_EQUAL, PS_ETH_IPV6, 7, 1); /* over 7 to the IPv6 part */
	step(filter, RETURN, FRAME_BYTES, 0, 0);
	step(filter, IF_EQUAL, PS_ETH_IPV4, 1, 0);
	step(filter, RETURN, 0, 0, 0);
	step(filter, LOAD_BYTE, 9, 0, 0);
	step(filter, IF_EQUAL, PS_IP_ICMP, 0, 1);
	step(filter, RETURN, FRAME_BYTES, 0, 0);
	step(filter, BPF_JMP | BPF_JA, 5, 0, 0); /* over 5 to the IPv4 ports */
	step(filter, LOAD_BYTE, 6, 0, 0);
	step(filter, IF_EQUAL, PS_IP_TCP, 2, 0);
	step(filter, IF_EQUAL, PS_IP_UDP, 1, 0);
	step(filter, RETURN, FRAME_BYTES, 0, 0);
	step(filter, BPF_JMP | BPF_JA, 3, 0, 0);
	step(filter, BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0);
	step(filter, BPF_LD | BPF_H | BPF_IND, 2, 0, 0);
	step(filter, BPF_JMP | BPF_JA, 1, 0, 0);
	step(filter, LOAD_HALF, 40 + 2, 0, 0);
	step_ports(filter, context);
}

static int set_filter(int fd, const struct probe_context *context)
{
	struct filter filter;
	struct sock_fprog program = { .filter = filter.code };

	make_filter(&filter, context);
	program.len = filter.n;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int map_ring(struct receiver *receiver)
{
	struct tpacket_req request = {
		.tp_block_size = BLOCK_BYTES,
		.tp_block_nr = RING_BYTES / BLOCK_BYTES,
		.tp_frame_size = FRAME_BYTES,
		.tp_frame_nr = FRAMES,
	};
	int version = TPACKET_V2, one = 1;

	if (setsockopt(receiver->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(receiver->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		return -errno;
	/* On loopback everything is seen twice otherwise; older kernels cost only time. */
	setsockopt(receiver->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	receiver->ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			      receiver->fd, 0);
	if (receiver->ring == MAP_FAILED)
		return -errno;
	receiver->ring_bytes = RING_BYTES;
	return 0;
}

int receiver_open(struct receiver *receiver, const struct probe_context *context)
{
	struct sockaddr_ll any = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int err = 0;

	memset(receiver, 0, sizeof(*receiver));
	receiver->ring = MAP_FAILED;
	/* Protocol 0: nothing arrives before the filter and the ring are in place. */
	receiver->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (receiver->fd < 0)
		err = -errno;
	if (!err && set_filter(receiver->fd, context) < 0)
		err = -errno;
	if (!err)
		err = map_ring(receiver);
	if (!err && bind(receiver->fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		err = -errno;
	if (err) {
		log_error("cannot receive from a packet socket: %s%s", strerror(-err),
			  err == -EPERM ? "; raw techniques need root or CAP_NET_RAW, "
					  "or use --connect"
					: "");
		receiver_close(receiver);
	}
	return err;
}

void receiver_close(struct receiver *receiver)
{
	if (receiver->ring != MAP_FAILED && receiver->ring)
		munmap(receiver->ring, receiver->ring_bytes);
	if (receiver->fd >= 0)
		close(receiver->fd);
	receiver->ring = MAP_FAILED;
	receiver->fd = -1;
}

/* Packet time stamps are wall-clock; everything else here is monotonic. */
static __u64 clock_offset(void)
{
	struct timespec wall, mono;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (__u64)(wall.tv_sec - mono.tv_sec) * NS_PER_S + (__u64)(wall.tv_nsec - mono.tv_nsec);
}

unsigned int receiver_drain(struct receiver *receiver, unsigned int most, receiver_fn handle,
			    void *context)
{
	__u64 offset = clock_offset();
	unsigned int n = 0;

	for (; n < most; n++) {
		struct tpacket2_hdr *frame = receiver->ring + (size_t)receiver->next * FRAME_BYTES;
		const struct sockaddr_ll *from;
		struct received received;

		if (!(__atomic_load_n(&frame->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		from = (const void *)((__u8 *)frame + TPACKET_ALIGN(sizeof(*frame)));
		received.data = (const __u8 *)frame + frame->tp_net;
		received.end = received.data + frame->tp_snaplen;
		received.type = ntohs(from->sll_protocol);
		received.ifindex = from->sll_ifindex;
		received.time_ns = frame->tp_sec * NS_PER_S + frame->tp_nsec - offset;
		handle(context, &received);
		__atomic_store_n(&frame->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		receiver->next = (receiver->next + 1) % FRAMES;
	}
	return n;
}

void receiver_count_drops(struct receiver *receiver)
{
	struct tpacket_stats stats;
	socklen_t length = sizeof(stats);

	if (getsockopt(receiver->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length) == 0)
		receiver->drops += stats.tp_drops;
}
