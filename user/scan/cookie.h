/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cookie.h - a keyed value that binds a reply to the probe it answers, so that
 * no list of probes in flight is needed and nobody off the path can forge an
 * answer.
 *
 * Layout of the 32 bits a TCP sequence number offers:
 *   31..8  SipHash of target, ports and key
 *    7..2  attempt, so that a late answer is credited to the right try
 *    1..0  zero: a reply may acknowledge one or two more (SYN, FIN)
 */
#ifndef PSCAN_SCAN_COOKIE_H
#define PSCAN_SCAN_COOKIE_H

#include <pscan/packet.h>

#define COOKIE_KEY_BYTES 16
#define COOKIE_ATTEMPTS 64

struct cookie_key {
	unsigned char bytes[COOKIE_KEY_BYTES];
};

/* Fills the key from the system's random source. */
void cookie_key_random(struct cookie_key *key);

/* @attempt below COOKIE_ATTEMPTS. */
__u32 cookie_make(const struct cookie_key *key, const union ps_addr *target, __u16 port,
		  __u16 own_port, unsigned int attempt);

/* True when @value, give or take what a reply adds, is the cookie of that probe. */
bool cookie_check(const struct cookie_key *key, const union ps_addr *target, __u16 port,
		  __u16 own_port, __u32 value, unsigned int *attempt);

#endif
