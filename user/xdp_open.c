/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_open.c - the maps of a program that is attached already; see xdp.h. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "log.h"
#include "xdp.h"

static int open_map(struct xdp *xdp, enum xdp_map map, __u32 flags)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = flags);
	char path[128];
	int err;

	xdp_map_pin(map, path);
	xdp->fd[map] = bpf_obj_get_opts(path, &opts);
	if (xdp->fd[map] >= 0)
		return xdp_check_map(xdp->fd[map], map);
	err = -errno;
	if (err == -ENOENT && map == 0)
		log_error("attached to no interface here; `pscan-xdp attach IFACE` does that");
	else if (err == -EACCES || err == -EPERM)
		log_error("cannot open %s: %s; run as root%s", path, strerror(-err),
			  flags ? ", or let your group read with `attach --group`" : "");
	else
		log_error("cannot open %s: %s", path, strerror(-err));
	return err;
}

/* Those of the maps that are in @which: 1 << enum xdp_map. */
static int open_maps(__u32 which, __u32 flags, struct xdp **out)
{
	struct xdp *xdp = xdp_new();
	int err = 0;

	if (!xdp)
		return -ENOMEM;
	for (int i = 0; i < XDP_MAP_MAX && !err; i++)
		if (which & 1U << i)
			err = open_map(xdp, (enum xdp_map)i, flags);
	if (err)
		xdp_close(xdp);
	else
		*out = xdp;
	return err;
}

int xdp_open(struct xdp **out)
{
	return open_maps(~0U, 0, out);
}

int xdp_open_reader(struct xdp **out)
{
	return open_maps(XDP_MAPS_SHARED, BPF_F_RDONLY, out);
}
