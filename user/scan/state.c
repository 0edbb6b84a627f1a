// SPDX-License-Identifier: GPL-2.0-only
/* state.c - see state.h. */
#include <errno.h>
#include <stdlib.h>

#include "scan/state.h"

static size_t slot_of(const struct hosts *hosts, __u64 target)
{
	size_t slot = (size_t)(target * 0x9e3779b97f4a7c15ULL >> 20) & (hosts->slot_count - 1);

	while (hosts->slots[slot] && hosts->slots[slot]->target != target)
		slot = (slot + 1) & (hosts->slot_count - 1);
	return slot;
}

struct host *hosts_find(const struct hosts *hosts, __u64 target)
{
	return hosts->slot_count ? hosts->slots[slot_of(hosts, target)] : NULL;
}

static int grow_slots(struct hosts *hosts)
{
	struct hosts grown = { .slot_count = hosts->slot_count ? hosts->slot_count * 2 : 64 };

	grown.slots = calloc(grown.slot_count, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < hosts->n; i++)
		grown.slots[slot_of(&grown, hosts->all[i]->target)] = hosts->all[i];
	free(hosts->slots);
	hosts->slots = grown.slots;
	hosts->slot_count = grown.slot_count;
	return 0;
}

struct host *hosts_get(struct hosts *hosts, __u64 target, const union ps_addr *addr)
{
	struct host *host = hosts_find(hosts, target);

	if (host)
		return host;
	if (hosts->n * 2 >= hosts->slot_count && grow_slots(hosts) < 0)
		return NULL;
	if (hosts->n == hosts->room) {
		size_t room = hosts->room ? hosts->room * 2 : 32;
		struct host **all = reallocarray(hosts->all, room, sizeof(*all));

		if (!all)
			return NULL;
		hosts->all = all;
		hosts->room = room;
	}
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	host->target = target;
	host->addr = *addr;
	hosts->slots[slot_of(hosts, target)] = host;
	hosts->all[hosts->n++] = host;
	return host;
}

static int compare_hosts(const void *a, const void *b)
{
	const struct host *const *x = a, *const *y = b;

	return (*x)->target < (*y)->target ? -1 : (*x)->target > (*y)->target;
}

void hosts_sort(struct hosts *hosts)
{
	if (hosts->n)
		qsort(hosts->all, hosts->n, sizeof(*hosts->all), compare_hosts);
}

void hosts_free(struct hosts *hosts)
{
	for (size_t i = 0; i < hosts->n; i++) {
		for (int t = 0; t < TALLY_MAX; t++) {
			free(hosts->all[i]->tallies[t].outcome);
			free(hosts->all[i]->tallies[t].findings);
		}
		free(hosts->all[i]);
	}
	free(hosts->all);
	free(hosts->slots);
	*hosts = (struct hosts){ 0 };
}

static struct finding *kept_finding(const struct tally *tally, __u32 unit)
{
	for (__u32 i = 0; i < tally->finding_count; i++)
		if (tally->findings[i].unit == unit)
			return &tally->findings[i];
	return NULL;
}

static int keep(struct tally *tally, const struct finding *finding)
{
	if (finding->state == STATE_CLOSED && tally->counts[STATE_CLOSED] > FINDINGS_CLOSED_MAX)
		return 0;
	if (tally->finding_count == tally->finding_room) {
		__u32 room = tally->finding_room ? tally->finding_room * 2 : 16;
		struct finding *grown = reallocarray(tally->findings, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		tally->findings = grown;
		tally->finding_room = room;
	}
	tally->findings[tally->finding_count++] = *finding;
	return 0;
}

/* A filtered port that answers after all was only behind a busy filter. */
static bool outranks(enum scan_state later, enum scan_state earlier)
{
	return earlier == STATE_NONE || (earlier == STATE_FILTERED && later != STATE_FILTERED);
}

int tally_record(struct tally *tally, __u32 unit_count, const struct finding *finding)
{
	enum scan_state before;
	int err;

	if (!tally->outcome) {
		tally->outcome = calloc(unit_count, 1);
		if (!tally->outcome)
			return -ENOMEM;
	}
	before = tally->outcome[finding->unit];
	if (!outranks(finding->state, before))
		return 0;
	tally->outcome[finding->unit] = finding->state;
	tally->counts[finding->state]++;
	if (before != STATE_NONE) {
		struct finding *old = kept_finding(tally, finding->unit);

		tally->counts[before]--;
		if (old) {
			*old = *finding;
			return 1;
		}
	} else {
		tally->answered++;
	}
	err = keep(tally, finding);
	return err ? err : 1;
}
