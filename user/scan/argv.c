// SPDX-License-Identifier: GPL-2.0-only
/* argv.c - see argv.h. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "scan/argv.h"

const struct argv_short argv_shorts[] = {
	{ "-sT", "--connect" }, { "-sS", "--syn" },    { "-sF", "--fin" },  { "-sN", "--null" },
	{ "-sX", "--xmas" },    { "-sM", "--maimon" }, { "-sA", "--ack" },  { "-sW", "--window" },
	{ "-sU", "--udp" },     { "-sn", "--ping" },   { "-sP", "--ping" }, { "-Pn", "--no-ping" },
	{ "-P0", "--no-ping" }, { "-iL", "--list" },   { "-oX", "--xml" },  { "-oG", "--grepable" },
	{ "-oN", "--text" },    { NULL, NULL },
};

static const char *long_of(const char *text)
{
	for (const struct argv_short *s = argv_shorts; s->text; s++)
		if (strcmp(s->text, text) == 0)
			return s->option;
	return NULL;
}

/* Appends what @word stands for; false without memory. */
static bool append(char **out, int *n, const char *word)
{
	const char *option = long_of(word);
	char one[4] = "-s";

	if (option || strncmp(word, "-s", 2) != 0 || strlen(word) < 4) {
		out[*n] = strdup(option ? option : word);
		return out[(*n)++] != NULL;
	}
	for (const char *letter = word + 2; *letter; letter++) {
		one[2] = *letter;
		option = long_of(one);
		/* Unknown: argp complains about the word as it was typed. */
		out[*n] = strdup(option ? option : word);
		if (!out[(*n)++])
			return false;
		if (!option)
			break;
	}
	return true;
}

char **argv_translate(int argc, char **argv, int *out_argc)
{
	size_t room = 1;
	char **out;
	int n = 0;

	for (int i = 0; i < argc; i++)
		room += strlen(argv[i]) + 1;
	out = calloc(room, sizeof(*out));
	for (int i = 0; out && i < argc; i++) {
		if (!append(out, &n, argv[i])) {
			argv_free(out);
			return NULL;
		}
	}
	*out_argc = n;
	return out;
}

void argv_free(char **argv)
{
	for (int i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}
