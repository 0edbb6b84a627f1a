// SPDX-License-Identifier: GPL-2.0-only
/*
 * engine_packet.c - probes as packets: route, frame, send; receive, match.
 *
 * On an Ethernet link the probe goes to the hardware address that our own ARP
 * or ND found, past the kernel's neighbour table: a sweep would overflow that.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pscan/parse.h>

#include "addr.h"
#include "log.h"
#include "scan/frame.h"
#include "scan/match.h"
#include "scan/probe_link.h"
#include "scan/recv.h"
#include "scan/scan.h"
#include "scan/send.h"

/* Tries and patience for a gateway's hardware address. Chosen; RFC 4861 has 3 of 1 s. */
#define GATEWAY_TRIES 4
#define GATEWAY_WAIT_NS (250 * NS_PER_MS)

/* Packets taken from the ring before the sender gets its turn. */
#define DRAIN_MAX 512

struct packet_engine {
	struct sender sender;
	struct receiver receiver;
	struct router *router;
	struct route *asking; /* whose gateway's address is being waited for */
	int reserved[PROBE_TCP_PORTS + PROBE_UDP_PORTS];
};

/*
 * A source port belongs to us from the moment an ordinary socket is bound to
 * it: no connection of this host can get it, and whoever asks the kernel (our
 * own detector does) learns that answers to it are expected.
 */
static int reserve(int type, __u16 wanted, int *fd, __u16 *port)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_port = htons(wanted) };
	socklen_t length = sizeof(addr);
	int small = 1, off = 0, err;

	*fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	if (*fd >= 0) {
		setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	} else {
		addr.sin6_family = AF_INET;
		*fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	}
	/* Nobody reads from it; the answers are taken off the packet socket. */
	setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(*fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    getsockname(*fd, (struct sockaddr *)&addr, &length) < 0) {
		err = -errno;
		log_error("cannot reserve source port %u: %s", wanted, strerror(-err));
		return err;
	}
	*port = ntohs(addr.sin6_port);
	return 0;
}

static int reserve_ports(struct scan *scan, struct packet_engine *engine)
{
	__u16 wanted = scan->config->source_port;
	int err = 0;

	scan->context.tcp_port_count = wanted ? 1 : PROBE_TCP_PORTS;
	scan->context.udp_port_count = wanted ? 1 : PROBE_UDP_PORTS;
	for (unsigned int i = 0; i < scan->context.tcp_port_count && !err; i++)
		err = reserve(SOCK_STREAM, wanted, &engine->reserved[i],
			      &scan->context.tcp_ports[i]);
	for (unsigned int i = 0; i < scan->context.udp_port_count && !err; i++)
		err = reserve(SOCK_DGRAM, wanted, &engine->reserved[PROBE_TCP_PORTS + i],
			      &scan->context.udp_ports[i]);
	return err;
}

static void engine_close(struct scan *scan)
{
	struct packet_engine *engine = scan->engine_data;

	if (!engine)
		return;
	sender_close(&engine->sender);
	receiver_close(&engine->receiver);
	router_close(engine->router);
	for (int i = 0; i < PROBE_TCP_PORTS + PROBE_UDP_PORTS; i++)
		if (engine->reserved[i] >= 0)
			close(engine->reserved[i]);
	free(engine);
	scan->engine_data = NULL;
}

static int engine_open(struct scan *scan)
{
	struct packet_engine *engine = calloc(1, sizeof(*engine));
	int err;

	if (!engine)
		return -ENOMEM;
	scan->engine_data = engine;
	engine->receiver.fd = -1;
	for (int way = 0; way < SEND_WAYS; way++)
		engine->sender.queues[way].fd = -1;
	for (int i = 0; i < PROBE_TCP_PORTS + PROBE_UDP_PORTS; i++)
		engine->reserved[i] = -1;
	cookie_key_random(&scan->context.key);
	err = sender_open(&engine->sender);
	if (!err)
		err = reserve_ports(scan, engine);
	if (!err)
		err = receiver_open(&engine->receiver, &scan->context);
	if (!err)
		err = router_open(&engine->router, &scan->config->route);
	return err;
}

