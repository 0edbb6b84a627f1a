/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_confine.c - what each role can no longer do, tried one by one, and what
 * it still can. Each case is a process of its own: there is no way back.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privileges.h"
#include "unit.h"

#define NOBODY 65534

static char folder[] = "/tmp/confine.XXXXXX";
static char theirs[64], roots[64];
static int map;

/* ---- attempts: 0, or the negative errno they were refused with ------------------- */

static int outcome(long res)
{
	return res < 0 ? -errno : 0;
}

static int try_exec(void)
{
	return outcome(execl("/bin/true", "true", NULL));
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return outcome(pid);
}

static int try_trace(void)
{
	return outcome(ptrace(PTRACE_ATTACH, getppid(), 0, 0));
}

static int try_signal(void)
{
	return outcome(kill(getppid(), 0));
}

static int try_mount(void)
{
	return outcome(mount("none", folder, "tmpfs", 0, NULL));
}

static int try_namespace(void)
{
	return outcome(unshare(CLONE_NEWUSER));
}

static int try_module(void)
{
	return outcome(syscall(SYS_init_module, "", 0, ""));
}

static int try_ring(void)
{
	struct io_uring_params params = { 0 };

	return outcome(syscall(SYS_io_uring_setup, 1, &params));
}

static int try_socket(int family, int type, int protocol)
{
	return outcome(socket(family, type, protocol));
}

static int try_inet(void)
{
	return try_socket(AF_INET, SOCK_DGRAM, 0);
}

static int try_inet6(void)
{
	return try_socket(AF_INET6, SOCK_STREAM, 0);
}

static int try_packet(void)
{
	return try_socket(AF_PACKET, SOCK_RAW, 0);
}

static int try_raw(void)
{
	return try_socket(AF_INET, SOCK_RAW, 6);
}

