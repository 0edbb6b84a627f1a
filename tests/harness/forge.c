/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * forge.c - SYNs from forged sources, far faster than any socket sends them: a
 * small XDP program is run over one frame by BPF_PROG_TEST_RUN with live frames,
 * gives each frame another source and redirects it out of an interface.
 *
 * The sources come from 240.0.0.0/4, which nobody has, and 2001:db8:f0::/96.
 * Checksums are right, so that the receiving stack does with a frame that
 * passes what it would do with a real one. The peer of a veth must run an XDP
 * program of its own to take such frames.
 *
 * "ready" on stderr, then frames, then one JSON line on stdout:
 *   frames         sent, as far as this side can know
 *   start_ns, end_ns  when, by the real-time clock
 */
#include <argp.h>
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>

#include <pscan/packet.h>
#include <pscan/wire.h>

#include "tool.h"

#define FIRST_PORT 22
#define SECOND_PORT 23
#define FRAMES_MAX 10000000
#define SECONDS_MAX 300
#define STEPS_PER_SECOND 100
#define BATCH 64
#define NO_PORT 0x10000 /* equals no 16-bit field */

struct options {
	const char *interface, *target, *mac;
	unsigned int count, rate;
	bool twice;
};

static const struct argp_option option_table[] = {
	{ "interface", 'i', "IFACE", 0, "send from here", 0 },
	{ "mac", 'm', "MAC", 0, "to this link address", 0 },
	{ "count", 'c', "N", 0, "frames to send (1000000)", 0 },
	{ "rate", 'r', "N", 0, "frames a second (250000)", 0 },
	{ "twice", '2', NULL, 0, "two frames from each source, to different ports", 0 },
	{ 0 }
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'i':
		options->interface = arg;
		return 0;
	case 'm':
		options->mac = arg;
		return 0;
	case 'c':
		options->count = tool_number(arg, "count", 1, FRAMES_MAX);
		return 0;
	case 'r':
		options->rate = tool_number(arg, "rate", STEPS_PER_SECOND, FRAMES_MAX);
		return 0;
	case '2':
		options->twice = true;
		return 0;
	case ARGP_KEY_ARG:
		options->target = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options->interface || !options->mac || !options->target)
			argp_error(state, "an interface, a link address and a target are needed");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* ---- the frame, all but its source and destination port ----------------------- */

struct forgery {
	unsigned char frame[74];
	unsigned int bytes;
	short src;		/* offset of the source's last 32 bits */
	short dport;
	short ip_sum;		/* 0: IPv6 has none */
	short tcp_sum;
	__u32 ip_rest;		/* sums of the 16-bit words that stay */
	__u32 tcp_rest;
	unsigned int random_bits; /* of the 32 */
	__u32 prefix;		/* the others */
};

static void put16(unsigned char *at, unsigned int value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static __u32 sum16(const unsigned char *from, unsigned int bytes)
{
	__u32 sum = 0;

	for (unsigned int i = 0; i < bytes; i += 2)
		sum += (__u32)from[i] << 8 | from[i + 1];
	return sum;
}

static void put_tcp(struct forgery *f, unsigned int at)
{
	unsigned char *tcp = f->frame + at;

	put16(tcp, 40000);
	put16(tcp + 2, SECOND_PORT);
	put16(tcp + 12, 0x5002); /* five words of header, SYN */
	put16(tcp + 14, 1024);
	f->dport = (short)(at + 2);
	f->tcp_sum = (short)(at + 16);
	f->bytes = at + 20;
	f->tcp_rest += sum16(tcp, 20) - SECOND_PORT + PS_IP_TCP + 20;
}

static void put_ipv4(struct forgery *f, const char *target)
{
	unsigned char *ip = f->frame + 14;

	put16(f->frame + 12, PS_ETH_IPV4);
	put16(ip, 0x4500);
	put16(ip + 2, 40);
	put16(ip + 8, 64 << 8 | PS_IP_TCP);
	if (inet_pton(AF_INET, target, ip + 16) != 1)
		errx(2, "'%s' is no address", target);
	f->src = 14 + 12;
	f->ip_sum = 14 + 10;
	f->ip_rest = sum16(ip, 20);
	f->tcp_rest = sum16(ip + 16, 4);
	f->random_bits = 28;
	f->prefix = 0xf0000000;
	put_tcp(f, 34);
}

static void put_ipv6(struct forgery *f, const char *target)
{
	unsigned char *ip = f->frame + 14;

	put16(f->frame + 12, PS_ETH_IPV6);
	put16(ip, 0x6000);
	put16(ip + 4, 20);
	put16(ip + 6, PS_IP_TCP << 8 | 64);
	if (inet_pton(AF_INET6, "2001:db8:f0::", ip + 8) != 1 ||
	    inet_pton(AF_INET6, target, ip + 24) != 1)
		errx(2, "'%s' is no address", target);
	f->src = 14 + 20;
	f->tcp_rest = sum16(ip + 8, 32);
	f->random_bits = 32;
	put_tcp(f, 54);
}

static void put_macs(struct forgery *f, const struct options *options)
{
	struct ifreq req = {};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned char *mac = f->frame;

	if (sscanf(options->mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3,
		   mac + 4, mac + 5) != 6)
		errx(2, "'%s' is no link address", options->mac);
	strncpy(req.ifr_name, options->interface, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &req))
		err(1, "cannot read the link address of %s", options->interface);
	memcpy(f->frame + 6, req.ifr_hwaddr.sa_data, 6);
	close(fd);
}

