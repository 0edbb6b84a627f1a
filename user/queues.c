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

static bool ask(int fd, const char *ifname, void *question)
{
	struct ifreq req = { .ifr_data = question };

	memcpy(req.ifr_name, ifname, sizeof(req.ifr_name));
	return ioctl(fd, SIOCETHTOOL, &req) == 0;
}

/*
 * Receive queues in use; 1 when the driver does not say, or is no card's. A card chooses by
 * addresses and ports; what leaves a veth's other end is in the queue that its socket chose, which
 * chooses anew at every SYN that it repeats (net.core.txrehash).
 */
static unsigned int queues_of(int fd, const struct xdp_link *link)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };

	if (!link->native || !ask(fd, link->ifname, &driver) || !driver.bus_info[0] ||
	    !ask(fd, link->ifname, &channels))
		return 1;
	return channels.rx_count + channels.combined_count;
}

void queues_refresh(const struct xdp *xdp, const struct xdp_link *links, int n)
{
	/* Any socket will do, and this one the filter allows. */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;
	unsigned int least = n ? 1U << PS_QUEUE_BITS_MAX : 1, queues;
	unsigned int bits = 0;

	if (fd < 0) {
		log_debug("cannot ask for receive queues: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		if (!links[i].ifname[0] && !links[i].elsewhere)
			continue; /* its interface is gone */
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
