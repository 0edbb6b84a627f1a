#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Attaching and detaching over and over, with the real commands and under
# traffic, leaves nothing behind. Others load programs on this machine at the
# same time: what is looked for at the end is what these commands made, by id, and
# the kernel's memory is that of a control group of their own.
# (A thousand times in one process: tests/prog/test_cycle.c.)
#
#	LOADS=1000 JOINS=1000 bats tests/lab/leak.bats
#
# shellcheck disable=SC2154,SC2030,SC2031 # names set by lab.bash; each test is a subshell

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

loads=${LOADS:-10}
joins=${JOINS:-100}

setup() {
	need_root
	lab_up --bpffs
	spawn traffic a ping -q -i 0.002 "$target4"
}

teardown() {
	lab_down
	leave_group
}

# join_group: from here on, what the kernel allocates for this test's commands is counted.
join_group() {
	local root=/sys/fs/cgroup

	[ ! -e $root/memory/cgroup.procs ] || root=$root/memory
	group=$root/pscan-$lab
	mkdir "$group"
	echo $BASHPID >"$group/cgroup.procs"
}

leave_group() {
	[ -d "${group-}" ] || return 0
	echo $BASHPID >"${group%/*}/cgroup.procs"
	wait_for rmdir "$group"
}

# What it counts now: maps and programs are in it, 60 MB of them while we are attached.
kernel_kb() {
	if [ -e "$group/memory.kmem.usage_in_bytes" ]; then
		echo $(($(cat "$group/memory.kmem.usage_in_bytes") / 1024))
	else
		awk '$1 == "kernel" { print int($2 / 1024); found = 1 } END { exit !found }' \
			"$group/memory.stat"
	fi
}

# Everything goes a grace period after its last user. What may stay is a cache's.
memory_back() {
	[ "$(kernel_kb)" -le $((kernel_before + 512)) ]
}

# note_ids: add to the list what is attached to the target now, one "kind id" a line.
note_ids() {
	on t sh -c 'for link in '"$pins"'/link-*; do bpftool -j link show pinned "$link"; done
		bpftool -j prog show pinned '"$pins"'/prog' |
		jq -r 'if .type == "xdp" and .prog_id then "link \(.id)", "prog \(.prog_id)"
			else "prog \(.id)", (.map_ids[] | "map \(.)") end' >>"$BATS_TEST_TMPDIR/ids"
}

none_left() {
	local kind id

	while read -r kind id; do
		! bpftool "$kind" show id "$id" >/dev/null 2>&1 || return
	done < <(sort -u "$BATS_TEST_TMPDIR/ids")
}

# What the command itself makes goes with it or is pinned: ids of its kind and count.
listed() {
	sort -u "$BATS_TEST_TMPDIR/ids" | cut -d ' ' -f 1 | uniq -c | awk '{ print $2, $1 }' | xargs
}

load_once() {
	attach
	note_ids
	[ "$(kernel_kb)" -gt 10000 ]
	interrupt
	nothing_left
}

@test "loaded, attached, interrupted LOADS times: no program, map, link or memory is left" {
	join_group
	load_once
	wait_for none_left
	kernel_before=$(kernel_kb)
	for ((i = 1; i < loads; i++)); do
		load_once
	done
	# A program, a link, twelve maps and the two that are not pinned, or more of them.
	read -r _ links _ maps _ progs <<<"$(listed)"
	[ "$links" -eq "$loads" ]
	[ "$progs" -eq "$loads" ]
	[ "$maps" -ge $((12 * loads)) ]
	wait_for none_left
	wait_for memory_back
	echo "# the kernel's memory: $kernel_before kB after the first, $(kernel_kb) after the last" >&3
}

@test "attached and detached JOINS times beside a running loader: nothing grows" {
	local before

	on a ip link add a1 type veth peer name t1 netns "$(cat "/run/pscan-lab/$lab/t.pid")"
	on a ip link set a1 up
	on t ip link set t1 up
	join_group
	attach
	ask attach t1
	note_ids
	ask detach t1
	before=$(size_of "$loader_pid")
	kernel_before=$(kernel_kb)
	# shellcheck disable=SC2016 # the inner shell's
	on t sh -c 'for i in $(seq "$2"); do "$1" attach t1 2>/dev/null && "$1" detach t1 || exit; done' \
		sh "$pscan" "$joins"
	[ "$(size_of "$loader_pid")" = "$before" ]
	wait_for memory_back
	echo "# descriptors and data of the loader: $(xargs <<<"$before") kB; the kernel's memory:" \
		"$kernel_before kB before, $(kernel_kb) after" >&3
	[ "$(on t ls "$pins" | grep -c '^link-')" -eq 1 ]
	interrupt
	nothing_left
	wait_for none_left
}

# size_of PID: its open descriptors and its data segment; of a build under the sanitizers, which
# keep freed memory for a while, the descriptors alone.
size_of() {
	find "/proc/$1/fd" -mindepth 1 | wc -l
	[ -n "${PSCAN-}" ] || awk '/^VmData/ { print $2 }' "/proc/$1/status"
}
