/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * responder.c - a host that is not Linux, for the lab: it answers for addresses
 * that no kernel owns, the way another kind of system would, so that the
 * scanner's reading of silence, resets and windows can be tried on each kind.
 *
 * Stateless: what a packet gets depends on that packet alone. A packet whose
 * checksum is wrong gets nothing, as from any real host. Never give it an
 * address that the kernel below has: both would answer.
 *
 * One JSON line on stdout at the end: received, answered, bad_checksum, lost.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <pscan/parse.h>

#include "checksum.h"
#include "manners.h"
#include "tool.h"

#define ADDRESSES_MAX 64
#define FRAME_BYTES 2048
#define SOCKET_BYTES (32 << 20)

struct host {
	const char *interface;
	const struct manner *manner;
	union ps_addr addresses[ADDRESSES_MAX];
	unsigned int address_count, seconds;
	struct port_set open;
	int fd;
	__u16 ip_id;
	unsigned long long received, answered, bad_checksum;
};

/* A frame as received. */
struct frame {
	const __u8 *bytes;
	const __u8 *end;
	bool sum_pending; /* sent by a local stack that leaves the checksum to the device */
};

/* ---- command line ---------------------------------------------------------- */

static const struct argp_option option_table[] = {
	{ "interface", 'i', "IFACE", 0, "answer here", 0 },
	{ "address", 'a', "ADDRESS", 0, "answer for this address; may be repeated", 0 },
	{ "like", 'l', "KIND", 0, "bsd, windows, synproxy, tarpit, silent or zombie", 0 },
	{ "open", 'o', "PORTS", 0, "open TCP ports, 22,80 for example", 0 },
	{ "seconds", 's', "N", 0, "end after N seconds (60)", 0 },
	{ 0 }
};

static void add_address(struct host *host, const char *text, struct argp_state *state)
{
	union ps_addr *addr = &host->addresses[host->address_count];
	struct in_addr v4;

	if (host->address_count == ADDRESSES_MAX)
		argp_error(state, "more than %d addresses", ADDRESSES_MAX);
	if (inet_pton(AF_INET, text, &v4) == 1)
		ps_addr_from_v4(addr, v4.s_addr);
	else if (inet_pton(AF_INET6, text, addr->b) != 1)
		argp_error(state, "not an address: '%s'", text);
	host->address_count++;
}

