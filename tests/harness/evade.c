/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evade.c - probes dressed up so that a detector might not see them: each trick
 * sends a TCP SYN (or what its name says) to each of thirty ports, as frames
 * written by hand, from a source of its own, and counts the ports that answer.
 *
 *	evade -i IFACE --mac MAC --from FIRST-SOURCE TARGET
 *
 * The sources are consecutive and belong to the interface. One JSON line for
 * each trick: {"trick":NAME,"source":ADDRESS,"frames":N,"answered":PORTS}.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <pscan/parse.h>

#include "pkt.h"
#include "tool.h"

#define FRAMES_MAX 8
#define GAP_NS 1000000 /* between two ports: a quick scan, inside any window */

#define FIRST_PORT 101
#define PORTS 30
#define QUIET_MS 60 /* without an answer, after the last probe */

struct options {
	const char *interface, *mac, *from, *target;
};

/* Everything that a trick needs to know about one probe. */
struct aim {
	bool v6;
	__u8 dst_mac[6], src_mac[6];
	union ps_addr src, dst;
	__u16 port;
	__u32 id;	/* of its fragments: a packet's own */
};

struct volley {
	struct pkt frame[FRAMES_MAX];
	int n;
};

/* ---- building blocks ----------------------------------------------------------- */

static void put_macs(const struct aim *aim, struct pkt *p)
{
	memcpy(p->data, aim->dst_mac, 6);
	memcpy(p->data + 6, aim->src_mac, 6);
}

/* Tags or extension headers (@ext of them) in front of a TCP header with these fields. */
static struct pkt whole(const struct aim *aim, int tags, int ext, struct pkt_layer tcp, __u16 data)
{
	struct pkt_layer l[PKT_LAYERS_MAX] = { ETH() };
	struct pkt p;
	int n = 1;

	for (int i = 0; i < tags; i++)
		l[n++] = (struct pkt_layer)VLAN(.id = 0);
	l[n++] = aim->v6 ? (struct pkt_layer)IPV6(.src = aim->src, .dst = aim->dst)
			 : (struct pkt_layer)IPV4(.src = aim->src.w[3], .dst = aim->dst.w[3],
						  .id = (__u16)aim->id);
	for (int i = 0; i < ext; i++)
		l[n++] = (struct pkt_layer)EXT();
	tcp.tcp.dport = aim->port;
	l[n++] = tcp;
	if (data)
		l[n++] = (struct pkt_layer)DATA(data);
	l[n].kind = PKT_END;
	p = pkt_build(l);
	put_macs(aim, &p);
	return p;
}

#define SYN(...) ((struct pkt_layer)TCP(__VA_ARGS__))

static struct pkt *add(struct volley *v, struct pkt p)
{
	if (v->n == FRAMES_MAX)
		errx(1, "a trick has too many frames");
	v->frame[v->n] = p;
	return &v->frame[v->n++];
}

/* Bytes @from to @to of what lies behind the IP header of @w, as a fragment of its own. */
static void fragment(const struct aim *aim, struct volley *v, const struct pkt *w, __u32 from,
		     __u32 to, bool more)
{
	__u32 at = w->l3 + (aim->v6 ? 40 : 20), header = aim->v6 ? 8 : 0;
	struct pkt *p = add(v, *w);
	__u8 *ip = p->data + p->l3;

	to = to < w->bytes - at ? to : w->bytes - at;
	memcpy(p->data + at + header, w->data + at + from, to - from);
	p->bytes = at + header + to - from;
	p->l4 = 0;
	if (aim->v6) {
		p->data[at] = ip[6];
		p->data[at + 1] = 0;
		pkt_put16(p->data + at + 2, (__u16)(from | more));
		pkt_put32(p->data + at + 4, aim->id);
		ip[6] = PS_IP_FRAGMENT;
	} else {
		pkt_put16(ip + 6, (__u16)(from / 8 | (more ? PS_IPV4_MF : 0)));
	}
	pkt_finish(p, 0);
}

/* ---- the tricks ------------------------------------------------------------------ */

static void plain(const struct aim *a, struct volley *v)
{
	add(v, whole(a, 0, 0, SYN(), 0));
}

