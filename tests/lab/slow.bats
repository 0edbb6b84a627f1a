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
load ../harness/cells

setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	lab_up
	services t --tcp 22,80,443 --seconds 3600
	# The target's network is larger than its cable shows, and so is the attacker's.
	{
		seq -f 'addr add 203.0.113.%g/32 dev t0' 33
		printf 'addr add 2001:db8:5::%x/128 dev t0 nodad\n' {1..33}
	} | addresses t
	{
		printf 'addr add 198.51.100.%d/24 dev a0\n' {10..63} {100..123}
		printf 'addr add 2001:db8::%x/64 dev a0 nodad\n' {10..63} {100..123}
		echo "route add 203.0.113.0/24 via $target4"
		echo "route add 2001:db8:5::/64 via $target6"
	} | addresses a
	attach -v
	export events loader_err
}

teardown_file() {
	lab_down
}

told_crowd() {
	jq -es 'any(.event == "crowd")' "$events"
}

clean_slate() {
	ask block flush
	: >"$events"
}

# The hosts that are scanned beside the target; 31 to 33 are for crowds alone.
hosts4=(203.0.113.{1..30})
mapfile -t hosts6 < <(printf '2001:db8:5::%x\n' {1..30})

# new_source FAMILY: $source, one that nobody saw, and that a tool is told to use. A source is
# told once while its block would last: each scan has its own.
new_source() {
	local file=$BATS_FILE_TMPDIR/sources

	echo >>"$file"
	source=198.51.100.$((9 + $(wc -l <"$file")))
	[ "$1" = 4 ] || source=2001:db8::$(printf %x $((9 + $(wc -l <"$file"))))
}

# The scan found out that it is blocked, or had asked for everything before.
no_answers_left() {
	at_least drop "$1" || ! kill -0 "$scan_pid"
}

# found FAMILY TECHNIQUE RATE TOOL CMD...: a scan below the rule's pace by $source is found by its
# closed ports and gets no answer from then on.
found() {
	local family=$1 technique=$2 rate=$3 tool=$4

	shift 4
	cd "$BATS_TEST_TMPDIR" # a scan that is ended leaves a file to go on with
	clean_slate
	wire_start "src host $source" "dst host $source"
	spawn scan a timeout 120 "$@"
	wait_for -t 90 told scan "$source"
	wait_for -t 20 no_answers_left $(($(stage drop) + 1))
	kill "$scan_pid" 2>/dev/null || true # it may have ended by itself
	wire_stop
	measured "$technique" "$rate" "$family" "$tool"
	[ "$(event scan '"\(.source) \(.action)"')" = "$source block" ]
	blocked "$source"
	ask why "$source" | grep -qE "^found by the (walk|sweep|crowd) engine, beside the rule"
}

# by_nmap FAMILY TECHNIQUE OPTION RATE PORTS [HOST...]: the target when no host is named.
by_nmap() {
	local family=$1 technique=$2 option=$3 rate=$4 ports=$5 target=target$1 six=''

	shift 5
	[ "$family" = 4 ] || six=-6
	new_source "$family"
	# shellcheck disable=SC2086 # no argument at all for IPv4
	found "$family" "$technique" "$rate" "nmap $option" nmap $six "$option" -S "$source" -e a0 \
		-n -Pn "$rate" -p "$ports" "${@:-${!target}}"
}

# by_hping TECHNIQUE FLAGS: two probes a second; it knows IPv4 alone.
by_hping() {
	new_source 4
	# shellcheck disable=SC2086 # several flags
	found 4 "$1" 2/s "hping3 $2" hping3 -n -q -a "$source" $2 -i u500000 -c 14 -p ++3101 "$target4"
}

by_masscan() {
	local target=target$1

	new_source "$1"
	found "$1" SYN 2/s masscan masscan "${!target}" --source-ip "$source" -i a0 \
		--router-mac 02-00-5e-00-53-01 -p 3301-3330 --rate 2 --wait 0
}

# ours FAMILY TECHNIQUE DELAY RATE PORTS [HOST...]
ours() {
	local family=$1 technique=$2 delay=$3 rate=$4 ports=$5 target=target$1 option

	shift 5
	option=${technique,,}
	option=--${option%%,*}
	new_source "$family"
	found "$family" "$technique" "$rate" "pscan-xdp scan $option" "$pscan" scan "$option" \
		-S "$source" -Pn --delay "$delay" -p "$ports" "${@:-${!target}}"
}

