/* SPDX-License-Identifier: GPL-2.0-only */
/* pages.c - see pages.h. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pages.h"

#define HUGE_PAGE_BYTES (2UL << 20)

void *pages_new(size_t bytes, bool huge)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t used = (bytes + page - 1) & ~(page - 1), whole = used + HUGE_PAGE_BYTES, before;
	char *area = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)area & (HUGE_PAGE_BYTES - 1);
	if (before)
		munmap(area, before);
	munmap(area + before + used, whole - before - used);
	if (huge)
		madvise(area + before, used, MADV_HUGEPAGE); /* a wish: only speed depends on it */
	return area + before;
}

void pages_free(void *pages, size_t bytes)
{
	if (pages)
		munmap(pages, bytes);
}
