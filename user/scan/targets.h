/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * targets.h - which addresses are scanned: texts to disjoint ranges, and the
 * index space over them.
 *
 * Addresses are never listed one by one: a /8 is one range. Overlapping and
 * repeated targets fall together, excludes are cut out. Only host names and
 * list files cause I/O.
 */
#ifndef PSCAN_SCAN_TARGETS_H
#define PSCAN_SCAN_TARGETS_H

#include "addr.h"

/* More addresses than this are a typing error (an IPv6 /64 has 2^64). */
#define TARGETS_MAX (1ULL << 40)

/* Octet patterns such as 198.51.0-255.7 become at most this many ranges each. */
#define TARGETS_PATTERN_MAX 4096

struct target_range {
	unsigned __int128 first; /* host order */
	unsigned __int128 last;  /* inclusive */
	__u64 before;            /* addresses in the ranges in front of this one */
};

struct target_list {
	struct target_range *ranges;
	size_t n;
	size_t room;
};

struct target_name {
	union ps_addr addr;
	char *text;
};

struct targets {
	struct target_list include;
	struct target_list exclude;
	struct target_name *names; /* what the user called an address */
	size_t name_count;
	__u64 count; /* valid after targets_finish() */
};

/* How host names are resolved. */
struct target_resolve {
	int family;         /* AF_UNSPEC, AF_INET or AF_INET6 */
	bool all_addresses; /* every address of a name, not only the first */
};

/*
 * One target: address, address/length (host bits allowed), first-last,
 * IPv4 octet pattern (198.51.100.1-9,20), or host name. -EINVAL on bad text,
 * -ENOENT when a name does not resolve; a line has been printed then.
 */
int targets_add(struct targets *targets, const char *text, const struct target_resolve *resolve);

/* The same for addresses that must not be touched. */
int targets_exclude(struct targets *targets, const char *text,
		    const struct target_resolve *resolve);

/* Every white-space separated word of a file ("-" is stdin); '#' starts a comment. */
int targets_load(struct targets *targets, const char *path, bool exclude,
		 const struct target_resolve *resolve);

/* Sorts, merges, cuts the excludes out and counts. -EINVAL when nothing or too much is left. */
int targets_finish(struct targets *targets);

/* The address of @index < count. */
void targets_at(const struct targets *targets, __u64 index, union ps_addr *addr);

/* Index of @addr, or false when it is none of the targets. */
bool targets_find(const struct targets *targets, const union ps_addr *addr, __u64 *index);

/* The lowest index whose address is not below @addr; count when there is none. */
__u64 targets_lower_bound(const struct targets *targets, const union ps_addr *addr);

/* The name given for @addr on the command line, or NULL. */
const char *targets_name(const struct targets *targets, const union ps_addr *addr);

void targets_free(struct targets *targets);

#endif
