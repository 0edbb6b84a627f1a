/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_events.c - the ring buffer's events, one callback each; see xdp_maps.h. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "xdp_maps.h"

struct xdp_events {
	struct ring_buffer *ring;
	xdp_event_fn *fn;
	void *data;
};

static int on_event(void *ctx, void *record, size_t bytes)
{
	const struct xdp_events *events = ctx;

	if (bytes >= sizeof(struct ps_event))
		events->fn(record, events->data);
	return 0;
}

int xdp_events_open(const struct xdp *xdp, xdp_event_fn *fn, void *data, struct xdp_events **out)
{
	struct xdp_events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->fn = fn;
	events->data = data;
	events->ring = ring_buffer__new(xdp->fd[XDP_MAP_EVENTS], on_event, events, NULL);
	if (!events->ring) {
		free(events);
		return -errno;
	}
	*out = events;
	return 0;
}

int xdp_events_poll(struct xdp_events *events, int timeout_ms)
{
	return ring_buffer__poll(events->ring, timeout_ms);
}

void xdp_events_close(struct xdp_events *events)
{
	if (!events)
		return;
	ring_buffer__free(events->ring);
	free(events);
}