static const struct manner *manner_named(const char *name, struct argp_state *state)
{
	for (size_t i = 0; i < sizeof(manners) / sizeof(*manners); i++)
		if (!strcmp(manners[i].name, name))
			return &manners[i];
	argp_error(state, "no such kind of host: '%s'", name);
	return NULL;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct host *host = state->input;

	switch (key) {
	case 'i':
		host->interface = arg;
		return 0;
	case 'a':
		add_address(host, arg, state);
		return 0;
	case 'l':
		host->manner = manner_named(arg, state);
		return 0;
	case 'o':
		tool_ports(arg, &host->open);
		return 0;
	case 's':
		host->seconds = tool_number(arg, "seconds", 1, TOOL_SECONDS_MAX);
		return 0;
	case ARGP_KEY_ARG:
		argp_usage(state);
		return 0;
	case ARGP_KEY_END:
		if (!host->interface || !host->address_count || !host->manner)
			argp_error(state, "an interface, an address and a kind are needed");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* ---- sending --------------------------------------------------------------- */

/* Each address has a MAC address of its own, as hosts have. */
static void mac_of(const union ps_addr *addr, __u8 mac[6])
{
	mac[0] = 0x06;
	mac[1] = ps_addr_is_v4(addr) ? 4 : 6;
	memcpy(mac + 2, &addr->b[12], 4);
}

static size_t put_ipv4(struct host *host, void *out, const struct ps_packet *p, __u8 proto,
		       size_t bytes)
{
	struct ps_ipv4 ip = {
		.version_ihl = 0x45,
		.total_bytes = ps_htons((__u16)(sizeof(ip) + bytes)),
		.id = ps_htons(host->manner->counts_ids ? ++host->ip_id : 0),
		.frag = ps_htons(host->manner->counts_ids ? 0 : 0x4000),
		.ttl = host->manner->ttl,
		.proto = proto,
		.src = p->dst.w[3],
		.dst = p->src.w[3],
	};

	ip.check = ps_htons(sum_fold(sum_add(0, &ip, sizeof(ip))));
	memcpy(out, &ip, sizeof(ip));
	return sizeof(ip);
}

/* Neighbour discovery is only valid with a hop limit of 255 (RFC 4861 section 7.1). */
static size_t put_ipv6(const struct host *host, void *out, const struct ps_packet *p, __u8 proto,
		       size_t bytes, bool neighbour)
{
	struct ps_ipv6 ip = {
		.version_class_flow = ps_htonl(6u << 28),
		.payload_bytes = ps_htons((__u16)bytes),
		.next = proto,
		.hop_limit = neighbour ? 255 : host->manner->ttl,
	};

	memcpy(ip.src, p->dst.b, sizeof(ip.src));
	memcpy(ip.dst, p->src.b, sizeof(ip.dst));
	memcpy(out, &ip, sizeof(ip));
	return sizeof(ip);
}

static void send_frame(struct host *host, const __u8 *bytes, size_t n)
{
	if (send(host->fd, bytes, n, 0) == (ssize_t)n)
		host->answered++;
}

/* Answers the packet @p, which came in @in, with @l4; its checksum field is at @sum_at. */
static void send_answer(struct host *host, const struct frame *in, const struct ps_packet *p,
			__u8 proto, __u8 *l4, size_t bytes, size_t sum_at)
{
	const struct ps_eth *asked = (const void *)in->bytes;
	__u8 out[FRAME_BYTES];
	struct ps_eth eth = { .type = asked->type };
	size_t n = sizeof(eth);
	bool neighbour = proto == PS_IP_ICMPV6 && l4[0] == 136;
	__be16 sum = ps_htons(transport_sum(&p->dst, &p->src, proto, l4, bytes));

	memcpy(l4 + sum_at, &sum, sizeof(sum));
	memcpy(eth.dst, asked->src, sizeof(eth.dst));
	mac_of(&p->dst, eth.src);
	memcpy(out, &eth, sizeof(eth));
	if (p->bits & PS_PKT_V4)
		n += put_ipv4(host, out + n, p, proto, bytes);
	else
		n += put_ipv6(host, out + n, p, proto, bytes, neighbour);
	memcpy(out + n, l4, bytes);
	send_frame(host, out, n + bytes);
}

/* ---- address resolution ---------------------------------------------------- */

static bool owns(const struct host *host, const union ps_addr *addr)
{
	for (unsigned int i = 0; i < host->address_count; i++)
		if (ps_addr_eq(&host->addresses[i], addr))
			return true;
	return false;
}

struct arp { /* RFC 826, for Ethernet and IPv4 */
	struct ps_eth eth;
	__be16 hardware, protocol;
	__u8 hardware_bytes, protocol_bytes;
	__be16 operation;
	__u8 sender_mac[6];
	__be32 sender;
	__u8 target_mac[6];
	__be32 target;
} PS_PACKED;

static void on_arp(struct host *host, const struct frame *in)
{
	struct arp arp;
	union ps_addr wanted;
	__be32 asker;

	if (in->end - in->bytes < (ptrdiff_t)sizeof(arp))
		return;
	memcpy(&arp, in->bytes, sizeof(arp));
	ps_addr_from_v4(&wanted, arp.target);
	if (arp.operation != ps_htons(1) || !owns(host, &wanted))
		return;
	asker = arp.sender;
	memcpy(arp.eth.dst, arp.sender_mac, sizeof(arp.eth.dst));
	memcpy(arp.target_mac, arp.sender_mac, sizeof(arp.target_mac));
	mac_of(&wanted, arp.sender_mac);
	memcpy(arp.eth.src, arp.sender_mac, sizeof(arp.eth.src));
	arp.operation = ps_htons(2);
	arp.sender = arp.target;
	arp.target = asker;
	send_frame(host, (const __u8 *)&arp, sizeof(arp));
}

/* RFC 4861 sections 4.3 and 4.4: same first 24 bytes, then options. */
static void on_neighbour_solicitation(struct host *host, const struct frame *in,
				      const struct ps_packet *p)
{
	struct ps_packet asked = *p;
	__u8 out[32] = { 136 };

	if (in->bytes + p->l4_off + 24 > in->end)
		return;
	memcpy(asked.dst.b, in->bytes + p->l4_off + 8, sizeof(asked.dst.b));
	if (!owns(host, &asked.dst) || !(p->src.d[0] | p->src.d[1]))
		return;
	out[4] = 0x60; /* solicited, override */
	memcpy(out + 8, asked.dst.b, sizeof(asked.dst.b));
	out[24] = 2; /* option: target link-layer address, in units of 8 bytes */
	out[25] = 1;
	mac_of(&asked.dst, out + 26);
	send_answer(host, in, &asked, PS_IP_ICMPV6, out, sizeof(out), 2);
}

/* ---- answers --------------------------------------------------------------- */

/* Bytes of the transport header and its payload, by the IP header's word. */
static size_t transport_bytes(const struct frame *in, const struct ps_packet *p)
{
	const void *ip = in->bytes + p->ip_off;
	size_t before = (size_t)p->l4_off - p->ip_off;
	size_t total = p->bits & PS_PKT_V4 ? ps_ntohs(((const struct ps_ipv4 *)ip)->total_bytes)
					   : ps_ntohs(((const struct ps_ipv6 *)ip)->payload_bytes) +
						     sizeof(struct ps_ipv6);

	return total > before ? total - before : 0;
}

/* A start of sequence that can be recognised when it comes back, without a table. */
static __u32 first_seq(const struct ps_packet *p)
{
	return (p->src.w[3] ^ ((__u32)p->sport << 16 | p->dport)) * 2654435761u;
}

static enum reply tcp_reply(const struct host *host, const struct ps_packet *p, size_t payload)
{
	const struct manner *manner = host->manner;
	__u8 flags = p->flags & (PS_TCP_FIN | PS_TCP_SYN | PS_TCP_RST | PS_TCP_ACK);
	bool open = host->open.has[p->dport];

	if (flags & PS_TCP_RST)
		return NOTHING;
	if ((flags & (PS_TCP_SYN | PS_TCP_ACK)) == PS_TCP_SYN)
		return manner->syn[open];
	if (!(flags & PS_TCP_ACK))
		return manner->bare[open];
	/* The end of a handshake with an open port is no stray packet. */
	if (manner->ack[open] != ACK_ZERO && manner->syn[open] == ACCEPT &&
	    p->ack == first_seq(p) + 1)
		return flags == PS_TCP_ACK && !payload ? NOTHING : RESET;
	return flags == (PS_TCP_FIN | PS_TCP_ACK) ? manner->maimon[open] : manner->ack[open];
}

static void on_tcp(struct host *host, const struct frame *in, const struct ps_packet *p,
		   size_t bytes)
{
	size_t payload = bytes - ((size_t)p->payload_off - p->l4_off);
	enum reply reply = tcp_reply(host, p, payload);
	bool accept = reply == ACCEPT || reply == ACCEPT_ZERO;
	bool reset = reply == RESET || reply == RESET_WINDOW;
	size_t length = payload + !!(p->flags & PS_TCP_SYN) + !!(p->flags & PS_TCP_FIN);
	__u8 out[24] = { 0 };
	struct ps_tcp tcp = {
		.sport = ps_htons(p->dport),
		.dport = ps_htons(p->sport),
		.offset_res = reply == ACCEPT ? 6 << 4 : 5 << 4,
		.flags = accept  ? PS_TCP_SYN | PS_TCP_ACK
			 : reset ? PS_TCP_RST
				 : PS_TCP_ACK,
		.window = ps_htons(reply == ACCEPT || reply == RESET_WINDOW ? 16384 : 0),
	};

	if (reply == NOTHING)
		return;
	if (reset && !(p->flags & PS_TCP_ACK))
		tcp.flags |= PS_TCP_ACK;
	if (tcp.flags & PS_TCP_ACK)
		tcp.ack = ps_htonl(p->seq + (__u32)length);
	if (p->flags & PS_TCP_ACK)
		tcp.seq = ps_htonl(p->ack);
	else if (accept)
		tcp.seq = ps_htonl(first_seq(p));
	memcpy(out, &tcp, sizeof(tcp));
	memcpy(out + sizeof(tcp), "\x02\x04\x05\xa0", 4); /* MSS 1440 */
	send_answer(host, in, p, PS_IP_TCP, out, (size_t)(tcp.offset_res >> 4) * 4,
		    offsetof(struct ps_tcp, check));
}

/* No UDP port is open: port unreachable, RFC 792 and RFC 4443 section 3.1. */
static void on_udp(struct host *host, const struct frame *in, const struct ps_packet *p)
{
	bool v4 = p->bits & PS_PKT_V4;
	size_t quote = (size_t)(in->end - in->bytes) - p->ip_off;
	__u8 out[8 + 512] = { v4 ? 3 : 1, v4 ? 3 : 4 };

	if (quote > 512)
		quote = 512;
	memcpy(out + 8, in->bytes + p->ip_off, quote);
	send_answer(host, in, p, v4 ? PS_IP_ICMP : PS_IP_ICMPV6, out, 8 + quote, 2);
}

static void on_echo(struct host *host, const struct frame *in, const struct ps_packet *p,
		    size_t bytes)
{
	__u8 out[FRAME_BYTES - 128];

	if (bytes > sizeof(out))
		return;
	memcpy(out, in->bytes + p->l4_off, bytes);
	out[0] = p->bits & PS_PKT_V4 ? 0 : 129;
	memset(out + 2, 0, 2);
	send_answer(host, in, p, p->proto, out, bytes, 2);
}

static bool sum_is_good(const struct frame *in, const struct ps_packet *p, size_t bytes)
{
	const struct ps_udp *udp = (const void *)(in->bytes + p->l4_off);

	/* Over IPv4 a UDP sender may leave the checksum out. */
	if (in->sum_pending || (p->proto == PS_IP_UDP && (p->bits & PS_PKT_V4) && !udp->check))
		return true;
	return !transport_sum(&p->src, &p->dst, p->proto, udp, bytes);
}

static void on_frame(struct host *host, const struct frame *in)
{
	const struct ps_eth *eth = (const void *)in->bytes;
	struct ps_packet p;
	enum ps_parse result = ps_parse_eth(in->bytes, in->end, &p);
	size_t bytes;

	if (result == PS_PARSE_NOT_IP && eth->type == ps_htons(PS_ETH_ARP))
		on_arp(host, in);
	if (result != PS_PARSE_OK)
		return;
	if (p.proto == PS_IP_ICMPV6 && p.icmp_type == 135)
		on_neighbour_solicitation(host, in, &p);
	bytes = transport_bytes(in, &p);
	if (!owns(host, &p.dst) || in->bytes + p.l4_off + bytes > in->end)
		return;
	host->received++;
	if (!sum_is_good(in, &p, bytes)) {
		host->bad_checksum++;
		return;
	}
	if (p.proto == PS_IP_TCP)
		on_tcp(host, in, &p, bytes);
	else if (p.proto == PS_IP_UDP && host->manner->talks_icmp)
		on_udp(host, in, &p);
	else if (host->manner->talks_icmp && p.icmp_type == (p.proto == PS_IP_ICMP ? 8 : 128))
		on_echo(host, in, &p, bytes);
}

/* ---- the socket ------------------------------------------------------------ */

static int open_socket(const char *interface)
{
	struct sockaddr_ll here = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(ETH_P_ALL),
				    .sll_ifindex = (int)if_nametoindex(interface) };
	struct packet_mreq all = { .mr_ifindex = here.sll_ifindex, .mr_type = PACKET_MR_PROMISC };
	int yes = 1, bytes = SOCKET_BYTES;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "cannot open a packet socket");
	if (!here.sll_ifindex)
		err(1, "%s", interface);
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof(yes)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		err(1, "cannot set up the packet socket on %s", interface);
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)))
		err(1, "cannot bind to %s", interface);
	return fd;
}

