#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What a block does and does not do, how long it lasts, who is spared, and what
# the commands say about it.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

# One lab for the file; each test attaches anew and puts back what it changed.
setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	lab_up
	services t --tcp 22 --seconds 600
}

teardown_file() {
	lab_down
}

teardown() {
	end_spawned
	ask detach --all
	nothing_left
	on t sh -c "ip route del default; ip -6 route del default; umount /etc/resolv.conf" \
		2>"$BATS_TEST_TMPDIR/put-back" || true
}

scan4() {
	traffic a probe "$target4" 1 2 3 4 5 6 7
}

scan6() {
	traffic a probe "$target6" 1 2 3 4 5 6 7
}

# reached ADDRESS: does a new connection of the attacker's get through to it.
reached() {
	on a timeout 1 bash -c "exec 3<>/dev/tcp/$1/22; echo word >&3; read -r -t 1 word <&3"
}

# talk ADDRESS: open a connection of the attacker's that stays; say() uses it.
talk() {
	mkfifo "$BATS_TEST_TMPDIR/words"
	spawn talker a sh -c "exec '$repo/tests/harness/traffic.py' echo $1 22 \
		<'$BATS_TEST_TMPDIR/words'"
	exec 4>"$BATS_TEST_TMPDIR/words"
	say hello
	echoed hello
}

say() {
	echo "$1" >&4
}

echoed() {
	wait_for grep -qx "$1" "$talker_out"
}

guarded_as() {
	ask allow list --json | jq -e --arg source "$1" --arg kind "$2" \
		'any(.source == $source and .kind == $kind)'
}

# ---- soft and hard -----------------------------------------------------------

# passed: packets of open connections, by the known-flow cache or past the block.
passed() {
	echo $(($(stage flow) + $(stage spared)))
}

keeps_talking() {
	local before

	talk "$1"
	traffic a probe "$1" 1 2 3 4 5 6 7
	wait_for blocked "$2"
	before=$(passed)
	say again
	echoed again
	[ "$(passed)" -gt "$before" ]
	run ! reached "$1"
	say "still there"
	echoed "still there"
}

@test "soft: an open connection of a blocked source keeps flowing, none can be opened, IPv4" {
	attach
	keeps_talking "$target4" "$attacker4"
}

@test "soft: an open connection of a blocked source keeps flowing, none can be opened, IPv6" {
	attach
	keeps_talking "$target6" "$attacker6"
}

@test "soft: an open connection outlives the neighbours' memory of each other, IPv6" {
	attach
	keeps_talking "$target6" "$attacker6"
	on a ip -6 neigh flush dev a0
	on t ip -6 neigh flush dev t0
	say "who are you"
	echoed "who are you"
}

goes_silent() {
	local dropped

	talk "$1"
	traffic a probe "$1" 1 2 3 4 5 6 7
	wait_for blocked "$2"
	dropped=$(stage drop)
	say again
	# The word itself and what the sender's stack sends again.
	wait_for at_least drop $((dropped + 3))
	run ! grep -qx again "$talker_out"
	[ "$(stage spared)" -eq 0 ]
}

@test "hard: not even an open connection of a blocked source gets through, IPv4" {
	attach --block hard --unproven full
	goes_silent "$target4" "$attacker4"
}

@test "hard: not even an open connection of a blocked source gets through, IPv6" {
	attach --block hard --unproven full
	goes_silent "$target6" "$attacker6"
}

@test "monitor: the scan is told, nobody is blocked" {
	attach --monitor
	scan4
	wait_for told scan "$attacker4"
	[ "$(event scan '"\(.action) \(.reason) \(.until)"')" = "alert monitor null" ]
	reached "$target4"
	[ "$(stage drop)" -eq 0 ]
	ask block list --json | jq -e 'length == 0'
}

# Was the block renewed after its first deadline.
outlasted() {
	[ "$(event renew .time_ns | tail -n 1)" -gt "$(event scan .until_ns)" ]
}

