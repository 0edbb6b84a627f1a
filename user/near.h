/* SPDX-License-Identifier: GPL-2.0-only */
/* near.h - makes the bits that say what a list of prefixes has entries near; see pscan/near.h. */
#ifndef PSCAN_USER_NEAR_H
#define PSCAN_USER_NEAR_H

#include <pscan/near.h>

#include "addr.h"

/* Sets the bits of all networks that have an address of @prefix in them. One at a time, so that
 * who reads them meanwhile misses none that was set before. */
void near_add(__u64 bits[PS_NEAR_WORDS], const struct prefix *prefix);

#endif
