/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_link.c - attaching to interfaces and letting go of them; see xdp.h.
 * A pinned link keeps the program attached whatever happens to the loader; in a
 * dispatcher (xdp_join.h) it is libxdp's pins that do.
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
#include "xdp_join.h"

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

/* What the kernel knows about the link behind @fd; -ENODEV when its interface is gone, or
 * in another network namespace. */
static int link_state(int fd, struct xdp_link *link)
{
	struct bpf_link_info info = {};
	__u32 bytes = sizeof(info);

	memset(link, 0, sizeof(*link));
	if (bpf_obj_get_info_by_fd(fd, &info, &bytes))
		return -errno;
	link->ifindex = info.xdp.ifindex;
	link->prog_id = info.prog_id;
	link->elsewhere = link->ifindex && interface_state(link);
	return link->ifname[0] ? 0 : -ENODEV;
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
		bool joined;

		xdp_join_pin(all[i].if_index, path);
		joined = access(path, F_OK) == 0;
		xdp_link_pin(all[i].if_index, path);
		if (!joined && access(path, F_OK))
			continue;
		links[n] = (struct xdp_link){ .ifindex = all[i].if_index };
		if (interface_state(&links[n]))
			continue;
		/* Which programs the dispatcher runs is not for everybody to know. */
		if (joined)
			links[n].dispatcher = links[n].prog_id;
		n++;
	}
	if_freenameindex(all);
	return n;
}

/* The same for an interface whose dispatcher runs the program; -ENOENT when it does no more. */
static int joined_state(unsigned int ifindex, struct xdp_link *link)
{
	struct xdp_dispatch d;
	int err = xdp_join_read(ifindex, &d);

	if (err)
		return err;
	memset(link, 0, sizeof(*link));
	if (!if_indextoname(ifindex, link->ifname))
		return -ENOENT;
	link->ifindex = ifindex;
	link->native = d.native;
	link->prog_id = d.ours[0];
	link->dispatcher = d.id;
	link->place = d.place;
	link->programs = d.programs;
	return 0;
}

