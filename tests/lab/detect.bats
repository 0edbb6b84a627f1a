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

# One lab and one attached program for the whole file: each test is another scan
# by the same source, pardoned and forgotten in between.
setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	lab_up
	services t --tcp "$open" --seconds 600
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

forgotten() {
	ask why "$1" --json | jq -e '.block == null and (.record.score // 0) == 0'
}

# What the target answers a probe with; neighbour discovery is no answer to one.
# shellcheck disable=SC2034 # both are named by their family, see caught
answers4="ip and src host $target4 and (tcp or udp or icmp)"
# shellcheck disable=SC2034
answers6="ip6 and src host $target6 and (tcp or udp or (icmp6 and ip6[40] < 128))"
# Those among them that say that a port is open.
# shellcheck disable=SC2034
opens4="ip and src host $target4 and tcp and tcp[tcpflags] & 18 == 18"
# shellcheck disable=SC2034
opens6="ip6 and src host $target6 and tcp and ip6[53] & 18 == 18"

# The command as the table shows it: without its paths, and what only the lab needs.
shown() {
	local word words=()

	for word in "$@"; do
		case $word in
		"$target4" | "$target6" | -n | -q | -Pn) ;;
		*) words+=("${word##*/}") ;;
		esac
	done
	echo "${words[*]}"
}

# caught FAMILY TYPE CMD...: CMD, run in the attacker, is taken for a scan of TYPE.
# It is ended once enough of it was dropped to show that the block is in force.
caught() {
	local family=$1 type=$2 source=attacker$1 filter=answers$1 answered opened dropped

	shift 2
	source=${!source}
	clean_slate "$source"
	dropped=$(stage drop)
	count_start answers a "${!filter}"
	filter=opens$family
	count_start opens a "${!filter}"
	spawn scan a timeout 30 "$@"
	wait_for -t 20 told scan "$source"
	wait_for -t 20 at_least drop $((dropped + 10))
	kill "$scan_pid"
	count_stop answers
	count_stop opens
	opened=$(counted opens sports)
	answered=$(($(counted answers sports) + $(counted answers quoted)))
	cell scans "scan=$(shown "$@")" "family=IPv$family" "engine=$(event scan '.engine // "burst"')" \
		"named=$(event scan .type)" "answered=$answered" \
		"ms=$(event scan '[.evidence[].age_ms] | max')"
	echo "# IPv$family $*: $(event scan '"\(.type), \(.ports) ports seen"')," \
		"$answered answered, $opened of them open, the last $(answer_ms) ms after the first" >&3

	[ "$(event scan '"\(.source) \(.type) \(.action)"')" = "$source $type block" ]
	[ "$(event scan .score)" -ge 21 ]
	[ "$opened" -le "$open_ports" ]
	[ $((answered - opened)) -le 6 ]
	blocked "$source"
}

# called TOOL: its packets show it, in the event, the block and the summary.
called() {
	[ "$(event scan .tool)" = "$1" ]
	ask why "$attacker4" --json | jq -e --arg tool "$1" '.block.tool == $tool'
	ask why "$attacker4" | grep -qx "packets as of $1, which anybody can send"
	ask stats --json | jq -e --arg tool "$1" 'any(.sources[]; .tool == $tool)'
}

# From the first answer to the last one: the time that the scanner had.
answer_ms() {
	jq '(.last - .first) * 1000 | . * 10 | round / 10' "$BATS_TEST_TMPDIR/answers.out"
}

nmap4() {
	caught 4 "$1" nmap "$2" -n -Pn -T4 -p1-1000 "$target4"
}

nmap6() {
	caught 6 "$1" nmap -6 "$2" -n -Pn -T4 -p1-1000 "$target6"
}

masscan_to() {
	caught "$1" SYN masscan "$2" --source-ip "$3" -i a0 --router-mac 02-00-5e-00-53-01 \
		-p1-1000 --rate 100000 --wait 0
}

@test "nmap -sS, IPv4" {
	nmap4 SYN -sS
	called nmap
}
@test "nmap -sT, IPv4" {
	nmap4 SYN -sT
	called connect
}
@test "nmap -sF, IPv4" { nmap4 FIN -sF; }
@test "nmap -sN, IPv4" { nmap4 NULL -sN; }
@test "nmap -sX, IPv4" { nmap4 XMAS -sX; }
@test "nmap -sM, IPv4" { nmap4 MAIMON -sM; }
@test "nmap -sA, IPv4" { nmap4 ACK -sA; }
@test "nmap -sU, IPv4" { nmap4 UDP -sU; }

@test "nmap -sS, IPv6" { nmap6 SYN -sS; }
@test "nmap -sT, IPv6" { nmap6 SYN -sT; }
@test "nmap -sF, IPv6" { nmap6 FIN -sF; }
@test "nmap -sN, IPv6" { nmap6 NULL -sN; }
@test "nmap -sX, IPv6" { nmap6 XMAS -sX; }
@test "nmap -sM, IPv6" { nmap6 MAIMON -sM; }
@test "nmap -sA, IPv6" { nmap6 ACK -sA; }
@test "nmap -sU, IPv6" { nmap6 UDP -sU; }

# hping3 knows IPv4 alone.
@test "hping3 -S ++1" {
	caught 4 SYN hping3 -n -q -S -i u500 -c 200 -p ++1 "$target4"
	called hping3
}
@test "hping3 -F ++1" { caught 4 FIN hping3 -n -q -F -i u500 -c 200 -p ++1 "$target4"; }
@test "hping3 --udp ++1" { caught 4 UDP hping3 -n -q --udp -i u500 -c 200 -p ++1 "$target4"; }
@test "hping3 --scan" { caught 4 SYN hping3 -n -q -S --scan 1-1000 "$target4"; }
@test "hping3 with flags that name no technique" {
	caught 4 OTHER hping3 -n -q -S -P -U -i u500 -c 200 -p ++1 "$target4"
}

@test "masscan, IPv4" {
	masscan_to 4 "$target4" "$attacker4"
	called masscan
}
@test "masscan, IPv6" { masscan_to 6 "$target6" "$attacker6"; }

# Ended by a signal, it leaves a file to go on with: in a folder that is thrown away.
ours() {
	cd "$BATS_TEST_TMPDIR"
	caught "$1" "$2" "$pscan" scan "$3" -Pn -p 1-1000 "$4"
}

@test "pscan-xdp scan, every technique, IPv4" {
	ours 4 SYN --syn "$target4"
	ours 4 SYN --connect "$target4"
	ours 4 FIN --fin "$target4"
	ours 4 NULL --null "$target4"
	ours 4 XMAS --xmas "$target4"
	ours 4 MAIMON --maimon "$target4"
	ours 4 ACK --ack "$target4"
	ours 4 UDP --udp "$target4"
}

@test "pscan-xdp scan, every technique, IPv6" {
	ours 6 SYN --syn "$target6"
	ours 6 SYN --connect "$target6"
	ours 6 FIN --fin "$target6"
	ours 6 NULL --null "$target6"
	ours 6 XMAS --xmas "$target6"
	ours 6 MAIMON --maimon "$target6"
	ours 6 ACK --ack "$target6"
	ours 6 UDP --udp "$target6"
}
