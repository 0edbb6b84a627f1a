/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slice.c - gives threads a turn of a tenth of a millisecond, at an ordinary
 * priority: such a thread runs as soon as it has something to do, as an
 * interrupt would, and has to share the CPU when it has too much, as ksoftirqd
 * has. Kernels before 6.12 know one length of turn and take no offence.
 *
 *	slice PID...
 */
#include <err.h>
#include <linux/sched/types.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TURN_NS 100000

int main(int argc, char **argv)
{
	struct sched_attr attr = { .size = sizeof(attr), .sched_runtime = TURN_NS };

	for (int i = 1; i < argc; i++)
		if (syscall(SYS_sched_setattr, atoi(argv[i]), &attr, 0))
			err(1, "sched_setattr of %s", argv[i]);
	return 0;
}
