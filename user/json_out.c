/* SPDX-License-Identifier: GPL-2.0-only */
/* json_out.c - see json_out.h. */
#include <stdio.h>

#include "json_out.h"

void json_text(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, value ? json_object_new_string(value) : NULL);
}

void json_number(struct json_object *o, const char *key, __u64 value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

void json_span(struct json_object *o, const char *key, __u64 ns, __u64 unit_ns)
{
	double value = (double)ns / (double)unit_ns;
	char text[48];

	snprintf(text, sizeof(text), "%.3f", value);
	json_object_object_add(o, key, json_object_new_double_s(value, text));
}

void json_print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	fflush(stdout);
}