@test "nmap -T2: found after six closed ports at most" {
	by_nmap 4 SYN -sS -T2 3001-3012
	by_nmap 6 SYN -sS -T2 3001-3012
	[ "$(event scan .score)" -le 6 ]
}

@test "other tools at two probes a second" {
	by_hping UDP --udp
	ours 6 XMAS 500ms 2/s 3201-3214
}

@test "every technique at two probes a second, by every tool" {
	full
	by_hping FIN -F
	by_hping ACK -A
	by_hping MAIMON "-F -A"
	by_masscan 4
	by_masscan 6
	for family in 4 6; do
		for technique in SYN connect NULL FIN ACK MAIMON UDP; do
			ours $family $technique 500ms 2/s 3201-3214
		done
	done
}

@test "nmap -T2, its other techniques" {
	full
	for family in 4 6; do
		by_nmap $family FIN -sF -T2 3001-3012
		by_nmap $family ACK -sA -T2 3001-3012
		by_nmap $family UDP -sU -T2 3001-3012
	done
}

# A probe every 15 s.
@test "nmap -T1" {
	full
	by_nmap 4 SYN -sS -T1 3001-3012
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

@test "one port of thirty addresses is found" {
	by_nmap 4 "SYN, horizontal" -sS -T3 23 "${hosts4[@]}"
	by_nmap 6 "SYN, horizontal" -sS -T3 23 "${hosts6[@]}"
}

@test "sweeps and blocks of ports and hosts, fast and slow" {
	full
	for family in 4 6; do
		declare -n hosts=hosts$family
		by_nmap $family "SYN, horizontal" -sS -T2 23 "${hosts[@]}"
		ours $family "UDP, horizontal" 500ms 2/s 3401 "${hosts[@]}"
		by_nmap $family "SYN, block" -sS -T3 1-100 "${hosts[@]}"
		ours $family "SYN, block" 500ms 2/s 3001-3010 "${hosts[@]}"
	done
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

# crowd FAMILY TECHNIQUE RATE TOOL HOST SOURCES CMD...: many sources, here those that the filter
# SOURCES matches, are told of together. Of a host once an hour: each has its own.
crowd() {
	local family=$1 technique=$2 rate=$3 tool=$4 host=$5 sources=$6

	shift 6
	clean_slate
	wire_start "src $sources and dst host $host" "dst $sources and src host $host"
	spawn scan a timeout 30 "$@"
	wait_for -t 15 told_crowd
	kill "$scan_pid" 2>/dev/null || true # it may have ended by itself
	wire_stop
	two_polls # what it sent last is not held against the next one
	measured "$technique" "$rate" "$family" "$tool" crowd
	[ "$(event crowd '"\(.target) \(.action)"')" = "$host alert" ]
}

# listed SOURCE...: the crowd's sources are these.
listed() {
	diff <(event crowd '.source_list[]' | sort) <(printf '%s\n' "$@" | sort)
}

@test "nmap -D: decoys are told apart" {
	crowd 4 decoys 2.5/s "nmap -sS -D" 203.0.113.31 "net 198.51.100.0/24 or src net 192.0.2.0/24" \
		nmap -sS -n -Pn --scan-delay 400ms --max-retries 0 -p 4001-4008 \
		-D 192.0.2.31,192.0.2.32,192.0.2.33,ME 203.0.113.31
	listed 192.0.2.31 192.0.2.32 192.0.2.33 "$attacker4"
}

# shared FAMILY HOST SOURCES SOURCE...: each source tries two ports that no other tries.
shared() {
	local family=$1 host=$2 sources=$3

	shift 3
	crowd "$family" crowd 50/s "connect()" "$host" "$sources" \
		"$repo/tests/harness/traffic.py" crowd "$host" 5001 "$@"
	[ "$(event crowd .sources)" -ge 8 ]
	# Everybody who is listed was there.
	[ -z "$(comm -13 <(printf '%s\n' "$@" | sort) <(event crowd '.source_list[]' | sort))" ]
	ask block list --json | jq -e 'length == 0'
	run ! told scan
}

@test "24 sources share the ports: told, nobody is blocked for it" {
	shared 4 203.0.113.32 "net 198.51.100.64/26" 198.51.100.{100..123}
	mapfile -t sources6 < <(printf '2001:db8::%x\n' {100..123})
	shared 6 2001:db8:5::20 "net 2001:db8::/64" "${sources6[@]}"
}

@test "no cell is missing" { none_missing; }
