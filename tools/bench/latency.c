/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency.c - how old events are when their line arrives: reads the NDJSON of
 * `attach --json` from standard input until N events or its end, and prints
 * the median and the 99th percentile of (now - time_ns) in milliseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	size_t want = argc > 1 ? strtoul(argv[1], NULL, 10) : 100, n = 0;
	double *age = calloc(want, sizeof(*age));
	static char line[65536];

	if (!age || !want)
		return 1;
	while (n < want && fgets(line, sizeof(line), stdin)) {
		const char *stamp = strstr(line, "\"time_ns\":");
		struct timespec ts;

		clock_gettime(CLOCK_REALTIME, &ts);
		if (!stamp || !strstr(line, "\"event\":\"scan\""))
			continue;
		age[n++] = ((double)ts.tv_sec * 1e9 + (double)ts.tv_nsec -
			    (double)strtoll(stamp + 10, NULL, 10)) / 1e6;
	}
	if (!n)
		return 1;
	qsort(age, n, sizeof(*age), by_value);
	printf("{\"events\":%zu,\"median_ms\":%.3f,\"p99_ms\":%.3f}\n", n, age[n / 2],
	       age[n * 99 / 100]);
	free(age);
	return 0;
}
