/* SPDX-License-Identifier: GPL-2.0-only */
/* tracking.c - see tracking.h. */
#include <string.h>

#include "log.h"
#include "tracking.h"

void tracking_init(struct tracking *t, struct conntrack *ct)
{
	__u64 now_ns = xdp_now_ns();

	memset(t, 0, sizeof(*t));
	t->ct = ct;
	for (int v6 = 0; ct && v6 < 2; v6++)
		if (conntrack_entries() > 0 && conntrack_tracks(ct, v6) > 0)
			t->since_ns[v6] = now_ns - TRACKING_SETTLE_NS;
}

/* Return: until when the program may rely on the family's table, 0: it may not. */
static __u64 look(struct tracking *t, bool v6, __u64 now_ns)
{
	bool tracks = t->ct && conntrack_tracks(t->ct, v6) > 0, believed;

	if (!tracks)
		t->since_ns[v6] = 0;
	else if (!t->since_ns[v6])
		t->since_ns[v6] = now_ns;
	believed = tracks && now_ns - t->since_ns[v6] >= TRACKING_SETTLE_NS;
	if (believed != t->believed[v6])
		log_debug("%s flows are %s", v6 ? "IPv6" : "IPv4",
			  believed ? "tracked: what is forwarded can be judged" :
				     "no longer tracked");
	t->believed[v6] = believed;
	return believed ? now_ns + TRACKING_LEASE_NS : 0;
}

int tracking_refresh(struct tracking *t, const struct xdp *xdp)
{
	__u64 now_ns = xdp_now_ns(), until_ns[2];

	for (int v6 = 0; v6 < 2; v6++)
		until_ns[v6] = look(t, v6, now_ns);
	return xdp_tracked_set(xdp, until_ns);
}

bool tracking_tracks(const struct tracking *t, bool v6)
{
	return t->since_ns[v6] != 0;
}
