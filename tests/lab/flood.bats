#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# A real scan under the cover of a million forged sources: it is caught by the
# same rule as in a quiet hour, and the counters say what became of the rest.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

setup() {
	need_root
	lab_up
	attach
}

teardown() {
	lab_down
}

# caught_under_fire FAMILY [FORGE OPTION]: an nmap scan while a million forged frames arrive.
caught_under_fire() {
	local family=$1 source=attacker$1 target=target$1 six=

	shift
	source=${!source}
	target=${!target}
	[ "$family" = 4 ] || six=-6
	count_start answers a "src host $target and dst host $source and tcp"
	spawn_ready forge a "$harness/forge" -i a0 --mac 02:00:5e:00:53:01 --count 1000000 \
		--rate 200000 "$@" "$target"
	# shellcheck disable=SC2086 # no argument at all for IPv4
	spawn scan a timeout 30 nmap $six -sS -n -Pn -T4 -p1-1000 "$target"
	wait_for -t 20 told scan "$source"
	wait "$forge_pid"
	kill "$scan_pid"
	count_stop answers

	[ "$(event scan '"\(.source) \(.type) \(.action)"')" = "$source SYN block" ]
	[ "$(counted answers sports)" -le 6 ]
	[ "$(event scan .time_ns)" -gt "$(jq .start_ns "$forge_out")" ]
	[ "$(event scan .time_ns)" -lt "$(jq .end_ns "$forge_out")" ]
	[ "$(jq .frames "$forge_out")" -eq 1000000 ]
	ask status --json >"$BATS_TEST_TMPDIR/status"
	echo "# IPv$family forge $*: $(jq -c '.counters.stage | {first, again, scored, admit,
		evict, scan, block, event_lost}' "$BATS_TEST_TMPDIR/status")" >&3
}

status_says() {
	jq -e "$1" "$BATS_TEST_TMPDIR/status"
}

# One frame from each source: none of them is admitted, nobody makes room for them.
none_admitted() {
	status_says '.counters.parse.ok >= 990000'
	status_says '.counters.stage | .first >= 980000 and .admit < 100 and .evict == 0'
	status_says '.counters.stage | .scan == 1 and .block == 1 and .event_lost == 0'
	status_says '.tables.sources.used == .counters.stage.admit'
}

@test "a million forged sources, one frame each, IPv4" {
	caught_under_fire 4
	none_admitted
}

@test "a million forged sources, one frame each, IPv6" {
	caught_under_fire 6
	none_admitted
}

@test "half a million forged sources, two ports each: they push out each other, not the scan" {
	caught_under_fire 4 --twice
	status_says '.counters.stage | .admit > 300000 and .evict > 200000'
	status_says '.counters.stage | .scan == 1 and .block == 1 and .event_lost == 0'
	status_says '.tables.sources.used == .counters.stage.admit - .counters.stage.evict'
}