# ---- how long -----------------------------------------------------------------

@test "a block runs out and is told to have" {
	attach --block-time 1s
	scan4
	wait_for told scan "$attacker4"
	run ! reached "$target4"
	wait_for told expire "$attacker4"
	reached "$target4"
	ask block list --json | jq -e 'length == 0'
	[ "$(event expire .source)" = "$attacker4" ]
	[ "$(event expire .time_ns)" -ge "$(event scan .until_ns)" ]
}

@test "a block runs out with nobody there to see it" {
	attach --block-time 1s
	scan4
	wait_for told scan "$attacker4"
	murder
	run ! reached "$target4"
	wait_for reached "$target4"
}

@test "a block is renewed for as long as the source goes on, and told so" {
	attach --block-time 1s
	scan4
	wait_for told scan "$attacker4"
	spawn knocking a hping3 -q -S -i u50000 -c 200 -p 22 "$target4"
	wait_for told renew "$attacker4"
	[ "$(event renew .until_ns | head -n 1)" -gt "$(event scan .until_ns)" ]
	# Beyond the first deadline, and the source has not stopped.
	wait_for outlasted
	blocked "$attacker4"
	run ! told expire
	kill "$knocking_pid"
	wait_for told expire "$attacker4"
	reached "$target4"
}

# ---- by hand --------------------------------------------------------------------

@test "block add, list, del: an operator's block is hard and names prefixes of both families" {
	attach
	talk "$target4"
	reached "$target6"
	ask block add 198.51.100.2/31 2001:db8::2
	run ! reached "$target4"
	run ! reached "$target6"
	say "through a hard block?"
	wait_for at_least drop 4
	run ! grep -q through "$talker_out"
	ask block list --json | jq -e 'map(.source) | sort == ["198.51.100.2/31", "2001:db8::2"]'
	ask block list --json | jq -e 'all(.reason == "manual" and .remaining_s == null)'
	ask block list --json | jq -e 'all(.dropped > 0)'
	ask block del 198.51.100.2/31
	reached "$target4"
	run ! reached "$target6"
	ask block del 2001:db8::2
	reached "$target6"
	run --separate-stderr ask block del 2001:db8::2
	[ "$status" -eq 1 ]
	one_line "2001:db8::2 is not blocked"
}

@test "block add --time ends by itself" {
	attach
	ask block add --time 1s "$attacker4"
	ask block list --json | jq -e '.[0].remaining_s <= 1'
	run ! reached "$target4"
	wait_for reached "$target4"
	ask block list --json | jq -e 'length == 0'
}

@test "block add refuses what would lock the host out, and --force does it" {
	attach
	ask allow add 192.0.2.0/24
	for prefix in "$target4" 198.51.100.0/24 0.0.0.0/0 2001:db8::/32 192.0.2.7; do
		run --separate-stderr ask block add "$prefix"
		[ "$status" -eq 1 ]
		one_line "not blocking $prefix"
	done
	ask block list --json | jq -e 'length == 0'
	ask block add --force 198.51.100.0/24
	ask block list --json | jq -e 'length == 1'
}

@test "block del and block flush lift the detector's blocks" {
	attach
	scan4
	scan6
	wait_for blocked "$attacker4"
	wait_for blocked "$attacker6"
	ask block add 203.0.113.0/24
	ask block list --json | jq -e 'length == 3'
	ask block del "$attacker4"
	wait_for forgotten "$attacker4" # till then its scan lies in the window
	reached "$target4"
	run ! reached "$target6"
	ask block flush
	reached "$target6"
	ask block list --json | jq -e 'length == 0'
}

# ---- who is spared ----------------------------------------------------------------

