/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_cycle.c - attached and detached a thousand times under traffic, natively,
 * by one process: it holds as many descriptors and as much memory at the end as
 * at the start, and of what it made in the kernel nothing outlives it. Real
 * commands do the same, fewer times, in tests/lab/leak.bats.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "prog.h"

#define CYCLES 1000 /* unless the environment's CYCLES says otherwise */
#define CYCLES_MAX 100000
#define WARM_UP 50
#define MEMORY_SLACK_KB 512 /* what the allocator may keep; a lost kilobyte a cycle is 950 */

/* A namespace of our own with a cable in it, and a bpffs that nobody else sees. */
static void make_place(void)
{
	assert_int_equal(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL), 0);
	assert_int_equal(mount("bpf", XDP_BPFFS, "bpf", 0, "mode=0700"), 0);
	assert_int_equal(system("ip link add c0 type veth peer name c1 && ip link set c0 up && "
				"ip link set c1 up"), 0);
}

/* Bare SYNs to the far end of the cable until killed, a few thousand a second. */
static pid_t start_traffic(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	unsigned char frame[54] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40,
				    0, 1, 0, 0, 64, 6, 0, 0, 198, 51, 100, 2, 198, 51, 100, 1,
				    156, 64, 0, 22, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 4, 0 };
	const struct timespec pause = { .tv_nsec = 200000 };
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = socket(AF_PACKET, SOCK_RAW, htons(0));
	to.sll_ifindex = (int)if_nametoindex("c0");
	for (unsigned int i = 0; i < 1000000; i++) {
		frame[29] = (unsigned char)i;
		sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to));
		nanosleep(&pause, NULL);
	}
	_exit(0);
}

static unsigned int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static long resident_kb(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The id of what is pinned for the interface. */
static __u32 link_id(unsigned int ifindex)
{
	struct bpf_link_info info = {};
	__u32 bytes = sizeof(info);
	char path[128];
	int fd;

	xdp_link_pin(ifindex, path);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &bytes), 0);
	close(fd);
	return info.id;
}

static __u32 cycle(const struct xdp *xdp, unsigned int ifindex)
{
	struct xdp_link link;
	__u32 id;

	assert_int_equal(xdp_attach(xdp, "c1", XDP_MODE_NATIVE, false, &link), 0);
	assert_true(link.native);
	id = link_id(ifindex);
	assert_int_equal(xdp_detach(ifindex, "c1"), 0);
	return id;
}

/* Kernel objects go a grace period after their last user. */
static bool gone(int (*fd_by_id)(__u32 id), __u32 id)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (int i = 0; i < 500; i++) {
		int fd = fd_by_id(id);

		if (fd < 0)
			return true;
		close(fd);
		nanosleep(&pause, NULL);
	}
	return false;
}

struct ids {
	__u32 prog, map[XDP_MAP_MAX];
};

static void note_ids(const struct xdp *xdp, struct ids *ids)
{
	struct bpf_prog_info info = {};
	__u32 bytes = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(xdp->prog, &info, &bytes), 0);
	ids->prog = info.id;
	for (int i = 0; i < XDP_MAP_MAX; i++) {
		struct bpf_map_info map = {};

		bytes = sizeof(map);
		assert_int_equal(bpf_obj_get_info_by_fd(xdp->fd[i], &map, &bytes), 0);
		ids->map[i] = map.id;
	}
}

static void test_thousand(void **state)
{
	struct xdp_load_options options = { .rule = rule_default(RULE_SOPHOS) };
	static __u32 links[CYCLES_MAX];
	unsigned int ifindex, fds = 0;
	struct ps_counters counters;
	int cycles = prog_rounds("CYCLES", CYCLES);
	struct xdp *xdp;
	struct ids ids;
	long memory = 0;
	pid_t traffic;

	(void)state;
	assert_in_range(cycles, WARM_UP + 1, CYCLES_MAX);
	make_place();
	assert_int_equal(xdp_load(&options, &xdp), 0);
	note_ids(xdp, &ids);
	ifindex = if_nametoindex("c1");
	traffic = start_traffic();
	for (int i = 0; i < cycles; i++) {
		if (i == WARM_UP) {
			fds = open_descriptors();
			memory = resident_kb();
		}
		links[i] = cycle(xdp, ifindex);
	}
	assert_int_equal(open_descriptors(), fds);
	assert_true(resident_kb() - memory < MEMORY_SLACK_KB);
	kill(traffic, SIGKILL);
	waitpid(traffic, NULL, 0);
	assert_int_equal(xdp_counters(xdp, &counters), 0);
	assert_true(counters.parse[PS_PARSE_OK] > 0);

	assert_int_equal(xdp_detach_all(), 0);
	xdp_close(xdp);
	for (int i = 0; i < cycles; i++)
		assert_true(gone(bpf_link_get_fd_by_id, links[i]));
	assert_true(gone(bpf_prog_get_fd_by_id, ids.prog));
	for (int i = 0; i < XDP_MAP_MAX; i++)
		assert_true(gone(bpf_map_get_fd_by_id, ids.map[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thousand),
	};

	if (geteuid()) {
		puts("1..0 # SKIP needs root: loads a BPF program");
		return 0;
	}
	return cmocka_run_group_tests_name("cycle", tests, NULL, NULL);
}
