/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recv.h - packets from the kernel: one memory-mapped packet socket for all
 * interfaces, its filter, and the count of what was lost on the way.
 *
 * The socket delivers from the network header on, so that Ethernet, tunnels
 * and loopback look alike; what the bytes mean is parse.h's business.
 */
#ifndef PSCAN_SCAN_RECV_H
#define PSCAN_SCAN_RECV_H

#include "scan/probe.h"

struct receiver {
	int fd;
	void *ring;
	size_t ring_bytes;
	unsigned int next;
	__u64 drops; /* packets that did not fit into the ring */
};

struct received {
	const __u8 *data; /* first byte of the network header */
	const __u8 *end;
	__u16 type; /* EtherType */
	int ifindex;
	__u64 time_ns; /* when the kernel saw it, CLOCK_MONOTONIC */
};

typedef void (*receiver_fn)(void *context, const struct received *received);

/* Ready to receive from its return on. Needs CAP_NET_RAW. Negative errno after a line. */
int receiver_open(struct receiver *receiver, const struct probe_context *context);
void receiver_close(struct receiver *receiver);

/* Hands over what is there, at most @most packets; returns how many. */
unsigned int receiver_drain(struct receiver *receiver, unsigned int most, receiver_fn handle,
			    void *context);

/* Adds what the kernel dropped since the last call to ->drops. */
void receiver_count_drops(struct receiver *receiver);

#endif
