#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Real scanners against the attached program: each is named, blocked, and gets
# no more answers than the rule's floor. Six low ports that are closed are 18
# points; the seventh such probe crosses 21 and is dropped with all that follow.
# The three that are open cost nothing. How many ports were answered, and how many
# of them refused, is counted on the wire, at the attacker's end.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector
load ../harness/cells

# One lab and one attached program for the whole file: each test is another scan
# by the same source, pardoned and forgotten in between.
setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	lab_up
	services t --tcp "$open" --seconds 3600
	attach
	export events
}

teardown_file() {
	lab_down
}

open=22,80,443
open_ports=3

# Nothing is held against a source any more, not even what lies in the window.
clean_slate() {
	ask block flush
	: >"$events"
	wait_for forgotten "$1"
}

# caught FAMILY TECHNIQUE RATE TOOL CMD...: CMD, run in the attacker, is taken for a scan of that
# technique. It is ended once enough of it was dropped to show that the block is in force.
caught() {
	local family=$1 technique=$2 rate=$3 tool=$4 source=attacker$1 dropped

	shift 4
	source=${!source}
	clean_slate "$source"
	dropped=$(stage drop)
	wire_start "src host $source" "dst host $source"
	spawn scan a timeout 30 "$@"
	wait_for -t 20 told scan "$source"
	wait_for -t 20 at_least drop $((dropped + 10))
	kill "$scan_pid" 2>/dev/null || true # it may have ended by itself
	wire_stop
	measured "$technique" "$rate" "$family" "$tool"
	[ "$(event scan '"\(.source) \(.action)"')" = "$source block" ]
	[ "$(event scan .score)" -ge 21 ]
	[ "$opened" -le "$open_ports" ]
	[ "$answered" -le 6 ]
	blocked "$source"
}

# called TOOL: its packets show it, in the event, the block and the summary.
called() {
	[ "$(event scan .tool)" = "$1" ]
	ask why "$attacker4" --json | jq -e --arg tool "$1" '.block.tool == $tool'
	ask why "$attacker4" | grep -qx "packets as of $1, which anybody can send"
	ask stats --json | jq -e --arg tool "$1" 'any(.sources[]; .tool == $tool)'
}

# nmap_scan FAMILY TECHNIQUE OPTION [RATE]
nmap_scan() {
	local target=target$1 six=''

	[ "$1" = 4 ] || six=-6
	# shellcheck disable=SC2086 # no argument at all for IPv4
	caught "$1" "$2" "${4--T4}" "nmap $3" nmap $six "$3" -n -Pn "${4--T4}" -p1-1000 "${!target}"
}

masscan_to() {
	caught "$1" SYN 100,000/s masscan masscan "$2" --source-ip "$3" -i a0 \
		--router-mac 02-00-5e-00-53-01 -p1-1000 --rate 100000 --wait 0
}

# hping OPTION TECHNIQUE: it knows IPv4 alone.
hping() {
	# shellcheck disable=SC2086 # several flags
	caught 4 "$2" 2,000/s "hping3 $1" hping3 -n -q $1 -i u500 -c 200 -p ++1 "$target4"
}

@test "nmap -sS, IPv4" {
	nmap_scan 4 SYN -sS
	called nmap
}
@test "nmap -sT, IPv4" {
	nmap_scan 4 connect -sT
	called connect
}
@test "nmap -sF, IPv4" { nmap_scan 4 FIN -sF; }
@test "nmap -sN, IPv4" { nmap_scan 4 NULL -sN; }
@test "nmap -sX, IPv4" { nmap_scan 4 XMAS -sX; }
@test "nmap -sM, IPv4" { nmap_scan 4 MAIMON -sM; }
@test "nmap -sA, IPv4" { nmap_scan 4 ACK -sA; }
@test "nmap -sU, IPv4" { nmap_scan 4 UDP -sU; }

@test "nmap -sS, IPv6" { nmap_scan 6 SYN -sS; }
@test "nmap -sT, IPv6" { nmap_scan 6 connect -sT; }
@test "nmap -sF, IPv6" { nmap_scan 6 FIN -sF; }
@test "nmap -sN, IPv6" { nmap_scan 6 NULL -sN; }
@test "nmap -sX, IPv6" { nmap_scan 6 XMAS -sX; }
@test "nmap -sM, IPv6" { nmap_scan 6 MAIMON -sM; }
@test "nmap -sA, IPv6" { nmap_scan 6 ACK -sA; }
@test "nmap -sU, IPv6" { nmap_scan 6 UDP -sU; }

@test "nmap, its paces that the rule is for" {
	full
	for pace in -T3 -T5; do
		nmap_scan 4 SYN -sS $pace
		nmap_scan 6 SYN -sS $pace
		nmap_scan 4 UDP -sU $pace
	done
}

@test "hping3 -S ++1" {
	hping -S SYN
	called hping3
}
@test "hping3 -F ++1" { hping -F FIN; }
@test "hping3 --udp ++1" { hping --udp UDP; }
@test "hping3 --scan" {
	caught 4 SYN "its own" "hping3 -S --scan" hping3 -n -q -S --scan 1-1000 "$target4"
}
@test "hping3 with flags that name no technique" { hping "-S -P -U" OTHER; }

@test "masscan, IPv4" {
	masscan_to 4 "$target4" "$attacker4"
	called masscan
}
@test "masscan, IPv6" { masscan_to 6 "$target6" "$attacker6"; }

# Ended by a signal, it leaves a file to go on with: in a folder that is thrown away.
ours() {
	local family=$1 target=target$1 technique option

	cd "$BATS_TEST_TMPDIR"
	for technique in SYN connect FIN NULL XMAS MAIMON ACK UDP; do
		option=--${technique,,}
		caught "$family" "$technique" "its own" "pscan-xdp scan $option" \
			"$pscan" scan "$option" -Pn -p 1-1000 "${!target}"
	done
}

@test "pscan-xdp scan, every technique, IPv4" { ours 4; }
@test "pscan-xdp scan, every technique, IPv6" { ours 6; }

@test "no cell is missing" { none_missing; }
