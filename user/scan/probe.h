/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe.h - what a technique is: the bytes of its probe, the answers that are
 * its own, and what they mean. One probe_*.c per family, one const struct
 * probe_ops per technique.
 *
 * Nothing here knows sockets, time or the schedule.
 */
#ifndef PSCAN_SCAN_PROBE_H
#define PSCAN_SCAN_PROBE_H

#include <pscan/packet.h>

#include "scan/cookie.h"

/* Index 0 is "no answer yet". */
enum scan_state {
	STATE_NONE,
	STATE_OPEN,
	STATE_CLOSED,
	STATE_FILTERED,
	STATE_UNFILTERED,
	STATE_OPEN_FILTERED,
	STATE_UNKNOWN, /* silent, but the target had stopped answering us altogether */
	STATE_UP,      /* host discovery only */
	STATE_MAX
};

enum scan_reason {
	REASON_NO_RESPONSE,
	REASON_SYN_ACK,
	REASON_SYN,
	REASON_RESET,
	REASON_UDP_RESPONSE,
	REASON_ECHO_REPLY,
	REASON_ARP_REPLY,
	REASON_ND_REPLY,
	REASON_CONN_ACCEPTED,
	REASON_CONN_REFUSED,
	REASON_NET_UNREACH,
	REASON_HOST_UNREACH,
	REASON_PROTO_UNREACH,
	REASON_PORT_UNREACH,
	REASON_ADMIN_PROHIBITED,
	REASON_TTL_EXCEEDED,
	REASON_BLOCKED,
	REASON_USER_SET, /* up because the user said so */
	REASON_MAX
};

const char *scan_state_name(enum scan_state state);
const char *scan_reason_name(enum scan_reason reason);

/*
 * Every try has a source port of its own. UDP has nothing else to tell tries
 * apart by; and a second SYN from the same port, after a SYN+ACK that was lost,
 * would meet the first one's half-open connection and be reset (Linux,
 * tcp_check_req()): an open port would look closed.
 */
#define PROBE_TCP_PORTS 16
#define PROBE_UDP_PORTS 8

/* Room for the largest probe, link header included. */
#define PROBE_BYTES_MAX 256

/* What all probes of one run have in common. */
struct probe_context {
	struct cookie_key key;
	__u16 tcp_ports[PROBE_TCP_PORTS]; /* our source ports */
	unsigned int tcp_port_count;      /* 1 when the user fixed it */
	__u16 udp_ports[PROBE_UDP_PORTS];
	unsigned int udp_port_count;
	__u8 ttl;
};

/* One probe about to be sent. */
struct probe {
	const struct probe_ops *ops;
	union ps_addr target;
	union ps_addr source;
	__u64 target_index;
	__u32 unit; /* which (technique, port) of the phase */
	__u16 port;
	__u8 attempt; /* below COOKIE_ATTEMPTS */
	__u8 payload; /* UDP: which of the port's payloads */
};

/* What an answer says. */
struct answer {
	enum scan_state state;
	enum scan_reason reason;
	unsigned int attempt;
	bool attempt_known; /* false: no round trip can be taken from it */
	bool bare;          /* SYN+ACK with window 0 and no options: a proxy's, not a stack's */
};

struct probe_ops {
	const char *name;        /* also the JSON value */
	__u8 proto;              /* PS_IP_*; 0 for ARP */
	__u8 flags;              /* TCP control bits */
	enum scan_state silence; /* what no answer at all means */
	enum scan_state reset;   /* what an RST means, whatever its window */
	bool reset_window;       /* an RST with a window means open instead */
	bool paced_by_icmp;      /* negative answers are rate limited by the target */

	/* Transport header (checksum zero) and payload to @out; returns their length. */
	size_t (*build)(const struct probe_context *context, const struct probe *probe, __u8 *out);

	/*
	 * True when @reply answers this technique's probe to reply->src; fills
	 * @answer. @payload..@end are the bytes behind its transport header.
	 */
	bool (*match)(const struct probe_context *context, const struct probe_ops *ops,
		      const struct ps_packet *reply, const __u8 *payload, const __u8 *end,
		      struct answer *answer);

	/* True when an ICMP error quotes a probe of ours: @quote was sent by us. */
	bool (*match_quote)(const struct probe_context *context, const struct probe_ops *ops,
			    const struct ps_packet *quote, struct answer *answer);
};

extern const struct probe_ops probe_tcp_connect, probe_tcp_syn, probe_tcp_fin, probe_tcp_null,
	probe_tcp_xmas, probe_tcp_maimon, probe_tcp_ack, probe_tcp_window;
extern const struct probe_ops probe_udp;
extern const struct probe_ops probe_icmp_echo, probe_icmp6_echo, probe_nd, probe_arp;

/* A technique with any control bits; what it means is RST = closed, silence = open|filtered. */
void probe_tcp_custom(struct probe_ops *ops, __u8 flags);

/* "syn,ack", "SA" or a number to control bits. False on bad text. */
bool probe_tcp_flags_parse(const char *text, __u8 *flags);

/*
 * State and reason of an ICMP error about a probe. @from_target: the target
 * itself sent it. False when the message is no verdict on the probe.
 */
bool probe_icmp_error(const struct ps_packet *error, const struct probe_ops *ops, bool from_target,
		      struct answer *answer);

/* How many payloads a UDP port has (at least 1: an empty one). */
unsigned int payload_count(__u16 port);

/* Payload @which of @port to @out (at most PROBE_BYTES_MAX - 80 bytes); returns its length. */
size_t payload_build(__u16 port, unsigned int which, __u8 *out);

/* True when there is a payload that makes a service on @port answer. */
bool payload_known(__u16 port);

#endif
