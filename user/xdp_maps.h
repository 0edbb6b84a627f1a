/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_maps.h - what is in the maps, typed. Moves structs across the boundary
 * and decides nothing. All functions return 0 or a negative errno and are
 * silent: the caller knows what the user was doing.
 */
#ifndef PSCAN_USER_XDP_MAPS_H
#define PSCAN_USER_XDP_MAPS_H

#include <stdbool.h>

#include "addr.h"
#include "xdp.h"

int xdp_config_get(const struct xdp *xdp, struct ps_config *out);
int xdp_config_set(const struct xdp *xdp, const struct ps_config *cfg);
/* config.tracked_until_ns and untracked_until_ns; what other processes write meanwhile stays. */
int xdp_tracked_set(const struct xdp *xdp, const __u64 until_ns[2],
		    const __u64 untracked_until_ns[2]);
/* The same for config.sample. */
int xdp_sample_set(const struct xdp *xdp, __u16 sample);
/* ... and of config.queue_bits. */
int xdp_queue_bits_set(const struct xdp *xdp, __u8 bits);

/* The configuration in place, for writing it word by word: what another process writes
 * meanwhile stays. NULL and errno on failure. */
struct ps_config *xdp_config_map(const struct xdp *xdp);
void xdp_config_unmap(struct ps_config *cfg);

/* Ends all that the CPUs remember of flows and of busy blocked sources: what
 * they meet next passes every list and every stage again. */
int xdp_edited(const struct xdp *xdp);

/* Sum over the CPUs. */
int xdp_counters(const struct xdp *xdp, struct ps_counters *out);

/* Called per entry; a return other than 0 ends the walk and is passed on. */
typedef int xdp_source_fn(const struct ps_source *source, void *data);
typedef int xdp_block_fn(const union ps_addr *addr, const struct ps_block *block, void *data);
typedef int xdp_port_fn(const struct ps_port_key *key, __u64 packets, void *data);
typedef int xdp_allow_fn(const struct prefix *prefix, const struct ps_allow *value, void *data);
typedef int xdp_deny_fn(const struct prefix *prefix, const struct ps_deny *value, void *data);

/* Every record, each copied in one piece under its bucket's lock. */
int xdp_each_source(const struct xdp *xdp, xdp_source_fn *fn, void *data);
int xdp_each_block(const struct xdp *xdp, xdp_block_fn *fn, void *data);
int xdp_each_port(const struct xdp *xdp, xdp_port_fn *fn, void *data);
int xdp_each_allow(const struct xdp *xdp, xdp_allow_fn *fn, void *data);
int xdp_each_deny(const struct xdp *xdp, xdp_deny_fn *fn, void *data);

/* One source's record. -ENOENT when it has none. */
int xdp_source_get(const struct xdp *xdp, const union ps_addr *addr, struct ps_source *out);

/* An automatic block. -ENOENT when there is none. */
int xdp_block_get(const struct xdp *xdp, const union ps_addr *addr, struct ps_block *out);
/* Removed blocks drop no further packet. */
int xdp_block_del(const struct xdp *xdp, const union ps_addr *addr);
/*
 * Removes one that ran out by @now_ns. One that the program made in its place meanwhile, or
 * prolonged, is back at once; scans that go on in between are dropped all the same, since
 * their score is over the threshold.
 */
int xdp_block_expire(const struct xdp *xdp, const union ps_addr *addr, __u64 now_ns);
/* Writes one that is there, but for its counts, which stay the program's. A packet that it
 * drops at that moment may go uncounted. */
int xdp_block_set(const struct xdp *xdp, const union ps_addr *addr, const struct ps_block *block);
/* Writes one, new or in the place of what is there. */
int xdp_block_add(const struct xdp *xdp, const union ps_addr *addr, const struct ps_block *block);
/* With so many entries the list is full: the next may push one out. */
size_t xdp_blocks_room(void);
/* Removes those inside @within; NULL: all. Return: how many, or a negative errno. */
int xdp_blocks_lift(const struct xdp *xdp, const struct prefix *within);

/* A source's earlier proven blocks; zero when it has none. */
void xdp_offender_get(const struct xdp *xdp, const union ps_addr *addr, struct ps_offender *out);
int xdp_offender_set(const struct xdp *xdp, const union ps_addr *addr,
		     const struct ps_offender *offender);

/* The lock of the lists, for xdp_load() and xdp_open(); prints the line itself. */
int xdp_lists_open(struct xdp *xdp);
/*
 * Who edits the lists holds it: all up to the next blank line but the look-up of one.
 * It dies with its process. -EBUSY when another kept it for seconds.
 */
int xdp_lists_lock(const struct xdp *xdp);
void xdp_lists_unlock(const struct xdp *xdp);
/* -ENOSPC when the list is full. */
int xdp_allow_add(const struct xdp *xdp, const struct prefix *prefix,
		  const struct ps_allow *value);
int xdp_allow_del(const struct xdp *xdp, const struct prefix *prefix);
/* Near whom the program looks (pscan/near.h), made anew of the entries there are: after
 * deletions, whose bits stay until then, and before a program runs with a config made anew.
 * On error everything stays as it is. */
int xdp_allow_refresh(const struct xdp *xdp);
/* The longest allowed prefix around @addr that is in force, as the program sees it. */
int xdp_allow_find(const struct xdp *xdp, const union ps_addr *addr, struct ps_allow *out);
/* Keep config.deny_count and config.dst_count in step with the lists. */
int xdp_deny_add(const struct xdp *xdp, const struct prefix *prefix, const struct ps_deny *value);
int xdp_deny_del(const struct xdp *xdp, const struct prefix *prefix);
/* Removes what ran out from both lists: a longer prefix hides a shorter one also then. */
int xdp_lists_expire(const struct xdp *xdp);
int xdp_dst_set(const struct xdp *xdp, const struct prefix *prefixes, unsigned int n);

/* Is it one of the own addresses, as the program sees it. */
bool xdp_local_has(const struct xdp *xdp, const union ps_addr *addr);
/* Makes the set of own addresses equal to @addrs. */
int xdp_locals_set(const struct xdp *xdp, const union ps_addr *addrs, unsigned int n);

/* Events. The callback gets each as it comes; see xdp_events_poll(). */
typedef void xdp_event_fn(const struct ps_event *event, void *data);
struct xdp_events;
int xdp_events_open(const struct xdp *xdp, xdp_event_fn *fn, void *data, struct xdp_events **out);
/* Waits at most @timeout_ms; -EINTR on a signal. Return: events handled or a negative errno. */
int xdp_events_poll(struct xdp_events *events, int timeout_ms);
void xdp_events_close(struct xdp_events *events);

/* Contacts. Nobody is woken for them: read them at the poll. */
typedef void xdp_contact_fn(const struct ps_contact *contact, void *data);
struct xdp_contacts;
int xdp_contacts_open(const struct xdp *xdp, xdp_contact_fn *fn, void *data,
		      struct xdp_contacts **out);
/* Hands over what is there. Return: how many, or a negative errno. */
int xdp_contacts_read(struct xdp_contacts *contacts);
void xdp_contacts_close(struct xdp_contacts *contacts);

#endif
