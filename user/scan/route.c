// SPDX-License-Identifier: GPL-2.0-only
/* route.c - see route.h. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "log.h"
#include "scan/route.h"

typedef unsigned __int128 addr_number;

/*
 * Every prefix of every table marks two boundaries; between two neighbouring
 * boundaries all addresses match the same entries, so one answer holds for all.
 */
struct interval {
	addr_number from;
	struct route *route; /* NULL until asked */
};

struct router {
	struct mnl_socket *nl;
	unsigned int seq;
	struct route_choice choice;
	struct interval *intervals;
	size_t n;
	size_t room;
};

static addr_number number_of(const union ps_addr *addr)
{
	addr_number n = 0;

	for (int i = 0; i < 16; i++)
		n = n << 8 | addr->b[i];
	return n;
}

static int add_boundary(struct router *router, addr_number from)
{
	if (router->n == router->room) {
		size_t room = router->room ? router->room * 2 : 64;
		struct interval *grown = reallocarray(router->intervals, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		router->intervals = grown;
		router->room = room;
	}
	router->intervals[router->n++] = (struct interval){ .from = from };
	return 0;
}

static void attr_address(const struct nlattr *attr, unsigned char family, union ps_addr *addr)
{
	if (family == AF_INET)
		ps_addr_from_v4(addr, mnl_attr_get_u32(attr));
	else if (mnl_attr_get_payload_len(attr) >= 16)
		memcpy(addr->b, mnl_attr_get_payload(attr), 16);
}

static int on_table_entry(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	unsigned int bits = rtm->rtm_dst_len + (rtm->rtm_family == AF_INET ? 96u : 0u);
	union ps_addr addr = { .d = { 0, 0 } };
	struct router *router = data;
	struct nlattr *attr;
	addr_number from;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	if (rtm->rtm_family == AF_INET)
		ps_addr_from_v4(&addr, 0);
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) if (mnl_attr_get_type(attr) == RTA_DST)
		attr_address(attr, rtm->rtm_family, &addr);
	from = number_of(&addr);
	if (add_boundary(router, from) < 0)
		return MNL_CB_ERROR;
	if (bits > 0 && add_boundary(router, from + ((addr_number)1 << (128 - bits))) < 0)
		return MNL_CB_ERROR;
	return MNL_CB_OK;
}

