#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What stays below the burst rule: one probe at a time, one port of many hosts,
# many sources with little each. Closed ports are what gives it away, so the
# judgement comes a poll or two after the probe. Slower scans than these, of
# hours, are tested with a scripted clock in tests/unit/.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	lab_up
	services t --tcp 22,80,443 --seconds 600
	# The target's network is larger than its cable shows, and so is the attacker's.
	# shellcheck disable=SC2016 # expanded by the hosts' own shells
	on t sh -c 'for n in $(seq 30); do ip addr add 203.0.113.$n/32 dev t0; done'
	on a ip route add 203.0.113.0/24 via "$target4"
	# shellcheck disable=SC2016
	on a sh -c 'for n in $(seq 91 123); do ip addr add 198.51.100.$n/24 dev a0; done'
	on a ip addr add 2001:db8::93/64 dev a0 nodad
	attach -v
	export events loader_err
}

teardown_file() {
	lab_down
}

# found ENGINE: has that engine told of the attacker; for wait_for.
found() {
	jq -es --arg engine "$1" 'any(.event == "scan" and .engine == $engine)' "$events"
}

told_crowd() {
	jq -es 'any(.event == "crowd")' "$events"
}

clean_slate() {
	ask block flush
	: >"$events"
}

# walk FAMILY SOURCE TYPE NAME CMD...: a scan below the rule's pace is found by its closed ports
# and gets no answer from then on. NAME is what the coverage table calls it. A source is told
# once while its block would last: each scan has its own.
walk() {
	local family=$1 source=$2 type=$3 name=$4 target=target$1 answered

	shift 4
	cd "$BATS_TEST_TMPDIR" # a scan that is ended leaves a file to go on with
	clean_slate
	count_start answers a "src host ${!target} and (tcp or udp or (icmp and icmp[0] == 3))"
	spawn scan a timeout 30 "$@"
	wait_for -t 15 found walk
	wait_for -t 15 at_least drop $(($(stage drop) + 2))
	kill "$scan_pid"
	count_stop answers
	answered=$(($(counted answers sports) + $(counted answers quoted)))
	cell scans "scan=$name" "family=IPv$family" engine=walk "named=$(event scan .type)" \
		"answered=$answered" "ms=$(event scan '[.evidence[].age_ms] | max')"
	echo "# $name, IPv$family: $(event scan .score) closed ports, $answered answered" >&3
	[ "$(event scan '"\(.source) \(.type) \(.action)"')" = "$source $type block" ]
	[ "$(event scan .score)" -le 6 ]
	[ "$answered" -le 10 ]
	blocked "$source"
}

@test "nmap -T2: found after six closed ports at most" {
	walk 4 "$attacker4" SYN "nmap -sS -T2" nmap -sS -n -Pn -T2 -p 3001-3012 "$target4"
	walk 6 "$attacker6" SYN "nmap -sS -T2" nmap -6 -sS -S "$attacker6" -e a0 \
		-n -Pn -T2 -p 3001-3012 "$target6"
}

@test "hping3 at two probes a second" {
	walk 4 198.51.100.91 FIN "hping3 -F -i u500000" \
		hping3 -n -q -a 198.51.100.91 -F -i u500000 -c 14 -p ++3101 "$target4"
	walk 4 198.51.100.92 UDP "hping3 --udp -i u500000" \
		hping3 -n -q -a 198.51.100.92 --udp -i u500000 -c 14 -p ++3101 "$target4"
}

@test "pscan-xdp scan at two probes a second" {
	walk 4 198.51.100.93 NULL "pscan-xdp scan --null --delay 500ms" \
		"$pscan" scan --null -S 198.51.100.93 -Pn --delay 500ms -p 3201-3214 "$target4"
	walk 6 2001:db8::93 XMAS "pscan-xdp scan --xmas --delay 500ms" \
		"$pscan" scan --xmas -S 2001:db8::93 -Pn --delay 500ms -p 3201-3214 "$target6"
}

@test "a client that is refused now and then is none" {
	clean_slate
	# Five closed ports; four are a scan but for the three that are open.
	local checks=(22 80 443 8443 22 80 443 8008 22 80 443 8888 22 80 443 9001 22 80 443 9443)

	traffic a monitor "$target4" 1 "${checks[@]}"
	traffic a monitor "$target6" 1 "${checks[@]}"
	two_polls
	[ ! -s "$events" ]
}

# Whichever engine comes first: the walk over closed ports does where they are known to be.
@test "one port of thirty addresses is found" {
	local scanner=198.51.100.99

	clean_slate
	spawn scan a timeout 30 nmap -sS -n -Pn -T3 -S "$scanner" -e a0 -p 23 203.0.113.1-30
	wait_for -t 15 told scan "$scanner"
	[ "$(event scan '"\(.source) \(.shape) \(.action)"')" = "$scanner horizontal block" ]
	[[ $(event scan .engine) == @(walk|sweep) ]]
	cell scans "scan=nmap -sS -T3 -p 23, 30 hosts" family=IPv4 "engine=$(event scan .engine)" \
		"named=$(event scan '"\(.type), \(.shape)"')" "answered=$(event scan .score)" \
		"ms=$(event scan '[.evidence[].age_ms] | max')"
	blocked "$scanner"
}

@test "one port of thirty addresses that all serve it is a browser's day" {
	clean_slate
	traffic a sessions 203.0.113.1 22 1
	for n in {2..12}; do
		traffic a echo "203.0.113.$n" 80 <<<"hello"
	done
	two_polls
	[ ! -s "$events" ]
}

# Another host of ours: a crowd around one is told once an hour.
@test "nmap -D: decoys are told apart" {
	local host=203.0.113.6

	clean_slate
	spawn scan a timeout 30 nmap -sS -n -Pn --scan-delay 400ms --max-retries 0 -p 4001-4008 \
		-D 192.0.2.31,192.0.2.32,192.0.2.33,ME "$host"
	wait_for -t 15 told_crowd
	[ "$(event crowd '"\(.target) \(.decoys) \(.action)"')" = "$host true alert" ]
	[ "$(event crowd .sources)" -ge 3 ]
}

@test "24 sources share the ports: told, nobody is blocked for it" {
	local sources=()

	for n in {100..123}; do
		sources+=("198.51.100.$n")
	done
	clean_slate
	traffic a crowd 203.0.113.5 5001 "${sources[@]}"
	wait_for -t 15 told_crowd
	[ "$(event crowd '"\(.target) \(.decoys) \(.action)"')" = "203.0.113.5 false alert" ]
	[ "$(event crowd .sources)" -ge 8 ]
	ask block list --json | jq -e 'length == 0'
	run ! told scan
}
