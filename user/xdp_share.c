/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_share.c - who besides the owner may read the pins; see xdp.h. Since Linux
 * 5.19 reading a map takes no capability, whatever kernel.unprivileged_bpf_disabled
 * says, only the right to read its pin. So a group is given that right, for the
 * maps that `stats`, `status` and `why` show, and for no other pin: who has the
 * program can run it, who has a ring can empty it, and links open for writing only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "xdp.h"

/* Gives @path to @gid (0: to nobody but the owner) with @mode. */
static int give(const char *path, gid_t gid, mode_t mode)
{
	struct stat now;
	int err = 0;

	if (stat(path, &now))
		return -errno;
	/* Nothing to take back: the owner need not be root then. */
	if (!gid && !(now.st_mode & 0070))
		return 0;
	if (chown(path, (uid_t)-1, gid) || chmod(path, mode))
		err = -errno;
	return err;
}

/*
 * Members have to pass through the folder that bpffs is mounted on, which is for
 * root alone where systemd mounts it. Its root group is replaced by @gid, nobody
 * else is let in, and what others pinned has modes of its own.
 */
static int open_bpffs(gid_t gid)
{
	struct stat now;

	if (stat(XDP_BPFFS, &now))
		return -errno;
	if ((now.st_mode & 0001) || (now.st_gid == gid && (now.st_mode & 0010)))
		return 0;
	if (now.st_mode & 0070)
		return -EBUSY; /* another group's */
	return give(XDP_BPFFS, gid, (now.st_mode & 07777) | 0010);
}

void xdp_unshare_bpffs(void)
{
	struct stat bpffs, root;

	if (stat(XDP_BPFFS, &bpffs) || stat(XDP_ROOT, &root))
		return;
	if (root.st_gid && bpffs.st_gid == root.st_gid)
		give(XDP_BPFFS, 0, bpffs.st_mode & 07707);
}

int xdp_share(gid_t gid)
{
	char path[128];
	int err;

	if (gid != 0) {
		err = open_bpffs(gid);
		if (err == -EBUSY)
			log_error("cannot let the group %u into %s: it is open to another group "
				  "already; `chmod o+x %s` lets everybody pass", gid, XDP_BPFFS,
				  XDP_BPFFS);
		else if (err)
			log_error("cannot let the group %u into %s: %s", gid, XDP_BPFFS,
				  strerror(-err));
		if (err)
			return err;
	} else {
		xdp_unshare_bpffs();
	}
	err = give(XDP_ROOT, gid, gid ? 0710 : 0700);
	for (int i = 0; i < XDP_MAP_MAX && !err; i++) {
		if (!(XDP_MAPS_SHARED & 1U << i))
			continue;
		xdp_map_pin((enum xdp_map)i, path);
		err = give(path, gid, gid ? 0640 : 0600);
	}
	if (err)
		log_error("cannot give %s to the group %u: %s", XDP_ROOT, gid, strerror(-err));
	return err;
}
