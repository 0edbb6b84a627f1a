// SPDX-License-Identifier: GPL-2.0-only
/* schedule.c - see schedule.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scan/schedule.h"

/* Positions skipped in one call, so that the receiver is never kept waiting. */
#define SKIP_MAX 4096

int schedule_init(struct schedule *schedule, const struct schedule_shape *shape)
{
	memset(schedule, 0, sizeof(*schedule));
	schedule->log.entries = calloc(SENDLOG_ENTRIES, sizeof(*schedule->log.entries));
	if (!schedule->log.entries)
		return -ENOMEM;
	schedule->whole = shape->count;
	schedule->first_count = shape->first_count;
	schedule->shard = shape->shard;
	schedule->shards = shape->shards;
	if (shape->shard < shape->count)
		schedule->count = (shape->count - shape->shard - 1) / shape->shards + 1;
	if (shape->first_count)
		permute_init(&schedule->first, shape->first_count, shape->seed);
	if (shape->count > shape->first_count)
		permute_init(&schedule->rest, shape->count - shape->first_count, ~shape->seed);
	return 0;
}

void schedule_free(struct schedule *schedule)
{
	free(schedule->log.entries);
	schedule->log.entries = NULL;
}

__u64 schedule_index(const struct schedule *schedule, __u64 position)
{
	__u64 at = position * schedule->shards + schedule->shard;

	if (at < schedule->first_count)
		return permute_at(&schedule->first, at);
	return schedule->first_count + permute_at(&schedule->rest, at - schedule->first_count);
}

bool schedule_position(const struct schedule *schedule, __u64 index, __u64 *position)
{
	__u64 at;

	if (index < schedule->first_count)
		at = permute_position(&schedule->first, index);
	else
		at = schedule->first_count +
		     permute_position(&schedule->rest, index - schedule->first_count);
	if (at % schedule->shards != schedule->shard)
		return false;
	*position = at / schedule->shards;
	return true;
}

/* The latest batch that starts at or before @sequence, or NULL when it is forgotten. */
static struct sendlog_entry *find_batch(struct sendlog *log, __u64 sequence)
{
	__u64 low = log->head > SENDLOG_ENTRIES ? log->head - SENDLOG_ENTRIES : 0;
	__u64 high = log->head;

	if (low == high || log->entries[low % SENDLOG_ENTRIES].sequence > sequence)
		return NULL;
	while (high - low > 1) {
		__u64 mid = (low + high) / 2;

		if (log->entries[mid % SENDLOG_ENTRIES].sequence <= sequence)
			low = mid;
		else
			high = mid;
	}
	return &log->entries[low % SENDLOG_ENTRIES];
}

static __u64 sequence_of(const struct schedule *schedule, unsigned int pass, __u64 position)
{
	return pass * schedule->count + position;
}

bool schedule_sent_at(struct schedule *schedule, unsigned int pass, __u64 position, bool answered,
		      __u64 *time_ns)
{
	struct sendlog_entry *batch;

	if (pass > schedule->pass)
		return false;
	batch = find_batch(&schedule->log, sequence_of(schedule, pass, position));
	if (!batch)
		return false;
	if (answered && batch->answered < batch->sent)
		batch->answered++;
	*time_ns = batch->time_ns;
	return true;
}

enum schedule_step schedule_next(struct schedule *schedule, __u64 now_ns, __u64 timeout_ns,
				 schedule_wanted_fn wanted, void *context, __u64 *index,
				 __u64 *position, __u64 *due_ns)
{
	for (int skipped = 0; skipped < SKIP_MAX; skipped++) {
		__u64 before;

		if (schedule->position >= schedule->count) {
			schedule->position = 0;
			schedule->pass++;
			schedule->pass_before_sent = schedule->pass_sent;
			schedule->pass_sent = 0;
			return SCHEDULE_PASS;
		}
		*index = schedule_index(schedule, schedule->position);
		if (!wanted(context, *index, schedule->pass)) {
			schedule->position++;
			continue;
		}
		if (schedule->pass > 0 &&
		    schedule_sent_at(schedule, schedule->pass - 1, schedule->position, false,
				     &before) &&
		    before + timeout_ns > now_ns) {
			*due_ns = before + timeout_ns;
			return SCHEDULE_WAIT;
		}
		*position = schedule->position++;
		schedule->pass_sent++;
		return SCHEDULE_PROBE;
	}
	return SCHEDULE_AGAIN;
}

void schedule_sent(struct schedule *schedule, unsigned int pass, __u64 position, __u32 probes,
		   __u64 now_ns)
{
	struct sendlog *log = &schedule->log;

	if (log->head - log->ripe == SENDLOG_ENTRIES)
		log->ripe++;
	log->entries[log->head % SENDLOG_ENTRIES] = (struct sendlog_entry){
		.sequence = sequence_of(schedule, pass, position),
		.time_ns = now_ns,
		.sent = probes,
	};
	log->head++;
	schedule->last_sent_ns = now_ns;
}

void schedule_harvest(struct schedule *schedule, __u64 before_ns, __u64 *sent, __u64 *answered)
{
	struct sendlog *log = &schedule->log;

	*sent = 0;
	*answered = 0;
	while (log->ripe < log->head) {
		const struct sendlog_entry *entry = &log->entries[log->ripe % SENDLOG_ENTRIES];

		if (entry->time_ns >= before_ns)
			break;
		*sent += entry->sent;
		*answered += entry->answered;
		log->ripe++;
	}
}
