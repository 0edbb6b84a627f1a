#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# A real scan under the cover of millions of forged sources: it is caught by the
# same rule as in a quiet hour, honest traffic passes, memory stays what it was,
# and the counters say what became of each frame.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector
load ../harness/cells

setup() {
	need_root
	lab_up
	services t --tcp 80 --seconds 600
}

teardown() {
	lab_down
}

# caught_under_fire FAMILY [FORGE OPTION]: an nmap scan while $count forged frames arrive,
# a million of them at $rate unless the test says otherwise, and somebody works on in peace.
caught_under_fire() {
	local family=$1 source=attacker$1 target=target$1 six='' memory

	shift
	source=${!source}
	target=${!target}
	[ "$family" = 4 ] || six=-6
	memory=$(resident)
	count_start answers a "src host $target and dst host $source and tcp and not port 80"
	spawn_ready forge a "$harness/forge" -i a0 --mac 02:00:5e:00:53:01 \
		--count "${count:=1000000}" --rate "${rate:-200000}" "$@" "$target"
	# shellcheck disable=SC2086 # no argument at all for IPv4
	spawn scan a timeout 60 nmap $six -sS -n -Pn -T4 -p1-1000 "$target"
	wait_for -t 60 told scan "$source"
	works_on "$family"
	wait "$forge_pid"
	kill "$scan_pid" 2>/dev/null || true # it may have ended by itself
	count_stop answers

	[ "$(event scan "select(.source == \"$source\") | \"\(.type) \(.action)\"")" = "SYN block" ]
	[ "$(counted answers sports)" -le 6 ]
	[ "$(event scan "select(.source == \"$source\") | .time_ns")" -gt "$(jq .start_ns "$forge_out")" ]
	[ "$(event scan "select(.source == \"$source\") | .time_ns")" -lt "$(jq .end_ns "$forge_out")" ]
	[ "$(jq .frames "$forge_out")" -eq "$count" ]
	# Full slow engines, and no more: see user/slow/track.h.
	[ "$(resident)" -le $((memory + 12288)) ]
	all_accounted_for
	echo "# IPv$family forge $*: $(jq '.frames / (.end_ns - .start_ns) * 1e8 | round / 1e5' \
		"$forge_out") Mpps; loader $memory KB, then $(resident) KB; $(jq -c '
		.counters.stage | {first, again, scored, admit, evict, held, shed, scan, block, event_lost}' \
		"$BATS_TEST_TMPDIR/status")" >&3
}

# The loader's memory in KB; under a sanitizer that is not its own.
resident() {
	if [ -n "${PSCAN-}" ]; then
		echo 0
		return
	fi
	awk '/^VmRSS/ { print $2 }' "/proc/$loader_pid/status"
}

# Connections of the other family, by somebody who does not scan: every word comes back.
works_on() {
	local target=target$((10 - $1))

	traffic a sessions "${!target}" 80 5
}

# Every frame that reached the interface was parsed, and left the flow in exactly one place.
all_accounted_for() {
	local frames

	frames=$(on t ethtool -S t0 | awk '/_xdp_packets:/ { sum += $2 } END { print sum }')
	ask status --json >"$BATS_TEST_TMPDIR/status"
	jq -e --argjson frames "$frames" '.counters | ([.parse[]] | add) as $parsed
		| (.stage | .flow + .drop + .spared + .unscored + .reply + .explained + .forwarded
			+ .first + .again + .allowed + .scored + .shed) as $left
		| $parsed >= $frames and $parsed <= $frames + 100 and $left == .parse.ok' \
		"$BATS_TEST_TMPDIR/status"
}

status_says() {
	jq -e "$1" "$BATS_TEST_TMPDIR/status"
}

# One frame from each source: none of them is admitted, nobody makes room for them.
none_admitted() {
	status_says '.counters.parse.ok >= 990000'
	status_says '.counters.stage | .first + .shed >= 980000 and .admit < 100 and .evict == 0'
	status_says '.counters.stage | .scan == 1 and .block == 1 and .event_lost == 0'
	status_says '.tables.sources.used == .counters.stage.admit'
}

@test "a million forged sources, one frame each, IPv4" {
	attach
	caught_under_fire 4
	none_admitted
}

@test "a million forged sources, one frame each, IPv6" {
	attach
	caught_under_fire 6
	none_admitted
}

@test "half a million forged sources, two ports each: they push out each other, not the scan" {
	attach --probe-rate 0 # nothing is shed: each of them takes part
	caught_under_fire 4 --twice
	status_says '.counters.stage | .admit > 300000 and .evict > 200000'
	status_says '.counters.stage | .scan == 1 and .block == 1 and .event_lost == 0'
	status_says '.tables.sources.used == .counters.stage.admit - .counters.stage.evict'
	status_says '.tables.sources | .used > .room * 0.99'
}

# For long enough that the scan begins and is told in it, on a fast machine too.
@test "ten million forged sources, two million a second if that many can be sent" {
	count=10000000 rate=2000000
	attach
	caught_under_fire 4
	# What the cable or the interface lost never came to us; all_accounted_for has the rest.
	status_says '.counters.parse.ok >= 5000000'
	status_says '.counters.stage | .admit < 1000 and .scan == 1 and .block == 1'
}

# connects_ms ADDRESS SOURCE...: how long a connection to its port 80 takes from each source, all begun
# at once; a line each, the shortest first.
connects_ms() {
	on a python3 - "$@" <<-'END'
	import socket, sys, threading, time
	took = []

	def connect(source):
	    begin = time.monotonic()
	    socket.create_connection((sys.argv[1], 80), 30, (source, 0))
	    took.append(int((time.monotonic() - begin) * 1000))

	threads = [threading.Thread(target=connect, args=(source,)) for source in sys.argv[2:]]
	[thread.start() for thread in threads]
	[thread.join() for thread in threads]
	print(*sorted(took), sep="\n")
	END
}

# A guard that lets next to nothing through: who is new passes by trying again, and who is listed as a
# friend does not wait. Of those who begin at once a few may find a place left.
@test "in a flood a client connects by trying again, and a friend at once" {
	local clients=(198.51.100.{101..112})

	for client in "${clients[@]}"; do
		on a ip addr add "$client/24" dev a0
	done
	attach --probe-rate 250 --allow "$attacker6"
	spawn_ready forge a "$harness/forge" -i a0 --mac 02:00:5e:00:53:01 --count 3000000 \
		--rate 100000 "$target4"
	wait_for at_least held 10000
	friend=$(connects_ms "$target6" "$attacker6")
	mapfile -t took < <(connects_ms "$target4" "${clients[@]}")
	kill "$forge_pid"
	wait "$forge_pid"
	echo "# connected after $friend ms on the allow list, after ${took[0]} to ${took[-1]} ms without" >&3
	[ "$friend" -lt 900 ]
	[ "${#took[@]}" -eq "${#clients[@]}" ]
	[ "${took[-1]}" -ge 1000 ] # RFC 6298, 2.1
	all_accounted_for
	status_says '.probe_rate == 250 and (.counters.stage | .held > .first * 0.9 and .block == 0)'
	interrupt
	grep -q 'warning: flood: [0-9]* probes beyond --probe-rate were dropped' "$loader_err"
}

# A rule that two ports fulfil makes each forged source a block: more than the list holds. What
# happens to the scanner is asked of the list: its event may be among those that were lost.
@test "more forged scans than the block list has places" {
	attach --threshold 6 --probe-rate 0
	spawn_ready forge a "$harness/forge" -i a0 --mac 02:00:5e:00:53:01 --count 100000 \
		--rate 100000 --twice "$target4"
	spawn scan a timeout 60 nmap -sS -n -Pn -T4 -p1-1000 "$target4"
	wait_for -t 60 blocked "$attacker4"
	works_on 4
	wait "$forge_pid"
	kill "$scan_pid" 2>/dev/null || true # it may have ended by itself
	all_accounted_for
	status_says '.counters.stage | .block > 40000 and .block == .scan and .table == 0'
	status_says '.tables.blocks | .used <= .room'
	# What was not told was counted.
	interrupt
	[ "$(($(event scan .event | wc -l) + $(jq .counters.stage.event_lost \
		"$BATS_TEST_TMPDIR/status")))" -ge "$(jq .counters.stage.scan "$BATS_TEST_TMPDIR/status")" ]
	echo "# $(jq -c '.tables.blocks, (.counters.stage | {scan, block, event_lost})' \
		"$BATS_TEST_TMPDIR/status" | tr '\n' ' ')" >&3
}

# The slow engines look at a part of the sources at a time: 16 turns of 3 s for so many packets.
# With their scripted clock, and what becomes of it without turns: tests/prog/test_paces.c.
@test "a scan below the rule's pace in a flood of forged sources" {
	full
	attach
	wire_start "src host $attacker4" "dst host $attacker4"
	spawn_ready forge a "$harness/forge" -i a0 --mac 02:00:5e:00:53:01 --count 10000000 \
		--rate "${FLOOD_RATE:-100000}" "$target4"
	wait_for -t 60 at_least contact_lost 300000 # the turns have begun
	# One packet each 400 ms and no other between them: none is a second one within a window.
	spawn scan a timeout 120 hping3 -n -q -S -i u400000 -c 300 -p ++3001 "$target4"
	wait_for -t 100 told scan "$attacker4"
	kill "$scan_pid" "$forge_pid"
	wire_stop
	measured "SYN, in a flood" 2.5/s 4 "hping3 -S"
	blocked "$attacker4"
	[ "$(event scan .score)" -le 6 ]
	# What was not looked at was counted.
	[ "$(stage contact_lost)" -gt 100000 ]
	echo "# $(stage first) single packets, of them not looked at: $(stage contact_lost)" >&3
}

@test "no cell is missing" { none_missing; }
