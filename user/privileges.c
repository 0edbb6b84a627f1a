/* SPDX-License-Identifier: GPL-2.0-only */
/* privileges.c - see privileges.h. Identity and capabilities; the filter is in confine.c. */
#include <cap-ng.h>
#include <errno.h>
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

/* Of what there is: a loader need not have been started by root. */
static void choose_capabilities(enum privileges_role role)
{
	bool admin;

	capng_get_caps_process();
	admin = capng_have_capability(CAPNG_PERMITTED, CAP_NET_ADMIN);
	capng_clear(CAPNG_SELECT_BOTH);
	if (admin && role == PRIVILEGES_LOADER)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
}

int privileges_drop(enum privileges_role role)
{
	long uid = id_from("SUDO_UID"), gid = id_from("SUDO_GID");
	int res;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	choose_capabilities(role);
	if (role != PRIVILEGES_LOADER && geteuid() == 0 && uid > 0 && gid > 0) {
		res = capng_change_id((int)uid, (int)gid,
				      CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	} else {
		/* Refused without CAP_SETPCAP, and then nothing is in it that could be had. */
		capng_apply(CAPNG_SELECT_BOUNDS);
		res = capng_apply(CAPNG_SELECT_CAPS);
	}
	if (res) {
		log_error("cannot drop privileges (libcap-ng says %d)", res);
		return -EPERM;
	}
	return 0;
}
