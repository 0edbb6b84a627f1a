#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The lab itself: if it does not hold, no other test in this folder means anything.

load ../harness/lab

setup() {
	need_root
	lab_up
}

teardown() {
	lab_down
}

@test "exec hands on the exit status" {
	run on t sh -c 'exit 7'
	[ "$status" -eq 7 ]
}

@test "exec hands on signals: \$! is the command itself" {
	spawn sleeper t sleep 60
	wait_for grep -q '^sleep$' "/proc/$sleeper_pid/comm"
	kill "$sleeper_pid"
	wait "$sleeper_pid" || status=$?
	[ "$status" -eq 143 ]
}
