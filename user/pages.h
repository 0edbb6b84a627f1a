/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pages.h - zeroed memory for large tables that are touched at random: in huge
 * pages where the kernel has them, since a table of many small pages costs a
 * page walk per look-up. Untouched parts cost nothing.
 */
#ifndef PSCAN_USER_PAGES_H
#define PSCAN_USER_PAGES_H

#include <stddef.h>

/* Aligned to a huge page; NULL: no memory. */
void *pages_new(size_t bytes);
void pages_free(void *pages, size_t bytes); /* NULL is fine */

#endif
