/* SPDX-License-Identifier: GPL-2.0-only */
/* conntrack.c - see conntrack.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pscan/wire.h>

#include "conntrack.h"

/* Questions sent together: their answers fit a socket's default buffer. */
#define BATCH 64
/* One question takes 116 bytes for IPv6. */
#define BATCH_BYTES (BATCH * 128)
/* An answer carries names of helpers and zones, counters, labels: a few hundred bytes. */
#define ANSWER_BYTES 8192

/* Two sockets on loopback, one talking to the other. */
struct whisper {
	int from, to; /* -1: the family is not there */
	struct conntrack_query flow;
};

struct conntrack {
	struct mnl_socket *nl;
	int count; /* the file that says how many entries there are, -1: no such file */
	unsigned int seq;
	struct whisper whisper[2];
};

/* ---- loopback ------------------------------------------------------------ */

static socklen_t loopback(bool v6, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *in = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	if (v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_addr = in6addr_loopback;
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(*in);
}

/* The port is at the same place in both families' addresses. */
static int bound(struct sockaddr_storage *addr, socklen_t bytes, __u16 *port)
{
	int fd = socket(addr->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)addr, bytes) ||
	    getsockname(fd, (struct sockaddr *)addr, &bytes)) {
		close(fd);
		return -1;
	}
	*port = ntohs(((struct sockaddr_in *)addr)->sin_port);
	return fd;
}

static void open_whisper(struct whisper *w, bool v6)
{
	struct sockaddr_storage from, to;
	socklen_t bytes = loopback(v6, &from);

	loopback(v6, &to);
	w->from = bound(&from, bytes, &w->flow.sport);
	w->to = bound(&to, bytes, &w->flow.dport);
	w->flow.proto = PS_IP_UDP;
	if (v6)
		memcpy(&w->flow.src, &in6addr_loopback, sizeof(w->flow.src));
	else
		ps_addr_from_v4(&w->flow.src, htonl(INADDR_LOOPBACK));
	w->flow.dst = w->flow.src;
	if (w->from >= 0 && w->to >= 0 && connect(w->from, (struct sockaddr *)&to, bytes) == 0)
		return;
	if (w->from >= 0)
		close(w->from);
	w->from = -1;
}

static void close_whisper(struct whisper *w)
{
	if (w->from >= 0)
		close(w->from);
	if (w->to >= 0)
		close(w->to);
}

/* ---- questions ----------------------------------------------------------- */

static void put_tuple(struct nlmsghdr *nlh, const struct conntrack_query *q)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG), *nest;

	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	if (ps_addr_is_v4(&q->src)) {
		mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, q->src.w[3]);
		mnl_attr_put_u32(nlh, CTA_IP_V4_DST, q->dst.w[3]);
	} else {
		mnl_attr_put(nlh, CTA_IP_V6_SRC, sizeof(q->src), &q->src);
		mnl_attr_put(nlh, CTA_IP_V6_DST, sizeof(q->dst), &q->dst);
	}
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, q->proto);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(q->sport));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(q->dport));
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, tuple);
}

static struct nlmsghdr *put_question(void *at, int type, __u16 flags, unsigned int seq,
				     const struct conntrack_query *q)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = ps_addr_is_v4(&q->src) ? AF_INET : AF_INET6;
	nfg->version = NFNETLINK_V0;
	put_tuple(nlh, q);
	return nlh;
}

static enum conntrack_flow flow_of(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == CTA_STATUS &&
		    ntohl(mnl_attr_get_u32(attr)) & IPS_SEEN_REPLY)
			return CONNTRACK_ANSWERED;
	return CONNTRACK_UNANSWERED;
}

/* The answer to one question: the flow, or an error, or (0 as error) that it was done. */
static int take_answer(const struct nlmsghdr *nlh, struct conntrack_query *q)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != NLMSG_ERROR)
		q->flow = flow_of(nlh);
	else if (!error->error)
		q->flow = CONNTRACK_UNANSWERED;
	else if (error->error == -ENOENT)
		q->flow = CONNTRACK_NONE;
	else
		return error->error;
	return 0;
}

/* Each question has one answer, in order. Those of an earlier, broken-off round are skipped. */
static int take_answers(struct conntrack *ct, struct conntrack_query *queries, unsigned int n,
			unsigned int first)
{
	char buf[ANSWER_BYTES];
	unsigned int got = 0;

	while (got < n) {
		ssize_t bytes = mnl_socket_recvfrom(ct->nl, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (const void *)buf;
		int left = (int)bytes, err = 0;

		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes < 0)
			return -errno;
		for (; mnl_nlmsg_ok(nlh, left) && !err; nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq - first >= n)
				continue;
			err = take_answer(nlh, &queries[nlh->nlmsg_seq - first]);
			got++;
		}
		if (err)
			return err;
	}
	return 0;
}

static int ask(struct conntrack *ct, int type, __u16 flags, struct conntrack_query *queries,
	       unsigned int n)
{
	char buf[BATCH_BYTES] = "";
	unsigned int first = ct->seq;
	size_t used = 0;

	for (unsigned int i = 0; i < n; i++)
		used += put_question(buf + used, type, flags, ct->seq++, &queries[i])->nlmsg_len;
	if (mnl_socket_sendto(ct->nl, buf, used) < 0)
		return -errno;
	return take_answers(ct, queries, n, first);
}

int conntrack_find(struct conntrack *ct, struct conntrack_query *queries, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i += BATCH)
		err = ask(ct, IPCTNL_MSG_CT_GET, 0, queries + i,
			  n - i < BATCH ? (unsigned int)(n - i) : BATCH);
	return err;
}

int conntrack_tracks(struct conntrack *ct, bool v6)
{
	struct whisper *w = &ct->whisper[v6];
	char byte = 0;
	int err;

	if (w->from < 0 || send(w->from, &byte, 1, 0) < 0)
		return 0; /* without loopback nothing is on its way through either */
	while (recv(w->to, &byte, 1, 0) > 0)
		;
	/* Taken out again: the next time must enter it anew. */
	err = ask(ct, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, &w->flow, 1);
	return err ? err : w->flow.flow != CONNTRACK_NONE;
}

long conntrack_entries(const struct conntrack *ct)
{
	char text[24];
	ssize_t bytes = pread(ct->count, text, sizeof(text) - 1, 0);

	if (bytes <= 0)
		return bytes ? -errno : -ENOENT;
	text[bytes] = '\0';
	return strtol(text, NULL, 10);
}

int conntrack_open(struct conntrack **out)
{
	struct conntrack *ct = calloc(1, sizeof(*ct));
	int err;

	if (!ct)
		return -ENOMEM;
	open_whisper(&ct->whisper[0], false);
	open_whisper(&ct->whisper[1], true);
	ct->count = open("/proc/sys/net/netfilter/nf_conntrack_count", O_RDONLY | O_CLOEXEC);
	ct->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!ct->nl || mnl_socket_bind(ct->nl, 0, MNL_SOCKET_AUTOPID)) {
		err = -errno;
		conntrack_close(ct);
		return err;
	}
	*out = ct;
	return 0;
}

void conntrack_close(struct conntrack *ct)
{
	if (!ct)
		return;
	close_whisper(&ct->whisper[0]);
	close_whisper(&ct->whisper[1]);
	if (ct->nl)
		mnl_socket_close(ct->nl);
	if (ct->count >= 0)
		close(ct->count);
	free(ct);
}
