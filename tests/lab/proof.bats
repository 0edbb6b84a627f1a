#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What a block rests on and what that makes of it: proven and unproven sources,
# and the client whose address somebody forges. The forger, the scanner and the
# client are one host, under three addresses: the forger's SYN+ACKs reach the
# client's stack, which answers them with RST, as the victim's would.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

client4=198.51.100.3

setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	lab_up
	services t --tcp 22 --seconds 1200
	on a ip addr add "$client4/24" dev a0
	# A veth takes frames that an XDP program sends back only where its peer runs one, too.
	spawn peer a "$pscan" attach a0 --monitor
	wait_for -t 30 grep -q "attached to a0 " "$peer_err"
	on t sysctl -qw net.ipv4.tcp_syncookies=2
}

teardown_file() {
	lab_down
}

teardown() {
	end_spawned
	ask detach --all
	nothing_left
	on a ip route del "$target4" 2>"$BATS_TEST_TMPDIR/put-back" || true
}

# As the scanner: connections to an open port and to closed ones.
connect_scan() {
	traffic a probe "$1" 22 1 2 3 4 5 6 7
}

# why_block SOURCE FILTER: what jq makes of its block.
why_block() {
	ask why "$1" --json | jq -er ".block | $2"
}

proven() {
	[ "$(why_block "$1" .proof)" = "$2" ]
}

# forge FROM RATE_US COUNT [PORT]: SYNs in FROM's name to ports from there or 20 on, with a
# forger's TTL.
forge() {
	spawn forging a hping3 -q -S -a "$1" -t 200 -i "u$2" -c "$3" -p "++${4-20}" "$target4"
}

# From here on the client's connections to the target leave from its own address.
be_the_client() {
	on a ip route replace "$target4" dev a0 src "$client4"
}

