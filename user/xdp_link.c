/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_link.c - attaching to interfaces and letting go of them; see xdp.h.
 * A pinned link keeps the program attached whatever happens to the loader.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "xdp.h"

#define LINK_PREFIX "link-"

void xdp_link_pin(unsigned int ifindex, char out[128])
{
	snprintf(out, 128, XDP_ROOT "/" LINK_PREFIX "%u", ifindex);
}

/* What rtnetlink tells everybody about the interface of @link; -ENODEV when it is gone. */
static int interface_state(struct xdp_link *link)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (!link->ifindex || !if_indextoname(link->ifindex, link->ifname))
		return -ENODEV;
	if (bpf_xdp_query((int)link->ifindex, 0, &query) == 0) {
		link->native = query.attach_mode == XDP_ATTACHED_DRV;
		if (!link->prog_id)
			link->prog_id = query.prog_id;
	}
	return 0;
}

/* What the kernel knows about the link behind @fd; -ENODEV when its interface is gone. */
static int link_state(int fd, struct xdp_link *link)
{
	struct bpf_link_info info = {};
	__u32 bytes = sizeof(info);

	memset(link, 0, sizeof(*link));
	if (bpf_obj_get_info_by_fd(fd, &info, &bytes))
		return -errno;
	link->ifindex = info.xdp.ifindex;
	link->prog_id = info.prog_id;
	return interface_state(link);
}

/* The same for who may pass through the pin folder, but neither list it nor open links. */
static int links_of_interfaces(struct xdp_link *links, int max)
{
	struct if_nameindex *all = if_nameindex();
	char path[128];
	int n = 0;

	if (!all)
		return -errno;
	for (int i = 0; n < max && all[i].if_index; i++) {
		xdp_link_pin(all[i].if_index, path);
		if (access(path, F_OK))
			continue;
		links[n] = (struct xdp_link){ .ifindex = all[i].if_index };
		if (interface_state(&links[n]) == 0)
			n++;
	}
	if_freenameindex(all);
	return n;
}

int xdp_links(struct xdp_link *links, int max)
{
	DIR *dir = opendir(XDP_ROOT);
	struct dirent *entry;
	int n = 0;

	if (!dir && errno == EACCES && access(XDP_ROOT "/.", F_OK) == 0)
		return links_of_interfaces(links, max);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (n < max && (entry = readdir(dir))) {
		char path[128];
		int fd;

		if (strncmp(entry->d_name, LINK_PREFIX, strlen(LINK_PREFIX)))
			continue;
		snprintf(path, sizeof(path), XDP_ROOT "/%.60s", entry->d_name);
		fd = bpf_obj_get(path);
		if (fd < 0)
			continue;
		if (link_state(fd, &links[n]))
			links[n].ifindex = (unsigned int)atoi(entry->d_name + strlen(LINK_PREFIX));
		n++;
		close(fd);
	}
	closedir(dir);
	return n;
}

static bool interface_up(const char *ifname)
{
	struct ifreq req = {};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	memcpy(req.ifr_name, ifname, strnlen(ifname, IF_NAMESIZE - 1));
	up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &req) == 0 && (req.ifr_flags & IFF_UP);
	if (fd >= 0)
		close(fd);
	return up;
}

__u32 xdp_attached_program(unsigned int ifindex, char name[32])
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = {};
	__u32 bytes = sizeof(info);
	int fd;

	name[0] = '\0';
	if (bpf_xdp_query((int)ifindex, 0, &query) || query.attach_mode == XDP_ATTACHED_NONE)
		return 0;
	fd = bpf_prog_get_fd_by_id(query.prog_id);
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0)
		snprintf(name, 32, "%s", info.name);
	if (fd >= 0)
		close(fd);
	return query.prog_id;
}

static int refuse_foreign(unsigned int ifindex, const char *ifname)
{
	char name[32];
	__u32 id = xdp_attached_program(ifindex, name);

	if (!id)
		return 0;
	log_error("%s already runs the XDP program '%s' (id %u), which is not replaced; detach it "
		  "first if it is not needed", ifname, name[0] ? name : "?", id);
	return -EEXIST;
}

static int create_link(int prog, unsigned int ifindex, enum xdp_mode mode, bool *native)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd;

	if (mode != XDP_MODE_GENERIC) {
		opts.flags = XDP_FLAGS_DRV_MODE;
		fd = bpf_link_create(prog, (int)ifindex, BPF_XDP, &opts);
		*native = true;
		if (fd >= 0 || mode == XDP_MODE_NATIVE || errno == EBUSY || errno == EPERM)
			return fd < 0 ? -errno : fd;
		log_debug("native mode refused: %s", strerror(errno));
	}
	opts.flags = XDP_FLAGS_SKB_MODE;
	fd = bpf_link_create(prog, (int)ifindex, BPF_XDP, &opts);
	*native = false;
	return fd < 0 ? -errno : fd;
}

