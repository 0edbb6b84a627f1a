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
	# Deprecated, so that nobody who was not told to speaks from there.
	printf 'addr add %s/24 dev a0\n' 198.51.100.{101..168} | addresses a
	printf 'addr add %s/64 dev a0 nodad preferred_lft 0\n' 2001:db8::1:{101..168} | addresses a
	attach -v
	export events loader_err
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
	load_begins
}

listens() {
	on "$1" ss -Hltn "sport = :$2" | grep -q .
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

# What a server of many trades has open: a port each, most of them low.
trades=(21 22 25 53 110 143 389 443 465 587 636 873 993 995 1433 1521 1883 2049 3306 3389 5060 5432
	5672 5900 6379 8080 8444 9090 9200 11211)
# Services that stop while a monitoring host believes in them.
down=(636 873 9090 9200)

# serve NAME PORT...: they are open on the target.
serve() {
	local name=$1

	shift
	spawn_ready "$name" t "$harness/listen" --seconds 600 --tcp "$(IFS=,; echo "$*")"
}

staying() {
	local port

	for port in "${trades[@]}"; do
		[[ " 22 ${down[*]} " = *" $port "* ]] || echo "$port"
	done
}

# Thirty at once are 70 points and more. What it found open before is no failure when it is down.
@test "a monitoring host that polls 30 services at once, four of them down from the second round on" {
	# shellcheck disable=SC2046 # numbers
	serve staying $(staying)
	serve going "${down[@]}"
	traffic a poll "$target4" 1 "${trades[@]}"
	traffic a poll "$target6" 1 "${trades[@]}"
	stop going
	traffic a poll "$target4" 3 "${trades[@]}"
	traffic a poll "$target6" 3 "${trades[@]}"
	stop staying
	all_quiet 1000
}

# Nine low ports are 27 points, five that nobody serves one more than a walk needs.
@test "200 clients behind one address at once, five of whom then ask for what is gone" {
	local ports=(25 110 143 443 465 587 993 995 389)

	serve trades "${ports[@]}"
	traffic a nat "$target4" 200 22 "${ports[@]}"
	traffic a nat "$target6" 200 22 "${ports[@]}"
	stop trades
	all_quiet 2000
}

@test "60 peers that use one port and remember another" {
	traffic a peers "$target4" 22 51413 198.51.100.{101..160}
	traffic a peers "$target6" 22 51413 2001:db8::1:{101..160}
	all_quiet 1000
}

# In: three ports that are served, five that are not any more. Out: 60 datagrams to one peer, whose
# answers come to as many ports, and connections of which every other one is refused. Other
# addresses than above, where something is remembered of each.
@test "peers in both directions, several behind each address" {
	serve swarm 6881 6882 6883
	spawn_ready peer a "$harness/listen" --seconds 600 --udp 51413 --tcp 7001-7012
	traffic a swarm "$target4" 6881,6882,6883 6891,6892,6893,6894,6895 198.51.100.{161..168}
	traffic a swarm "$target6" 6881,6882,6883 6891,6892,6893,6894,6895 2001:db8::1:{161..168}
	traffic t ask "$attacker4" 51413 60
	traffic t ask "$attacker6" 51413 60
	traffic t poll "$attacker4" 2 {7001..7024}
	traffic t poll "$attacker6" 2 {7001..7024}
	stop swarm
	stop peer
	all_quiet 500
}

# Questions come in, and answers for ports that are open for as long as a question is.
@test "a resolver of 200 clients, which asks another one" {
	spawn forwarder t dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--pid-file= --user=root --bind-interfaces --interface=t0 --cache-size=0 \
		--dns-forward-max=500 --server="$attacker4" --server="$attacker6"
	wait_for -t 20 listens t 53
	# Fifty fit into its socket's buffer, however long it is kept waiting.
	for _ in 1 2; do
		traffic a dns "$target4" 50
		traffic a dns "$target6" 50
	done
	stop forwarder || true # by the signal
	all_quiet 400
}

# The slower one's answers come when the port that asked is closed again.
late_answers() {
	local fast=$1 slow=$2 server=$3 replies

	replies=$(stage reply)
	echo "addr add $slow dev a0" | addresses a
	slow=${slow%/*}
	spawn_ready late a "$repo/tests/harness/traffic.py" late "$slow" 50
	spawn forwarder t dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--pid-file= --user=root --bind-interfaces --interface=t0 --cache-size=0 --all-servers \
		--dns-forward-max=500 --server="$fast" --server="$slow"
	wait_for -t 20 listens t 53
	traffic a dns "$server" 50
	wait "$late_pid"
	stop forwarder || true # by the signal
	all_quiet 150
	[ "$(stage reply)" -ge $((replies + 30)) ]
}

@test "a resolver that asks two servers at once, one of them late, IPv4" {
	late_answers "$attacker4" 198.51.100.200/24 "$target4"
}

@test "a resolver that asks two servers at once, one of them late, IPv6" {
	late_answers "$attacker6" 2001:db8::1:200/64 "$target6"
}

@test "the program was awake all the time: a scan is told" {
	traffic a probe "$target4" 1 2 3 4 5 6 7
	wait_for told scan "$attacker4"
}
