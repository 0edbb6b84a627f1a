#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What a scanner learns that dresses its probes up: fragments, tags, extension
# headers, options, checksums, flags, source ports; with a host alone, and with
# the program attached. Thirty closed ports each; six low ports are 18 points.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector
load ../harness/cells

# One lab for the file; each trick and each scanner is a source of its own.
setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR alone=$BATS_FILE_TMPDIR/alone
	lab_up
	seq 10 69 | sed 's|.*|addr add 198.51.100.&/32 dev a0|' | addresses a
	printf "addr add 2001:db8::%x/128 dev a0 nodad\n" {16..69} | addresses a
	services t --tcp 80 --seconds 600
	evade 4 >"${alone}4"
	evade 6 >"${alone}6"
	attach
	export events
}

teardown_file() {
	lab_down
}

# evade FAMILY: every trick of that family, as lines of JSON.
evade() {
	local target=target$1 from=198.51.100.10

	[ "$1" = 4 ] || from=2001:db8::10
	on a timeout 60 "$harness/evade" -i a0 --mac 02:00:5e:00:53:01 --from $from "${!target}"
}

# What must become of a trick. Hidden: dropped one and all, nothing to tell about. Unanswered: no
# host answers a RST. All others: told as a scan of that source.
judge() {
	local name=$1 frames=$2 answered=$3 would=$4 told=$5 outcome=told most=6

	case $name in
	tags30 | chain30 | hidden | headless) outcome=hidden most=0 ;;
	syn_rst) outcome=unanswered most=0 ;;
	esac
	printf '# %-14s %3d frames, answered: host alone %2d, with the program %d; %s\n' "$name" \
		"$frames" "$would" "$answered" "$outcome" >&3
	[ "$answered" -le $most ]
	[ "$told" = "$([ $outcome = told ] && echo true || echo false)" ]
}

# One line for each trick: name, frames, ports answered with the program and without it, told.
# shellcheck disable=SC2016 # jq's own variables
outcomes='($events | map(select(.event == "scan") | .source)) as $told | .trick as $trick |
	"\(.trick) \(.frames) \(.answered) \($alone[] | select(.trick == $trick) | .answered) " +
	"\(.source | IN($told[]))"'

every_trick() {
	local family=$1 with=$BATS_TEST_TMPDIR/with dropped line

	dropped=$(stage drop)
	evade "$family" >"$with"
	wait_for -t 10 told scan "$(jq -r 'select(.trick == "again") | .source' "$with")"
	jq -r --slurpfile alone "$alone$family" --slurpfile events "$events" "$outcomes" "$with" \
		>"$with.lines"
	while read -ra line; do
		judge "${line[@]}"
	done <"$with.lines"
	grep -q '^plain 30 6 30 true$' "$with.lines"
	[ "$(stage drop)" -gt $((dropped + 30)) ]
}

@test "every trick, IPv4" { every_trick 4; }
@test "every trick, IPv6" { every_trick 6; }

# nmap_as SOURCE TECHNIQUE OPTION...: what an nmap scan from there learns.
nmap_as() {
	local source=$1 technique=$2

	shift 2
	: >"$events"
	wire_start "src host $source" "dst host $source"
	spawn scan a timeout 30 nmap -e a0 -S "$source" -n -Pn -T4 -p1-200 "$@" "$target4"
	wait_for -t 20 told scan "$source"
	kill "$scan_pid" 2>/dev/null || true # it may have ended by itself
	wait "$scan_pid" || true
	wire_stop
	measured "$technique" -T4 4 "nmap $*"
	blocked "$source"
}

@test "nmap -f" { nmap_as 198.51.100.60 SYN -sS -f; }
@test "nmap --mtu 16" { nmap_as 198.51.100.61 SYN -sS --mtu 16; }
@test "nmap --mtu 24, FIN" { nmap_as 198.51.100.62 FIN -sF --mtu 24; }
@test "nmap -g 53" { nmap_as 198.51.100.63 SYN -sS -g 53; }
@test "nmap -g 80, ACK" { nmap_as 198.51.100.64 ACK -sA -g 80; }
@test "nmap --badsum" { nmap_as 198.51.100.65 SYN -sS --badsum; }
@test "nmap --data-length 100 --scanflags SYNFIN" {
	nmap_as 198.51.100.66 OTHER -sS --data-length 100 --scanflags SYNFIN
}

# Each word comes back over a connection of its own; one line of output for each.
# shellcheck disable=SC2016 # expanded by the attacker's shell
honest_script='
while exec 5<>"/dev/tcp/$1/80" && echo word >&5 && read -r word <&5; do
	echo "$word"
	exec 5>&-
done'

words() {
	[ "$(wc -l <"$honest_out")" -ge "$1" ]
}

@test "a scan between honest connections of the same source" {
	spawn honest a timeout 20 bash -c "$honest_script" bash "$target4"
	wait_for words 50
	count_start answers a "src host $target4 and tcp[tcpflags] & tcp-rst != 0 and not port 80"
	spawn scan a timeout 30 nmap -sS -n -Pn -T4 -p1-200 "$target4"
	wait_for -t 20 told scan "$attacker4"
	kill "$scan_pid" "$honest_pid"
	count_stop answers
	echo "# $(wc -l <"$honest_out") honest connections, $(counted answers sports) ports answered" >&3
	[ "$(counted answers sports)" -le 6 ]
	[ "$(event scan "select(.source == \"$attacker4\") | .type")" = SYN ]
}

@test "no cell is missing" { none_missing; }
