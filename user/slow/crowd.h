/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crowd.h - one host of ours as many sources see it: the view over closed ports
 * that finds what each source alone is too small for. Internal to user/slow/.
 */
#ifndef PSCAN_USER_SLOW_CROWD_H
#define PSCAN_USER_SLOW_CROWD_H

#include "slow.h"

/*
 * So many sources with so few probes each, of so many ports within a minute,
 * none of them by many. Chosen well above the noise that an address
 * on the Internet hears, which is a handful of ports a minute.
 */
#define CROWD_SOURCES 8
#define CROWD_PORTS 16
#define CROWD_EACH_MAX 6
#define CROWD_SHARE 2	/* probes of one port; of more, it is what everybody wants */
#define CROWD_NS (60ULL * 1000000000ULL)

/* Decoys: so many ports, each probed by all of them within 50 ms, by packets alike. */
#define DECOY_PORTS 4
#define DECOY_SHARED 2	/* such probes of a source make it one of them */
#define DECOY_NS (50ULL * 1000000ULL)

/* Hosts watched at a time, the least recently probed makes room: 1.3 MB. A host's
 * latest probes are kept, of one port so many: a SYN flood is one port, and
 * must not push the others out. */
#define CROWD_HOSTS 256
#define CROWD_PROBES 128
#define CROWD_PORT_PROBES 12

struct crowds;

/* NULL: no memory. */
struct crowds *crowds_new(__u64 seed);
void crowds_free(struct crowds *crowds); /* NULL is fine */

/* A probe of a port that is not open. True, @out filled: a crowd, told once per SLOW_QUIET_NS. */
bool crowds_see(struct crowds *crowds, const struct ps_contact *c, struct slow_crowd *out);

#endif
