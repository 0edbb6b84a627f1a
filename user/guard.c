/* SPDX-License-Identifier: GPL-2.0-only */
/* guard.c - see guard.h. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

/* Ancestors searched for the SSH session: shells, sudo, tmux and make stack up. */
#define ANCESTORS_MAX 32

static void add(struct guard *g, const union ps_addr *addr, enum ps_allow_kind kind)
{
	for (unsigned int i = 0; i < g->n; i++)
		if (ps_addr_eq(&g->entry[i].addr, addr))
			return;
	if (g->n < GUARD_MAX)
		g->entry[g->n++] = (struct guard_entry){ *addr, kind };
}

static void add_text(struct guard *g, const char *text, enum ps_allow_kind kind)
{
	char bare[ADDR_TEXT_BYTES];
	union ps_addr addr;

	/* fe80::1%eth0: the zone is not part of what a packet carries */
	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(text, "%"), text);
	if (addr_parse(bare, &addr))
		add(g, &addr, kind);
}

/* The first PS_LOCALS_MAX: who must not be blocked for other reasons keeps its places. */
static void collect_own(struct guard *g)
{
	struct ifaddrs *all, *one;
	union ps_addr addr;

	if (getifaddrs(&all))
		return;
	for (one = all; one; one = one->ifa_next) {
		if (!one->ifa_addr)
			continue;
		if (g->n >= PS_LOCALS_MAX) {
			g->crowded = true;
			break;
		}
		if (one->ifa_addr->sa_family == AF_INET) {
			ps_addr_from_v4(&addr,
					((struct sockaddr_in *)one->ifa_addr)->sin_addr.s_addr);
			add(g, &addr, PS_ALLOW_OWN);
		} else if (one->ifa_addr->sa_family == AF_INET6) {
			memcpy(&addr, &((struct sockaddr_in6 *)one->ifa_addr)->sin6_addr,
			       sizeof(addr));
			add(g, &addr, PS_ALLOW_OWN);
		}
	}
	freeifaddrs(all);
}

static void add_attr(struct guard *g, int family, const struct nlattr *attr)
{
	union ps_addr addr;

	if (family == AF_INET && mnl_attr_get_payload_len(attr) == 4)
		ps_addr_from_v4(&addr, mnl_attr_get_u32(attr));
	else if (family == AF_INET6 && mnl_attr_get_payload_len(attr) == 16)
		memcpy(&addr, mnl_attr_get_payload(attr), sizeof(addr));
	else
		return;
	add(g, &addr, PS_ALLOW_GATEWAY);
}

/* The next hops of a multipath route lie in RTA_MULTIPATH, one rtnexthop each. */
static void add_hops(struct guard *g, int family, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);

	for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		const struct nlattr *attr = (const void *)RTNH_DATA(hop);
		const char *end = (const char *)hop + hop->rtnh_len;

		for (; mnl_attr_ok(attr, (int)(end - (const char *)attr));
		     attr = mnl_attr_next(attr))
			if (mnl_attr_get_type(attr) == RTA_GATEWAY)
				add_attr(g, family, attr);
	}
}

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct guard *g = data;

	if (rt->rtm_dst_len != 0 || rt->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*rt)) {
		if (mnl_attr_get_type(attr) == RTA_GATEWAY)
			add_attr(g, rt->rtm_family, attr);
		else if (mnl_attr_get_type(attr) == RTA_MULTIPATH)
			add_hops(g, rt->rtm_family, attr);
	}
	return MNL_CB_OK;
}

static void collect_gateways(struct guard *g, unsigned char family)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	char buf[8192];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rt;
	ssize_t n;

	if (!nl)
		return;
	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	rt = mnl_nlmsg_put_extra_header(nlh, sizeof(*rt));
	rt->rtm_family = family;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) > 0) {
		while ((n = mnl_socket_recvfrom(nl, buf, sizeof(buf))) > 0)
			if (mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), on_route,
				       g) <= MNL_CB_STOP)
				break;
	}
	mnl_socket_close(nl);
}

/* resolv.conf(5); where a local stub resolves, systemd-resolved lists who is really asked. */
void guard_resolvers(struct guard *g, FILE *f)
{
	char line[256];

	while (fgets(line, sizeof(line), f)) {
		char *word = line + strspn(line, " \t");

		if (strncmp(word, "nameserver", 10) || !isspace((unsigned char)word[10]))
			continue;
		word += 10;
		word += strspn(word, " \t");
		word[strcspn(word, " \t\r\n")] = '\0';
		add_text(g, word, PS_ALLOW_RESOLVER);
	}
}

static void collect_resolvers(struct guard *g, const char *path)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	guard_resolvers(g, f);
	fclose(f);
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512], *end;
	pid_t parent = 0;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	end = strrchr(text, ')'); /* the command's name may hold anything */
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

