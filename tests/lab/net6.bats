#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# A scanner with a /64 of its own changes its address with every few probes. No
# host of it crosses the threshold; the network does, and is blocked. Hosts of
# other networks, and those a list names, are not.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

setup() {
	need_root
	lab_up
	attach
	mac=$(on t cat /sys/class/net/t0/address)
}

teardown() {
	lab_down
}

# rotate PREFIX: 24 SYNs to 24 low ports within the window, three from each of 8 addresses.
rotate() {
	on a /usr/bin/python3 - "$1" "$mac" <<-'END'
	import sys
	from scapy.all import Ether, IPv6, TCP, sendp
	prefix, mac = sys.argv[1:]
	sendp([Ether(dst=mac) / IPv6(src=f"{prefix}{n // 3 + 0x10:x}", dst="2001:db8::1") /
	       TCP(sport=4000, dport=20 + n, flags="S") for n in range(24)], iface="a0", verbose=0)
	END
}

all_seen() {
	[ "$(ask status --json | jq '.counters.parse.ok')" -ge 24 ]
}

@test "addresses of one /64 that take turns are blocked as a network" {
	rotate 2001:db8:77::
	wait_for told scan 2001:db8:77::/64
	ask why 2001:db8:77::99 --json | jq -e '.block.source == "2001:db8:77::/64" and .block.score == 21'
	run ! blocked 2001:db8:78::10
	ask block list --json | jq -e 'length == 1'
	ask block del 2001:db8:77::/64
	run ! blocked 2001:db8:77::99
}

@test "a listed host of a blocked network still gets through" {
	"$repo/tools/lab.sh" addr "$lab" a 2001:db8:77::5/64
	on t ip -6 route add 2001:db8:77::/64 dev t0
	ask allow add 2001:db8:77::5
	rotate 2001:db8:77::
	wait_for told scan 2001:db8:77::/64
	on a ping -6 -c 1 -W 2 -I 2001:db8:77::5 "$target6"
	"$repo/tools/lab.sh" addr "$lab" a 2001:db8:77::6/64
	run ! on a ping -6 -c 1 -W 1 -I 2001:db8:77::6 "$target6"
}

@test "the target's own network is not blocked for what its hosts do together" {
	rotate 2001:db8::
	wait_for all_seen
	ask block list --json | jq -e 'length == 0'
	run ! told scan
}
