/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * manners.h - how kinds of hosts answer the TCP packets of a scanner. A table
 * only: responder.c reads it.
 */
#ifndef PSCAN_TESTS_MANNERS_H
#define PSCAN_TESTS_MANNERS_H

#include <linux/types.h>
#include <stdbool.h>

enum reply {
	NOTHING,
	RESET,        /* RFC 9293 section 3.10.7.1 */
	RESET_WINDOW, /* the same, with a window that is not zero */
	ACCEPT,       /* SYN+ACK with a window and an MSS option */
	ACCEPT_ZERO,  /* SYN+ACK with window 0 and no options */
	ACK_ZERO,     /* ACK with window 0: wait */
};

/* What each kind of TCP packet gets; the index says whether the port is open. */
struct manner {
	const char *name;
	enum reply syn[2], ack[2], maimon[2], bare[2]; /* bare: neither SYN nor ACK */
	bool talks_icmp;                               /* echo reply, port unreachable */
	bool counts_ids;                               /* one IP id counter for all it sends */
	__u8 ttl;
};

static const struct manner manners[] = {
	{ .name = "bsd",
	  .syn = { RESET, ACCEPT },
	  .ack = { RESET, RESET_WINDOW },
	  .maimon = { RESET, NOTHING },
	  .bare = { RESET, NOTHING },
	  .talks_icmp = true,
	  .ttl = 64 },
	{ .name = "windows",
	  .syn = { RESET, ACCEPT },
	  .ack = { RESET, RESET },
	  .maimon = { RESET, RESET },
	  .bare = { RESET, RESET },
	  .talks_icmp = true,
	  .ttl = 128 },
	{ .name = "synproxy", .syn = { ACCEPT_ZERO, ACCEPT_ZERO }, .ttl = 64 },
	{ .name = "tarpit", .syn = { ACCEPT, ACCEPT }, .ack = { ACK_ZERO, ACK_ZERO }, .ttl = 64 },
	{ .name = "silent", .ttl = 64 },
	{ .name = "zombie",
	  .syn = { RESET, ACCEPT },
	  .ack = { RESET, RESET },
	  .maimon = { RESET, RESET },
	  .bare = { RESET, NOTHING },
	  .talks_icmp = true,
	  .counts_ids = true,
	  .ttl = 64 },
};

#endif
