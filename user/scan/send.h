/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * send.h - frames to the kernel in batches: AF_PACKET where the link has
 * hardware addresses, raw IP sockets everywhere else.
 */
#ifndef PSCAN_SCAN_SEND_H
#define PSCAN_SCAN_SEND_H

#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "scan/probe.h"

#define SEND_BATCH 64

enum send_way { SEND_PACKET, SEND_RAW4, SEND_RAW6, SEND_WAYS };

/* Frames waiting for one sendmmsg(). */
struct send_queue {
	int fd; /* -1: closed */
	unsigned int n;
	struct mmsghdr msgs[SEND_BATCH];
	struct iovec iov[SEND_BATCH];
	union {
		struct sockaddr_ll ll;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to[SEND_BATCH];
	__u8 bytes[SEND_BATCH][PROBE_BYTES_MAX];
};

struct sender {
	struct send_queue queues[SEND_WAYS];
	__u64 sent;     /* frames the kernel took */
	__u64 refused;  /* frames it did not take, although tried again */
	bool congested; /* since the last look: a queue below us was full */
};

/* Needs CAP_NET_RAW. Negative errno after a line. */
int sender_open(struct sender *sender);
void sender_close(struct sender *sender);

/* A slot for an Ethernet frame out of @ifindex: room to write to. Flushes when full. */
__u8 *sender_slot_packet(struct sender *sender, int ifindex);

/* A slot for an IP packet to @target (@ifindex is the scope of link-local addresses). */
__u8 *sender_slot_ip(struct sender *sender, const union ps_addr *target, int ifindex);

/* The slot handed out last for that way now holds @bytes. */
void sender_commit(struct sender *sender, enum send_way way, size_t bytes);

/* Hands everything over. 0, or negative errno after a line when sending cannot work at all. */
int sender_flush(struct sender *sender);

#endif
