/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_confirm.c - `confirm`: tells `attach --confirm TIME` that nobody is locked out. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cmd.h"
#include "log.h"
#include "xdp_maps.h"

static const struct argp argp = {
	.doc = "Tells a running `attach --confirm TIME` to stay attached. Without it that detaches "
	       "again: whoever is locked out cannot confirm.",
};

int cmd_confirm(int argc, char **argv)
{
	struct ps_config cfg = { 0 };
	struct xdp *xdp;
	int err = 0;

	if (argp_parse(&argp, argc, argv, 0, NULL, NULL))
		return EXIT_USAGE;
	if (xdp_open(&xdp))
		return EXIT_FAILED;
	if (!xdp_loader()) {
		log_error("no `attach` is running that could be told");
		err = -ESRCH;
	} else if (xdp_config_get(xdp, &cfg) || kill((pid_t)cfg.loader_pid, SIGUSR1)) {
		log_error("cannot reach the running attach (pid %u): %s", cfg.loader_pid,
			  strerror(errno));
		err = -errno;
	}
	xdp_close(xdp);
	return err ? EXIT_FAILED : EXIT_DONE;
}