static void tiny(const struct aim *a, struct volley *v)
{
	struct pkt w = whole(a, 0, 0, SYN(), 0);

	for (__u32 at = 0; at < 20; at += 8)
		fragment(a, v, &w, at, at + 8, at + 8 < 20);
}

static void backwards(const struct aim *a, struct volley *v)
{
	struct pkt w = whole(a, 0, 0, SYN(), 40);

	fragment(a, v, &w, 24, 60, false);
	fragment(a, v, &w, 0, 24, true);
}

/* The first fragment resets; the second writes over its flags and makes it a SYN. */
static void overlap(const struct aim *a, struct volley *v)
{
	struct pkt w = whole(a, 0, 0, SYN(), 16), rst = w;

	rst.data[rst.l4 + 13] = PS_TCP_RST;
	fragment(a, v, &rst, 0, 24, true);
	fragment(a, v, &w, 8, 36, false);
}

/* The other way about: the flags come first, then a first fragment with others. */
static void underlap(const struct aim *a, struct volley *v)
{
	struct pkt w = whole(a, 0, 0, SYN(), 16), rst = w;

	rst.data[rst.l4 + 13] = PS_TCP_RST;
	fragment(a, v, &w, 8, 36, false);
	fragment(a, v, &rst, 0, 24, true);
}

static void tags(const struct aim *a, struct volley *v, int n)
{
	add(v, whole(a, n, 0, SYN(), 0));
}

static void tags1(const struct aim *a, struct volley *v)
{
	tags(a, v, 1);
}

static void tags3(const struct aim *a, struct volley *v)
{
	tags(a, v, 3);
}

static void tags30(const struct aim *a, struct volley *v)
{
	tags(a, v, 30);
}

static void chain16(const struct aim *a, struct volley *v)
{
	add(v, whole(a, 0, 16, SYN(), 0));
}

static void chain30(const struct aim *a, struct volley *v)
{
	add(v, whole(a, 0, 30, SYN(), 0));
}

/* The first fragment holds one extension header, the second begins with the next. */
static void hidden(const struct aim *a, struct volley *v)
{
	struct pkt w = whole(a, 0, 2, SYN(), 0);

	fragment(a, v, &w, 0, 8, true);
	fragment(a, v, &w, 8, 36, false);
}

/* ... the second begins with the TCP header. */
static void headless(const struct aim *a, struct volley *v)
{
	struct pkt w = whole(a, 0, 1, SYN(), 0);

	fragment(a, v, &w, 0, 8, true);
	fragment(a, v, &w, 8, 28, false);
}

/* One fragment that is the whole packet. */
static void atomic(const struct aim *a, struct volley *v)
{
	struct pkt w = whole(a, 0, 1, SYN(), 0);

	fragment(a, v, &w, 0, 28, false);
}

static void options40(const struct aim *a, struct volley *v)
{
	add(v, whole(a, 0, 0, SYN(.option_bytes = 40), 0));
}

/* A maximum segment size of length 255, and a time stamp of length 0. */
static void lying_options(const struct aim *a, struct volley *v)
{
	struct pkt *p = add(v, whole(a, 0, 0, SYN(.option_bytes = 12), 0));

	memcpy(p->data + p->l4 + 20, "\x02\xff\x05\xb4\x08\x00", 6);
	pkt_check_l4(p, PS_IP_TCP, a->v6);
}

static void data_in_syn(const struct aim *a, struct volley *v)
{
	add(v, whole(a, 0, 0, SYN(), 600));
}

static void bad_sum(const struct aim *a, struct volley *v)
{
	struct pkt *p = add(v, whole(a, 0, 0, SYN(), 0));

	p->data[p->l4 + 16] ^= 0x55;
}

/* The IP header claims more than the frame holds. */
static void too_long(const struct aim *a, struct volley *v)
{
	struct pkt *p = add(v, whole(a, 0, 0, SYN(), 0));

	p->data[p->l3 + (a->v6 ? 4 : 2)] = 2;
	if (a->v6)
		return;
	pkt_put16(p->data + p->l3 + 10, 0);
	pkt_put16(p->data + p->l3 + 10, (__u16)~pkt_sum(p->data + p->l3, 20, 0));
}

