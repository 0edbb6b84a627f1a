/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slow.h - the engines beside the burst rule, for scans that take minutes and
 * hours, many hosts or many sources. Contacts and what became of them go in,
 * findings come out; the XDP loader and the libpcap side feed the same code.
 *
 *	walk	threshold random walk over a source's first contacts (Jung et
 *		al., IEEE S&P 2004): closed ports, one after the other
 *	sweep	distinct hosts of one network that a source tries in vain
 *	crowd	many sources that share the ports of one host between them, and
 *		decoys; told, never blocked
 *
 * Nothing here reads a clock, a file or a socket: time is what the contacts and
 * slow_tick() say. All memory is taken by slow_new(). The adversary can forge
 * sources by the million: what gives way then is what has least held against it
 * (slow_counts.evicted), so a scan that was seen more than once stays.
 */
#ifndef PSCAN_USER_SLOW_H
#define PSCAN_USER_SLOW_H

#include <pscan/abi.h>

struct slow;

/* What became of a contact. */
enum slow_outcome {
	SLOW_UNKNOWN,	/* nobody can tell: forwarded without conntrack, or a datagram that
			 * nothing answered; only the sweep looks at it, and asks for more */
	SLOW_CLOSED,	/* refused, or a TCP probe that nothing answered */
	SLOW_OPEN,	/* somebody listens there */
	SLOW_OUTCOME_MAX
};

/* Has this host an address in the /64 @net: then it is no scanner's. */
typedef bool slow_own_fn(const union ps_addr *net, const void *data);

struct slow_options {
	__u64 window_ns;	/* the rule's: what happens within one is the rule's business */
	__u64 quiet_ns;		/* the rule's: a source that is only watched is not told again
				 * before it was silent for so long, or for SLOW_QUIET_NS */
	__u64 seed;		/* keys every hash */
	slow_own_fn *own;	/* NULL: only what shares a probe's /64 is known to be ours */
	const void *own_data;
	__u16 ephemeral_low;	/* of this host's ip_local_port_range; 0: SLOW_EPHEMERAL_LOW */
};

/* Linux's default ip_local_port_range begins here. */
#define SLOW_EPHEMERAL_LOW 32768

/* A scan at nmap's -T0 probes every five minutes: less silence than this is no end of it. */
#define SLOW_QUIET_NS (3600ULL * 1000000000ULL)

/* The tool whose packets look like this: information, never a condition. */
enum slow_tool {
	SLOW_TOOL_NONE,		/* no tool's mark */
	SLOW_TOOL_SYSTEM,	/* a system's own connect(): a full set of options */
	SLOW_TOOL_NMAP,
	SLOW_TOOL_MASSCAN,
	SLOW_TOOL_ZMAP,
	SLOW_TOOL_HPING,
	SLOW_TOOL_PSCAN,
	SLOW_TOOL_MAX
};

const char *slow_tool_name(unsigned int tool); /* "nmap", ...; "" for none */

/*
 * Facts from captures of each tool's own defaults. Every one of them can be
 * changed or forged, so this is shown and never decides anything.
 */
enum slow_tool slow_tool_guess(const struct ps_contact *contact);

#define SLOW_CROWD_SOURCES 32	/* listed of a crowd */
#define SLOW_CROWD_PORTS 32

/* Many sources, one host. */
struct slow_crowd {
	union ps_addr dst;
	__u64 first_ns;
	__u32 sources;			/* distinct ones; the first SLOW_CROWD_SOURCES are listed */
	__u32 ports;			/* distinct ones of the host, as above */
	__u32 probes;
	bool decoys;			/* the same ports within milliseconds, packets alike: at most
					 * one of the sources is real */
	union ps_addr source[SLOW_CROWD_SOURCES];
	__u16 port[SLOW_CROWD_PORTS];
};

/*
 * A finding. @event is complete but for what the caller decides: action, reason
 * and until_ns say "told only". Its score counts closed ports (walk) or hosts
 * (sweep); source.probe[].at counts milliseconds since source.first_ns. Of a
 * crowd's event only at_ns, ifindex, kind, class and engine mean anything.
 */
struct slow_finding {
	struct ps_event event;
	enum slow_tool tool;
	bool handshake;			/* it completed handshakes amid its probes */
	struct slow_crowd crowd;	/* event.engine == PS_ENGINE_CROWD */
};

/* Return: end of the block that the caller made of it, 0 when it made none. */
typedef __u64 slow_finding_fn(const struct slow_finding *finding, void *data);

struct slow_counts {
	__u64 contacts;		/* taken */
	__u64 late;		/* may be answers that came late: not looked at */
	__u64 evicted;		/* records that had to make room */
	__u64 findings[PS_ENGINE_MAX];
};

/* NULL: no memory. */
struct slow *slow_new(const struct slow_options *options, slow_finding_fn *fn, void *data);
void slow_free(struct slow *slow); /* NULL is fine */

/*
 * One contact and its outcome. PS_CONTACT_HANDSHAKE says that the source
 * completed a handshake; its outcome is SLOW_OPEN. Contacts may be up to some
 * seconds out of order: an outcome takes its time.
 */
void slow_contact(struct slow *slow, const struct ps_contact *contact, enum slow_outcome outcome);

/* Starts to fetch from memory what this contact will need. Optional. */
void slow_expect(struct slow *slow, const struct ps_contact *contact);

/* Time passed; call it at every poll. Never backwards. */
void slow_tick(struct slow *slow, __u64 now_ns);

/* The rule told this scan: not told again until its block ends, or it falls silent. */
void slow_told(struct slow *slow, const struct ps_event *event);

/*
 * How long the block that a finding makes lasts: as long as an unproven scan's,
 * or twice the mean distance of the probes held against it, since what is
 * shorter ends before the next one; a proven scan's first block at most.
 */
__u64 slow_block_ns(const struct ps_rule *rule, const struct ps_event *event);

/* The tool of a source, and whether it completed a handshake since then: as far as its
 * contacts showed it from the second failure on. */
enum slow_tool slow_tool_of(const struct slow *slow, const union ps_addr *source);
bool slow_handshake_of(const struct slow *slow, const union ps_addr *source, __u64 since_ns);

/* The rule's numbers changed while running. */
void slow_rule(struct slow *slow, const struct ps_rule *rule);

const struct slow_counts *slow_counts(const struct slow *slow);

#endif
