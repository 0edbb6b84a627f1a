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
	ended_with 1 "$loader_pid"
	grep -q 'no interface is left to watch' "$loader_err"
	[ "$(xdp_on t0)" -eq "$program" ]
	[ "$(ask status --json | jq .loader_pid)" != null ]
	[ -e "/proc/$next_pid" ]
}

@test "attach --allow lifts the block that an earlier run made" {
	attach
	traffic a probe "$target4" 1 2 3 4 5 6 7
	wait_for told scan "$attacker4"
	blocked "$attacker4"
	murder
	attach_next --allow "$attacker4"
	run ! blocked "$attacker4"
	[ "$(ask why "$attacker4" --json | jq -r .allow)" = user ]
}

@test "an address that must never be blocked is let in again" {
	attach
	traffic a probe "$target4" 1 2 3 4 5 6 7
	wait_for told scan "$attacker4"
	murder
	on t ip route add default via "$attacker4"
	attach_next
	[ "$(ask why "$attacker4" --json | jq -r .allow)" = gateway ]
	run ! blocked "$attacker4"
}
