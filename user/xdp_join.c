/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_join.c - see xdp_join.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "xdp_join.h"
#include "xdp_maps.h"
#include "xdp_probe.h"

void xdp_join_pin(unsigned int ifindex, char out[128])
{
	snprintf(out, 128, XDP_ROOT "/" XDP_JOIN_PREFIX "%u", ifindex);
}

int xdp_join_read(unsigned int ifindex, struct xdp_dispatch *out)
{
	struct bpf_map_info info = {};
	__u32 bytes = sizeof(info);
	struct xdp_dispatch d;
	char path[128];
	int fd, err;

	xdp_join_pin(ifindex, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	err = bpf_obj_get_info_by_fd(fd, &info, &bytes) ? -errno : 0;
	close(fd);
	if (!err)
		err = xdp_dispatch_read(ifindex, info.id, &d);
	if (!err && !d.n_ours)
		err = -ENOENT;
	if (!err)
		*out = d;
	return err;
}

/* In the mode of the dispatcher that is there, else as asked for. */
static int add(struct bpf_object *obj, unsigned int ifindex, const char *ifname,
	       enum xdp_mode mode)
{
	static const enum xdp_dispatch_mode wanted[] = {
		[XDP_MODE_AUTO] = XDP_DISPATCH_AUTO,
		[XDP_MODE_NATIVE] = XDP_DISPATCH_NATIVE,
		[XDP_MODE_GENERIC] = XDP_DISPATCH_GENERIC,
	};
	enum xdp_dispatch_mode as = wanted[mode];
	struct xdp_dispatch there;

	if (xdp_dispatch_read(ifindex, 0, &there) == 0) {
		as = there.native ? XDP_DISPATCH_NATIVE : XDP_DISPATCH_GENERIC;
		if (mode != XDP_MODE_AUTO && as != wanted[mode]) {
			log_error("the libxdp dispatcher on %s runs in %s mode, and --mode asks for the "
				  "other", ifname, there.native ? "native" : "generic");
			return -EINVAL;
		}
	}
	return xdp_dispatch_add(obj, XDP_PROG_NAME, ifindex, ifname, as);
}

static int mark(const struct xdp *xdp, unsigned int ifindex, const char *ifname)
{
	char path[128];
	int err;

	xdp_join_pin(ifindex, path);
	unlink(path); /* of an earlier life: nothing of ours runs there, or it was read before */
	if (bpf_obj_pin(xdp->fd[XDP_MAP_CONFIG], path) == 0)
		return 0;
	err = -errno;
	log_error("cannot pin the mark of %s at %s: %s", ifname, path, strerror(-err));
	return err;
}

/* A cookie is sent by changing the packet, which no program in a dispatcher may. */
static bool wants_cookies(const struct xdp *xdp)
{
	struct ps_config cfg;

	return xdp_config_get(xdp, &cfg) == 0 && cfg.rule.unproven == PS_UNPROVEN_COOKIE;
}

int xdp_join(const struct xdp *xdp, unsigned int ifindex, const char *ifname, enum xdp_mode mode)
{
	struct xdp_dispatch before = {};
	bool renewed = xdp_join_read(ifindex, &before) == 0;
	struct bpf_object *obj;
	int err;

	if (wants_cookies(xdp)) {
		log_error("cannot share %s with other XDP programs and send SYN cookies: programs in "
			  "a libxdp dispatcher change no packets; leave --unproven cookie out", ifname);
		return -EOPNOTSUPP;
	}
	err = xdp_probe_extension();
	if (err) {
		log_error("cannot share %s with other XDP programs: this kernel refuses extension "
			  "programs (freplace): %s", ifname, strerror(-err));
		return err;
	}
	obj = xdp_open_object(xdp);
	if (!obj) {
		err = -errno;
		log_error("cannot open the XDP program: %s", strerror(-err));
		return err;
	}
	if (!renewed)
		err = mark(xdp, ifindex, ifname);
	if (!err)
		err = add(obj, ifindex, ifname, mode);
	if (err && !renewed)
		xdp_join_leave(ifindex);
	if (!err && renewed) {
		err = xdp_dispatch_drop(ifindex, &before);
		if (err)
			log_error("cannot take the earlier program out of the dispatcher on %s: %s",
				  ifname, strerror(-err));
	}
	bpf_object__close(obj);
	return err;
}

int xdp_join_leave(unsigned int ifindex)
{
	struct xdp_dispatch d;
	char path[128];
	int err;

	xdp_join_pin(ifindex, path);
	if (access(path, F_OK))
		return -errno;
	err = xdp_join_read(ifindex, &d);
	if (!err)
		err = xdp_dispatch_drop(ifindex, &d);
	if (err && err != -ENOENT)
		return err;
	return unlink(path) ? -errno : 0;
}
