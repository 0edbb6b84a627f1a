#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Who keeps which rights: loader, watcher, scanner and readers of captures as
# /proc shows them, and that each still does its work; what a group that was
# named may see, and all that it may not. What is refused inside the processes
# is tried one by one in tests/prog/test_confine.c.
# shellcheck disable=SC2154 # names set by lab.bash and detector.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

group=daemon
net_admin=0000000000001000
none=0000000000000000

setup() {
	need_root
	need_confinement
	lab_up
}

teardown() {
	end_spawned
	lab_down
}

# of PID KEY: what /proc says about that process.
of() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# confined PID CAPABILITIES: has it these and no others, and no way to more.
confined() {
	[ "$(of "$1" Seccomp)" -eq 2 ] &&
		[ "$(of "$1" NoNewPrivs)" -eq 1 ] &&
		[ "$(of "$1" CapEff)" = "$2" ] &&
		[ "$(of "$1" CapPrm)" = "$2" ] &&
		[ "$(of "$1" CapInh)" = "$none" ] &&
		[ "$(of "$1" CapBnd)" = "${bounded-$none}" ] &&
		[ "$(of "$1" CapAmb)" = "$none" ]
}

# member COMMAND...: as nobody, in the group that --group names; stranger: in another.
member() {
	on t setpriv --reuid 65534 --regid "$group" --clear-groups "$pscan" "$@"
}

stranger() {
	on t setpriv --reuid 65534 --regid 65534 --clear-groups "$pscan" "$@"
}

scan4() {
	traffic a probe "$target4" 1 2 3 4 5 6 7
}

# ---- processes -------------------------------------------------------------------

@test "attached, the loader keeps CAP_NET_ADMIN alone, and does all its work" {
	attach --block-time 1s
	wait_for confined "$loader_pid" $net_admin
	scan4
	wait_for told scan "$attacker4"
	on t ip addr add 203.0.113.9/32 dev t0
	ask block add --time 1s 192.0.2.1
	wait_for told expire "$attacker4"
	wait_for nothing_blocked
	wait_for allows_own 203.0.113.9
	on t ip addr del 203.0.113.9/32 dev t0
	wait_for forgets 203.0.113.9
	on t bpftool -j map dump pinned "$pins/deny" | jq -e 'length == 0'
	interrupt
	[ "$(wc -l <"$loader_err")" -eq 1 ]
	nothing_left
}

nothing_blocked() {
	ask block list --json | jq -e 'length == 0'
}

allows_own() {
	ask allow list --json | jq -e --arg source "$1" 'any(.source == $source and .kind == "own")'
}

forgets() {
	ask allow list --json | jq -e --arg source "$1" 'all(.source != $source)'
}

# attach_with CAPABILITIES [OPTION...]: root with these alone, as a service manager leaves them.
attach_with() {
	local capabilities=$1

	shift
	events=$BATS_TEST_TMPDIR/events
	on t mount -t bpf -o mode=0700 bpf /sys/fs/bpf
	spawn loader t setpriv --bounding-set "-all,$capabilities" --nnp \
		"$pscan" attach t0 --events "$events" "$@"
	attached_to t0
}

@test "looking after maps and pins takes no capability at all" {
	attach_with +bpf,+perfmon,+sys_admin --block-time 1s
	bounded=$(of "$loader_pid" CapBnd) # may not be emptied without CAP_SETPCAP
	wait_for confined "$loader_pid" $none
	scan4
	wait_for told scan "$attacker4"
	wait_for told expire "$attacker4"
	on t ip addr add 203.0.113.9/32 dev t0
	wait_for allows_own 203.0.113.9
	interrupt
	[ "$(wc -l <"$loader_err")" -eq 1 ]
	nothing_left
}