@test "allow add and del: neither scored nor blocked, then scored and blocked" {
	attach
	ask allow add 198.51.100.0/30 2001:db8::/64
	ask allow list --json | jq -e 'map(select(.kind == "user").source) | sort ==
		["198.51.100.0/30", "2001:db8::/64"]'
	scan4
	scan6
	wait_for at_least allowed 6
	reached "$target4"
	reached "$target6"
	[ "$(stage scan)" -eq 0 ]
	ask allow del 198.51.100.0/30 2001:db8::/64
	scan4
	scan6
	wait_for told scan "$attacker4"
	wait_for told scan "$attacker6"
	run --separate-stderr ask allow del 198.51.100.0/30
	[ "$status" -eq 1 ]
	one_line "198.51.100.0/30"
}

@test "allow add lifts the block that is there" {
	attach
	scan4
	wait_for blocked "$attacker4"
	ask allow add "$attacker4"
	reached "$target4"
	ask block list --json | jq -e 'length == 0'
}

@test "attach --allow spares from the first packet on" {
	attach --allow 198.51.100.2 --allow 2001:db8::/32
	scan4
	scan6
	wait_for at_least allowed 6
	[ "$(stage scan)" -eq 0 ]
	reached "$target4"
	reached "$target6"
}

@test "attach --dst scores only what is sent there" {
	on t ip addr replace 198.51.100.77/24 dev t0
	attach --dst 198.51.100.77 --dst 2001:db8::/64
	scan4
	wait_for at_least unscored 7
	[ "$(stage scan)" -eq 0 ]
	reached "$target4"
	traffic a probe 198.51.100.77 1 2 3 4 5 6 7
	wait_for told scan "$attacker4"
	scan6
	wait_for told scan "$attacker6"
}

# alerted_only SOURCE KIND: its scan was told, and it was spared as what it is.
alerted_only() {
	wait_for told scan "$1"
	[ "$(event scan '"\(.action) \(.reason)"')" = "alert guard" ]
	guarded_as "$1" "$2"
	[ "$(stage drop)" -eq 0 ]
	ask block list --json | jq -e 'length == 0'
}

@test "the default gateway is never blocked, IPv4" {
	on t ip route add default via "$attacker4"
	attach
	scan4
	alerted_only "$attacker4" gateway
	reached "$target4"
}

@test "the default gateway is never blocked, IPv6" {
	on t ip -6 route add default via "$attacker6"
	attach
	scan6
	alerted_only "$attacker6" gateway
	reached "$target6"
}

@test "a resolver in use is never blocked" {
	echo "nameserver $attacker4" >"$BATS_TEST_TMPDIR/resolv.conf"
	on t mount --bind "$BATS_TEST_TMPDIR/resolv.conf" /etc/resolv.conf
	attach
	scan4
	alerted_only "$attacker4" resolver
	reached "$target4"
}

# The loader looks every 3 s.
@test "a gateway and a resolver that come later are never blocked, and may be once they went" {
	: >"$BATS_TEST_TMPDIR/resolv.conf"
	on t mount --bind "$BATS_TEST_TMPDIR/resolv.conf" /etc/resolv.conf
	attach
	run ! guarded_as "$attacker4" resolver
	on t ip -6 route add default via "$attacker6"
	echo "nameserver $attacker4" >"$BATS_TEST_TMPDIR/resolv.conf"
	wait_for -t 10 guarded_as "$attacker6" gateway
	wait_for -t 10 guarded_as "$attacker4" resolver
	scan6
	alerted_only "$attacker6" gateway
	on t ip -6 route del default
	: >"$BATS_TEST_TMPDIR/resolv.conf"
	wait_for -t 10 unguarded
	scan4
	wait_for blocked "$attacker4"
}

unguarded() {
	! guarded_as "$attacker6" gateway && ! guarded_as "$attacker4" resolver
}

@test "an own address is never blocked, whoever forges it" {
	attach
	on a timeout 5 hping3 -q -S -a "$target4" -i u1000 -c 8 -p ++1 "$target4" || true
	alerted_only "$target4" own
}