/* The next frame, into @bytes; false when there is none just now. */
static bool receive(int fd, __u8 bytes[FRAME_BYTES], struct frame *frame)
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec part = { .iov_base = bytes, .iov_len = FRAME_BYTES };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);
	struct tpacket_auxdata aux = { 0 };

	if (n < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	frame->bytes = bytes;
	frame->end = bytes + n;
	frame->sum_pending = aux.tp_status & TP_STATUS_CSUMNOTREADY;
	return true;
}

static void run(struct host *host, int end_fd)
{
	struct pollfd fds[] = { { .fd = end_fd, .events = POLLIN },
				{ .fd = host->fd, .events = POLLIN } };
	__u8 bytes[FRAME_BYTES];
	struct frame frame;

	while (!fds[0].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			err(1, "cannot wait for packets");
		/* Not without end: a flood must not keep the signal from being seen. */
		for (int i = 0; i < 256 && receive(host->fd, bytes, &frame); i++)
			on_frame(host, &frame);
	}
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.doc = "Answers in the lab as another kind of host would.",
	};
	static struct host host = { .seconds = TOOL_SECONDS_DEFAULT };
	struct tpacket_stats stats = { 0 };
	socklen_t stats_bytes = sizeof(stats);
	int end_fd;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &host);
	end_fd = tool_end_fd(host.seconds);
	host.fd = open_socket(host.interface);
	tool_ready();
	run(&host, end_fd);
	getsockopt(host.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &stats_bytes);
	printf("{\"received\":%llu,\"answered\":%llu,\"bad_checksum\":%llu,\"lost\":%u}\n",
	       host.received, host.answered, host.bad_checksum, stats.tp_drops);
	return 0;
}
