/* SPDX-License-Identifier: GPL-2.0-only */
/* listeners.c - see listeners.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "listeners.h"

struct listener {
	union ps_addr addr; /* zero in its family: any */
	__u16 port;
};

struct listeners {
	struct mnl_socket *nl;
	unsigned int seq;
	struct listener *one; /* sorted */
	size_t n, room;
};

static int compare(const void *left, const void *right)
{
	const struct listener *a = left, *b = right;

	return a->port != b->port ? (a->port < b->port ? -1 : 1) :
				    memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static int add(struct listeners *l, const union ps_addr *addr, __u16 port)
{
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct listener *more = realloc(l->one, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->one = more;
		l->room = room;
	}
	l->one[l->n++] = (struct listener){ *addr, port };
	return 0;
}

/* A socket for any IPv6 address gets IPv4 too, unless it said otherwise. */
static bool is_dual(const struct nlmsghdr *nlh, const union ps_addr *addr)
{
	const struct nlattr *attr;

	if (addr->d[0] || addr->d[1])
		return false;
	mnl_attr_for_each(attr, nlh, sizeof(struct inet_diag_msg))
		if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY && mnl_attr_get_u8(attr))
			return false;
	return true;
}

static int on_socket(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	__u16 port = ntohs(msg->id.idiag_sport);
	struct listeners *l = data;
	union ps_addr addr, any;
	int err;

	ps_addr_from_v4(&any, 0);
	if (msg->idiag_family == AF_INET)
		ps_addr_from_v4(&addr, msg->id.idiag_src[0]);
	else
		memcpy(&addr, msg->id.idiag_src, sizeof(addr));
	err = add(l, &addr, port);
	if (!err && msg->idiag_family == AF_INET6 && is_dual(nlh, &addr))
		err = add(l, &any, port);
	return err ? MNL_CB_ERROR : MNL_CB_OK;
}

static int dump(struct listeners *l, __u8 family)
{
	char buf[16384] = "";
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req;
	int more = MNL_CB_OK;
	ssize_t bytes;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++l->seq;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_states = 1U << TCP_LISTEN;
	if (mnl_socket_sendto(l->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		bytes = mnl_socket_recvfrom(l->nl, buf, sizeof(buf));
		if (bytes < 0)
			return -errno;
		more = mnl_cb_run(buf, (size_t)bytes, l->seq, 0, on_socket, l);
	}
	return more == MNL_CB_ERROR ? -errno : 0;
}

int listeners_refresh(struct listeners *l)
{
	int err;

	l->n = 0;
	err = dump(l, AF_INET);
	if (!err)
		err = dump(l, AF_INET6);
	if (err == -ENOENT || err == -EAFNOSUPPORT)
		err = 0; /* a kernel without IPv6 has no such sockets */
	if (err)
		l->n = 0;
	if (l->n)
		qsort(l->one, l->n, sizeof(*l->one), compare);
	return err;
}

bool listeners_has(const struct listeners *l, const union ps_addr *addr, __u16 port)
{
	struct listener exact = { *addr, port }, any = { .port = port };

	if (ps_addr_is_v4(addr))
		ps_addr_from_v4(&any.addr, 0);
	return l->n && (bsearch(&exact, l->one, l->n, sizeof(*l->one), compare) ||
			bsearch(&any, l->one, l->n, sizeof(*l->one), compare));
}

int listeners_open(struct listeners **out)
{
	struct listeners *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (!l->nl || mnl_socket_bind(l->nl, 0, MNL_SOCKET_AUTOPID)) {
		err = -errno;
		listeners_close(l);
		return err;
	}
	*out = l;
	return 0;
}

void listeners_close(struct listeners *l)
{
	if (!l)
		return;
	if (l->nl)
		mnl_socket_close(l->nl);
	free(l->one);
	free(l);
}