@test "the peer of the SSH session is never blocked, also behind sudo's clean environment" {
	events=$BATS_TEST_TMPDIR/events
	spawn loader t env "SSH_CONNECTION=$attacker6 50000 $target6 22" sh -c \
		"env -i PATH='$PATH' '$pscan' attach t0 --events '$events'; exit"
	attached_to t0
	scan6
	alerted_only "$attacker6" ssh
	reached "$target6"
}

# ---- what is said -------------------------------------------------------------------

@test "why shows the evidence of a block: ports, types, times, points, deadline" {
	attach
	scan4
	wait_for told scan "$attacker4"
	ask why "$attacker4" --json >"$BATS_TEST_TMPDIR/why"
	jq -e '.block.type == "SYN" and .block.score == 21 and .threshold == 21' \
		"$BATS_TEST_TMPDIR/why"
	jq -e '[.block.evidence[].port] == [1, 2, 3, 4, 5, 6, 7]' "$BATS_TEST_TMPDIR/why"
	jq -e '.block.evidence | all(.type == "SYN" and .proto == "tcp" and .points == 3)' \
		"$BATS_TEST_TMPDIR/why"
	jq -e '.block.evidence | map(.age_ms) | . == (sort | reverse) and .[-1] == 0' \
		"$BATS_TEST_TMPDIR/why"
	jq -e '(.block.until | sub("\\..*"; "Z") | fromdate) -
		(.block.since | sub("\\..*"; "Z") | fromdate) | . >= 59 and . <= 65' \
		"$BATS_TEST_TMPDIR/why"
	ask why "$attacker4" | grep -q "is blocked for a SYN scan"
}

@test "why says what is held against a source that is not blocked, and when it is nothing" {
	attach
	traffic a probe "$target6" 1 2 3
	wait_for at_least scored 2
	ask why "$attacker6" --json | jq -e '.block == null and .record.peak == 9'
	ask why "$attacker6" | grep -q "is not blocked"
	ask why 203.0.113.9 --json | jq -e '.block == null and .record == null'
	ask why 203.0.113.9 | grep -q "nothing is held against 203.0.113.9"
}

@test "every command's JSON is JSON, while the loader runs and after it was killed" {
	attach --save-ports
	scan4
	scan6
	wait_for told scan "$attacker4"
	wait_for told scan "$attacker6"
	for life in running killed; do
		[ $life = running ] || murder
		ask status --json | jq -e --arg life $life '.interfaces[0].ifname == "t0" and
			(.loader_pid == null) == ($life == "killed")'
		ask stats --json | jq -e '.source_count == 2'
		ask stats --json --source "$attacker6" | jq -e '.sources[0].types.SYN.packets == 7'
		ask stats --json --source "$attacker4" | jq -e '.sources[0].saved_ports | length == 7'
		ask block list --json | jq -e 'length == 2'
		ask allow list --json | jq -e 'length >= 4'
		ask why "$attacker4" --json | jq -e '.block.type == "SYN"'
	done
}

@test "attach --json: an object for each event, then the summary" {
	attach --json
	scan4
	wait_for told scan "$attacker4"
	interrupt
	jq -es 'length == 2 and .[0].event == "scan" and .[1].event == "summary"' "$loader_out"
	jq -es '.[1].sources[0] | .source == "198.51.100.2" and .types.SYN.packets == 7 and
		.score_peak == 21 and .detections == 1' "$loader_out"
	nothing_left
}

@test "Ctrl-C detaches and prints a summary that names the source" {
	attach
	scan6
	wait_for told scan "$attacker6"
	interrupt
	grep -q "SCAN $attacker6 SYN 21/21 points, 7 ports 1 2 3 4 5 6 7 of $target6" "$loader_out"
	[ "$(grep -c "$attacker6" "$loader_out")" -ge 2 ]
	[ "$(wc -l <"$loader_err")" -eq 1 ]
	nothing_left
}