/* One entry of the pin folder. Return: is it a place where the program is attached? */
static bool read_entry(const char *name, struct xdp_link *link)
{
	char path[128];
	int fd;

	if (strncmp(name, XDP_JOIN_PREFIX, strlen(XDP_JOIN_PREFIX)) == 0)
		return joined_state((unsigned int)atoi(name + strlen(XDP_JOIN_PREFIX)), link) == 0;
	if (strncmp(name, LINK_PREFIX, strlen(LINK_PREFIX)))
		return false;
	snprintf(path, sizeof(path), XDP_ROOT "/%.60s", name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return false;
	if (link_state(fd, link))
		link->ifindex = (unsigned int)atoi(name + strlen(LINK_PREFIX));
	close(fd);
	return true;
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
	while (n < max && (entry = readdir(dir)))
		n += read_entry(entry->d_name, &links[n]);
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

/* A dispatcher is somebody's, too, and made for company. */
static int check_dispatcher(unsigned int ifindex, const char *ifname, __u32 id)
{
	struct xdp_dispatch d;
	int err = xdp_dispatch_read(ifindex, 0, &d);

	if (err == -ENOENT)
		log_error("%s runs a libxdp dispatcher (program %u) whose programs are not pinned under "
			  XDP_BPFFS "/xdp here; attach where it was started, or detach it", ifname, id);
	else if (!err && d.programs == XDP_DISPATCH_SLOTS)
		log_error("the libxdp dispatcher on %s runs %u programs already, which is all it can; "
			  "`xdp-loader status` lists them", ifname, d.programs);
	else
		return 0; /* there is room, or it is not for this user to know: joining will say */
	return -EEXIST;
}

static int refuse_foreign(unsigned int ifindex, const char *ifname)
{
	char name[32];
	__u32 id = xdp_attached_program(ifindex, name);

	if (!id)
		return 0;
	if (strcmp(name, XDP_DISPATCH_NAME) == 0)
		return check_dispatcher(ifindex, ifname, id);
	if (strcmp(name, XDP_PROG_NAME) == 0)
		log_error("%s already runs the XDP program '" XDP_PROG_NAME "' (id %u), whose pins are not "
			  "in " XDP_ROOT ": another version's, or another bpffs's; detach it there, or "
			  "remove its pins (" XDP_BPFFS "/pscan-xdp-v*)", ifname, id);
	else
		log_error("%s already runs the XDP program '%s' (id %u), which is not replaced, and is not "
			  "in a libxdp dispatcher, where both could run; detach it first if it is not needed",
			  ifname, name[0] ? name : "?", id);
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
	struct xdp_dispatch joined;
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
	if (xdp_join_read(ifindex, &joined) == 0)
		return 0;
	return refuse_foreign(ifindex, ifname);
}

/* Attached already, into the dispatcher, or by a link of its own. */
static int attach_somehow(const struct xdp *xdp, unsigned int ifindex, const char *ifname,
			  enum xdp_mode mode, bool dispatcher)
{
	struct xdp_dispatch d;
	char path[128];
	bool native;

	xdp_link_pin(ifindex, path);
	if (access(path, F_OK) == 0 || xdp_join_read(ifindex, &d) == 0)
		return 0;
	if (dispatcher || xdp_dispatch_read(ifindex, 0, &d) == 0)
		return xdp_join(xdp, ifindex, ifname, mode);
	return attach_and_pin(xdp->prog, ifindex, ifname, mode, &native);
}

static int attach_once(const struct xdp *xdp, const char *ifname, enum xdp_mode mode,
		       bool dispatcher, struct xdp_link *link)
{
	unsigned int ifindex = if_nametoindex(ifname);
	int err = xdp_attachable(ifname), fd;
	char path[128];

	if (!err)
		err = attach_somehow(xdp, ifindex, ifname, mode, dispatcher);
	if (err || joined_state(ifindex, link) == 0)
		return err;
	xdp_link_pin(ifindex, path);
	fd = bpf_obj_get(path);
	err = fd < 0 ? -errno : link_state(fd, link);
	if (err)
		log_error("cannot read the link of %s at %s: %s", ifname, path, strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

/* One at a time: between link and pin another attach would take ours for somebody else's. */
int xdp_attach(const struct xdp *xdp, const char *ifname, enum xdp_mode mode, bool dispatcher,
	       struct xdp_link *link)
{
	int lock = open(XDP_BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (lock >= 0)
		flock(lock, LOCK_EX);
	err = attach_once(xdp, ifname, mode, dispatcher, link);
	if (lock >= 0)
		close(lock);
	return err;
}

static int swap_link(const struct xdp *xdp, const struct xdp_link *link)
{
	int err = 0, fd;
	char path[128];

	xdp_link_pin(link->ifindex, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	if (link->ifname[0] == '\0' && !link->elsewhere) {
		unlink(path); /* the interface is gone, only our pin kept the link */
	} else if (bpf_link_update(fd, xdp->prog, NULL)) {
		err = -errno;
		log_error("cannot hand %s to the new program: %s", link->ifname, strerror(-err));
	}
	close(fd);
	return err;
}

int xdp_swap(const struct xdp *xdp)
{
	struct xdp_link links[64];
	int n = xdp_links(links, 64), err = 0;

	for (int i = 0; i < n && !err; i++)
		err = links[i].dispatcher ?
			xdp_join(xdp, links[i].ifindex, links[i].ifname, XDP_MODE_AUTO) :
			swap_link(xdp, &links[i]);
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
		err = xdp_join_leave(ifindex);
	if (err == -ENOENT)
		log_error("pscan-xdp is not attached to %s", ifname);
	else if (err)
		log_error("cannot detach from %s: %s%s", ifname, strerror(-err),
			  err == -EACCES || err == -EPERM ? "; run as root" : "");
	return err;
}

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Takes the program off where the entry of the pin folder says, or lets go of what it holds. */
static int remove_entry(const char *name)
{
	char path[128];

	if (has_prefix(name, XDP_JOIN_PREFIX))
		return xdp_join_leave((unsigned int)atoi(name + strlen(XDP_JOIN_PREFIX)));
	snprintf(path, sizeof(path), XDP_ROOT "/%.60s", name);
	if (has_prefix(name, LINK_PREFIX))
		return remove_link(path);
	return unlink(path) && (errno != EISDIR || rmdir(path)) ? -errno : 0;
}

/* Removes from the pin folder every place where the program is attached, or everything else. */
static int clear_root(bool links)
{
	DIR *dir = opendir(XDP_ROOT);
	struct dirent *entry;
	int err = 0, failed;

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
		const char *name = entry->d_name;
		bool is_link = has_prefix(name, LINK_PREFIX) || has_prefix(name, XDP_JOIN_PREFIX);

		/* A mark that nothing stands behind any more is no link that was left out. */
		if (name[0] == '.' || (links && !is_link) ||
		    (!links && has_prefix(name, LINK_PREFIX)))
			continue;
		failed = remove_entry(name);
		if (failed && !err) {
			err = failed;
			log_error("cannot remove %s/%s: %s%s", XDP_ROOT, name, strerror(-err),
				  has_prefix(name, XDP_JOIN_PREFIX) ?
					  "; `pscan-xdp detach` takes it out of its dispatcher" : "");
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
