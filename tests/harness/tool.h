/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tool.h - what the traffic tools of the lab share: a bounded run time, a clean
 * end on a signal, port lists, the word "ready".
 *
 * A tool ends after --seconds or on SIGTERM or SIGINT, whichever comes first,
 * through its ordinary exit path: a summary is printed either way.
 */
#ifndef PSCAN_TESTS_TOOL_H
#define PSCAN_TESTS_TOOL_H

#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A forgotten tool must not outlive a test run. */
#define TOOL_SECONDS_DEFAULT 60
#define TOOL_SECONDS_MAX 3600

struct port_set {
	bool has[65536];
};

/*
 * A descriptor that becomes readable when the tool has to end. The signals are
 * blocked from here on, in threads started later too. Call it first.
 */
static inline int tool_end_fd(unsigned int seconds)
{
	sigset_t ending;
	int fd;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGALRM);
	if (sigprocmask(SIG_BLOCK, &ending, NULL))
		err(1, "cannot block signals");
	fd = signalfd(-1, &ending, SFD_CLOEXEC);
	if (fd < 0)
		err(1, "cannot open a signalfd");
	alarm(seconds);
	return fd;
}

/* A test that reads this may start its traffic. */
static inline void tool_ready(void)
{
	fputs("ready\n", stderr);
}

/* A whole number from @min to @max; anything else ends the tool with status 2. */
static inline unsigned int tool_number(const char *text, const char *what, unsigned int min,
				       unsigned int max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-' || value < min || value > max)
		errx(2, "%s: '%s' is not a number from %u to %u", what, text, min, max);
	return (unsigned int)value;
}

/* "1-20,80": adds each port to @set; bad text ends the tool with status 2. */
static inline void tool_ports(const char *text, struct port_set *set)
{
	char *list = strdup(text), *rest = list, *item;

	if (!list)
		err(1, "port list");
	while ((item = strsep(&rest, ","))) {
		char *dash = strchr(item, '-');
		unsigned int first, last;

		if (dash)
			*dash++ = '\0';
		first = tool_number(item, "port", 0, 65535);
		last = dash ? tool_number(dash, "port", first, 65535) : first;
		for (unsigned int port = first; port <= last; port++)
			set->has[port] = true;
	}
	free(list);
}

#endif
