#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A loader that is killed between making its maps and writing the rule leaves maps
# that never were in use. The next one starts anew; what was in use is never dropped.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab

pins=/sys/fs/bpf/pscan-xdp-v5

setup() {
	need_root
	lab_up --bpffs
	spawn attach t "$pscan" attach t0
	wait_for on t test -e "$pins/link-101"
}

teardown() {
	lab_down
}

# Makes the state that a kill leaves: the first maps, empty; $1 bytes in config's value.
leave_halfway() {
	on t mkdir "$pins"
	on t bpftool map create "$pins/config" type array key 4 value "$1" entries 1 \
		name config flags 0x400
	on t bpftool map create "$pins/marks" type array key 4 value 8 entries 16 name marks
}

config_bytes() {
	on t bpftool map show pinned "$pins/config" --json | jq .bytes_value
}

@test "maps that never were in use are made anew" {
	local bytes

	bytes=$(config_bytes)
	stop attach
	leave_halfway "$bytes"
	spawn again t "$pscan" attach t0
	wait_for on t test -e "$pins/link-101"
	[ "$(on t "$pscan" status --json | jq .rule.threshold)" -eq 21 ]
	[ "$(on t bpftool map show pinned "$pins/marks" --json | jq .max_entries)" -gt 16 ]
}

@test "maps of another layout stay, and attach says so" {
	local bytes

	bytes=$(config_bytes)
	stop attach
	leave_halfway $((bytes + 8))
	run -1 on t "$pscan" attach t0
	[[ $output == *"something else"* ]]
	on t test -e "$pins/marks"
}
