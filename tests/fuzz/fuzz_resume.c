/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_resume.c - the file an interrupted scan left, changed by somebody since:
 * what is taken from it fits the scan that goes on, and can be saved again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scan/resume.h"

#define CHECK(condition)                \
	do {                            \
		if (!(condition))       \
			__builtin_trap(); \
	} while (0)

#define PORTS 100

static struct targets targets;
static struct scan_config config = { .seed = 7 };
static struct phase phases[PHASE_MAX];

/* Sixteen targets, a hundred ports each way. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct target_resolve resolve = { .family = 0 };
	static struct port_set ports;

	(void)argc;
	(void)argv;
	stderr = fopen("/dev/null", "w"); /* the fuzzer's own messages go to the descriptor */
	for (int port = 1; port <= PORTS; port++)
		port_set_add(&ports, (__u16)port);
	return !stderr || targets_add(&targets, "198.51.100.0/28", &resolve) < 0 ||
	       targets_finish(&targets) || phase_discovery(&phases[PHASE_DISCOVERY], true) ||
	       phase_ports(&phases[PHASE_TCP], PHASE_TCP, &probe_tcp_syn, &ports) ||
	       phase_ports(&phases[PHASE_UDP], PHASE_UDP, &probe_udp, &ports);
}

static void check_tally(const struct tally *tally)
{
	__u32 counted[STATE_MAX] = { 0 };

	for (__u32 unit = 0; tally->outcome && unit < PORTS; unit++) {
		CHECK(tally->outcome[unit] < STATE_MAX);
		counted[tally->outcome[unit]]++;
	}
	for (int state = STATE_NONE + 1; state < STATE_MAX; state++)
		CHECK(counted[state] == tally->counts[state]);
	for (__u32 i = 0; i < tally->finding_count; i++)
		CHECK(tally->findings[i].unit < PORTS && tally->findings[i].reason < REASON_MAX);
}

static void free_scan(struct scan *scan)
{
	hosts_free(&scan->hosts);
	schedule_free(&scan->schedule);
}

/* Goes on as scan.c does, phase by phase, without sending. */
static bool take_up(struct resume *resume, struct scan *scan)
{
	*scan = (struct scan){ .config = &config, .targets = &targets, .resume = resume };
	memcpy(scan->phases, phases, sizeof(phases));
	for (int kind = 0; kind < PHASE_MAX; kind++) {
		struct schedule_shape shape = { .seed = config.seed, .shards = 1 };

		scan->phase_used[kind] = true;
		scan->phase = &scan->phases[kind];
		shape.count = phase_index_count(scan->phase, targets.count);
		schedule_free(&scan->schedule);
		CHECK(schedule_init(&scan->schedule, &shape) == 0);
		if (resume_phase(resume, scan, (enum phase_kind)kind))
			return false;
		CHECK(scan->schedule.position <= scan->schedule.count);
		scan->done[kind] = scan->schedule;
	}
	for (size_t i = 0; i < scan->hosts.n; i++) {
		CHECK(scan->hosts.all[i]->target < targets.count);
		for (int t = 0; t < TALLY_MAX; t++)
			check_tally(&scan->hosts.all[i]->tallies[t]);
	}
	return true;
}

/* What was taken is saved, and what was saved is taken. */
static void round_trip(const struct scan *scan)
{
	char *argv[] = { (char *)"pscan-xdp", (char *)"198.51.100.0/28", NULL };
	struct resume *again;
	struct scan other;
	char path[64];

	/* Written beside and renamed, which takes a folder; one in memory, as it is synced. */
	snprintf(path, sizeof(path), "/dev/shm/fuzz_resume.%d", getpid());
	CHECK(resume_save(scan, path, 2, argv) == 0);
	CHECK(resume_load(&again, path) == 0);
	CHECK(unlink(path) == 0);
	CHECK(take_up(again, &other) && other.hosts.n == scan->hosts.n);
	free_scan(&other);
	resume_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	int fd = memfd_create("resume", MFD_CLOEXEC);
	struct resume *resume;
	struct scan scan;
	char path[64];

	if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (resume_load(&resume, path) == 0) {
		CHECK(resume_argc(resume) > 0 && !resume_argv(resume)[resume_argc(resume)]);
		resume_seed(resume);
		if (take_up(resume, &scan))
			round_trip(&scan);
		free_scan(&scan);
		resume_free(resume);
	}
	close(fd);
	return 0;
}
