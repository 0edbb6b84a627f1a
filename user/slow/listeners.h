/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listeners.h - where TCP sockets of this network namespace listen, asked of the
 * kernel over netlink (sock_diag(7)). Needs no privilege; silent.
 */
#ifndef PSCAN_USER_SLOW_LISTENERS_H
#define PSCAN_USER_SLOW_LISTENERS_H

#include <pscan/packet.h>

struct listeners;

int listeners_open(struct listeners **out);
void listeners_close(struct listeners *l); /* NULL is fine */

/* Asks anew. 0 or a negative errno, and then nothing is known to listen. */
int listeners_refresh(struct listeners *l);

/* As of the latest refresh. A socket for any address counts for each of its family. */
bool listeners_has(const struct listeners *l, const union ps_addr *addr, __u16 port);

#endif