static int attach_and_pin(int prog, unsigned int ifindex, const char *ifname, enum xdp_mode mode,
			  bool *native)
{
	char path[128];
	int fd = create_link(prog, ifindex, mode, native), err = 0;

	if (fd < 0) {
		log_error("cannot attach to %s%s: %s%s", ifname,
			  mode == XDP_MODE_NATIVE ? " in native mode" : "", strerror(-fd),
			  fd == -EPERM ? "; run as root" :
			  mode == XDP_MODE_NATIVE ? "; --mode generic works on every driver" : "");
		return fd;
	}
	xdp_link_pin(ifindex, path);
	if (bpf_obj_pin(fd, path)) {
		err = -errno;
		log_error("cannot pin the link of %s at %s: %s", ifname, path, strerror(-err));
	}
	close(fd); /* the pin keeps it; without one this detaches */
	return err;
}

int xdp_attachable(const char *ifname)
{
	unsigned int ifindex = if_nametoindex(ifname);
	char path[128];

	if (!ifindex) {
		log_error("there is no interface '%s'; `ip -br link` lists them", ifname);
		return -ENODEV;
	}
	if (!interface_up(ifname)) {
		log_error("%s is down; `ip link set %s up` first", ifname, ifname);
		return -ENETDOWN;
	}
	xdp_link_pin(ifindex, path);
	if (access(path, F_OK) == 0 || errno == EACCES)
		return 0; /* ours, or not for this user to know: loading will say */
	return refuse_foreign(ifindex, ifname);
}

static int attach_once(const struct xdp *xdp, const char *ifname, enum xdp_mode mode,
		       struct xdp_link *link)
{
	unsigned int ifindex = if_nametoindex(ifname);
	int err = xdp_attachable(ifname), fd;
	bool native = false;
	char path[128];

	if (err)
		return err;
	xdp_link_pin(ifindex, path);
	if (access(path, F_OK) != 0) {
		err = attach_and_pin(xdp->prog, ifindex, ifname, mode, &native);
		if (err)
			return err;
	}
	fd = bpf_obj_get(path);
	err = fd < 0 ? -errno : link_state(fd, link);
	if (err)
		log_error("cannot read the link of %s at %s: %s", ifname, path, strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

/* One at a time: between link and pin another attach would take ours for somebody else's. */
int xdp_attach(const struct xdp *xdp, const char *ifname, enum xdp_mode mode,
	       struct xdp_link *link)
{
	int lock = open(XDP_BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (lock >= 0)
		flock(lock, LOCK_EX);
	err = attach_once(xdp, ifname, mode, link);
	if (lock >= 0)
		close(lock);
	return err;
}

/* Takes the program off the interface now, whoever else holds the link. */
static int remove_link(const char *path)
{
	int fd = bpf_obj_get(path);
	int err = 0;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd >= 0 && bpf_link_detach(fd) && errno != ENODEV)
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (unlink(path) && !err)
		err = -errno;
	return err;
}

int xdp_detach(unsigned int ifindex, const char *ifname)
{
	char path[128];
	int err;

	xdp_link_pin(ifindex, path);
	err = remove_link(path);
	if (err == -ENOENT)
		log_error("pscan-xdp is not attached to %s", ifname);
	else if (err)
		log_error("cannot detach from %s: %s%s", ifname, strerror(-err),
			  err == -EACCES || err == -EPERM ? "; run as root" : "");
	return err;
}

/* Calls remove_link() or unlink() for every entry of the pin folder. */
static int clear_root(bool links)
{
	DIR *dir = opendir(XDP_ROOT);
	struct dirent *entry;
	int err = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir) {
		err = -errno;
		log_error("cannot open the pin folder %s: %s%s", XDP_ROOT, strerror(-err),
			  err == -ENOTDIR ? "; remove what is there if nobody needs it" :
			  err == -EACCES || err == -EPERM ? "; run as root" : "");
		return err;
	}
	while ((entry = readdir(dir))) {
		bool is_link = !strncmp(entry->d_name, LINK_PREFIX, strlen(LINK_PREFIX));
		char path[128];

		if (entry->d_name[0] == '.' || is_link != links)
			continue;
		snprintf(path, sizeof(path), XDP_ROOT "/%.60s", entry->d_name);
		if ((links ? remove_link(path) : unlink(path)) && !err) {
			err = -errno;
			log_error("cannot remove %s: %s", path, strerror(-err));
		}
	}
	closedir(dir);
	return err;
}

int xdp_release_if_unused(void)
{
	struct xdp_link links[1];
	int n = xdp_links(links, 1);

	if (n)
		return n;
	xdp_unshare_bpffs();
	n = clear_root(false);
	if (!n && rmdir(XDP_ROOT) && errno != ENOENT)
		return -errno;
	return n;
}

int xdp_detach_all(void)
{
	int err = clear_root(true);

	return err ? err : xdp_release_if_unused();
}

int xdp_open_prog(struct xdp *xdp)
{
	int err;

	xdp->prog = bpf_obj_get(XDP_PROG_PIN);
	if (xdp->prog >= 0)
		return 0;
	err = -errno;
	log_error("cannot open the program at %s: %s", XDP_PROG_PIN, strerror(-err));
	return err;
}