@test "the unit's capabilities are enough, also for --group" {
	local bounding

	bounding=$(sed -n 's/^CapabilityBoundingSet=//p' "$repo/user/pscan-xdp@.service.in")
	bounding=${bounding,,}
	bounding=${bounding// cap_/,+}
	attach_with "+${bounding#cap_}" --group $group
	member status --json | jq -e '.interfaces[0].ifname == "t0"'
	interrupt
	[ "$(on t stat -c '%a %g' /sys/fs/bpf)" = "1700 0" ]
	nothing_left
}

@test "nobody confirms: a loader without privileges still takes everything off" {
	attach --confirm 1s
	confined "$loader_pid" $net_admin
	wait "$loader_pid" || [ $? -eq 1 ]
	grep -q "nobody confirmed" "$loader_err"
	nothing_left
}

@test "who confirms in time stays attached, who does not see the terminal go is let in again" {
	attach --confirm 3s
	ask confirm
	wait_for grep -q "confirmed, staying attached" "$loader_err"
	# Past the time that was given: three polls a second go on.
	run ! timeout 4 tail --pid="$loader_pid" -f /dev/null
	[ "$(xdp_on t0)" -ne 0 ]
	interrupt

	attach --confirm 60s
	kill -HUP "$loader_pid"
	wait "$loader_pid" || [ $? -eq 1 ]
	nothing_left
}

@test "its pins are for the owner alone" {
	attach
	on t find "$pins" -perm /077 | wc -l | grep -qx 0
	[ "$(on t stat -c %a /sys/fs/bpf)" = 1700 ]
}

@test "attach --pcap keeps nothing once it listens" {
	spawn loader t "$pscan" attach --pcap t0
	wait_for grep -q "watching 1 interface" "$loader_err"
	confined "$loader_pid" $none
	nobody "$loader_pid"
	scan4
	wait_for grep -q "SCAN $attacker4" "$loader_out"
	kill -INT "$loader_pid"
	wait "$loader_pid"
}

@test "the scanner keeps nothing once its sockets are open" {
	local how left

	for how in --syn --connect; do
		left=$BATS_TEST_TMPDIR/left$how
		spawn scan a "$pscan" scan $how --no-ping --delay 1 -p 1-20 --resume-file "$left" "$target4"
		wait_for confined "$scan_pid" $none
		nobody "$scan_pid"
		kill -INT "$scan_pid"
		wait "$scan_pid" || [ $? -eq 1 ]
		# Root's folder, which nobody writes to: what stayed behind for it did.
		jq -e '.version == 1' "$left"
		[ "$(stat -c %u "$left")" -eq 0 ]
	done
}

# nobody PID: is it that user, whom no file of root's is open to.
nobody() {
	[ "$(of "$1" Uid | xargs)" = "65534 65534 65534 65534" ] &&
		[ "$(of "$1" Gid | xargs)" = "65534 65534 65534 65534" ] && [ -z "$(of "$1" Groups)" ]
}

# reads COMMAND...: what is it while it waits for a capture from standard input.
reads() {
	mkfifo "$BATS_TEST_TMPDIR/capture"
	# shellcheck disable=SC2086 # none or two
	spawn reader t env -u SUDO_UID -u SUDO_GID $as sh -c \
		"exec '$pscan' $1 - $2 <'$BATS_TEST_TMPDIR/capture'"
	exec 4>"$BATS_TEST_TMPDIR/capture"
	wait_for confined "$reader_pid" $none
	nobody "$reader_pid"
	cat "$repo"/tests/fuzz/corpus/replay/syn.pcap >&4
	exec 4>&-
	wait "$reader_pid"
	rm "$BATS_TEST_TMPDIR/capture"
}

@test "root reads captures as nobody, and what it writes is root's" {
	local as="" out=$BATS_TEST_TMPDIR/out

	mkdir -m 700 "$out"
	reads replay "--json --events $out/events -l $out/page.tex"
	jq -es '.[-1].event == "summary"' "$reader_out"
	reads report "-o $out/page.html"
	[ "$(stat -c %u "$out"/* | sort -u)" = 0 ]
	[ "$(stat -c %n "$out"/* | wc -l)" -eq 3 ]
	grep -q "</html>" "$out/page.html"
	# Who only writes the page keeps root's name, and no capability.
	spawn_keeper
	[ "$(of "$keeper_pid" Seccomp)" -eq 2 ]
	[ "$(of "$keeper_pid" CapPrm)" = $none ]
	[ "$(of "$keeper_pid" CapBnd)" = $none ]
	kill -KILL "$reader_pid"
	wait_for gone "$keeper_pid"
	exec 4>&-
	run --separate-stderr "$pscan" replay --events "$out/no/events" "$repo/tests/fuzz/corpus/replay/syn.pcap"
	[ "$status" -eq 1 ]
	one_line "No such file"
}

# A report that waits for its capture, and the process it left behind to write the page.
spawn_keeper() {
	mkfifo "$BATS_TEST_TMPDIR/held"
	spawn reader t sh -c "exec '$pscan' report - -o '$BATS_TEST_TMPDIR/held.html' \
		<'$BATS_TEST_TMPDIR/held'"
	exec 4>"$BATS_TEST_TMPDIR/held"
	wait_for confined "$reader_pid" $none
	keeper_pid=$(pgrep -P "$reader_pid")
}

gone() {
	[ ! -e "/proc/$1/fd/0" ]
}

@test "under sudo, replay and report read captures as the invoking user" {
	local theirs as="SUDO_UID=65534 SUDO_GID=65534"

	reads replay "--json"
	jq -es '.[-1].event == "summary"' "$reader_out"
	# Not below the test's own folder, which only root can enter.
	theirs=$(mktemp -d)
	chown 65534 "$theirs"
	reads report "-o $theirs/page.html"
	stat -c %u "$theirs"/* >"$BATS_TEST_TMPDIR/owner"
	rm -r "$theirs"
	[ "$(cat "$BATS_TEST_TMPDIR/owner")" -eq 65534 ]
}

@test "a capture that only root may read is read, and nothing else of root's is" {
	cp "$repo/tests/fuzz/corpus/replay/syn.pcap" "$BATS_TEST_TMPDIR/root.pcap"
	chmod 600 "$BATS_TEST_TMPDIR/root.pcap"
	SUDO_UID=65534 SUDO_GID=65534 "$pscan" replay --json "$BATS_TEST_TMPDIR/root.pcap" |
		jq -es '.[-1].event == "summary"'
	chmod 700 "$BATS_TEST_TMPDIR"
	run --separate-stderr env SUDO_UID=65534 SUDO_GID=65534 \
		"$pscan" replay --events "$BATS_TEST_TMPDIR/events" "$BATS_TEST_TMPDIR/root.pcap"
	[ "$status" -eq 1 ]
	one_line "Permission denied"
}

# ---- a group that may look --------------------------------------------------------

@test "--group: its members see what root sees, and change nothing" {
	attach --group $group --save-ports
	scan4
	wait_for told scan "$attacker4"
	for command in "status --json" "stats --json" "block list --json" "allow list --json" \
		"why $attacker4 --json"; do
		# shellcheck disable=SC2086 # several words
		member $command | jq -S "$steady" >"$BATS_TEST_TMPDIR/member"
		# shellcheck disable=SC2086
		ask $command | jq -S "$steady" | diff - "$BATS_TEST_TMPDIR/member"
	done
	member status | grep -q "^loader      pid $loader_pid$"
	for command in "block add 192.0.2.1" "block del $attacker4" "allow add 192.0.2.1" \
		"detach t0" "detach --all" "attach t0" "confirm"; do
		# shellcheck disable=SC2086
		run --separate-stderr member $command
		[ "$status" -eq 1 ]
		one_line ""
	done
	blocked "$attacker4"
	[ "$(xdp_on t0)" -ne 0 ]
}

# What a second between two looks changes, and nothing that anybody decides.
steady='walk(if type == "object" then del(.up_s, .remaining_s, .age_ms, .since, .until, .first,
	.last, .detected, .time, .time_ns, .first_ns) else . end)'

@test "--group: no other user gets in, nor do members get at more than they were shown" {
	attach --group $group
	for command in status stats "block list" "why $attacker4"; do
		# shellcheck disable=SC2086 # several words
		run --separate-stderr stranger $command
		[ "$status" -eq 1 ]
		one_line "run as root"
	done
	for pin in prog events contacts marks flows dst locals link-101; do
		on t test -e "$pins/$pin"
		run ! on t setpriv --reuid 65534 --regid $group --clear-groups test -r "$pins/$pin"
	done
	run ! on t setpriv --reuid 65534 --regid $group --clear-groups ls "$pins"
	run ! on t setpriv --reuid 65534 --regid $group --clear-groups ls /sys/fs/bpf
	on t find "$pins" -perm /027 | wc -l | grep -qx 0
}

@test "--group ends with the loader that was given it, and bpffs is closed again" {
	attach --group $group
	[ "$(on t stat -c '%a %G' /sys/fs/bpf)" = "1710 $group" ]
	member status --json >"$BATS_TEST_TMPDIR/status"
	murder
	member status --json | jq -e '.loader_pid == null'
	attach
	run ! member status
	[ "$(on t stat -c '%a %g' /sys/fs/bpf)" = "1700 0" ]
	murder
	attach --group $group
	member status --json >"$BATS_TEST_TMPDIR/status"
	kill -INT "$loader_pid"
	wait "$loader_pid"
	ask detach --all
	[ "$(on t stat -c '%a %g' /sys/fs/bpf)" = "1700 0" ]
	nothing_left
}

@test "--group: a group that is not there is named, a folder of another's left alone" {
	run --separate-stderr ask attach t0 --group no-such-group
	[ "$status" -eq 2 ]
	[[ $stderr == *"--group 'no-such-group'"* ]]
	on t mount -t bpf -o mode=0750,gid=42 bpf /sys/fs/bpf
	on t chgrp 42 /sys/fs/bpf
	run --separate-stderr ask attach t0 --group $group
	[ "$status" -eq 1 ]
	one_line "open to another group"
	[ "$(on t stat -c '%a %g' /sys/fs/bpf)" = "1750 42" ]
	nothing_left
}
