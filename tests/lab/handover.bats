#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What one run of attach leaves to the next: not its end, and not its mistakes.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

setup() {
	need_root
	lab_up
}

teardown() {
	lab_down
}

# As attach, beside the first loader: $next_pid runs it.
attach_next() {
	spawn next t "$pscan" attach t0 "$@"
	wait_for grep -q 'attached to t0 ' "$next_err"
}

loader_is_gone() {
	! kill -0 "$loader_pid" 2>/dev/null
}

@test "a loader whose interface was detached leaves its successor alone" {
	attach
	ask detach t0
	attach_next
	program=$(xdp_on t0)
	[ "$program" -ne 0 ]
	wait_for loader_is_gone
	run -1 wait "$loader_pid"
	grep -q 'no interface is left to watch' "$loader_err"
	[ "$(xdp_on t0)" -eq "$program" ]
	[ "$(ask status --json | jq .loader_pid)" != null ]
	[ -e "/proc/$next_pid" ]
}
