/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_events.c - what is in the two ring buffers, one callback each; see xdp_maps.h. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "xdp_maps.h"

struct xdp_contacts {
	struct ring_buffer *ring;
	xdp_contact_fn *fn;
	void *data;
};

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

static int on_contact(void *ctx, void *record, size_t bytes)
{
	const struct xdp_contacts *contacts = ctx;

	if (bytes >= sizeof(struct ps_contact))
		contacts->fn(record, contacts->data);
	return 0;
}

int xdp_contacts_open(const struct xdp *xdp, xdp_contact_fn *fn, void *data,
		      struct xdp_contacts **out)
{
	struct xdp_contacts *contacts = calloc(1, sizeof(*contacts));

	if (!contacts)
		return -ENOMEM;
	contacts->fn = fn;
	contacts->data = data;
	contacts->ring = ring_buffer__new(xdp->fd[XDP_MAP_CONTACTS], on_contact, contacts, NULL);
	if (!contacts->ring) {
		free(contacts);
		return -errno;
	}
	*out = contacts;
	return 0;
}

int xdp_contacts_read(struct xdp_contacts *contacts)
{
	return ring_buffer__consume(contacts->ring);
}

void xdp_contacts_close(struct xdp_contacts *contacts)
{
	if (!contacts)
		return;
	ring_buffer__free(contacts->ring);
	free(contacts);
}
