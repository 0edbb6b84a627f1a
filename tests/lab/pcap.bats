#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# attach --pcap: the detector where there is no XDP. Real scanners are named,
# nobody is blocked, what the host itself sends is nobody's scan.
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

# watch OPTION...: the detector on the target, its events in $events.
watch() {
	events=$BATS_TEST_TMPDIR/events
	spawn watcher t "$pscan" attach --pcap --events "$events" "$@"
	wait_for grep -q "nobody is blocked" "$watcher_err"
}

# Ctrl-C for the detector; hands on its exit status.
enough() {
	kill -INT "$watcher_pid"
	wait "$watcher_pid"
}

# named TYPE OPTION...: nmap with these options is told as that type, as an alert.
named() {
	local type=$1 source=$2

	shift 2
	watch t0
	spawn nmap a timeout 20 nmap -n -Pn --max-retries 0 --host-timeout 15s "$@"
	wait_for -t 15 told scan "$source"
	kill "$nmap_pid" || true
	enough
	[ "$(event scan '"\(.source) \(.type) \(.action) \(.reason) \(.shape)"' | head -n 1)" = \
		"$source $type alert monitor vertical" ]
	grep -q "^$source .* 1 detection: $type" "$watcher_out"
}

@test "SYN, IPv4" { named SYN "$attacker4" -sS -p 1-60 "$target4"; }
@test "connect, IPv6" { named SYN "$attacker6" -6 -sT -p 1-60 "$target6"; }
@test "NULL" { named NULL "$attacker4" -sN -p 1-60 "$target4"; }
@test "XMAS" { named XMAS "$attacker4" -sX -p 1-60 "$target4"; }
@test "FIN" { named FIN "$attacker4" -sF -p 1-60 "$target4"; }
@test "ACK" { named ACK "$attacker4" -sA -p 1-60 "$target4"; }
@test "Maimon" { named MAIMON "$attacker4" -sM -p 1-60 "$target4"; }
@test "UDP, IPv6" { named UDP "$attacker6" -6 -sU -p 1-60 "$target6"; }

@test "nobody is blocked, and the ports are saved" {
	services t --tcp 22
	watch -s t0
	on a timeout 20 nmap -n -Pn -sS -p 1-60 "$target4" >/dev/null
	wait_for told scan "$attacker4"
	on a timeout 5 bash -c "exec 3<>/dev/tcp/$target4/22"
	enough
	grep -q '22/tcp (ssh)' "$watcher_out"
	grep -q '1 scan  ' "$watcher_out"
}

@test "what the host sends itself is nobody's scan" {
	watch t0 lo
	on t timeout 20 nmap -n -Pn -sS -p 1-60 "$attacker4" >/dev/null
	on a timeout 20 nmap -n -Pn -sS -p 1-60 "$target4" >/dev/null
	wait_for told scan
	enough
	[ "$(event scan .source)" = "$attacker4" ]
	grep -q ' reply  ' "$watcher_out"
}

@test "addresses that come later are watched, too" {
	watch t0
	on t ip addr add 198.51.100.77/32 dev t0
	on a ip route add 198.51.100.77/32 dev a0
	spawn nmap a bash -c \
		'while [ $SECONDS -lt 25 ]; do timeout 20 nmap -n -Pn -sS -p 1-60 198.51.100.77; done'
	wait_for -t 20 told scan "$attacker4"
	kill "$nmap_pid" || true
	[ "$(event scan .target | head -n 1)" = 198.51.100.77 ]
	enough
}

@test "-m ends it, -l writes a report" {
	spawn watcher t "$pscan" attach --pcap -m 20 -l "$BATS_TEST_TMPDIR/log.tex" -d t0
	wait_for grep -q "nobody is blocked" "$watcher_err"
	on a timeout 20 nmap -n -Pn -sS -p 1-60 "$target4" >/dev/null
	wait "$watcher_pid"
	grep -q '^20 packets' "$watcher_out"
	grep -q '\\end{document}' "$BATS_TEST_TMPDIR/log.tex"
}

@test "an interface that goes away ends it with a line" {
	on t ip link add gone0 type veth peer name gone1
	on t ip link set gone0 up
	watch gone0
	on t ip link del gone0
	ended_with 1 "$watcher_pid"
	grep -q 'gone0: ' "$watcher_err"
}

@test "what it cannot do is refused" {
	run -2 on t "$pscan" attach --pcap t0 --block hard
	[[ "$output" == *"--pcap only watches"* ]]
	run -2 on t "$pscan" attach --pcap t0 --deny 192.0.2.1
	[[ "$output" == *"--pcap only watches"* ]]
	run -2 on t "$pscan" attach --pcap
	run -1 on t "$pscan" attach --pcap absent0
	[[ "$output" == *"absent0"* ]]
	run -1 on t "$pscan" attach --pcap t0 --filter 'port ('
	[[ "$output" == *"--filter"* ]]
}
