/* SPDX-License-Identifier: GPL-2.0-only */
/* tracking.c - see tracking.h. */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "tracking.h"

void tracking_init(struct tracking *t, struct conntrack *ct)
{
	__u64 now_ns = xdp_now_ns();

	memset(t, 0, sizeof(*t));
	t->ct = ct;
	for (int v6 = 0; ct && v6 < 2; v6++)
		if (conntrack_entries(ct) > 0 && conntrack_tracks(ct, v6) > 0)
			t->since_ns[v6] = now_ns - TRACKING_SETTLE_NS;
}

/*
 * Looks at the family's table.
 * @until_ns[v6]            out: until when the program may rely on it, 0: it may not
 * @untracked_until_ns[v6]  out: until when it need not ask it, 0: it must
 */
static void look(struct tracking *t, bool v6, __u64 now_ns, __u64 until_ns[2],
		 __u64 untracked_until_ns[2])
{
	int found = t->ct ? conntrack_tracks(t->ct, v6) : -ENOENT;
	bool tracks = found > 0, believed;

	/* Where loopback alone is exempt there are entries soon. */
	untracked_until_ns[v6] = 0;
	if (found == 0 && conntrack_entries(t->ct) == 0)
		untracked_until_ns[v6] = now_ns + TRACKING_LEASE_NS;
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
	until_ns[v6] = believed ? now_ns + TRACKING_LEASE_NS : 0;
}

int tracking_refresh(struct tracking *t, const struct xdp *xdp)
{
	__u64 now_ns = xdp_now_ns(), until_ns[2], untracked_until_ns[2];

	for (int v6 = 0; v6 < 2; v6++)
		look(t, v6, now_ns, until_ns, untracked_until_ns);
	return xdp_tracked_set(xdp, until_ns, untracked_until_ns);
}

bool tracking_tracks(const struct tracking *t, bool v6)
{
	return t->since_ns[v6] != 0;
}
