/* SPDX-License-Identifier: GPL-2.0-only */
/* nic.c - see nic.h. Reads ioctls, generic netlink and the attached program; changes nothing. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nic.h"
#include "xdp.h"

/* From linux/netdev.h (6.3), which Debian 12's headers do not have yet. */
#define NETDEV_CMD_DEV_GET 1
#define NETDEV_A_DEV_IFINDEX 1
#define NETDEV_A_DEV_XDP_FEATURES 3
#define NETDEV_XDP_ACT_BASIC 1
#define NETDEV_XDP_ACT_RX_SG 32

static void read_ioctls(int fd, struct nic *nic)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq req = { 0 };

	memcpy(req.ifr_name, nic->ifname, sizeof(req.ifr_name));
	if (ioctl(fd, SIOCGIFFLAGS, &req) == 0)
		nic->up = req.ifr_flags & IFF_UP;
	if (ioctl(fd, SIOCGIFMTU, &req) == 0)
		nic->mtu = req.ifr_mtu;
	req.ifr_data = (void *)&info;
	if (ioctl(fd, SIOCETHTOOL, &req) == 0)
		snprintf(nic->driver, sizeof(nic->driver), "%.31s", info.driver);
}

/* ---- generic netlink: family id by name, then one device ------------------ */

static int on_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			*(__u16 *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int on_device(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	struct nic *nic = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != NETDEV_A_DEV_XDP_FEATURES)
			continue;
		nic->native = mnl_attr_get_u64(attr) & NETDEV_XDP_ACT_BASIC ? NIC_NATIVE_YES :
									      NIC_NATIVE_NO;
		nic->frags = mnl_attr_get_u64(attr) & NETDEV_XDP_ACT_RX_SG;
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *put_request(void *buf, __u16 type, __u8 cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

static bool ask(struct mnl_socket *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	char buf[8192];
	int state = MNL_CB_OK;
	ssize_t n;

	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return false;
	while (state > MNL_CB_STOP && (n = mnl_socket_recvfrom(nl, buf, sizeof(buf))) > 0)
		state = mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl), cb, data);
	return state == MNL_CB_STOP;
}

static void read_features(struct nic *nic)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_GENERIC);
	struct nlmsghdr *nlh;
	__u16 family = 0;
	char buf[256];

	if (!nl)
		return;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0) {
		nlh = put_request(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
		mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, "netdev");
		if (ask(nl, nlh, on_family, &family) && family) {
			nlh = put_request(buf, family, NETDEV_CMD_DEV_GET);
			mnl_attr_put_u32(nlh, NETDEV_A_DEV_IFINDEX, nic->ifindex);
			ask(nl, nlh, on_device, nic);
		}
	}
	mnl_socket_close(nl);
}

int nic_read(const char *ifname, struct nic *out)
{
	struct nic nic = { .ifindex = if_nametoindex(ifname) };
	int fd;

	if (!nic.ifindex)
		return -ENODEV;
	snprintf(nic.ifname, sizeof(nic.ifname), "%s", ifname);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		read_ioctls(fd, &nic);
		close(fd);
	}
	read_features(&nic);
	nic.prog_id = xdp_attached_program(nic.ifindex, nic.prog_name);
	*out = nic;
	return 0;
}
