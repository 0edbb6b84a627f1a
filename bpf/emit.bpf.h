/* SPDX-License-Identifier: GPL-2.0-only */
/* emit.bpf.h - events and contacts into their ring buffers; what does not fit is counted. */
#ifndef PSCAN_EMIT_BPF_H
#define PSCAN_EMIT_BPF_H

#include "stats.bpf.h"

static __always_inline void emit(struct ps_event *event)
{
	if (bpf_ringbuf_output(&events, event, sizeof(*event), 0))
		count(PS_COUNT_EVENT_LOST);
}

/* What a contact takes in the ring, with the 8 bytes that the kernel puts in front of it. */
#define RECORD_BYTES (sizeof(struct ps_contact) + 8)

/* Nobody is woken: contacts are read at the poll. */
static __always_inline void contact(struct xdp_md *ctx, const struct ps_sighting *it,
				    enum ps_contact_kind kind)
{
	__u32 room = ps_contact_room(kind, (enum ps_sight)it->sight);
	struct ps_contact *c = NULL;

	/* Asked first: where there is no room, a reservation would be refused under a lock. */
	if (bpf_ringbuf_query(&contacts, BPF_RB_AVAIL_DATA) + RECORD_BYTES <= room)
		c = bpf_ringbuf_reserve(&contacts, sizeof(*c), 0);
	if (!c) {
		count(PS_COUNT_CONTACT_LOST);
		return;
	}
	ps_contact_fill(c, &it->packet, kind, (enum ps_class)it->class, ctx->ingress_ifindex,
			it->now_ns);
	bpf_ringbuf_submit(c, BPF_RB_NO_WAKEUP);
}

#endif /* PSCAN_EMIT_BPF_H */