# reached SECONDS: does a new connection get through, and what is said on it come back.
reached() {
	on a timeout "$1" bash -c "exec 3<>/dev/tcp/$target4/22; echo word >&3
		read -r -t $1 word <&3 && [ \"\$word\" = word ]"
}

# ---- proof ---------------------------------------------------------------------------

@test "a connect scan that meets an open port is proven and gets the full time" {
	for source in "$attacker4 $target4" "$attacker6 $target6"; do
		read -r from to <<<"$source"
		attach
		connect_scan "$to"
		wait_for told scan "$from"
		wait_for proven "$from" handshake
		why_block "$from" '.span_s == 600 and .ttl == 64 and .proof_ttl == 64'
		why_block "$from" '.engine == "burst" and .response == "soft"'
		jq -es 'map(select(.event == "scan" or .event == "proven")) |
			last | .proof == "handshake" and .engine == "burst"' "$events"
		ask why "$from" >"$BATS_TEST_TMPDIR/why"
		grep -q "proven: it completed a handshake" "$BATS_TEST_TMPDIR/why"
		grep -qx "hint: TTL 64 of the handshake, 64 of the crossing probe" "$BATS_TEST_TMPDIR/why"
		grep -q "tcp/22 .* SYN  *0 points, sum [0-9]*: open$" "$BATS_TEST_TMPDIR/why"
		grep -qx "packets as of connect, which anybody can send" "$BATS_TEST_TMPDIR/why"
		why_block "$from" '.tool == "connect" and
			any(.evidence[]; .port == 22 and .points == 0)'
		ask stats --json | jq -e '.sources[0].proof == "handshake" and .sources[0].span_s == 600'
		ask block list --json | jq -e '.[0].proof == "handshake"'
		ask detach --all
		end_spawned
	done
}

@test "bare SYNs prove nothing, also where a port is open: a minute, and soft" {
	attach --block hard
	on a hping3 -q -S -i u2000 -c 12 -p ++16 "$target4" 2>"$BATS_TEST_TMPDIR/hping" || true
	wait_for told scan "$attacker4"
	why_block "$attacker4" '.proof == "none" and .span_s == 60 and .response == "soft"'
	[ "$(event scan .proof)" = none ]
	ask why "$attacker4" | grep -q "unproven: nothing shows"
	ask status --json | jq -e '.rule.unproven == "soft" and .rule.unproven_s == 60'
	run ! told proven
}

@test "who scans again is blocked twice as long each time, whoever reports" {
	attach --block-time 4s --block-max 9s
	for span in 4 8; do
		connect_scan "$target4"
		wait_for proven "$attacker4" handshake
		why_block "$attacker4" ".span_s == $span"
		wait_for -t 20 told expire "$attacker4"
		: >"$events"
	done
	murder
	attach --block-time 4s --block-max 9s
	connect_scan "$target4"
	wait_for proven "$attacker4" handshake
	why_block "$attacker4" '.span_s == 9'
}

@test "a connection that was there before proves nothing, and outlives the block" {
	attach --block hard
	mkfifo "$BATS_TEST_TMPDIR/words"
	spawn talker a sh -c "exec '$repo/tests/harness/traffic.py' echo $target4 22 \
		<'$BATS_TEST_TMPDIR/words'"
	exec 4>"$BATS_TEST_TMPDIR/words"
	echo hello >&4
	wait_for grep -qx hello "$talker_out"
	sleep 0.5 # beyond the window: its SYN is no evidence any more
	on a hping3 -q -S -i u2000 -c 12 -p ++30 "$target4" 2>"$BATS_TEST_TMPDIR/hping" || true
	wait_for blocked "$attacker4"
	why_block "$attacker4" '.proof == "none"'
	echo "still there" >&4
	wait_for grep -qx "still there" "$talker_out"
	exec 4>&-
	rm "$BATS_TEST_TMPDIR/words"
}

# ---- forged ----------------------------------------------------------------------------

# The window is long, so that it does not matter how fast the forger gets going.
@test "a forger amid a client's own connection: no proof, and both TTLs are shown" {
	attach --window 10s
	be_the_client
	forge "$client4" 2000 2
	wait "$forging_pid" || true # nobody answered it
	reached 5
	forge "$client4" 2000 12 30
	wait_for told scan "$client4"
	why_block "$client4" '.proof == "none" and .ttl == 200 and .proof_ttl == 64'
	why_block "$client4" 'any(.evidence[]; .port == 22 and .points == 0)'
	ask why "$client4" >"$BATS_TEST_TMPDIR/why"
	grep -qx "hint: TTL 64 of the handshake, 200 of the crossing probe: not the same way, \
so the handshake proves nothing" "$BATS_TEST_TMPDIR/why"
	run ! told proven
}

@test "soft: a client whose address is forged waits until the block ends" {
	attach --unproven-time 2s
	forge "$client4" 2000 1000
	wait_for told scan "$client4"
	be_the_client
	run ! reached 1
	why_block "$client4" '.proof == "none" and .ttl == 200'
	kill "$forging_pid"
	wait_for -t 15 told expire "$client4"
	reached 5
}

@test "cookie: a client whose address is forged at full rate connects and transfers" {
	attach --unproven cookie
	spawn forging a timeout 40 hping3 -q -S -a "$client4" -t 200 --flood -p ++20 "$target4"
	wait_for told scan "$client4"
	be_the_client
	before=${EPOCHREALTIME/./}
	for _ in 1 2 3 4 5; do
		reached 10
	done
	echo "# five connections under forgery: $(((${EPOCHREALTIME/./} - before) / 1000)) ms," \
		"$(stage cookie) SYNs answered by then" >&3
	traffic a sessions "$target4" 22 3
	why_block "$client4" '.proof == "none"'
	kill "$forging_pid"
}

@test "cookie: the scanner finds every port open" {
	attach --unproven cookie
	count_start answers a "src host $target4 and tcp[tcpflags] & 18 == 18"
	on a timeout 60 hping3 -q -S -i u3000 -c 200 -p ++101 "$target4" \
		2>"$BATS_TEST_TMPDIR/hping" || true
	wait_for at_least cookie 193
	count_stop answers
	# Six are answered by the stack, all closed; the seventh is the crossing probe.
	[ "$(counted answers sports)" -eq 193 ]
	[ "$(counted answers packets)" -eq 193 ]
	why_block "$attacker4" '.proof == "none"'
}

@test "cookie: handshakes with ports where nobody listens prove the scanner" {
	attach --unproven cookie
	on a hping3 -q -S -i u2000 -c 12 -p ++30 "$target4" 2>"$BATS_TEST_TMPDIR/hping" || true
	wait_for told scan "$attacker4"
	why_block "$attacker4" '.proof == "none"'
	traffic a probe "$target4" 501 502 503
	wait_for proven "$attacker4" cookie
	why_block "$attacker4" '.span_s == 600'
	wait_for told proven "$attacker4"
	[ "$(event proven .proof)" = cookie ]
}

@test "cookie: no answer goes out beyond the rate" {
	attach --unproven cookie --cookie-rate 200
	forge "$attacker4" 2000 20
	wait_for told scan "$attacker4"
	wait "$forging_pid" || true
	count_start answers a "src host $target4 and tcp[tcpflags] & 18 == 18"
	on a timeout 30 hping3 -q -S -i u250 -c 8000 -p ++1000 "$target4" \
		2>"$BATS_TEST_TMPDIR/hping" || true
	wait_for at_least cookie_over 1000
	count_stop answers
	packets=$(counted answers packets)
	span=$(jq -e '.last - .first' "$BATS_TEST_TMPDIR/answers.out")
	echo "# $packets answers in $span s under a limit of 200 a second" >&3
	jq -en --argjson n "$packets" --argjson s "$span" '$n <= 200 * $s + 3 and $n >= 150 * $s'
}

@test "cookie: refused where listeners would not accept them" {
	on t sysctl -qw net.ipv4.tcp_syncookies=1
	run --separate-stderr on t "$pscan" attach t0 --unproven cookie
	on t sysctl -qw net.ipv4.tcp_syncookies=2
	[ "$status" -eq 1 ]
	one_line "sysctl net.ipv4.tcp_syncookies=2"
	ask check --json | jq -e 'any(.check == "SYN cookies" and .result == "ok")'
}
