// SPDX-License-Identifier: GPL-2.0-only
/*
 * resume.c - see resume.h. The file is JSON:
 *   { "version": 1, "arguments": [...], "seed": S, "count": targets,
 *     "phases": [ { "kind": k, "pass": p, "position": n, "done": bool } ],
 *     "hosts": [ { "target": i, "address": a, "status": s, "reason": r, "mac": m,
 *                  "phases": [ { "kind": k, "outcome": runs, "findings": [[...]] } ] } ] }
 * An outcome is a list of runs: state, length, state, length, ...
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "log.h"
#include "scan/resume.h"
#include "whole.h"

#define RESUME_VERSION 1

struct resume {
	struct json_object *root;
	char **argv;
	int argc;
};

static __u64 number(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? (__u64)json_object_get_int64(value)
							      : 0;
}

static struct json_object *list(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_array))
		return NULL;
	return value;
}

/* 0 for what is no array: json-c asserts that it is one. */
static size_t length_of(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

static int read_arguments(struct resume *resume)
{
	struct json_object *arguments = list(resume->root, "arguments");

	resume->argc = (int)length_of(arguments);
	resume->argv = calloc((size_t)resume->argc + 1, sizeof(*resume->argv));
	if (!resume->argv)
		return -ENOMEM;
	for (int i = 0; i < resume->argc; i++) {
		const char *text =
			json_object_get_string(json_object_array_get_idx(arguments, (size_t)i));

		resume->argv[i] = strdup(text ? text : "");
		if (!resume->argv[i])
			return -ENOMEM;
	}
	return resume->argc ? 0 : -EINVAL;
}

int resume_load(struct resume **out, const char *path)
{
	struct resume *resume = calloc(1, sizeof(*resume));
	int err = 0;

	if (!resume)
		return -ENOMEM;
	resume->root = json_object_from_file(path);
	if (!resume->root || number(resume->root, "version") != RESUME_VERSION)
		err = -EINVAL;
	if (!err)
		err = read_arguments(resume);
	if (err) {
		log_error("cannot resume from %s: not a file that an interrupted scan wrote", path);
		resume_free(resume);
		return err;
	}
	*out = resume;
	return 0;
}

void resume_free(struct resume *resume)
{
	if (!resume)
		return;
	for (int i = 0; resume->argv && i < resume->argc; i++)
		free(resume->argv[i]);
	free(resume->argv);
	json_object_put(resume->root);
	free(resume);
}

int resume_argc(const struct resume *resume)
{
	return resume->argc;
}

char **resume_argv(struct resume *resume)
{
	return resume->argv;
}

__u64 resume_seed(const struct resume *resume)
{
	return number(resume->root, "seed");
}

static struct json_object *of_kind(struct json_object *array, enum phase_kind kind)
{
	for (size_t i = 0; i < length_of(array); i++) {
		struct json_object *entry = json_object_array_get_idx(array, i);

		if (number(entry, "kind") == (__u64)kind)
			return entry;
	}
	return NULL;
}

/* Numbers come from a file: every one is checked before it indexes anything. */
static int load_findings(struct json_object *entry, const struct phase *phase, struct tally *tally)
{
	struct json_object *findings = list(entry, "findings"), *runs = list(entry, "outcome");
	__u32 unit = 0;

	for (size_t i = 0; i < length_of(findings); i++) {
		struct json_object *f = json_object_array_get_idx(findings, i);
		__u64 v[6] = { 0 };

		for (size_t k = 0; k < 6 && k < length_of(f); k++)
			v[k] = (__u64)json_object_get_int64(json_object_array_get_idx(f, k));
		if (v[0] >= phase->unit_count || v[1] >= STATE_MAX || v[2] >= REASON_MAX)
			return -EINVAL;
		struct finding finding = {
			.unit = (__u32)v[0],
			.state = (__u8)v[1],
			.reason = (__u8)v[2],
			.ttl = (__u8)v[3],
			.tries = (__u8)v[4],
			.rtt_us = (__u32)v[5],
		};

		if (tally_record(tally, phase->unit_count, &finding) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i + 1 < length_of(runs); i += 2) {
		__u64 state = (__u64)json_object_get_int64(json_object_array_get_idx(runs, i));
		__u64 units = (__u64)json_object_get_int64(json_object_array_get_idx(runs, i + 1));

		if (state >= STATE_MAX || units > phase->unit_count - unit)
			return -EINVAL;
		for (; units; units--, unit++) {
			struct finding plain = { .unit = unit,
						 .state = (__u8)state,
						 .reason = REASON_RESET };

			if (state != STATE_NONE && !tally_has(tally, unit) &&
			    tally_record(tally, phase->unit_count, &plain) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int load_host(struct json_object *entry, struct scan *scan, enum phase_kind kind)
{
	struct json_object *of_phase = of_kind(list(entry, "phases"), kind);
	__u64 target = number(entry, "target"), mac = number(entry, "mac");
	struct tally *tally;
	union ps_addr addr;
	struct host *host;
	int err;

	if (target >= scan->targets->count)
		return -EINVAL;
	targets_at(scan->targets, target, &addr);
	host = hosts_get(&scan->hosts, target, &addr);
	if (!host)
		return -ENOMEM;
	host->status = number(entry, "status") == HOST_UP ? HOST_UP : HOST_ASSUMED;
	host->up_reason = (enum scan_reason)(number(entry, "reason") % REASON_MAX);
	host->mac_known = mac != 0;
	for (int i = 5; i >= 0; i--, mac >>= 8)
		host->mac[i] = (__u8)mac;
	if (kind == PHASE_DISCOVERY || !of_phase)
		return 0;
	tally = &host->tallies[kind == PHASE_UDP];
	err = load_findings(of_phase, scan->phase, tally);
	scan->counts.open += tally->counts[STATE_OPEN];
	return err;
}

int resume_phase(struct resume *resume, struct scan *scan, enum phase_kind kind)
{
	struct json_object *hosts, *entry;
	int err = 0;

	if (!resume)
		return 0;
	hosts = list(resume->root, "hosts");
	entry = of_kind(list(resume->root, "phases"), kind);
	if (number(resume->root, "count") != scan->targets->count)
		err = -EINVAL;
	for (size_t i = 0; i < length_of(hosts) && !err; i++)
		err = load_host(json_object_array_get_idx(hosts, i), scan, kind);
	if (entry && !err) {
		scan->schedule.pass = (unsigned int)number(entry, "pass");
		scan->schedule.position = number(entry, "position");
		/* Counted as sent, or a pass that resumes at its end would look like the last. */
		scan->schedule.pass_sent = 1;
		if (scan->schedule.position > scan->schedule.count || scan->schedule.pass >= 32)
			err = -EINVAL;
	}
	if (err == -EINVAL)
		log_error("cannot resume: the targets or ports are not those of the interrupted "
			  "scan");
	return err;
}

static void add_number(struct json_object *object, const char *key, __u64 value)
{
	json_object_object_add(object, key, json_object_new_int64((int64_t)value));
}

static void add_to(struct json_object *array, __u64 value)
{
	json_object_array_add(array, json_object_new_int64((int64_t)value));
}

static struct json_object *save_tally(const struct phase *phase, const struct tally *tally)
{
	struct json_object *object = json_object_new_object();
	struct json_object *runs = json_object_new_array(), *findings = json_object_new_array();

	add_number(object, "kind", phase->kind);
	for (__u32 unit = 0, from = 0; unit < phase->unit_count; from = unit) {
		while (unit < phase->unit_count && tally->outcome[unit] == tally->outcome[from])
			unit++;
		add_to(runs, tally->outcome[from]);
		add_to(runs, unit - from);
	}
	for (__u32 i = 0; i < tally->finding_count; i++) {
		const struct finding *f = &tally->findings[i];
		struct json_object *entry = json_object_new_array();

		add_to(entry, f->unit);
		add_to(entry, f->state);
		add_to(entry, f->reason);
		add_to(entry, f->ttl);
		add_to(entry, f->tries);
		add_to(entry, f->rtt_us);
		json_object_array_add(findings, entry);
	}
	json_object_object_add(object, "outcome", runs);
	json_object_object_add(object, "findings", findings);
	return object;
}

static struct json_object *save_host(const struct scan *scan, const struct host *host)
{
	struct json_object *object = json_object_new_object(), *phases = json_object_new_array();
	char address[ADDR_TEXT_BYTES];
	__u64 mac = 0;

	for (int i = 0; i < 6 && host->mac_known; i++)
		mac = mac << 8 | host->mac[i];
	add_number(object, "target", host->target);
	json_object_object_add(object, "address",
			       json_object_new_string(addr_format(&host->addr, address)));
	add_number(object, "status", host->status);
	add_number(object, "reason", host->up_reason);
	add_number(object, "mac", mac);
	for (int kind = PHASE_TCP; kind <= PHASE_UDP; kind++) {
		const struct tally *tally = &host->tallies[kind == PHASE_UDP];

		if (scan->phase_used[kind] && tally->outcome)
			json_object_array_add(phases, save_tally(&scan->phases[kind], tally));
	}
	json_object_object_add(object, "phases", phases);
	return object;
}

int resume_save(const struct scan *scan, const char *path, int argc, char **argv)
{
	struct json_object *root = json_object_new_object(), *arguments = json_object_new_array();
	struct json_object *phases = json_object_new_array(), *hosts = json_object_new_array();
	const char *text;
	int err;

	add_number(root, "version", RESUME_VERSION);
	for (int i = 1; i < argc; i++)
		json_object_array_add(arguments, json_object_new_string(argv[i]));
	json_object_object_add(root, "arguments", arguments);
	add_number(root, "seed", scan->config->seed);
	add_number(root, "count", scan->targets->count);
	for (int kind = 0; kind < PHASE_MAX; kind++) {
		struct json_object *entry;

		if (!scan->phase_used[kind])
			continue;
		entry = json_object_new_object();
		add_number(entry, "kind", (__u64)kind);
		add_number(entry, "pass", scan->done[kind].pass);
		add_number(entry, "position", scan->done[kind].position);
		json_object_array_add(phases, entry);
	}
	json_object_object_add(root, "phases", phases);
	for (size_t i = 0; i < scan->hosts.n; i++)
		json_object_array_add(hosts, save_host(scan, scan->hosts.all[i]));
	json_object_object_add(root, "hosts", hosts);
	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN);
	err = text ? whole_write(path, text, strlen(text)) : -ENOMEM;
	if (err)
		log_error("cannot write the resume file %s: %s", path, strerror(-err));
	json_object_put(root);
	return err;
}
