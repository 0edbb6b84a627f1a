/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * argv.h - nmap's two-letter options (-sS, -oX, ...) as the long options that
 * argp knows: it takes -sS for -s with the argument "S".
 */
#ifndef PSCAN_SCAN_ARGV_H
#define PSCAN_SCAN_ARGV_H

struct argv_short {
	const char *text;
	const char *option;
};

extern const struct argv_short argv_shorts[];

/*
 * A NULL-terminated copy of @argv with those options replaced; "-sSU" becomes
 * two. Free it with argv_free(). NULL without memory.
 */
char **argv_translate(int argc, char **argv, int *out_argc);
void argv_free(char **argv);

#endif
