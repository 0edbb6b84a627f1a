/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_open.c - a program that is attached already: its maps, and who runs it; see xdp.h. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "log.h"
#include "xdp.h"
#include "xdp_maps.h"

/* Loading takes a second, and ten times that where a CPU is emulated. */
#define AWAIT_NS (60ULL * 1000000000ULL)
#define AWAIT_POLL_MS 20

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
	int err = open_maps(~0U, 0, out);

	if (err)
		return err;
	err = xdp_lists_open(*out);
	if (err)
		xdp_close(*out);
	return err;
}

int xdp_open_reader(struct xdp **out)
{
	return open_maps(XDP_MAPS_SHARED, BPF_F_RDONLY, out);
}

bool xdp_holds_pins(const struct xdp *xdp)
{
	struct stat ours, there;

	return fstat(xdp->root, &ours) == 0 && stat(XDP_ROOT, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

bool xdp_pins_hidden(const struct xdp *xdp)
{
	struct stat ours;

	return !xdp_holds_pins(xdp) && fstat(xdp->root, &ours) == 0 && ours.st_nlink > 0;
}

/*
 * Looks the lock up instead of trying it: held for a moment only, a lock of ours would
 * look like a loader's to an `attach` that begins just then.
 */
__u32 xdp_loader(void)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[256], id[64];
	struct stat root;
	__u32 pid = 0;

	if (!locks)
		return 0;
	if (stat(XDP_ROOT, &root) == 0) {
		snprintf(id, sizeof(id), " %02x:%02x:%llu ", major(root.st_dev), minor(root.st_dev),
			 (unsigned long long)root.st_ino);
		while (!pid && fgets(line, sizeof(line), locks))
			if (strstr(line, id) && sscanf(line, "%*d: FLOCK %*s %*s %u", &pid) != 1)
				pid = 0;
	}
	fclose(locks);
	return pid;
}

/* Is the lock held by a process that /proc does not show here. */
static bool held_elsewhere(void)
{
	int fd = open(XDP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;

	if (fd >= 0)
		close(fd);
	return held;
}

/* Does the configuration name @pid: the last thing that a loader does before it attaches. */
static bool announced(__u32 pid)
{
	struct xdp config = { .fd = { [XDP_MAP_CONFIG] = -1 } };
	struct ps_config cfg;
	char path[128];
	bool is;

	xdp_map_pin(XDP_MAP_CONFIG, path);
	config.fd[XDP_MAP_CONFIG] = bpf_obj_get(path);
	if (config.fd[XDP_MAP_CONFIG] < 0)
		return false;
	is = xdp_config_get(&config, &cfg) == 0 && cfg.loader_pid == pid;
	close(config.fd[XDP_MAP_CONFIG]);
	return is;
}

int xdp_await_loader(void)
{
	__u64 end_ns = xdp_now_ns() + AWAIT_NS;
	__u32 pid = 0;

	while (xdp_now_ns() < end_ns) {
		pid = xdp_loader();
		if (!pid)
			return held_elsewhere() ? 0 : -ESRCH;
		if (announced(pid))
			return 0;
		poll(NULL, 0, AWAIT_POLL_MS);
	}
	log_error("another pscan-xdp (pid %u) has been starting for %llu s; is it stopped?", pid,
		  AWAIT_NS / 1000000000ULL);
	return -ETIMEDOUT;
}
