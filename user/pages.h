/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pages.h - zeroed memory for large tables. Untouched parts cost nothing.
 */
#ifndef PSCAN_USER_PAGES_H
#define PSCAN_USER_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * @huge  in huge pages where the kernel has them, for what is touched at random
 *        and often: many small pages cost a page walk per look-up
 * NULL: no memory.
 */
void *pages_new(size_t bytes, bool huge);
void pages_free(void *pages, size_t bytes); /* NULL is fine */

#endif
