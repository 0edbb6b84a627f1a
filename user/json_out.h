/* SPDX-License-Identifier: GPL-2.0-only */
/* json_out.h - building and printing JSON objects in one spelling. */
#ifndef PSCAN_USER_JSON_OUT_H
#define PSCAN_USER_JSON_OUT_H

#include <json-c/json.h>
#include <linux/types.h>

/* Members of @o; each takes a copy of what it is given. */
void json_text(struct json_object *o, const char *key, const char *value); /* NULL: null */
void json_number(struct json_object *o, const char *key, __u64 value);
/* A length of time in @unit_ns, with three decimals: no rounding noise. */
void json_span(struct json_object *o, const char *key, __u64 ns, __u64 unit_ns);

/* One line on stdout, then lets go of @o. */
void json_print(struct json_object *o);

#endif