/* Sends the request and feeds every answer to @callback. */
static int talk(struct router *router, struct nlmsghdr *nlh, mnl_cb_t callback, void *data)
{
	char buffer[32768];
	ssize_t got;
	int res = MNL_CB_OK;

	nlh->nlmsg_seq = ++router->seq;
	if (mnl_socket_sendto(router->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (res > MNL_CB_STOP) {
		got = mnl_socket_recvfrom(router->nl, buffer, sizeof(buffer));
		if (got < 0)
			return -errno;
		res = mnl_cb_run(buffer, (size_t)got, router->seq,
				 mnl_socket_get_portid(router->nl), callback, data);
		if (!(nlh->nlmsg_flags & NLM_F_DUMP))
			break;
	}
	return res < 0 ? -errno : 0;
}

static int read_table(struct router *router, unsigned char family)
{
	char buffer[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = family;
	return talk(router, nlh, on_table_entry, router);
}

static int compare_intervals(const void *a, const void *b)
{
	const struct interval *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static void sort_intervals(struct router *router)
{
	size_t kept = 0;

	qsort(router->intervals, router->n, sizeof(*router->intervals), compare_intervals);
	for (size_t i = 1; i < router->n; i++)
		if (router->intervals[i].from != router->intervals[kept].from)
			router->intervals[++kept] = router->intervals[i];
	router->n = kept + 1;
}

int router_open(struct router **out, const struct route_choice *choice)
{
	struct router *router = calloc(1, sizeof(*router));
	int err = 0;

	if (!router)
		return -ENOMEM;
	router->choice = *choice;
	router->nl = mnl_socket_open(NETLINK_ROUTE);
	if (!router->nl || mnl_socket_bind(router->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	if (!err)
		err = add_boundary(router, 0);
	/* IPv4 lies inside the one address type: its two ends are boundaries too. */
	if (!err)
		err = add_boundary(router, (addr_number)0xffff << 32);
	if (!err)
		err = add_boundary(router, (addr_number)0x10000 << 32);
	if (!err)
		err = read_table(router, AF_INET);
	if (!err)
		err = read_table(router, AF_INET6);
	if (err) {
		log_error("cannot read the routing tables: %s", strerror(-err));
		router_close(router);
		return err;
	}
	sort_intervals(router);
	*out = router;
	return 0;
}

void router_close(struct router *router)
{
	if (!router)
		return;
	for (size_t i = 0; i < router->n; i++)
		free(router->intervals[i].route);
	free(router->intervals);
	if (router->nl)
		mnl_socket_close(router->nl);
	free(router);
}

struct route_answer {
	struct route *route;
	unsigned char type; /* RTN_* */
	bool has_gateway;
};

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route_answer *answer = data;
	struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	answer->type = rtm->rtm_type;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_OIF:
			answer->route->ifindex = (int)mnl_attr_get_u32(attr);
			break;
		case RTA_GATEWAY:
			attr_address(attr, rtm->rtm_family, &answer->route->gateway);
			answer->has_gateway = true;
			break;
		case RTA_PREFSRC:
			attr_address(attr, rtm->rtm_family, &answer->route->source);
			break;
		default:
			break;
		}
	}
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct route *route = data;
	struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	route->ether = ifi->ifi_type == ARPHRD_ETHER && !(ifi->ifi_flags & IFF_NOARP);
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
	{
		if (mnl_attr_get_type(attr) == IFLA_ADDRESS && mnl_attr_get_payload_len(attr) == 6)
			memcpy(route->mac_own, mnl_attr_get_payload(attr), 6);
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			strncpy(route->dev, mnl_attr_get_str(attr), sizeof(route->dev) - 1);
	}
	return MNL_CB_OK;
}

static int ask_link(struct router *router, struct route *route)
{
	char buffer[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = route->ifindex;
	return talk(router, nlh, on_link, route);
}

static void put_address(struct nlmsghdr *nlh, unsigned short type, const union ps_addr *addr)
{
	if (ps_addr_is_v4(addr))
		mnl_attr_put_u32(nlh, type, addr->w[3]);
	else
		mnl_attr_put(nlh, type, 16, addr->b);
}

/* A route that cannot be had is a result too: unreachable. */
static void ask_route(struct router *router, const union ps_addr *addr, struct route *route)
{
	bool v4 = ps_addr_is_v4(addr);
	struct route_answer answer = { .route = route };
	char buffer[256], text[ADDR_TEXT_BYTES];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = v4 ? AF_INET : AF_INET6;
	rtm->rtm_dst_len = v4 ? 32 : 128;
	put_address(nlh, RTA_DST, addr);
	if (router->choice.ifindex)
		mnl_attr_put_u32(nlh, RTA_OIF, (__u32)router->choice.ifindex);
	if (talk(router, nlh, on_route, &answer) < 0 || !route->ifindex ||
	    (answer.type != RTN_UNICAST && answer.type != RTN_LOCAL) ||
	    ask_link(router, route) < 0) {
		route->unreachable = true;
		log_warn("no route to %s: it is skipped, and others like it",
			 addr_format(addr, text));
		return;
	}
	/* The kernel delivers to itself only what its own stack sends. */
	if (answer.type == RTN_LOCAL)
		route->ether = false;
	route->on_link = !answer.has_gateway;
	if (router->choice.source_set && v4 == ps_addr_is_v4(&router->choice.source))
		route->source = router->choice.source;
	if (answer.has_gateway)
		route->mac_known =
			router_neighbour(router, route->ifindex, &route->gateway, route->mac);
}

static size_t interval_of(const struct router *router, addr_number n)
{
	size_t low = 0, high = router->n;

	while (high - low > 1) {
		size_t mid = (low + high) / 2;

		if (router->intervals[mid].from <= n)
			low = mid;
		else
			high = mid;
	}
	return low;
}

struct route *router_find(struct router *router, const union ps_addr *addr)
{
	struct interval *interval = &router->intervals[interval_of(router, number_of(addr))];

	if (!interval->route) {
		interval->route = calloc(1, sizeof(*interval->route));
		if (interval->route)
			ask_route(router, addr, interval->route);
	}
	return interval->route;
}

bool router_next_interval(const struct router *router, union ps_addr *addr)
{
	size_t i = interval_of(router, number_of(addr)) + 1;
	addr_number n;

	if (i >= router->n)
		return false;
	n = router->intervals[i].from;
	for (int b = 15; b >= 0; b--, n >>= 8)
		addr->b[b] = (__u8)n;
	return true;
}

struct neighbour_answer {
	__u8 *mac;
	bool known;
};

static int on_neighbour(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct neighbour_answer *answer = data;
	struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWNEIGH)
		return MNL_CB_OK;
	if (!(ndm->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ndm))
	{
		if (mnl_attr_get_type(attr) == NDA_LLADDR && mnl_attr_get_payload_len(attr) == 6) {
			memcpy(answer->mac, mnl_attr_get_payload(attr), 6);
			answer->known = true;
		}
	}
	return MNL_CB_OK;
}

bool router_neighbour(struct router *router, int ifindex, const union ps_addr *addr, __u8 mac[6])
{
	struct neighbour_answer answer = { .mac = mac };
	char buffer[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ndmsg *ndm;

	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = ps_addr_is_v4(addr) ? AF_INET : AF_INET6;
	ndm->ndm_ifindex = ifindex;
	put_address(nlh, NDA_DST, addr);
	return talk(router, nlh, on_neighbour, &answer) == 0 && answer.known;
}
