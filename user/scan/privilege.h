/* SPDX-License-Identifier: GPL-2.0-only */
/* privilege.h - giving up what is no longer needed. */
#ifndef PSCAN_SCAN_PRIVILEGE_H
#define PSCAN_SCAN_PRIVILEGE_H

/*
 * Once the sockets are open: no capabilities any more, and under sudo the
 * invoking user's identity, so that files written later are that user's.
 * Negative errno after a line.
 */
int privilege_drop(void);

#endif
