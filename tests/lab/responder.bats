#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The emulated hosts answer as they say, over both families: nmap asks port 22, open,
# and 81, closed; the wire is counted.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab

other4=198.51.100.9
other6=2001:db8::9
# TCP by its flags byte, wherever it lies: libpcap's tcp[] does not look behind IPv6.
reset='(tcp[13] & 4 != 0 or ip6[53] & 4 != 0)'
accept='(tcp[13] = 18 or ip6[53] = 18)'
window='(tcp[14:2] > 0 or ip6[54:2] > 0)'

setup() {
	need_root
	lab_up
}

teardown() {
	lab_down
}

# replies SCAN ADDRESS FILTER: the ports from which an answer that matches came back.
replies() {
	local six=

	[[ $2 != *:* ]] || six=-6
	count_start replies a "src host $2 and $3"
	# shellcheck disable=SC2086 # no argument at all for IPv4
	on a nmap -n -Pn $six "$1" -p 22,81 --max-retries 0 --initial-rtt-timeout 200ms "$2" \
		>/dev/null
	count_stop replies
	counted replies sports
}

# expect SCAN FILTER COUNT: over both families.
expect() {
	local address

	for address in "$other4" "$other6"; do
		[ "$(replies "$1" "$address" "$2")" -eq "$3" ] ||
			{ echo "$address $1 $2: expected $3" >&2; return 1; }
	done
}

@test "bsd: a window in the reset betrays an open port, silence to FIN too" {
	emulate bsd "$other4" "$other6"
	expect -sS "$accept" 1
	expect -sS "$reset" 1
	expect -sF "$reset" 1
	expect -sN "$reset" 1
	expect -sX "$reset" 1
	expect -sM "$reset" 1
	expect -sA "$reset" 2
	expect -sW "$reset and $window" 1
}

@test "windows: every port resets FIN, NULL and XMAS" {
	emulate windows "$other4" "$other6"
	expect -sS "$accept" 1
	expect -sF "$reset" 2
	expect -sN "$reset" 2
	expect -sX "$reset" 2
	expect -sW "$reset and $window" 0
}

@test "synproxy: every port accepts, with window 0" {
	emulate synproxy "$other4" "$other6"
	expect -sS "$accept" 2
	expect -sS "$accept and $window" 0
	expect -sF "$reset" 0
}

@test "tarpit: every port accepts, then window 0 for ever" {
	emulate tarpit "$other4" "$other6"
	expect -sS "$accept and $window" 2
	for address in "$other4" "$other6"; do
		count_start stalled a "src host $address and (tcp[13] = 16 or ip6[53] = 16)"
		run on a timeout 1 bash -c "exec 3<>/dev/tcp/$address/7; echo hi >&3; cat <&3"
		[ "$status" -eq 124 ]
		count_stop stalled
		[ "$(counted stalled packets)" -ge 1 ]
	done
}

@test "silent: found by its neighbour, and not a packet more" {
	emulate silent "$other4" "$other6"
	expect -sS "(tcp or udp or icmp)" 0
	for address in "$other4" "$other6"; do
		run on a ping -c 1 -W 1 "$address"
		[ "$status" -eq 1 ]
		on a ip neigh show "$address" | grep -q 'lladdr 06:'
	done
}

@test "zombie: one IP id counter for everything it sends" {
	emulate zombie "$other4" "$other6"
	expect -sF "$reset" 1
	on a tcpdump -n -v -i a0 -c 3 -U -w "$BATS_TEST_TMPDIR/ids.pcap" \
		"src host $other4 and icmp" 2>"$BATS_TEST_TMPDIR/ids.err" 3>&- &
	dump=$!
	wait_for grep -q listening "$BATS_TEST_TMPDIR/ids.err"
	on a ping -q -c 3 -i 0.01 -W 1 "$other4"
	wait "$dump"
	mapfile -t ids < <(tcpdump -n -v -r "$BATS_TEST_TMPDIR/ids.pcap" 2>/dev/null |
		sed -n 's/.* id \([0-9]*\),.*offset.*/\1/p')
	[ "${#ids[@]}" -eq 3 ]
	[ "${ids[1]}" -eq $((ids[0] + 1)) ]
	[ "${ids[2]}" -eq $((ids[1] + 1)) ]
}

@test "connections to an open port are made, and closed ports refuse" {
	emulate bsd "$other4" "$other6"
	for address in "$other4" "$other6"; do
		on a bash -c "exec 3<>/dev/tcp/$address/22"
		run on a bash -c "exec 3<>/dev/tcp/$address/81"
		[ "$status" -eq 1 ]
		[[ $output == *refused* ]]
	done
}

@test "closed UDP ports are unreachable, and echoes are answered" {
	emulate bsd "$other4" "$other6"
	for address in "$other4" "$other6"; do
		count_start errors a "src host $address and (icmp[0] = 3 or ip6[40] = 1)"
		on a bash -c "echo >/dev/udp/$address/53; echo >/dev/udp/$address/69"
		count_stop errors
		[ "$(counted errors quoted)" -eq 2 ]
		on a ping -q -c 1 -W 2 "$address"
	done
}

@test "a wrong checksum gets no answer" {
	emulate bsd "$other4"
	count_start answers a "src host $other4 and tcp"
	on a timeout 5 hping3 -q -c 3 -i u1000 -S -p 22 --badcksum "$other4" >/dev/null 2>&1 || true
	on a timeout 5 hping3 -q -c 2 -i u1000 -S -p 22 "$other4" >/dev/null 2>&1
	count_stop answers
	stop emulate
	[ "$(counted answers packets)" -eq 2 ]
	[ "$(jq .bad_checksum "$emulate_out")" -eq 3 ]
}
