/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_dispatch.c - see xdp_dispatch.h. The only user of libxdp. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "log.h"
#include "xdp_dispatch.h"

/*
 * Low runs first; xdp-filter asks for 10, and 50 is libxdp's default. What we
 * drop nobody behind us needs to look at; what we pass goes on to them.
 */
#define RUN_PRIO 5

#define MAPS_MAX 32

/* libxdp's last complaint: what it returns is often less than what it knows. */
static char complaint[256];

static int libxdp_log(enum libxdp_print_level level, const char *format, va_list args)
{
	static const char who[] = "libxdp: ";
	char line[512], *text = line;

	if (level == LIBXDP_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	text += strspn(text, " ");
	if (strncmp(text, who, strlen(who)) == 0)
		text += strlen(who);
	snprintf(complaint, sizeof(complaint), "%.255s", text);
	log_debug("libxdp: %s", text);
	return 0;
}

/* ---- what runs ----------------------------------------------------------- */

static __u32 attached_id(unsigned int ifindex, bool *native)
{
	/* No more than that: what newer versions add behind it they ask generic netlink,
	 * which a loader that gave up its privileges cannot. */
	struct bpf_xdp_query_opts query = {
		.sz = offsetof(struct bpf_xdp_query_opts, attach_mode) + sizeof(query.attach_mode),
	};

	if (bpf_xdp_query((int)ifindex, 0, &query))
		return 0;
	*native = query.attach_mode == XDP_ATTACHED_DRV;
	return query.prog_id;
}

static bool uses_map(const struct bpf_prog_info *info, const __u32 *map_ids, __u32 map_id)
{
	for (__u32 i = 0; i < info->nr_map_ids && i < MAPS_MAX; i++)
		if (map_ids[i] == map_id)
			return true;
	return false;
}

/* The program of one slot. -ENOENT behind the last. */
static int read_slot(unsigned int ifindex, __u32 map_id, struct xdp_dispatch *d)
{
	const char *bpffs = secure_getenv(XDP_BPFFS_ENVVAR);
	__u32 map_ids[MAPS_MAX] = { 0 }, bytes = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX,
				      .map_ids = (__u64)(unsigned long)map_ids };
	char path[256];
	int fd, err;

	snprintf(path, sizeof(path), "%s/xdp/dispatch-%u-%u/prog%u-prog",
		 bpffs ? bpffs : "/sys/fs/bpf", ifindex, d->id, d->programs);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	err = bpf_obj_get_info_by_fd(fd, &info, &bytes) ? -errno : 0;
	close(fd);
	if (err)
		return err;
	d->programs++;
	if (!map_id || !uses_map(&info, map_ids, map_id))
		return 0;
	if (!d->n_ours)
		d->place = d->programs;
	d->ours[d->n_ours++] = info.id;
	return 0;
}

int xdp_dispatch_read(unsigned int ifindex, __u32 map_id, struct xdp_dispatch *out)
{
	struct xdp_dispatch d;
	bool native;
	int err;

	/*
	 * Whoever swaps the dispatcher pins the new one, attaches it, and unpins the
	 * old one: when the same is attached before and after, all of it was seen.
	 */
	do {
		memset(&d, 0, sizeof(d));
		d.id = attached_id(ifindex, &d.native);
		err = d.id ? 0 : -ENOENT;
		while (!err && d.programs < XDP_DISPATCH_SLOTS)
			err = read_slot(ifindex, map_id, &d);
	} while (d.id != attached_id(ifindex, &native));
	if (err && (err != -ENOENT || !d.programs))
		return err;
	*out = d;
	return 0;
}

/* ---- changes --------------------------------------------------------------- */

static void refuse(const char *ifname, int err)
{
	char text[128] = "";

	libxdp_strerror(err, text, sizeof(text));
	if (err == -E2BIG)
		log_error("the libxdp dispatcher on %s runs %d programs already, which is all it can; "
			  "`xdp-loader status` lists them", ifname, XDP_DISPATCH_SLOTS);
	else
		log_error("cannot join the libxdp dispatcher on %s: %s%s%s%s", ifname,
			  err == -EPERM ? "no permission; run as root" : text,
			  complaint[0] ? " (libxdp: " : "", complaint, complaint[0] ? ")" : "");
}

/* On an interface that runs nothing libxdp goes without a dispatcher when it cannot have one. */
static int undo_lone_attach(const struct xdp_program *prog, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = xdp_program__fd(prog));

	return bpf_xdp_detach((int)ifindex, XDP_FLAGS_REPLACE, &opts);
}

static int attach(struct xdp_program *prog, unsigned int ifindex, enum xdp_dispatch_mode mode)
{
	static const enum xdp_attach_mode modes[] = {
		[XDP_DISPATCH_AUTO] = XDP_MODE_UNSPEC,
		[XDP_DISPATCH_NATIVE] = XDP_MODE_NATIVE,
		[XDP_DISPATCH_GENERIC] = XDP_MODE_SKB,
	};
	struct xdp_dispatch d;
	int err;

	err = xdp_program__set_run_prio(prog, RUN_PRIO);
	for (unsigned int action = 0; !err && action <= XDP_REDIRECT; action++)
		err = xdp_program__set_chain_call_enabled(prog, action, action == XDP_PASS);
	if (!err)
		err = xdp_program__attach(prog, (int)ifindex, modes[mode], 0);
	if (!err && xdp_dispatch_read(ifindex, 0, &d)) {
		undo_lone_attach(prog, ifindex);
		err = -EOPNOTSUPP;
	}
	return err;
}

int xdp_dispatch_add(struct bpf_object *obj, const char *name, unsigned int ifindex,
		     const char *ifname, enum xdp_dispatch_mode mode)
{
	LIBBPF_OPTS(xdp_program_opts, opts, .obj = obj, .prog_name = name);
	struct xdp_program *prog;
	int err;

	complaint[0] = '\0';
	libxdp_set_print(libxdp_log);
	prog = xdp_program__create(&opts);
	err = (int)libxdp_get_error(prog);
	if (!err)
		err = attach(prog, ifindex, mode);
	if (err)
		refuse(ifname, err);
	if (prog && !libxdp_get_error(prog))
		xdp_program__close(prog);
	return err;
}

int xdp_dispatch_drop(unsigned int ifindex, const struct xdp_dispatch *d)
{
	struct xdp_program *progs[XDP_DISPATCH_SLOTS];
	unsigned int n = 0;
	int err = 0;

	complaint[0] = '\0';
	libxdp_set_print(libxdp_log);
	for (unsigned int i = 0; i < d->n_ours && !err; i++) {
		progs[n] = xdp_program__from_id(d->ours[i]);
		err = (int)libxdp_get_error(progs[n]);
		n += !err;
		err = err == -ENOENT ? 0 : err;
	}
	if (!err && n)
		err = xdp_program__detach_multi(progs, n, (int)ifindex,
						d->native ? XDP_MODE_NATIVE : XDP_MODE_SKB, 0);
	while (n)
		xdp_program__close(progs[--n]);
	return err == -ENOENT ? 0 : err;
}