/* A hardware address came: of a gateway that is waited for, or of a target. */
static void on_link_answer(struct scan *scan, const union ps_addr *addr, const __u8 mac[6],
			   enum scan_reason reason, __u64 time_ns)
{
	struct packet_engine *engine = scan->engine_data;
	struct answer answer = { .state = STATE_UP, .reason = reason };
	struct host *host;
	__u64 target;

	if (engine->asking && ps_addr_eq(addr, &engine->asking->gateway)) {
		memcpy(engine->asking->mac, mac, 6);
		engine->asking->mac_known = true;
	}
	if (scan->phase->kind != PHASE_DISCOVERY || !targets_find(scan->targets, addr, &target))
		return;
	host = hosts_get(&scan->hosts, target, addr);
	if (!host)
		return;
	memcpy(host->mac, mac, 6);
	host->mac_known = true;
	scan_answer(scan, target, addr, DISCOVERY_FIRST, &answer, 0, time_ns);
}

static void on_received(void *context, const struct received *received)
{
	struct scan *scan = context;
	struct match_input input = {
		.context = &scan->context,
		.targets = scan->targets,
		.phase = scan->phase,
	};
	struct ps_packet packet;
	struct match match;
	union ps_addr addr;
	__u8 mac[6];

	if (received->type == PS_ETH_ARP) {
		if (link_arp_reply(received->data, received->end, &addr, mac))
			on_link_answer(scan, &addr, mac, REASON_ARP_REPLY, received->time_ns);
		return;
	}
	if (match_packet(&input, received->data, received->end, &match)) {
		scan_answer(scan, match.target, &match.addr, match.unit, &match.answer, match.ttl,
			    received->time_ns);
		return;
	}
	if (received->type == PS_ETH_IPV6 &&
	    ps_parse_ip(received->data, received->end, &packet) == PS_PARSE_OK &&
	    link_nd_advert(&packet, received->data + packet.payload_off, received->end, &addr, mac))
		on_link_answer(scan, &addr, mac, REASON_ND_REPLY, received->time_ns);
}

static int engine_receive(struct scan *scan, __u64 until_ns)
{
	struct packet_engine *engine = scan->engine_data;
	struct pollfd wait = { .fd = engine->receiver.fd, .events = POLLIN };
	struct timespec left;
	__u64 now, drops = engine->receiver.drops;

	if (receiver_drain(&engine->receiver, DRAIN_MAX, on_received, scan) == 0) {
		now = scan_now();
		if (until_ns > now && !scan_interrupted) {
			left.tv_sec = (time_t)((until_ns - now) / NS_PER_S);
			left.tv_nsec = (long)((until_ns - now) % NS_PER_S);
			ppoll(&wait, 1, &left, NULL);
			receiver_drain(&engine->receiver, DRAIN_MAX, on_received, scan);
		}
	}
	receiver_count_drops(&engine->receiver);
	if (engine->receiver.drops != drops || engine->sender.congested) {
		engine->sender.congested = false;
		pace_loss(&scan->pace, scan_now());
	}
	return 0;
}

static void solicit(struct packet_engine *engine, const struct route *route,
		    const union ps_addr *addr)
{
	__u8 *slot = sender_slot_packet(&engine->sender, route->ifindex);

	sender_commit(&engine->sender, SEND_PACKET, frame_solicit(route, addr, slot));
}

/* Everything behind a gateway waits for its address anyway, so this may block. */
static void find_gateway(struct scan *scan, struct route *route)
{
	struct packet_engine *engine = scan->engine_data;
	char text[ADDR_TEXT_BYTES];

	engine->asking = route;
	for (int try = 0; try < GATEWAY_TRIES && !route->mac_known && !scan_interrupted; try++) {
		__u64 until = scan_now() + GATEWAY_WAIT_NS;

		solicit(engine, route, &route->gateway);
		sender_flush(&engine->sender);
		while (!route->mac_known && scan_now() < until && !scan_interrupted)
			engine_receive(scan, until);
	}
	engine->asking = NULL;
	if (!route->mac_known) {
		log_warn("gateway %s on %s does not answer; targets behind it are skipped",
			 addr_format(&route->gateway, text), route->dev);
		route->unreachable = true;
	}
}

