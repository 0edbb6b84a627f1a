/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * queues.h - the receive queues of what is attached. In a flood each has a part of the memory
 * of first tries to itself (pscan/tries.h), so that their CPUs do not write to the same lines.
 */
#ifndef PSCAN_USER_QUEUES_H
#define PSCAN_USER_QUEUES_H

#include "xdp.h"

/*
 * Tells the program into how many parts to divide it, by what the interfaces have now. The one
 * with the fewest queues decides, since a part is all that one queue's tries have; one in generic
 * mode counts as one queue, for its frames do not all say where they were received, and so does
 * one without hardware, whose frames of one flow do not keep to a queue. A change costs what was
 * remembered, a second's worth at most. What fails goes to -v.
 */
void queues_refresh(const struct xdp *xdp, const struct xdp_link *links, int n);

#endif
