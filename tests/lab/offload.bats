#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Under every setting of the interface that changes what a frame looks like when
# the program gets it: a transfer goes on at the speed that it has behind a
# program that does nothing, a scan beside it is cut off where it should be, and
# the mode stays. VLAN devices, and jumbo frames on a card: tests/kernels/frames.sh.
# shellcheck disable=SC2154,SC2030,SC2031 # names set by lab.bash; each test is a subshell

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

bare_target4=203.0.113.1

# One lab and one loader for the file: settings change under a program that runs. Beside the
# cable a second one, whose target runs the program that does nothing.
setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	lab_up --bpffs
	on a ip link add a1 type veth peer name t1 netns "$(cat "/run/pscan-lab/$lab/t.pid")"
	on a ip addr add 203.0.113.2/24 dev a1
	on t ip addr add $bare_target4/24 dev t1
	on a ip link set a1 up
	on t ip link set t1 up
	bare xdpdrv
	attach --mode native
	spawn server t iperf3 -s --forceflush
	spawn bare_server t iperf3 -s -p 5202 --forceflush
	wait_for grep -q listening "$server_out"
	wait_for grep -q listening "$bare_server_out"
	export loader_pid events
}

teardown_file() {
	lab_down
}

# bare xdpdrv|xdpgeneric
bare() {
	on t ip link set t1 "$1" obj "$built/tools/bench/bare.bpf.o" sec xdp.frags
}

# setting a|t FEATURE on|off: on both cables, and ethtool says so.
setting() {
	on "$1" ethtool -K "${1}0" "$2" "$3"
	on "$1" ethtool -K "${1}1" "$2" "$3"
	is_set "$@"
}

is_set() {
	on "$1" ethtool -k "${1}0" | grep "^$2: $3"
	on "$1" ethtool -k "${1}1" | grep "^$2: $3"
}

# mtu BYTES
mtu() {
	local host

	for host in a t; do
		on "$host" ip link set "${host}0" mtu "$1"
		on "$host" ip link set "${host}1" mtu "$1"
	done
}

# transfer SECONDS: iperf3 for so long over both cables, behind the test; returns when data
# flow. The two share a processor for their senders, and one for their receivers: what else
# this machine does slows both.
transfer() {
	local flowing cpus

	cpus=0,$(($(nproc) > 1))
	flowing=$(received)
	spawn client a iperf3 -A "$cpus" -c "$target4" -t "$1" -J
	spawn bare_client a iperf3 -A "$cpus" -c $bare_target4 -p 5202 -t "$1" -J
	wait_for eval "[ \$(received) -gt $((flowing + 1000)) ]"
}

received() {
	on t cat /sys/class/net/t0/statistics/rx_packets
}

mbits() {
	jq -e '.end.sum_received.bits_per_second / 1e6 | floor' "$1"
}

transferred() {
	local ours bare

	wait "$client_pid"
	wait "$bare_client_pid"
	ours=$(mbits "$client_out")
	bare=$(mbits "$bare_client_out")
	echo "# $ours Mbit/s, and $bare behind a program that does nothing" >&3
	[ $((4 * ours)) -ge "$bare" ] # the same within a tenth; a third was seen beside other jobs
	run ! blocked "$attacker4"
}

mode=native

mode_stays() {
	ask status --json | jq -e ".interfaces[0].mode == \"$mode\""
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
	mode_stays
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
	mode_stays
}

@test "GRO off" {
	setting t generic-receive-offload off
	scan_beside_transfer 198.51.100.11
}

@test "GRO on" {
	setting t generic-receive-offload on
	scan_beside_transfer 198.51.100.12
	setting t generic-receive-offload off
}

# A native program takes TSO from the other end of its cable: GSO is what is left to switch.
@test "the sender cuts its segments itself: TSO and GSO off" {
	is_set a tcp-segmentation-offload off
	setting a generic-segmentation-offload off
	scan_beside_transfer 198.51.100.13
	setting a generic-segmentation-offload on
}

@test "a scan in tagged frames" {
	crafted 198.51.100.14 5 0
}

@test "jumbo frames: still native, a scan beside them, and one in them" {
	local bytes

	mtu 9000
	scan_beside_transfer 198.51.100.16
	crafted 198.51.100.17 0 8000
	# Whole frames are counted, not only the buffer with the headers.
	bytes=$(ask why 198.51.100.17 --json | jq '.block.dropped_bytes')
	[ "$bytes" -eq $((4 * (14 + 20 + 20 + 8000))) ]
}

@test "jumbo frames with GRO, and attached while the MTU is large" {
	setting t generic-receive-offload on
	ask detach t0
	nothing_left
	attach --mode native
	scan_beside_transfer 198.51.100.18
	interrupt
	nothing_left
}

@test "generic mode: TSO on, jumbo frames" {
	mode=generic
	on t ip link set t1 xdp off
	setting a tcp-segmentation-offload on
	bare xdpgeneric
	attach --mode generic
	scan_beside_transfer 198.51.100.19
	crafted 198.51.100.20 0 8000
	interrupt
	nothing_left
}
