/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_probe.c - see xdp_probe.h. What is asked here is what the program cannot
 * do without; the newest of it sets the floor of 6.1, the oldest kernel that
 * it is tested on.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conntrack.h"
#include "xdp.h"
#include "xdp_probe.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* @fd: what the kernel answered. Unknown things are invalid to it; a refusal for any other
 * reason, such as privilege, says nothing about them. */
static bool known(int fd)
{
	if (fd < 0)
		return errno != EINVAL;
	close(fd);
	return true;
}

static bool has_ring_buffer(void)
{
	return known(bpf_map_create(BPF_MAP_TYPE_RINGBUF, NULL, 0, 0, (__u32)getpagesize(), NULL));
}

static bool accepts(const struct bpf_insn *insns, size_t n, __u32 flags)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = flags);

	return known(bpf_prog_load(BPF_PROG_TYPE_XDP, NULL, "GPL", insns, n, &opts));
}

static bool has_coarse_clock(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_ktime_get_coarse_ns, NULL) != 0;
}

/* r1 = 2; stack = 2; r1 = fetch_add(stack, r1); return r1, which is XDP_PASS. */
static bool has_fetching_atomics(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = XDP_PASS },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 1, .off = -8 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 10, .src_reg = 1, .off = -8,
		  .imm = BPF_ADD | BPF_FETCH },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 0, .src_reg = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return accepts(insns, ARRAY_SIZE(insns), 0);
}

static bool has_frags(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return accepts(insns, ARRAY_SIZE(insns), BPF_F_XDP_HAS_FRAGS);
}

static const struct feature {
	const char *name, *since;
	bool (*present)(void);
} features[] = {
	{ "ring buffer", "5.8", has_ring_buffer },
	{ "coarse clock", "5.11", has_coarse_clock },
	{ "fetching atomics", "5.12", has_fetching_atomics },
	{ "multi-buffer XDP", "5.18", has_frags },
};

static void append(char text[XDP_PROBE_TEXT_BYTES], const struct feature *f, bool since)
{
	size_t used = strlen(text);

	snprintf(text + used, XDP_PROBE_TEXT_BYTES - used, "%s%s%s%s%s", used ? ", " : "", f->name,
		 since ? " (since " : "", since ? f->since : "", since ? ")" : "");
}

bool xdp_probe(char used[XDP_PROBE_TEXT_BYTES], char missing[XDP_PROBE_TEXT_BYTES])
{
	used[0] = '\0';
	missing[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		bool present = features[i].present();

		append(present ? used : missing, &features[i], !present);
	}
	return missing[0] == '\0';
}

static bool names_lookup(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "bpf_xdp_ct_lookup", BTF_KIND_FUNC) > 0;
}

/* The kernel loads what answers a question, if it has it. */
static void load_conntrack(void)
{
	struct conntrack *ct;

	if (conntrack_open(&ct))
		return;
	conntrack_tracks(ct, false);
	conntrack_close(ct);
}

bool xdp_probe_conntrack(void)
{
	struct btf *kernel = btf__load_vmlinux_btf(), *module = NULL;
	bool found = kernel && names_lookup(kernel);

	if (kernel && !found) {
		load_conntrack();
		module = btf__load_module_btf("nf_conntrack", kernel);
		found = module && names_lookup(module);
	}
	btf__free(module);
	btf__free(kernel);
	return found;
}

/* Both clocks of one moment, into the first 16 bytes of the frame. */
static int load_ticks(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 6, .src_reg = 1,
		  .off = offsetof(struct xdp_md, data) },
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 7, .src_reg = 1,
		  .off = offsetof(struct xdp_md, data_end) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 6 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = 16 },
		{ .code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = 1, .src_reg = 7, .off = 4 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64 },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 6, .src_reg = 0, .off = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ktime_get_coarse_ns },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 6, .src_reg = 0, .off = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, NULL, "GPL", insns, ARRAY_SIZE(insns), NULL);
}

/* Two readings that agree were not torn by a tick in between. */
bool xdp_probe_ticks(struct xdp_ticks *out)
{
	struct timespec resolution;
	__u64 now[8], last = 0;
	int fd = load_ticks();
	bool found = false;

	if (fd < 0 || clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) || resolution.tv_sec)
		goto out;
	out->tick_ns = (__u64)resolution.tv_nsec;
	for (int tries = 0; tries < 8 && !found; tries++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = now, .data_size_in = sizeof(now),
			    .data_out = now, .data_size_out = sizeof(now));

		if (bpf_prog_test_run_opts(fd, &opts))
			break;
		out->base_ns = now[1] - now[0] * out->tick_ns;
		found = tries && out->base_ns == last;
		last = out->base_ns;
	}
out:
	if (fd >= 0)
		close(fd);
	return found;
}

/* A kernel that takes them misses the target first, which is invalid; one that refuses them,
 * be it by the rules of a security module, does not get so far. */
int xdp_probe_extension(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_EXT, NULL, "GPL", insns, ARRAY_SIZE(insns), NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno == EINVAL ? 0 : -errno;
}

/* It stands in for its own main function: the checks are those that a dispatcher's slot makes. */
int xdp_try_extension(const struct xdp *xdp)
{
	struct bpf_object *obj;
	struct bpf_program *prog;
	int err = xdp_probe_extension();

	if (err)
		return err;
	obj = xdp_open_object(xdp);
	if (!obj)
		return -errno;
	prog = bpf_object__find_program_by_name(obj, XDP_PROG_NAME);
	bpf_program__set_type(prog, BPF_PROG_TYPE_EXT);
	bpf_program__set_expected_attach_type(prog, 0);
	bpf_program__set_flags(prog, 0); /* the dispatcher has the flags */
	err = bpf_program__set_attach_target(prog, xdp->prog, XDP_PROG_NAME);
	if (!err)
		err = bpf_object__load(obj);
	bpf_object__close(obj);
	return err;
}

const char *xdp_probe_cookies(void)
{
	static const enum bpf_func_id helpers[] = {
		BPF_FUNC_tcp_gen_syncookie,
		BPF_FUNC_tcp_check_syncookie,
		BPF_FUNC_tcp_raw_gen_syncookie_ipv4,
		BPF_FUNC_tcp_raw_gen_syncookie_ipv6,
		BPF_FUNC_tcp_raw_check_syncookie_ipv4,
		BPF_FUNC_tcp_raw_check_syncookie_ipv6,
	};
	FILE *file = fopen("/proc/sys/net/ipv4/tcp_syncookies", "re");
	int mode = -1;

	if (file) {
		if (fscanf(file, "%d", &mode) != 1)
			mode = -1;
		fclose(file);
	}
	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
		if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, helpers[i], NULL) == 0)
			return "this kernel lacks the helpers that make SYN cookies (since 6.0, with "
			       "CONFIG_SYN_COOKIES)";
	if (mode != 2)
		return "listeners accept cookies from here only with `sysctl "
		       "net.ipv4.tcp_syncookies=2`";
	return NULL;
}
