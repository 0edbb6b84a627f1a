/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kmexit.c - ends QEMU from inside the guest, with a status: `kmexit N` writes
 * N to the isa-debug-exit port. Static, and through ioperm(): not every
 * kernel that is tested has /dev/port.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

#define EXIT_PORT 0xf4 /* as boot.sh gives it to QEMU */

int main(int argc, char **argv)
{
	if (argc != 2 || ioperm(EXIT_PORT, 1, 1)) {
		perror("kmexit");
		return 1;
	}
	outb((unsigned char)atoi(argv[1]), EXIT_PORT);
	return 1; /* QEMU is gone before this */
}
