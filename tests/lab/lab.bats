#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The lab itself: if it does not hold, no other test in this folder means anything.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab

setup() {
	need_root
	lab_up
}

teardown() {
	lab_down
}

# True when process $1 is neither running nor about to.
gone() {
	! readlink "/proc/$1/ns/net"
}

@test "the hosts reach each other over both families" {
	on a ping -q -c 1 -W 2 "$target4"
	on a ping -q -c 1 -W 2 "$target6"
	on t ping -q -c 1 -W 2 "$attacker4"
	on t ping -q -c 1 -W 2 "$attacker6"
}

@test "each host sees its own interfaces and no others" {
	[ "$(on a ls /sys/class/net | xargs)" = "a0 lo" ]
	[ "$(on t ls /sys/class/net | xargs)" = "lo t0" ]
	[ "$(on t sh -c 'ls -d /sys/class/net/t0/queues/*' | wc -l)" -eq 4 ]
	[ ! -e /sys/class/net/t0 ]
}

@test "nothing is on the wire that no test asked for" {
	spawn_ready all t "$harness/wirecount" -i t0 --seconds 2 ""
	wait "$all_pid"
	[ "$(counted all packets)" -eq 0 ]
}

@test "exec hands on the exit status and standard input" {
	run on t sh -c 'exit 7'
	[ "$status" -eq 7 ]
	[ "$(echo words | on t cat)" = words ]
	[ "$(cd /usr && on t pwd)" = /usr ]
}

@test "exec hands on signals: \$! is the command itself" {
	local status=0

	spawn sleeper t sleep 60
	wait_for grep -qx sleep "/proc/$sleeper_pid/comm"
	stop sleeper || status=$?
	[ "$status" -eq 143 ]
}

@test "a bpffs mounted in a host is shared by what runs there, and seen nowhere else" {
	run ! on t mountpoint -q /sys/fs/bpf
	on t mount -t bpf bpf /sys/fs/bpf
	on t mkdir /sys/fs/bpf/mine
	on t test -d /sys/fs/bpf/mine
	run ! on a mountpoint -q /sys/fs/bpf
	[ ! -e /sys/fs/bpf/mine ]
}

@test "up --bpffs mounts it in both hosts" {
	lab_down
	lab_up --bpffs
	on a mountpoint -q /sys/fs/bpf
	on t mountpoint -q /sys/fs/bpf
}

@test "addr adds an address that the other host reaches" {
	"$lab_sh" addr "$lab" t 198.51.100.77/24
	"$lab_sh" addr "$lab" t 2001:db8::77/64
	on a ping -q -c 1 -W 2 198.51.100.77
	on a ping -q -c 1 -W 2 2001:db8::77
}

@test "up refuses a name in use, and leaves that lab alone" {
	run "$lab_sh" up "$lab"
	[ "$status" -eq 1 ]
	[[ $output == *"exists already"* ]]
	on t true
}

@test "down ends every process, even one that ignores being asked, and may be repeated" {
	spawn deaf a sh -c 'trap "" TERM; while :; do sleep 0.1; done'
	spawn plain t sleep 60
	wait_for grep -qx sleep "/proc/$plain_pid/comm"
	holder=$(cat "/run/pscan-lab/$lab/t.pid")
	"$lab_sh" down "$lab"
	gone "$deaf_pid"
	gone "$plain_pid"
	gone "$holder"
	[ ! -e "/run/pscan-lab/$lab" ]
	"$lab_sh" down "$lab"
	run on t true
	[ "$status" -eq 1 ]
}

@test "two labs do not see each other" {
	"$lab_sh" up "$lab-2"
	services t --tcp 80
	run "$lab_sh" exec "$lab-2" a bash -c "echo >/dev/tcp/$target4/80"
	"$lab_sh" down "$lab-2"
	[ "$status" -ne 0 ]
	on a bash -c "echo >/dev/tcp/$target4/80"
}

@test "services echo over both families, the datagram from the address it was sent to" {
	"$lab_sh" addr "$lab" t 198.51.100.77/24
	services t --tcp 1-20,80 --udp 53
	for address in "$target4" "$target6" 198.51.100.77; do
		on a bash -c "exec 3<>/dev/tcp/$address/80; echo over tcp >&3; head -n 1 <&3" |
			grep -qx 'over tcp'
		on a timeout 3 bash -c "exec 3<>/dev/udp/$address/53; echo over udp >&3;
			head -n 1 <&3" | grep -qx 'over udp'
	done
	[ "$(on t ss -Hltn | wc -l)" -eq 21 ]
	run ! on a bash -c "echo >/dev/tcp/$target4/21"
}

@test "services serve as many bytes as asked" {
	services t --tcp 80 --accept-and-serve 1000000
	[ "$(on a bash -c "cat </dev/tcp/$target4/80" | wc -c)" -eq 1000000 ]
}

@test "wirecount counts packets, ports, and what errors quote" {
	services t --tcp 1-5
	count_start answers a "src host $target4 and tcp[tcpflags] & tcp-syn != 0"
	count_start errors a "src host $target4 and icmp"
	for port in 1 2 3 3; do
		on a bash -c "echo >/dev/tcp/$target4/$port"
	done
	for port in 41 42; do
		on a bash -c "echo >/dev/udp/$target4/$port"
	done
	count_stop answers
	count_stop errors
	[ "$(counted answers packets sports dports lost | xargs)" = "4 3 4 0" ]
	[ "$(counted errors packets quoted | xargs)" = "2 2" ]
}

@test "a lossy host loses about as much as it was told" {
	lossy t 30
	count_start answers a "icmp[icmptype] == icmp-echoreply"
	on a ping -q -i 0.002 -c 500 -W 1 "$target4" || true
	count_stop answers
	[ "$(counted answers packets)" -gt 280 ]
	[ "$(counted answers packets)" -lt 420 ]
}

@test "a silent host is found by its neighbour and answers nothing" {
	services t --tcp 80
	silent t
	for address in "$target4" "$target6"; do
		run on a timeout 1 bash -c "echo >/dev/tcp/$address/80"
		[ "$status" -eq 124 ]
		on a ip neigh show "$address" | grep -q 02:00:5e:00:53:01
	done
}
