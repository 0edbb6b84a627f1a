/* SPDX-License-Identifier: GPL-2.0-only */
/* queues.c - see queues.h. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pscan/limits.h>

#include "log.h"
#include "queues.h"
#include "xdp_maps.h"

/* Receive queues in use; 1 when the driver does not say. */
static unsigned int queues_of(int fd, const struct xdp_link *link)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq req = { .ifr_data = (void *)&channels };

	memcpy(req.ifr_name, link->ifname, sizeof(req.ifr_name));
	if (!link->native || ioctl(fd, SIOCETHTOOL, &req))
		return 1;
	return channels.rx_count + channels.combined_count;
}

void queues_refresh(const struct xdp *xdp, const struct xdp_link *links, int n)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), err; /* any will do, and this one is allowed */
	unsigned int least = n ? 1U << PS_QUEUE_BITS_MAX : 1, queues;
	unsigned int bits = 0;

	if (fd < 0) {
		log_debug("cannot ask for receive queues: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		queues = queues_of(fd, &links[i]);
		least = queues < least ? queues : least;
	}
	close(fd);
	while (least >> (bits + 1))
		bits++;
	err = xdp_queue_bits_set(xdp, (__u8)bits);
	if (err)
		log_debug("cannot tell the program of receive queues: %s", strerror(-err));
}
