/* SPDX-License-Identifier: GPL-2.0-only */
/* deadlines.c - see deadlines.h. */
#include <errno.h>
#include <stdlib.h>

#include "deadlines.h"

int deadlines_init(struct deadlines *d, __u32 room)
{
	d->heap = calloc(room, sizeof(*d->heap));
	d->room = room;
	d->n = 0;
	return d->heap ? 0 : -ENOMEM;
}

void deadlines_free(struct deadlines *d)
{
	free(d->heap);
	d->heap = NULL;
	d->n = 0;
}

void deadlines_clear(struct deadlines *d)
{
	d->n = 0;
}

bool deadlines_add(struct deadlines *d, const union ps_addr *addr, __u64 at_ns)
{
	__u32 place = d->n;

	if (place == d->room)
		return false;
	d->n++;
	for (; place && d->heap[(place - 1) / 2].at_ns > at_ns; place = (place - 1) / 2)
		d->heap[place] = d->heap[(place - 1) / 2];
	d->heap[place] = (struct deadline){ .at_ns = at_ns, .addr = *addr };
	return true;
}

bool deadlines_take(struct deadlines *d, __u64 now_ns, union ps_addr *addr)
{
	struct deadline last;
	__u32 place = 0, child;

	if (!deadlines_due(d, now_ns))
		return false;
	*addr = d->heap[0].addr;
	last = d->heap[--d->n];
	while ((child = 2 * place + 1) < d->n) {
		if (child + 1 < d->n && d->heap[child + 1].at_ns < d->heap[child].at_ns)
			child++;
		if (d->heap[child].at_ns >= last.at_ns)
			break;
		d->heap[place] = d->heap[child];
		place = child;
	}
	d->heap[place] = last;
	return true;
}