static void padded(const struct aim *a, struct volley *v)
{
	struct pkt *p = add(v, whole(a, 0, 0, SYN(), 0));

	memset(p->data + p->bytes, 0xff, 300);
	p->bytes += 300;
}

static void reserved_bits(const struct aim *a, struct volley *v)
{
	struct pkt *p = add(v, whole(a, 0, 0, SYN(.flags = 0xc0 | PS_TCP_SYN), 0));

	p->data[p->l4 + 12] |= 0x0f;
	pkt_check_l4(p, PS_IP_TCP, a->v6);
}

static void syn_urg(const struct aim *a, struct volley *v)
{
	add(v, whole(a, 0, 0, SYN(.flags = PS_TCP_SYN | PS_TCP_URG | PS_TCP_PSH), 0));
}

static void syn_fin(const struct aim *a, struct volley *v)
{
	add(v, whole(a, 0, 0, SYN(.flags = PS_TCP_SYN | PS_TCP_FIN), 0));
}

static void syn_rst(const struct aim *a, struct volley *v)
{
	add(v, whole(a, 0, 0, SYN(.flags = PS_TCP_SYN | PS_TCP_RST), 0));
}

static void from53(const struct aim *a, struct volley *v)
{
	add(v, whole(a, 0, 0, SYN(.sport = 53), 0));
}

static void from443(const struct aim *a, struct volley *v)
{
	add(v, whole(a, 0, 0, SYN(.sport = 443), 0));
}

/* Each port five times before the next: a record full of one port is worth one port. */
static void again(const struct aim *a, struct volley *v)
{
	for (int i = 0; i < 5; i++)
		add(v, whole(a, 0, 0, SYN(.seq = 1000 + (__u32)i), 0));
}

enum { V4 = 1, V6 = 2, BOTH = 3 };

static const struct trick {
	const char *name;
	int families;
	void (*make)(const struct aim *aim, struct volley *v);
} tricks[] = {
	{ "plain", BOTH, plain },
	{ "tiny", BOTH, tiny },
	{ "backwards", BOTH, backwards },
	{ "overlap", BOTH, overlap },
	{ "underlap", BOTH, underlap },
	{ "tags1", BOTH, tags1 },
	{ "tags3", BOTH, tags3 },
	{ "tags30", BOTH, tags30 },
	{ "chain16", V6, chain16 },
	{ "chain30", V6, chain30 },
	{ "hidden", V6, hidden },
	{ "headless", V6, headless },
	{ "atomic", V6, atomic },
	{ "options40", BOTH, options40 },
	{ "lying_options", BOTH, lying_options },
	{ "data_in_syn", BOTH, data_in_syn },
	{ "bad_sum", BOTH, bad_sum },
	{ "too_long", BOTH, too_long },
	{ "padded", BOTH, padded },
	{ "reserved_bits", BOTH, reserved_bits },
	{ "syn_urg", BOTH, syn_urg },
	{ "syn_fin", BOTH, syn_fin },
	{ "syn_rst", BOTH, syn_rst },
	{ "from53", BOTH, from53 },
	{ "from443", BOTH, from443 },
	{ "again", BOTH, again },
};

#define TRICKS (sizeof(tricks) / sizeof(tricks[0]))

/* ---- one trick after the other ------------------------------------------------------ */

/* Marks the port that this frame is an answer of. */
static void take_answer(const struct aim *aim, const __u8 *data, size_t bytes, bool *answered)
{
	struct ps_packet p;

	if (ps_parse_eth(data, data + bytes, &p) == PS_PARSE_OK && p.proto == PS_IP_TCP &&
	    ps_addr_eq(&p.src, &aim->dst) && ps_addr_eq(&p.dst, &aim->src) &&
	    p.sport >= FIRST_PORT && p.sport < FIRST_PORT + PORTS)
		answered[p.sport - FIRST_PORT] = true;
}

