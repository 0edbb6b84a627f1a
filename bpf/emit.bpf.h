/* SPDX-License-Identifier: GPL-2.0-only */
/* emit.bpf.h - events into the ring buffer; what does not fit is counted. */
#ifndef PSCAN_EMIT_BPF_H
#define PSCAN_EMIT_BPF_H

#include "stats.bpf.h"

static __always_inline void emit(struct ps_event *event)
{
	if (bpf_ringbuf_output(&events, event, sizeof(*event), 0))
		count(PS_COUNT_EVENT_LOST);
}

#endif /* PSCAN_EMIT_BPF_H */
