/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * confine.c - the system calls that each role can still make; see privileges.h.
 *
 * An allow list: what a broken parser would want (exec, ptrace, mount, modules,
 * io_uring, whatever the next kernel brings) is out without being named. What
 * is refused fails with EPERM and does not kill: a library that tries something
 * new then does without, as it would in a container.
 *
 * A call belongs in the table of the smallest circle that needs it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "privileges.h"

/* Descriptors that are open, memory, time, signals, the process itself. */
static const int basic_calls[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(close), SCMP_SYS(dup),
	SCMP_SYS(fcntl), SCMP_SYS(fcntl64), SCMP_SYS(ioctl), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate), SCMP_SYS(flock), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select),
	SCMP_SYS(pselect6), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getpid), SCMP_SYS(getppid),
	SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(getrandom), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrlimit),
	SCMP_SYS(prlimit64), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* What the file system says: opening is judged by its flags, below. */
static const int look_calls[] = {
	SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(lstat),
	SCMP_SYS(newfstatat), SCMP_SYS(fstatat64), SCMP_SYS(statx), SCMP_SYS(statfs),
	SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd),
	SCMP_SYS(umask),
};

/* Making files whole before they get their name. */
static const int write_calls[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(fchmod), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
};

/* Sockets that are open; which ones may be opened is said below. */
static const int socket_calls[] = {
	SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
};

static const int scanner_calls[] = {
	SCMP_SYS(connect), SCMP_SYS(getpeername), SCMP_SYS(shutdown), SCMP_SYS(send),
	SCMP_SYS(sendmmsg), SCMP_SYS(recv), SCMP_SYS(recvmmsg),
};

/* Pins go, and bpffs is closed again to the group that it was opened for. */
static const int loader_calls[] = {
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rmdir), SCMP_SYS(chmod), SCMP_SYS(fchmodat),
	SCMP_SYS(chown), SCMP_SYS(fchownat),
};

/* On maps and links that exist. What loads, creates, attaches or finds others' objects is out. */
static const int loader_bpf[] = {
	BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY,
	BPF_MAP_LOOKUP_AND_DELETE_ELEM, BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH,
	BPF_MAP_UPDATE_BATCH, BPF_MAP_DELETE_BATCH, BPF_OBJ_GET, BPF_OBJ_GET_INFO_BY_FD,
	BPF_LINK_DETACH,
};

/* Addresses and routes; sockets, connections, and what newer libbpf asks of a driver. */
static const int loader_netlink[] = {
	NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_NETFILTER, NETLINK_GENERIC,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return err;
}

/* Opening to read: no flag that writes, makes or cuts. */
static int allow_reading(scmp_filter_ctx filter)
{
	const unsigned int writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
	int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, writes, 0));

	return err ? err :
		     seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
				      SCMP_A1(SCMP_CMP_MASKED_EQ, writes, 0));
}

static int allow_netlink(scmp_filter_ctx filter, int protocol)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
				SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)protocol));
}

/* libc asks an unconnected one for the names of interfaces; without connect() it reaches nobody. */
static int allow_family(scmp_filter_ctx filter, int family)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family));
}

static int allow_sockets(scmp_filter_ctx filter, enum privileges_role role)
{
	int err = allow_all(filter, socket_calls, COUNT(socket_calls));

	if (!err)
		err = allow_family(filter, AF_UNIX);
	if (!err && (role == PRIVILEGES_WATCHER || role == PRIVILEGES_SCANNER))
		err = allow_netlink(filter, NETLINK_ROUTE);
	if (!err && role == PRIVILEGES_SCANNER) {
		err = allow_all(filter, scanner_calls, COUNT(scanner_calls));
		if (!err)
			err = allow_family(filter, AF_INET);
		if (!err)
			err = allow_family(filter, AF_INET6);
	}
	return err;
}

static int allow_loader(scmp_filter_ctx filter)
{
	int err = allow_all(filter, loader_calls, COUNT(loader_calls));

	for (size_t i = 0; i < COUNT(loader_netlink) && !err; i++)
		err = allow_netlink(filter, loader_netlink[i]);
	for (size_t i = 0; i < COUNT(loader_bpf) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)loader_bpf[i]));
	return err;
}

static int fill(scmp_filter_ctx filter, enum privileges_role role, bool writes)
{
	int err = allow_all(filter, basic_calls, COUNT(basic_calls));

	if (!err)
		err = allow_all(filter, look_calls, COUNT(look_calls));
	/* abort() by whatever checks itself: to no other process. */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	if (!err && writes)
		err = allow_all(filter, write_calls, COUNT(write_calls));
	else if (!err)
		err = allow_reading(filter);
	if (!err && role != PRIVILEGES_READER)
		err = allow_sockets(filter, role);
	if (!err && role == PRIVILEGES_LOADER)
		err = allow_loader(filter);
	return err;
}

/* The leak checker stops and inspects its own process at exit, which no role may do, and
 * nobody after a change of identity. */
extern void __lsan_do_leak_check(void) __attribute__((weak));

int privileges_confine(enum privileges_role role, bool writes)
{
	scmp_filter_ctx filter;
	int err;

	if (__lsan_do_leak_check)
		return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) ? -errno : 0;
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return -ENOMEM;
	err = fill(filter, role, writes);
	/* A binary tree: the program reads millions of packets a second through this. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	if (err == -EINVAL || err == -ENOSYS || err == -EOPNOTSUPP) {
		log_note("this kernel filters no system calls (seccomp): going on without");
		return 0;
	}
	if (err)
		log_error("cannot give up system calls (seccomp): %s", strerror(-err));
	return err;
}