/* ---- the program ------------------------------------------------------------------ */

struct program {
	struct bpf_insn insn[96];
	int n;
};

static int add(struct program *p, int code, int dst, int src, int off, __s32 imm)
{
	p->insn[p->n] = (struct bpf_insn){ .code = (__u8)code, .dst_reg = dst & 0xf,
					   .src_reg = src & 0xf, .off = (__s16)off, .imm = imm };
	return p->n++;
}

/* Makes the jump at @from land on the next instruction. */
static void land(struct program *p, int from)
{
	p->insn[from].off = (__s16)(p->n - from - 1);
}

/* The checksum of @rest_reg plus the source in r8, to offset @at. Uses r1 and r2. */
static void add_sum(struct program *p, int rest_reg, int at)
{
	add(p, BPF_ALU64 | BPF_MOV | BPF_X, 1, 8, 0, 0);
	add(p, BPF_ALU64 | BPF_RSH | BPF_K, 1, 0, 0, 16);
	add(p, BPF_ALU64 | BPF_MOV | BPF_X, 2, 8, 0, 0);
	add(p, BPF_ALU64 | BPF_AND | BPF_K, 2, 0, 0, 0xffff);
	add(p, BPF_ALU64 | BPF_ADD | BPF_X, 1, 2, 0, 0);
	add(p, BPF_ALU64 | BPF_ADD | BPF_X, 1, rest_reg, 0, 0);
	for (int fold = 0; fold < 2; fold++) {
		add(p, BPF_ALU64 | BPF_MOV | BPF_X, 2, 1, 0, 0);
		add(p, BPF_ALU64 | BPF_RSH | BPF_K, 2, 0, 0, 16);
		add(p, BPF_ALU64 | BPF_AND | BPF_K, 1, 0, 0, 0xffff);
		add(p, BPF_ALU64 | BPF_ADD | BPF_X, 1, 2, 0, 0);
	}
	add(p, BPF_ALU64 | BPF_XOR | BPF_K, 1, 0, 0, 0xffff);
	add(p, BPF_ALU | BPF_END | BPF_TO_BE, 1, 0, 0, 16);
	add(p, BPF_STX | BPF_MEM | BPF_H, 7, 1, at, 0);
}

/*
 * r7: the frame. r8: the source. r9: what of the TCP checksum stays. Frames
 * come round again as they left: one that was sent to the first port keeps its
 * source and goes to the second, when @twice says so.
 */
