#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# No false alarm: what busy hosts do all day is no scan, in either direction and
# over either family. Each test also shows that the program saw the traffic.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	lab_up
	attach
	export events
	for host in a t; do
		spawn "web_$host" $host python3 -m http.server --bind :: -d "$BATS_FILE_TMPDIR" 80
		spawn_ready "echo_$host" $host "$harness/listen" --tcp 22 --seconds 600
		spawn_ready "talk_$host" $host "$harness/listen" --tcp 8000 --seconds 600 \
			--accept-and-serve 300000
		spawn "iperf_$host" $host iperf3 --server
		wait_for listens $host 80
		wait_for listens $host 5201
	done
	spawn dns a dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--pid-file= --user=root --bind-interfaces --interface=a0 \
		--address=/example/192.0.2.1
	wait_for listens a 53
}

teardown_file() {
	lab_down
}

setup() {
	seen_before=$(seen)
}

listens() {
	on "$1" ss -Hltn "sport = :$2" | grep -q .
}

seen() {
	ask status --json | jq .counters.parse.ok
}

# all_quiet N: the program saw at least N packets since the test began, and held its peace.
all_quiet() {
	[ $(($(seen) - seen_before)) -ge "$1" ]
	[ "$(stage scan)" -eq 0 ]
	[ "$(stage block)" -eq 0 ]
	[ ! -s "$events" ]
	ask block list --json | jq -e 'length == 0'
}

bulk() {
	on a timeout 30 iperf3 --client "$1" --bytes 100M
	on a timeout 30 iperf3 --client "$1" --bytes 100M --reverse
	# Large segments: the bulk of it travels unsegmented over the cable.
	all_quiet 1000
}

@test "200 short HTTP connections to the host, IPv4" {
	traffic a http "$target4" 80 200
	all_quiet 800
}

@test "200 short HTTP connections to the host, IPv6" {
	traffic a http "$target6" 80 200
	all_quiet 800
}

@test "200 short HTTP connections of the host, IPv4" {
	traffic t http "$attacker4" 80 200
	all_quiet 800
}

@test "200 short HTTP connections of the host, IPv6" {
	traffic t http "$attacker6" 80 200
	all_quiet 800
}

@test "5 interactive sessions, IPv4" {
	traffic a sessions "$target4" 22 5
	traffic t sessions "$attacker4" 22 5
	all_quiet 500
}

@test "5 interactive sessions, IPv6" {
	traffic a sessions "$target6" 22 5
	traffic t sessions "$attacker6" 22 5
	all_quiet 500
}

@test "a bulk transfer both ways, IPv4" { bulk "$target4"; }
@test "a bulk transfer both ways, IPv6" { bulk "$target6"; }

@test "500 connections of the host to one server, half of them aborted, IPv4" {
	traffic t fetch "$attacker4" 8000 500
	all_quiet 1000
}

@test "500 connections of the host to one server, half of them aborted, IPv6" {
	traffic t fetch "$attacker6" 8000 500
	all_quiet 1000
}

@test "500 connections to the host from one client, half of them aborted" {
	traffic a fetch "$target4" 8000 500
	traffic a fetch "$target6" 8000 500
	all_quiet 2000
}

@test "200 answers of one resolver to 200 ports, IPv4" {
	traffic t dns "$attacker4" 200
	all_quiet 200
}

@test "200 answers of one resolver to 200 ports, IPv6" {
	traffic t dns "$attacker6" 200
	all_quiet 200
}

@test "the program was awake all the time: a scan is told" {
	traffic a probe "$target4" 1 2 3 4 5 6 7
	wait_for told scan "$attacker4"
}
