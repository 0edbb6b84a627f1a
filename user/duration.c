/* SPDX-License-Identifier: GPL-2.0-only */
/* duration.c - see duration.h. */
#include <stdio.h>
#include <string.h>

#include "duration.h"

struct unit {
	const char *name;
	__u64 ns;
};

/* Largest first, for duration_format(). */
static const struct unit units[] = {
	{ "d", 24ULL * 3600 * 1000000000 },
	{ "h", 3600ULL * 1000000000 },
	{ "min", 60ULL * 1000000000 },
	{ "s", 1000000000 },
	{ "ms", 1000000 },
	{ "us", 1000 },
	{ "ns", 1 },
};

#define UNITS (sizeof(units) / sizeof(units[0]))

static const struct unit *find_unit(const char *name)
{
	for (size_t i = 0; i < UNITS; i++)
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

/* Digits at *@text, at most 18: ten years have as many nanoseconds. Advances *@text. */
static bool take_digits(const char **text, __u64 *value, __u64 *scale)
{
	const char *at = *text;

	*value = 0;
	*scale = 1;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (*scale >= 1000000000000000000ULL)
			return false;
		*value = *value * 10 + (__u64)(*at - '0');
		*scale *= 10;
	}
	if (at == *text)
		return false;
	*text = at;
	return true;
}

bool duration_parse(const char *text, __u64 *ns)
{
	__u64 whole, fraction = 0, scale = 1;
	const struct unit *unit;
	__uint128_t total;

	if (!take_digits(&text, &whole, &scale))
		return false;
	scale = 1;
	if (*text == '.') {
		text++;
		if (!take_digits(&text, &fraction, &scale))
			return false;
	}
	if (!*text && !whole && !fraction) {
		*ns = 0;
		return true;
	}
	unit = find_unit(text);
	if (!unit)
		return false;
	total = (__uint128_t)whole * unit->ns + (__uint128_t)fraction * unit->ns / scale;
	if (total > DURATION_NS_MAX)
		return false;
	*ns = (__u64)total;
	return true;
}

const char *duration_format(__u64 ns, char out[DURATION_TEXT_BYTES])
{
	size_t i = 0;

	if (!ns) {
		snprintf(out, DURATION_TEXT_BYTES, "0s");
		return out;
	}
	while (ns % units[i].ns)
		i++;
	snprintf(out, DURATION_TEXT_BYTES, "%llu%s", (unsigned long long)(ns / units[i].ns),
		 units[i].name);
	return out;
}
