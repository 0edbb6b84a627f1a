#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Under every setting of the interface that changes what a frame looks like when
# the program gets it: a transfer goes on at full speed, a scan beside it is cut
# off where it should be, and the program stays in native mode.
# shellcheck disable=SC2154,SC2030,SC2031 # names set by lab.bash; each test is a subshell

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

# One lab and one loader for the file: settings change under a program that runs.
setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	lab_up --bpffs
	attach
	spawn server t iperf3 -s --forceflush
	wait_for grep -q listening "$server_out"
	export loader_pid events
}

teardown_file() {
	lab_down
}

# transfer SECONDS: iperf3 for so long, behind the test; returns when data flow.
transfer() {
	local flowing

	flowing=$(received)
	spawn client a iperf3 -c "$target4" -t "$1" -J
	wait_for eval "[ \$(received) -gt $((flowing + 1000)) ]"
}

received() {
	on t cat /sys/class/net/t0/statistics/rx_packets
}

transferred() {
	wait "$client_pid"
	jq -r '"# \(.end.sum_received.bits_per_second / 1e6 | floor) Mbit/s, " +
		"\(.end.sum_sent.retransmits) segments sent again"' "$client_out" >&3
	jq -e '.end.sum_received.bytes > 1e6' "$client_out"
	run ! blocked "$attacker4"
}

native() {
	ask status --json | jq -e '.interfaces[0].mode == "native"'
}

# Seven ports of 20 to 40 are worth 21 points: the seventh probe and all behind it are dropped.
learns() {
	[ "$(on a "$harness/knock" "$target4" 20 40 "$2")" -eq "$1" ]
}

# scan_beside_transfer SOURCE
scan_beside_transfer() {
	on a ip addr add "$1/24" dev a0
	transfer 2
	learns 6 "$1"
	learns 0 "$1"
	blocked "$1"
	transferred
	native
}

# dropped N SOURCE: so many of that source's packets, no more.
dropped() {
	[ "$(ask why "$2" --json | jq '.block.dropped')" -eq "$1" ]
}

# crafted SOURCE VLAN BYTES: ten SYNs from there, beside a transfer, are a scan that is blocked.
crafted() {
	transfer 1
	on a "$repo/tests/harness/frames.py" a0 02:00:5e:00:53:01 "$1" "$target4" "$2" "$3" \
		21 22 23 24 25 26 27 28 29 30
	wait_for told scan "$1"
	wait_for dropped 4 "$1" # the last of them may still wait behind the transfer
	transferred
	native
}

@test "as it comes" {
	scan_beside_transfer 198.51.100.11
}

@test "GRO on" {
	on t ethtool -K t0 gro on
	scan_beside_transfer 198.51.100.12
	on t ethtool -K t0 gro off
}

@test "the sender cuts its segments itself: TSO and GSO off" {
	on a ethtool -K a0 tso off gso off
	scan_beside_transfer 198.51.100.13
	on a ethtool -K a0 tso on gso on
}

@test "VLAN offloads on: a scan in tagged frames" {
	on t ethtool -K t0 rxvlan on txvlan on
	on a ethtool -K a0 rxvlan on txvlan on
	crafted 198.51.100.14 5 0
}

@test "VLAN offloads off: a scan in tagged frames" {
	on t ethtool -K t0 rxvlan off txvlan off
	on a ethtool -K a0 rxvlan off txvlan off
	crafted 198.51.100.15 5 0
	on t ethtool -K t0 rxvlan on txvlan on
	on a ethtool -K a0 rxvlan on txvlan on
}

@test "jumbo frames: still native, a scan beside them, and one in them" {
	local bytes

	on t ip link set t0 mtu 9000
	on a ip link set a0 mtu 9000
	scan_beside_transfer 198.51.100.16
	crafted 198.51.100.17 0 8000
	# Whole frames are counted, not only the buffer with the headers.
	bytes=$(ask why 198.51.100.17 --json | jq '.block.dropped_bytes')
	[ "$bytes" -eq $((4 * (14 + 20 + 20 + 8000))) ]
}

@test "jumbo frames with GRO, and attached while the MTU is large" {
	on t ethtool -K t0 gro on
	ask detach t0
	nothing_left
	attach --mode native
	scan_beside_transfer 198.51.100.18
	interrupt
	nothing_left
}
