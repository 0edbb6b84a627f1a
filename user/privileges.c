/* SPDX-License-Identifier: GPL-2.0-only */
/* privileges.c - see privileges.h. Identity and capabilities; the filter is in confine.c. */
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "log.h"
#include "privileges.h"

/* A decimal id from the environment that sudo set; -1 when there is none. */
static long id_from(const char *variable)
{
	const char *text = getenv(variable);
	char *rest;
	long id;

	if (!text || !*text)
		return -1;
	id = strtol(text, &rest, 10);
	return *rest == '\0' && id > 0 ? id : -1;
}

/* netlink answers some questions to nobody else. */
static const int loader_keeps[] = { CAP_NET_ADMIN };

/* A dispatcher is taken apart by loading the next one, which finds its programs by id. */
static const int leaver_keeps[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON };

/* Keeps @n capabilities, those of them that there are: a loader need not have been started by
 * root. */
static int keep_capabilities(const int *keeps, size_t n)
{
	bool has[sizeof(leaver_keeps) / sizeof(leaver_keeps[0])];
	int res;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	capng_get_caps_process();
	for (size_t i = 0; i < n; i++)
		has[i] = capng_have_capability(CAPNG_PERMITTED, (unsigned int)keeps[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < n; i++)
		if (has[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
				     (unsigned int)keeps[i]);
	res = capng_apply(CAPNG_SELECT_CAPS);
	if (res)
		log_error("cannot drop privileges (libcap-ng says %d)", res);
	return res ? -EPERM : 0;
}

/* Refused without CAP_SETPCAP, and then nothing is in it that could be had. */
static void empty_bounding_set(void)
{
	capng_get_caps_process();
	capng_clear(CAPNG_SELECT_BOUNDS);
	capng_apply(CAPNG_SELECT_BOUNDS);
}

/* Who owns nothing. */
#define NOBODY 65534

/* root by itself: what it opens is opened before, what it names later is named by a keeper. */
bool privileges_change_identity(void)
{
	return geteuid() == 0 && (id_from("SUDO_UID") <= 0 || id_from("SUDO_GID") <= 0);
}

/* Some containers have no other user, or may not change to it: root without a capability is
 * what is left then. */
static int become(uid_t uid, gid_t gid)
{
	return setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid) ?
		-errno : 0;
}

int privileges_keep_identity(bool detaches)
{
	empty_bounding_set();
	return keep_capabilities(leaver_keeps,
				 detaches ? sizeof(leaver_keeps) / sizeof(leaver_keeps[0]) : 0);
}

int privileges_drop(enum privileges_role role)
{
	long uid = id_from("SUDO_UID"), gid = id_from("SUDO_GID");
	bool nobody = privileges_change_identity();
	int err;

	empty_bounding_set();
	if (role != PRIVILEGES_LOADER && geteuid() == 0) {
		err = nobody ? become(NOBODY, NOBODY) : become((uid_t)uid, (gid_t)gid);
		if (err && !nobody) {
			log_error("cannot become user %ld again: %s", uid, strerror(-err));
			return err;
		}
		if (err)
			log_note("cannot become nobody (%s): going on as root without a capability",
				 strerror(-err));
	}
	return keep_capabilities(loader_keeps, role == PRIVILEGES_LOADER);
}
