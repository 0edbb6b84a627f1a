// SPDX-License-Identifier: GPL-2.0-only
/* send.c - see send.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "log.h"
#include "scan/send.h"

/* Bytes the kernel may hold for us: a batch of small frames many times over. */
#define SEND_BUFFER (4 << 20)

static int open_one(struct send_queue *queue, int family, int protocol, const char *what)
{
	int bytes = SEND_BUFFER, err;

	queue->fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (queue->fd < 0) {
		err = -errno;
		log_error("cannot open a %s socket: %s%s", what, strerror(-err),
			  err == -EPERM ? "; raw techniques need root or CAP_NET_RAW, "
					  "or use --connect"
					: "");
		return err;
	}
	if (setsockopt(queue->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(queue->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	for (unsigned int i = 0; i < SEND_BATCH; i++) {
		queue->iov[i].iov_base = queue->bytes[i];
		queue->msgs[i].msg_hdr.msg_iov = &queue->iov[i];
		queue->msgs[i].msg_hdr.msg_iovlen = 1;
		queue->msgs[i].msg_hdr.msg_name = &queue->to[i];
	}
	return 0;
}

int sender_open(struct sender *sender)
{
	int err;

	memset(sender, 0, sizeof(*sender));
	for (int way = 0; way < SEND_WAYS; way++)
		sender->queues[way].fd = -1;
	err = open_one(&sender->queues[SEND_PACKET], AF_PACKET, 0, "packet");
	if (!err)
		err = open_one(&sender->queues[SEND_RAW4], AF_INET, IPPROTO_RAW, "raw IPv4");
	if (err) {
		sender_close(sender);
		return err;
	}
	/* A kernel without IPv6 can still scan IPv4. */
	if (open_one(&sender->queues[SEND_RAW6], AF_INET6, IPPROTO_RAW, "raw IPv6") < 0)
		sender->queues[SEND_RAW6].fd = -1;
	return 0;
}

void sender_close(struct sender *sender)
{
	for (int way = 0; way < SEND_WAYS; way++) {
		if (sender->queues[way].fd >= 0)
			close(sender->queues[way].fd);
		sender->queues[way].fd = -1;
	}
}

/* Waits until the queue below has room; false when it stays full. */
static bool wait_writable(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };

	return poll(&wait, 1, 10) > 0;
}

static int flush_queue(struct sender *sender, struct send_queue *queue)
{
	unsigned int done = 0, again = 0;
	int err = 0;

	while (done < queue->n) {
		int took = sendmmsg(queue->fd, queue->msgs + done, queue->n - done, MSG_DONTWAIT);

		if (took > 0) {
			done += (unsigned int)took;
			sender->sent += (unsigned int)took;
			again = 0;
			continue;
		}
		err = -errno;
		if (err == -ENOBUFS || err == -EAGAIN) {
			/* Normal above the driver's speed: slow down, but lose nothing. */
			sender->congested = true;
			if (again++ < 100) {
				wait_writable(queue->fd);
				continue;
			}
		}
		/* One target that cannot be sent to must not stop the others. */
		sender->refused++;
		done++;
		again = 0;
		if (err == -ENETDOWN || err == -ENODEV || err == -ENXIO) {
			log_error("cannot send: %s", strerror(-err));
			queue->n = 0;
			return err;
		}
	}
	queue->n = 0;
	return 0;
}

int sender_flush(struct sender *sender)
{
	int err = 0;

	for (int way = 0; way < SEND_WAYS && !err; way++)
		if (sender->queues[way].n)
			err = flush_queue(sender, &sender->queues[way]);
	return err;
}

static struct send_queue *room_in(struct sender *sender, enum send_way way)
{
	struct send_queue *queue = &sender->queues[way];

	if (queue->n == SEND_BATCH)
		flush_queue(sender, queue);
	return queue;
}

__u8 *sender_slot_packet(struct sender *sender, int ifindex)
{
	struct send_queue *queue = room_in(sender, SEND_PACKET);
	struct sockaddr_ll *to = &queue->to[queue->n].ll;

	memset(to, 0, sizeof(*to));
	to->sll_family = AF_PACKET;
	to->sll_ifindex = ifindex;
	queue->msgs[queue->n].msg_hdr.msg_namelen = sizeof(*to);
	return queue->bytes[queue->n];
}

__u8 *sender_slot_ip(struct sender *sender, const union ps_addr *target, int ifindex)
{
	bool v4 = ps_addr_is_v4(target);
	struct send_queue *queue = room_in(sender, v4 ? SEND_RAW4 : SEND_RAW6);

	if (v4) {
		struct sockaddr_in *to = &queue->to[queue->n].in;

		memset(to, 0, sizeof(*to));
		to->sin_family = AF_INET;
		to->sin_addr.s_addr = target->w[3];
		queue->msgs[queue->n].msg_hdr.msg_namelen = sizeof(*to);
	} else {
		struct sockaddr_in6 *to = &queue->to[queue->n].in6;

		memset(to, 0, sizeof(*to));
		to->sin6_family = AF_INET6;
		memcpy(&to->sin6_addr, target->b, 16);
		/* fe80::/10 means nothing without its link */
		if (target->b[0] == 0xfe && (target->b[1] & 0xc0) == 0x80)
			to->sin6_scope_id = (__u32)ifindex;
		queue->msgs[queue->n].msg_hdr.msg_namelen = sizeof(*to);
	}
	return queue->bytes[queue->n];
}

void sender_commit(struct sender *sender, enum send_way way, size_t bytes)
{
	struct send_queue *queue = &sender->queues[way];

	queue->iov[queue->n].iov_len = bytes;
	queue->n++;
}