/* "SSH_CONNECTION=peer port own port", from an environment as /proc shows it. */
static bool add_ssh(struct guard *g, const char *env, size_t bytes)
{
	static const char name[] = "SSH_CONNECTION=";
	char peer[ADDR_TEXT_BYTES];

	for (size_t i = 0; i + sizeof(name) < bytes; i += strnlen(env + i, bytes - i) + 1) {
		if (strncmp(env + i, name, sizeof(name) - 1))
			continue;
		snprintf(peer, sizeof(peer), "%.*s",
			 (int)strcspn(env + i + sizeof(name) - 1, " "),
			 env + i + sizeof(name) - 1);
		add_text(g, peer, PS_ALLOW_SSH);
		return true;
	}
	return false;
}

/* sudo hides the variable from us, so the session is looked for in our ancestors. */
static void collect_ssh(struct guard *g)
{
	static char env[65536];
	pid_t pid = getpid();

	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++, pid = parent_of(pid)) {
		char path[64];
		size_t n = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/environ", pid);
		f = fopen(path, "re");
		if (f) {
			n = fread(env, 1, sizeof(env) - 1, f);
			fclose(f);
		}
		env[n] = '\0';
		if (add_ssh(g, env, n))
			return;
	}
}

void guard_collect(struct guard *g)
{
	g->n = 0;
	g->crowded = false;
	collect_own(g);
	collect_gateways(g, AF_INET);
	collect_gateways(g, AF_INET6);
	collect_resolvers(g, "/etc/resolv.conf");
	collect_resolvers(g, "/run/systemd/resolve/resolv.conf");
	collect_ssh(g);
}

/* ---- into the program's lists ------------------------------------------- */

struct stale {
	const struct guard *g;
	struct prefix *prefix;
	size_t n, room;
};

static const struct guard_entry *find(const struct guard *g, const struct prefix *prefix)
{
	for (unsigned int i = 0; prefix->bits == 128 && i < g->n; i++)
		if (ps_addr_eq(&g->entry[i].addr, &prefix->addr))
			return &g->entry[i];
	return NULL;
}

/* An SSH peer stays until detach: the session may have moved out of our ancestry. */
static int collect_stale(const struct prefix *prefix, const struct ps_allow *value, void *data)
{
	struct stale *stale = data;

	if (value->kind == PS_ALLOW_USER || value->kind == PS_ALLOW_SSH || find(stale->g, prefix))
		return 0;
	if (stale->n == stale->room) {
		size_t room = stale->room ? stale->room * 2 : 16;
		struct prefix *more = realloc(stale->prefix, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		stale->prefix = more;
		stale->room = room;
	}
	stale->prefix[stale->n++] = *prefix;
	return 0;
}

static int user_entry(const struct prefix *prefix, const struct ps_allow *value, void *data)
{
	struct guard *users = data;

	if (value->kind == PS_ALLOW_USER && prefix->bits == 128)
		add(users, &prefix->addr, PS_ALLOW_USER);
	return 0;
}

/* An own address, and for IPv6 the /64 it is in: our network is never scored as
 * one, or a few busy neighbours would get all of it blocked. Return: how many. */
static unsigned int add_own(union ps_addr *out, const union ps_addr *addr)
{
	out[0] = *addr;
	if (!ps_addr_has_net(addr))
		return 1;
	ps_addr_net(&out[1], addr);
	return 2;
}

int guard_apply(const struct xdp *xdp, const struct guard *g)
{
	static union ps_addr own[2 * GUARD_MAX];
	static struct guard users;
	struct stale stale = { .g = g };
	unsigned int owns = 0;
	int err;

	users.n = 0;
	err = xdp_each_allow(xdp, user_entry, &users);
	for (unsigned int i = 0; i < g->n && !err; i++) {
		struct prefix host = { g->entry[i].addr, 128 };

		if (g->entry[i].kind == PS_ALLOW_OWN)
			owns += add_own(&own[owns], &g->entry[i].addr);
		if (!find(&users, &host))
			err = xdp_allow_add(xdp, &host,
					    &(struct ps_allow){ .kind = g->entry[i].kind });
		/* It may have been blocked before it became one of these. */
		xdp_block_del(xdp, &g->entry[i].addr);
	}
	if (!err)
		err = xdp_locals_set(xdp, own, owns);
	if (!err)
		err = xdp_each_allow(xdp, collect_stale, &stale);
	for (size_t i = 0; i < stale.n && !err; i++)
		err = xdp_allow_del(xdp, &stale.prefix[i]);
	if (stale.n && !err)
		err = xdp_allow_refresh(xdp);
	free(stale.prefix);
	return err;
}
