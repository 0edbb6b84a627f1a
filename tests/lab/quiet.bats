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
		wait_for -t 20 listens $host 80
		wait_for -t 20 listens $host 5201
	done
	spawn dns a dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--pid-file= --user=root --bind-interfaces --interface=a0 \
		--address=/example/192.0.2.1
	wait_for -t 20 listens a 53
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
	local packets=$(($(seen) - seen_before))

	cell loads "load=$BATS_TEST_DESCRIPTION" "packets=$packets" "scans=$(stage scan)" \
		"blocks=$(stage block)"
	[ "$packets" -ge "$1" ]
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

# What a server of many trades has open; two that a monitoring host believes in are down.
trades=(21 1433 25 1521 53 2049 110 3306 143 3389 389 5432 443 5672 465 5900 587 6379 636 8080
	873 8444 993 9090 995 9200 1883 11211 5060 27017)
down=(636 9200)

serve_trades() {
	local port up=()

	for port in "${trades[@]}"; do
		[[ " ${down[*]} " = *" $port "* ]] || up+=("$port")
	done
	spawn_ready trades t "$harness/listen" --seconds 600 --tcp "$(IFS=,; echo "${up[*]}")"
}

@test "a monitoring host that polls 30 services, two of them down" {
	serve_trades
	traffic a monitor "$target4" 1 "${trades[@]}"
	traffic a monitor "$target6" 1 "${trades[@]}"
	stop trades
	all_quiet 300
}

@test "200 clients behind one address: mail, web, shells, and some who ask for what is gone" {
	serve_trades
	traffic a nat "$target4" 200 22 25 443 587 993
	traffic a nat "$target6" 200 22 25 443 587 993
	stop trades
	all_quiet 2000
}

@test "60 peers that use one port and remember another" {
	local address peers4=() peers6=()

	for address in {101..160}; do
		peers4+=("198.51.100.$address")
		peers6+=("2001:db8::1:$address")
	done
	printf 'addr add %s/24 dev a0\n' "${peers4[@]}" | on a ip -batch -
	printf 'addr add %s/64 dev a0 nodad\n' "${peers6[@]}" | on a ip -batch -
	traffic a peers "$target4" 22 51413 "${peers4[@]}"
	traffic a peers "$target6" 22 51413 "${peers6[@]}"
	all_quiet 1000
}

@test "the program was awake all the time: a scan is told" {
	traffic a probe "$target4" 1 2 3 4 5 6 7
	wait_for told scan "$attacker4"
}
