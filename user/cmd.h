/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd.h - one entry per command. Each takes its own argc and argv (argv[0] is
 * "pscan-xdp COMMAND") and returns an exit code.
 */
#ifndef PSCAN_USER_CMD_H
#define PSCAN_USER_CMD_H

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

int cmd_attach(int argc, char **argv);
int cmd_attach_pcap(int argc, char **argv); /* what attach becomes when --pcap is among them */
int cmd_confirm(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_block(int argc, char **argv);
int cmd_allow(int argc, char **argv);
int cmd_why(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_scan(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_report(int argc, char **argv);

#endif