static void write_program(struct program *p, const struct forgery *f, unsigned int ifindex,
			  bool twice)
{
	int again, first_done, shorter;

	add(p, BPF_LDX | BPF_MEM | BPF_W, 7, 1, offsetof(struct xdp_md, data), 0);
	add(p, BPF_LDX | BPF_MEM | BPF_W, 8, 1, offsetof(struct xdp_md, data_end), 0);
	add(p, BPF_ALU64 | BPF_MOV | BPF_X, 1, 7, 0, 0);
	add(p, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, (__s32)f->bytes);
	shorter = add(p, BPF_JMP | BPF_JGT | BPF_X, 1, 8, 0, 0);
	add(p, BPF_LDX | BPF_MEM | BPF_H, 1, 7, f->dport, 0);
	again = add(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0, twice ? htons(FIRST_PORT) : NO_PORT);

	add(p, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32);
	add(p, BPF_ALU | BPF_MOV | BPF_X, 8, 0, 0, 0);
	add(p, BPF_ALU | BPF_RSH | BPF_K, 8, 0, 0, (__s32)(32 - f->random_bits));
	add(p, BPF_ALU | BPF_OR | BPF_K, 8, 0, 0, (__s32)f->prefix);
	add(p, BPF_ALU | BPF_MOV | BPF_K, 9, 0, 0, (__s32)f->tcp_rest + FIRST_PORT);
	add(p, BPF_ST | BPF_MEM | BPF_H, 7, 0, f->dport, htons(FIRST_PORT));
	first_done = add(p, BPF_JMP | BPF_JA, 0, 0, 0, 0);

	land(p, again);
	add(p, BPF_LDX | BPF_MEM | BPF_W, 8, 7, f->src, 0);
	add(p, BPF_ALU | BPF_END | BPF_TO_BE, 8, 0, 0, 32);
	add(p, BPF_ALU | BPF_MOV | BPF_K, 9, 0, 0, (__s32)f->tcp_rest + SECOND_PORT);
	add(p, BPF_ST | BPF_MEM | BPF_H, 7, 0, f->dport, htons(SECOND_PORT));

	land(p, first_done);
	add_sum(p, 9, f->tcp_sum);
	if (f->ip_sum) {
		add(p, BPF_ALU | BPF_MOV | BPF_K, 9, 0, 0, (__s32)f->ip_rest);
		add_sum(p, 9, f->ip_sum);
	}
	add(p, BPF_ALU | BPF_END | BPF_TO_BE, 8, 0, 0, 32);
	add(p, BPF_STX | BPF_MEM | BPF_W, 7, 8, f->src, 0);
	add(p, BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, (__s32)ifindex);
	add(p, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0);
	add(p, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect);
	add(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);

	land(p, shorter);
	add(p, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_ABORTED);
	add(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int load_program(const struct forgery *f, unsigned int ifindex, bool twice)
{
	static struct program program;
	static char log[65536];
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log, .log_size = sizeof(log),
		    .log_level = 1);
	int fd;

	write_program(&program, f, ifindex, twice);
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "forge", "GPL", program.insn, (size_t)program.n,
			   &opts);
	if (fd < 0)
		err(1, "cannot load the forging program: %s", log);
	return fd;
}

/* ---- the run ------------------------------------------------------------------------- */

static unsigned long long now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (unsigned long long)ts.tv_sec * 1000000000ULL + (unsigned long long)ts.tv_nsec;
}

static void send_frames(int prog, const struct forgery *f, unsigned int frames)
{
	struct xdp_md ctx = { .data_end = f->bytes };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->frame, .data_size_in = f->bytes,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = (int)frames,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	if (bpf_prog_test_run_opts(prog, &opts))
		err(1, "cannot send frames");
}

/* In steps of a hundredth of a second; a step that comes late is sent at once. */
static unsigned int run(int prog, const struct forgery *f, const struct options *options,
			int end_fd)
{
	struct pollfd end = { .fd = end_fd, .events = POLLIN };
	unsigned int sent = 0, step = options->rate / STEPS_PER_SECOND;
	unsigned long long next_ns = now_ns(CLOCK_MONOTONIC);

	while (sent < options->count && !end.revents) {
		unsigned int left = options->count - sent, frames = left < step ? left : step;
		unsigned long long before_ns = now_ns(CLOCK_MONOTONIC);
		struct timespec wait = { 0 };

		if (next_ns > before_ns)
			wait.tv_nsec = (long)(next_ns - before_ns);
		if (ppoll(&end, 1, &wait, NULL) < 0 && errno != EINTR)
			err(1, "cannot wait");
		send_frames(prog, f, frames);
		sent += frames;
		next_ns += 1000000000ULL / STEPS_PER_SECOND;
	}
	return sent;
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = "TARGET",
		.doc = "Sends SYNs to TARGET, each (or each two) from another forged source.",
	};
	struct options options = { .count = 1000000, .rate = 250000 };
	struct forgery forgery = { .bytes = 0 };
	unsigned long long start_ns;
	unsigned int sent, ifindex;
	int end_fd, prog;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	ifindex = if_nametoindex(options.interface);
	if (!ifindex)
		err(1, "%s", options.interface);
	put_macs(&forgery, &options);
	if (strchr(options.target, ':'))
		put_ipv6(&forgery, options.target);
	else
		put_ipv4(&forgery, options.target);
	end_fd = tool_end_fd(SECONDS_MAX);
	prog = load_program(&forgery, ifindex, options.twice);
	tool_ready();
	start_ns = now_ns(CLOCK_REALTIME);
	sent = run(prog, &forgery, &options, end_fd);
	printf("{\"frames\":%u,\"start_ns\":%llu,\"end_ns\":%llu}\n", sent, start_ns,
	       now_ns(CLOCK_REALTIME));
	close(prog);
	return 0;
}
