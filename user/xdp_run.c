/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_run.c - a loaded program by itself, run on single frames; see xdp.h. Attaches
 * nothing.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>

#include "xdp.h"

int xdp_test_run(const struct xdp *xdp, const void *frame, __u32 bytes, __u32 ifindex,
		 __u32 repeat, __u32 *verdict, __u32 *ns)
{
	struct xdp_md ctx = { .data_end = bytes, .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = bytes,
		    .repeat = (int)repeat);

	if (ifindex) {
		opts.ctx_in = &ctx;
		opts.ctx_size_in = sizeof(ctx);
	}
	if (bpf_prog_test_run_opts(xdp->prog, &opts))
		return -errno;
	*verdict = opts.retval;
	if (ns)
		*ns = opts.duration;
	return 0;
}