static int try_route(void)
{
	return try_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int try_diag(void)
{
	return try_socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
}

static int try_netfilter(void)
{
	return try_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
}

static int try_audit(void)
{
	return try_socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}

static int try_read(void)
{
	return outcome(open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
}

/* What root alone may read: the filter lets it be opened, the identity does not. */
static int try_roots(void)
{
	int err = outcome(open(roots, O_RDONLY | O_CLOEXEC));

	return err == -EACCES ? -EPERM : err;
}

static int try_write(void)
{
	return outcome(open(theirs, O_WRONLY));
}

static int try_cut(void)
{
	return outcome(open(theirs, O_RDONLY | O_TRUNC));
}

static int try_create(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/new", folder);
	return outcome(open(path, O_RDWR | O_CREAT, 0600));
}

static int try_nameless(void)
{
	return outcome(open(folder, O_RDWR | O_TMPFILE, 0600));
}

static int try_rename(void)
{
	return outcome(rename(theirs, theirs));
}

static int try_own(void)
{
	return outcome(fchown(STDERR_FILENO, 0, 0));
}

static int try_map_new(void)
{
	return outcome(bpf_map_create(BPF_MAP_TYPE_ARRAY, "x", 4, 4, 1, NULL));
}

static int try_map_read(void)
{
	__u32 key = 0, value;

	return outcome(bpf_map_lookup_elem(map, &key, &value));
}

static int try_map_write(void)
{
	__u32 key = 0, value = 1;

	return outcome(bpf_map_update_elem(map, &key, &value, BPF_ANY));
}

static int try_map_find(void)
{
	__u32 id = 0;

	return outcome(bpf_map_get_next_id(0, &id) ?: bpf_map_get_fd_by_id(id));
}

static int try_prog_new(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return outcome(bpf_prog_load(BPF_PROG_TYPE_XDP, "x", "GPL", insns, 2, NULL));
}

/* ---- roles -------------------------------------------------------------------------- */

#define READER (1 << PRIVILEGES_READER)
#define WATCHER (1 << PRIVILEGES_WATCHER)
#define SCANNER (1 << PRIVILEGES_SCANNER)
#define LOADER (1 << PRIVILEGES_LOADER)
#define ANY (READER | WATCHER | SCANNER | LOADER)

static const struct attempt {
	const char *what;
	int (*run)(void);
	unsigned int may;	/* roles that can */
	unsigned int may_write;	/* roles that can when files are still to be made */
} attempts[] = {
	{ "execute a program", try_exec, 0, 0 },
	{ "fork", try_fork, 0, 0 },
	{ "trace a process", try_trace, 0, 0 },
	{ "signal a process", try_signal, 0, 0 },
	{ "mount", try_mount, 0, 0 },
	{ "make a namespace", try_namespace, 0, 0 },
	{ "load a module", try_module, 0, 0 },
	{ "set up io_uring", try_ring, 0, 0 },
	{ "open an IPv4 socket", try_inet, SCANNER, SCANNER },
	{ "open an IPv6 socket", try_inet6, SCANNER, SCANNER },
	{ "open a packet socket", try_packet, 0, 0 },
	{ "open a raw socket", try_raw, 0, 0 },
	{ "ask rtnetlink", try_route, WATCHER | SCANNER | LOADER,
	  WATCHER | SCANNER | LOADER },
	{ "ask about sockets", try_diag, LOADER, LOADER },
	{ "ask about connections", try_netfilter, LOADER, LOADER },
	{ "read the audit log", try_audit, 0, 0 },
	{ "read a file", try_read, ANY, ANY },
	{ "read a file of root's", try_roots, LOADER, LOADER },
	{ "write a file", try_write, 0, ANY },
	{ "cut a file short", try_cut, 0, ANY },
	{ "make a file", try_create, 0, ANY },
	{ "make a nameless file", try_nameless, 0, ANY },
	{ "rename a file", try_rename, 0, ANY },
	{ "give a file away", try_own, 0, 0 },
	{ "make a map", try_map_new, 0, 0 },
	{ "read a map", try_map_read, LOADER, LOADER },
	{ "write a map", try_map_write, LOADER, LOADER },
	{ "find others' maps", try_map_find, 0, 0 },
	{ "load a program", try_prog_new, 0, 0 },
};

/* In the child: how many attempts ended otherwise than they should. */
static int judge(enum privileges_role role, bool writes)
{
	int wrong = 0;

	if (privileges_drop(role) || privileges_confine(role, writes))
		return 1;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		const struct attempt *a = &attempts[i];
		bool may = (writes ? a->may_write : a->may) & 1U << role;
		int err = a->run();

		if (may ? err == 0 || err == -EPROTONOSUPPORT : err == -EPERM)
			continue; /* the protocol may be a module that is not there */
		fprintf(stderr, "role %d, %s: %d\n", role, a->what, err);
		wrong++;
	}
	return wrong;
}

static void check_role(enum privileges_role role, bool writes)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(judge(role, writes));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_reader(void **state)
{
	(void)state;
	check_role(PRIVILEGES_READER, false);
	check_role(PRIVILEGES_READER, true);
}

static void test_watcher(void **state)
{
	(void)state;
	check_role(PRIVILEGES_WATCHER, false);
	check_role(PRIVILEGES_WATCHER, true);
}

static void test_scanner(void **state)
{
	(void)state;
	check_role(PRIVILEGES_SCANNER, true);
}

static void test_loader(void **state)
{
	(void)state;
	check_role(PRIVILEGES_LOADER, false);
}

/* Its stack protector must end it, not be refused to. */
static void test_abort(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (privileges_drop(PRIVILEGES_READER) || privileges_confine(PRIVILEGES_READER, false))
			_exit(1);
		abort();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static int set_up(void **state)
{
	(void)state;
	unsetenv("SUDO_UID"); /* it is nobody's identity that root takes then */
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "confine", 4, 4, 1, NULL);
	if (map < 0 || !mkdtemp(folder))
		return -1;
	snprintf(theirs, sizeof(theirs), "%s/theirs", folder);
	snprintf(roots, sizeof(roots), "%s/roots", folder);
	if (close(creat(theirs, 0600)) || close(creat(roots, 0600)))
		return -1;
	return chown(theirs, NOBODY, NOBODY) || chown(folder, NOBODY, NOBODY) || chmod(folder, 0711);
}

static int tear_down(void **state)
{
	char path[80];

	(void)state;
	snprintf(path, sizeof(path), "%s/new", folder);
	unlink(path);
	unlink(theirs);
	unlink(roots);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader), cmocka_unit_test(test_watcher),
		cmocka_unit_test(test_scanner), cmocka_unit_test(test_loader),
		cmocka_unit_test(test_abort),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
