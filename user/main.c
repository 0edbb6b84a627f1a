/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - finds the command and hands it its arguments. The only place that
 * decides the process's exit code.
 */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "log.h"
#include "version.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{ "attach", cmd_attach, "detect and block port scans on interfaces" },
	{ "confirm", cmd_confirm, "stay attached, after `attach --confirm`" },
	{ "detach", cmd_detach, "take it off interfaces" },
	{ "check", cmd_check, "what this kernel, driver and privilege set can do" },
	{ "status", cmd_status, "where it is attached, under which rule, how full" },
	{ "stats", cmd_stats, "who probes, how close to the threshold, what is blocked" },
	{ "why", cmd_why, "on what evidence a source is blocked" },
	{ "block", cmd_block, "block by hand, list and lift blocks" },
	{ "scan", cmd_scan, "scan hosts for open ports" },
	{ "allow", cmd_allow, "sources that are never scored nor blocked" },
	{ "replay", cmd_replay, "run the detection over capture files" },
	{ "report", cmd_report, "make a page of recorded events or of a capture" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	fprintf(out, "Usage: pscan-xdp COMMAND [OPTION...] [ARGUMENT...]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n`pscan-xdp COMMAND --help` explains a command; pscan-xdp(8) has the rest.\n");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command;
	char name[64];

	argp_err_exit_status = EXIT_USAGE;
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_usage(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("pscan-xdp %s\n", PSCAN_VERSION);
		return EXIT_DONE;
	}
	command = find_command(argv[1]);
	if (!command) {
		log_error("there is no command '%s'; `pscan-xdp --help` lists them", argv[1]);
		return EXIT_USAGE;
	}
	snprintf(name, sizeof(name), "pscan-xdp %s", command->name);
	argv[1] = name;
	return command->run(argc - 1, argv + 1);
}
