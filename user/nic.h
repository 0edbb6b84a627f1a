/* SPDX-License-Identifier: GPL-2.0-only */
/* nic.h - what an interface says of itself before anything is attached to it. Silent. */
#ifndef PSCAN_USER_NIC_H
#define PSCAN_USER_NIC_H

#include <net/if.h>
#include <stdbool.h>

enum nic_native { NIC_NATIVE_UNKNOWN, NIC_NATIVE_NO, NIC_NATIVE_YES };

struct nic {
	char ifname[IF_NAMESIZE];
	unsigned int ifindex;
	char driver[32];		/* "" when it has none to name */
	int mtu;
	bool up;
	enum nic_native native;		/* the kernel's own word, from 6.3 on */
	bool frags;			/* ... on multi-buffer frames */
	unsigned int prog_id;		/* XDP program that is attached now; 0: none */
	char prog_name[32];
};

/* 0, or -ENODEV when there is no such interface. */
int nic_read(const char *ifname, struct nic *out);

#endif