/* Until nothing has come for a while. Return: how many ports answered. */
static int count_answers(int fd, const struct aim *aim)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	bool answered[PORTS] = { false };
	static __u8 frame[65536];
	int n = 0;

	while (poll(&in, 1, QUIET_MS) > 0) {
		ssize_t bytes = recv(fd, frame, sizeof(frame), 0);

		if (bytes < 0)
			err(1, "cannot receive");
		take_answer(aim, frame, (size_t)bytes, answered);
	}
	for (int i = 0; i < PORTS; i++)
		n += answered[i];
	return n;
}

static void play(const struct trick *trick, struct aim *aim, int fd)
{
	const struct timespec gap = { .tv_nsec = GAP_NS };
	static struct volley volley;
	char source[INET6_ADDRSTRLEN];
	int frames = 0;

	for (__u16 port = FIRST_PORT; port < FIRST_PORT + PORTS; port++) {
		aim->port = port;
		aim->id++;
		volley.n = 0;
		trick->make(aim, &volley);
		for (int i = 0; i < volley.n; i++, frames++)
			if (send(fd, volley.frame[i].data, volley.frame[i].bytes, 0) < 0)
				err(1, "cannot send");
		nanosleep(&gap, NULL);
	}
	inet_ntop(aim->v6 ? AF_INET6 : AF_INET, aim->v6 ? (void *)&aim->src : &aim->src.w[3],
		  source, sizeof(source));
	printf("{\"trick\":\"%s\",\"source\":\"%s\",\"frames\":%d,\"answered\":%d}\n",
	       trick->name, source, frames, count_answers(fd, aim));
}

/* ---- command line ------------------------------------------------------------------ */

static const struct argp_option option_table[] = {
	{ "interface", 'i', "IFACE", 0, "send from here", 0 },
	{ "mac", 'm', "MAC", 0, "to this link address", 0 },
	{ "from", 'f', "ADDRESS", 0, "the first trick's source", 0 },
	{ 0 }
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'i':
		o->interface = arg;
		return 0;
	case 'm':
		o->mac = arg;
		return 0;
	case 'f':
		o->from = arg;
		return 0;
	case ARGP_KEY_ARG:
		o->target = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->interface || !o->mac || !o->from || !o->target)
			argp_error(state, "an interface, a link address, a source and a target "
					  "are needed");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void take_address(const char *text, bool v6, union ps_addr *out)
{
	__be32 v4;

	if (v6 && inet_pton(AF_INET6, text, out) == 1)
		return;
	if (v6 || inet_pton(AF_INET, text, &v4) != 1)
		errx(2, "'%s' is no address of IPv%c", text, v6 ? '6' : '4');
	*out = pkt_v4(v4);
}

/* Return: a socket that sends and receives whole frames at the interface. */
static int open_wire(const struct options *o, struct aim *aim)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(o->interface) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct ifreq req = {};

	strncpy(req.ifr_name, o->interface, IFNAMSIZ - 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    ioctl(fd, SIOCGIFHWADDR, &req))
		err(1, "cannot send frames from %s", o->interface);
	memcpy(aim->src_mac, req.ifr_hwaddr.sa_data, 6);
	return fd;
}

int main(int argc, char **argv)
{
	const struct argp argp = { .options = option_table,
				   .parser = parse_option,
				   .args_doc = "TARGET",
				   .doc = "Probes ports in one disguise after the other." };
	struct timespec now;
	struct options o = {};
	struct aim aim = {};
	int fd;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	aim.v6 = strchr(o.target, ':');
	take_address(o.from, aim.v6, &aim.src);
	take_address(o.target, aim.v6, &aim.dst);
	if (sscanf(o.mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &aim.dst_mac[0], &aim.dst_mac[1],
		   &aim.dst_mac[2], &aim.dst_mac[3], &aim.dst_mac[4], &aim.dst_mac[5]) != 6)
		errx(2, "'%s' is no link address", o.mac);
	clock_gettime(CLOCK_MONOTONIC, &now);
	aim.id = (__u32)(now.tv_nsec >> 10); /* not an earlier run's: half a packet lives for a while */
	fd = open_wire(&o, &aim);
	for (size_t i = 0; i < TRICKS; i++) {
		if (tricks[i].families & (aim.v6 ? V6 : V4))
			play(&tricks[i], &aim, fd);
		aim.src.b[15]++;
	}
	close(fd);
	return 0;
}