static bool engine_reachable(struct scan *scan, __u64 target, const union ps_addr *addr)
{
	struct packet_engine *engine = scan->engine_data;
	struct route *route = router_find(engine->router, addr);
	struct host *host;

	if (!route || route->unreachable)
		return false;
	if (!route->ether)
		return true;
	if (!route->on_link) {
		if (!route->mac_known)
			find_gateway(scan, route);
		return !route->unreachable;
	}
	if (scan->phase->kind == PHASE_DISCOVERY)
		return true;
	host = hosts_find(&scan->hosts, target);
	return host && host->mac_known;
}

static bool engine_on_link(struct scan *scan, const union ps_addr *addr)
{
	struct packet_engine *engine = scan->engine_data;
	const struct route *route = router_find(engine->router, addr);

	return route && !route->unreachable && route->ether && route->on_link;
}

/* Are there targets whose hardware address has to be asked for? */
static bool engine_has_links(struct scan *scan)
{
	struct packet_engine *engine = scan->engine_data;
	union ps_addr addr, next;
	__u64 index = 0;

	while (index < scan->targets->count) {
		targets_at(scan->targets, index, &addr);
		if (engine_on_link(scan, &addr))
			return true;
		/* On to the next target whose route may differ. */
		next = addr;
		if (!router_next_interval(engine->router, &next))
			return false;
		index = targets_lower_bound(scan->targets, &next);
	}
	return false;
}

static __u64 engine_drops(const struct scan *scan)
{
	const struct packet_engine *engine = scan->engine_data;

	return engine->receiver.drops + engine->sender.refused;
}

static int engine_probe(struct scan *scan, struct probe *probe)
{
	struct packet_engine *engine = scan->engine_data;
	struct route *route = router_find(engine->router, &probe->target);
	bool v4 = ps_addr_is_v4(&probe->target);
	const __u8 *mac = NULL;
	struct host *host;
	__u8 *slot;

	if (!route || route->unreachable)
		return -ENETUNREACH;
	if (scan->phase->kind == PHASE_DISCOVERY && probe->unit == DISCOVERY_FIRST) {
		if (route->ether && route->on_link) {
			solicit(engine, route, &probe->target);
			scan->counts.probes++;
			return 0;
		}
		probe->ops = v4 ? &probe_icmp_echo : &probe_icmp6_echo;
	}
	probe->source = route->source;
	if (route->ether) {
		mac = route->mac;
		if (route->on_link) {
			host = hosts_find(&scan->hosts, probe->target_index);
			if (!host || !host->mac_known)
				return -EHOSTUNREACH;
			mac = host->mac;
		}
		slot = sender_slot_packet(&engine->sender, route->ifindex);
	} else {
		slot = sender_slot_ip(&engine->sender, &probe->target, route->ifindex);
	}
	sender_commit(&engine->sender,
		      mac  ? SEND_PACKET
		      : v4 ? SEND_RAW4
			   : SEND_RAW6,
		      frame_probe(&scan->context, probe, route, mac, slot));
	scan->counts.probes++;
	return 0;
}

static int engine_flush(struct scan *scan)
{
	struct packet_engine *engine = scan->engine_data;

	return sender_flush(&engine->sender);
}

const struct engine_ops engine_packet = {
	.raw = true,
	.open = engine_open,
	.close = engine_close,
	.reachable = engine_reachable,
	.probe = engine_probe,
	.flush = engine_flush,
	.receive = engine_receive,
	.has_links = engine_has_links,
	.on_link = engine_on_link,
	.drops = engine_drops,
};
