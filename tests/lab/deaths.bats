#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Stopped, killed, moved: a loader that stands still under attack, commands that die
# at a random point of what they do, an interface that goes to another network
# namespace. What is kept, and what the user is told. (Loaders that die while they
# attach: faults.bats.)
#
#	KILLS=200 STOP_SECONDS=60 SEED=7 bats tests/lab/deaths.bats
# shellcheck disable=SC2154,SC2030,SC2031 # names set by lab.bash; each test is a subshell

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

setup() {
	need_root
	lab_up
	seed=${SEED:-$RANDOM}
	echo "# seed $seed" >&3
}

teardown() {
	end_spawned
	lab_down
}

scan4() {
	traffic a probe "$target4" 1 2 3 4 5 6 7
}

# ---- stopped ---------------------------------------------------------------------------

@test "loader stopped under attack for STOP_SECONDS: blocks stand, what was lost is told afterwards" {
	local seconds=${STOP_SECONDS:-3} lost unseen

	attach --threshold 6 --block-time 10min --unproven-time 10min
	scan4
	wait_for told scan "$attacker4"
	kill -STOP "$loader_pid"
	# Every source that the attack forges scans; of the first packets of each one is a contact.
	on a timeout $((seconds + 60)) "$harness/forge" -i a0 --mac 02:00:5e:00:53:01 \
		--count $((seconds * 10000)) --rate 10000 --twice "$target4" \
		>"$BATS_TEST_TMPDIR/forge" 2>"$BATS_TEST_TMPDIR/forge.err"
	lost=$(stage event_lost)
	unseen=$(stage contact_lost)
	[ "$lost" -gt 0 ]
	[ "$unseen" -gt 0 ]
	blocked "$attacker4"
	run ! on a ping -q -c 1 -W 1 "$target4"
	ask block add 192.0.2.1
	ask status --json | jq -e --argjson pid "$loader_pid" '.loader_pid == $pid'
	run ! grep -q "lost" "$loader_err"
	kill -CONT "$loader_pid"
	wait_for grep -q "$lost events were lost" "$loader_err"
	wait_for grep -q "$unseen first packets were lost to the slow engines" "$loader_err"
	blocked "$attacker4"
	traffic a probe "$target6" 1 2 3 4 5 6 7
	wait_for told scan "$attacker6"
	echo "# $seconds s: $(stage block) blocks, $lost events and $unseen contacts lost" >&3
}

@test "block list full: said once, with the number" {
	attach --threshold 6 --probe-rate 0 # all that is forged is scored
	on a timeout 60 "$harness/forge" -i a0 --mac 02:00:5e:00:53:01 --count 90000 --rate 200000 \
		--twice "$target4" >"$BATS_TEST_TMPDIR/forge" 2>"$BATS_TEST_TMPDIR/forge.err"
	wait_for grep -qE "the block list is full \(3[12][0-9]{3} of 32768\)" "$loader_err"
	scan4
	wait_for blocked "$attacker4"
	interrupt
	[ "$(grep -c "block list is full" "$loader_err")" -eq 1 ]
}

@test "as many --dst as there may be are watched and no others; one more is refused" {
	local i many=()

	for ((i = 0; i < 1023; i++)); do
		many+=(--dst "10.$((i / 256)).$((i % 256)).0/24")
	done
	run --separate-stderr ask attach t0 "${many[@]}" --dst 10.9.0.0/24 --dst 10.9.1.0/24
	[ "$status" -eq 2 ]
	[[ $stderr == *"more than 1024 times --dst"* ]]
	nothing_left
	attach "${many[@]}" --dst "$target6"
	traffic a probe "$target6" 1 2 3 4 5 6 7
	wait_for told scan "$attacker6"
	scan4
	[ "$(stage unscored)" -ge 7 ]
	run ! blocked "$attacker4"
}

# ---- moved -------------------------------------------------------------------------------

@test "an interface moved to another network namespace: watched on there, said, and detached" {
	local id

	on t mount -t bpf bpf /sys/fs/bpf
	on t ip link add v0 index 201 type veth peer name v1 index 202
	on t ip link set v0 up
	on t ip link set v1 up
	spawn loader t "$pscan" attach v0
	attached_to v0
	id=$(xdp_on v0)
	spawn elsewhere t unshare --net sleep 60
	wait_for apart
	on t ip link set v0 netns "$elsewhere_pid"
	# The last one, and all the same no reason to end.
	wait_for grep -q "v0 went to another network namespace" "$loader_err"
	ask status | grep -q "in another network namespace"
	[ "$(there)" -eq "$id" ]
	# An upgrade hands it on, too.
	murder
	attach
	[ "$(there)" -ne "$id" ]
	[ "$(there)" -eq "$(xdp_on t0)" ]
	scan4
	wait_for told scan "$attacker4"
	interrupt
	[ "$(there)" -eq 0 ]
	nothing_left
}

# The program on v0, where that is now.
there() {
	nsenter --target "$elsewhere_pid" --net ip -j link show v0 | jq '.[0].xdp.prog.id // 0'
}

apart() {
	[ "$(readlink "/proc/$elsewhere_pid/ns/net")" != "$(on t readlink /proc/self/ns/net)" ]
}

# ---- killed ------------------------------------------------------------------------------

# $1 times: the command after $2 runs, and dies within $2 ms at a time of its own. In one
# shell of the target's, which expands it.
# shellcheck disable=SC2016
kill_script='
	RANDOM=$1 rounds=$2 within=$3
	shift 3
	for ((round = 0; round < rounds; round++)); do
		"$@" >/dev/null 2>&1 &
		printf -v time "%d.%04d" 0 $((RANDOM % (within * 10)))
		sleep "$time"
		kill -KILL $! 2>/dev/null
		wait $! 2>/dev/null
	done
	true'

# kill_at ROUNDS MS COMMAND...: one of the commands, in the target.
kill_at() {
	on t bash -c "$kill_script" bash $((seed++)) "$1" "$2" "$pscan" "${@:3}"
}

# Is every address that the list of blocks by hand holds really dropped.
listed_is_dropped() {
	local source

	for source in $(ask block list --json | jq -r '.[] | select(.reason == "manual") | .source'); do
		on a ip addr add "$source/32" dev a0 2>/dev/null || true
		! on a ping -q -c 1 -W 0.2 -I "$source" "$target4" >/dev/null
	done
}

@test "killed at block add and block del: what is listed is dropped, what is not is let in" {
	local round rounds=$((${KILLS:-20} / 10)) i

	on t ip route add 203.0.113.0/24 via "$attacker4"
	attach
	for ((round = 0; round < rounds; round++)); do
		for i in 1 2 3 4; do
			kill_at 1 12 block add "203.0.113.$i" "203.0.113.$((i + 4))"
		done
		listed_is_dropped
		for i in 1 2 3; do
			kill_at 1 12 block del "203.0.113.$i" "203.0.113.$((i + 4))"
		done
		listed_is_dropped
	done
	ask block add 203.0.113.9
	listed_is_dropped
	ask block flush
	for i in 1 5 9; do
		on a ip addr add "203.0.113.$i/32" dev a0 2>/dev/null || true
		wait_for on a ping -q -c 1 -W 1 -I "203.0.113.$i" "$target4"
	done
}

@test "killed at detach: attached or not, and never half; the next detach ends it" {
	local round rounds=$((${KILLS:-40} / 20))

	for ((round = 0; round < rounds; round++)); do
		attach --keep
		scan4
		wait_for told scan "$attacker4"
		murder
		kill_at 3 6 detach --all
		if [ "$(xdp_on t0)" -ne 0 ]; then
			# Off by an explicit word alone: as long as the program is there, it enforces.
			run ! on a ping -q -c 1 -W 0.5 "$target4"
		fi
		ask detach --all
		nothing_left
		on a ping -q -c 1 -W 1 "$target4"
		rm -f "$events"
	done
}

@test "killed while it shares with a group: the next one shares with its own or with nobody" {
	local round rounds=$((${KILLS:-40} / 20))

	for ((round = 0; round < rounds; round++)); do
		kill_at 2 600 attach t0 --group daemon
		attach
		on t find "$pins" -perm /077 | wc -l | grep -qx 0
		[ "$(on t stat -c '%a %g' /sys/fs/bpf)" = "1700 0" ]
		interrupt
		ask detach --all
		nothing_left
	done
}

@test "killed while it writes the resume file: it is whole, or the one before it" {
	local round rounds=$((${KILLS:-20} / 4)) file=$BATS_TEST_TMPDIR/resume whole=0

	for ((round = 0; round < rounds; round++)); do
		spawn scan a "$pscan" scan --syn --no-ping --delay 0.05 -p 1-2000 --resume-file "$file" "$target4"
		wait_for test -s "$scan_out" || true
		kill -INT "$scan_pid"
		sleep "0.0$((RANDOM % 40))"
		kill -KILL "$scan_pid" 2>/dev/null || true
		wait "$scan_pid" || true
		if [ -e "$file" ]; then
			jq -e '.version == 1 and (.phases | length) > 0' "$file"
			whole=$((whole + 1))
		fi
	done
	echo "# $whole of $rounds left a file" >&3
	[ "$(find "$BATS_TEST_TMPDIR" -name 'resume.??????' | wc -l)" -eq 0 ]
	spawn scan a "$pscan" scan --syn --no-ping --delay 1 -p 1-2000 --resume-file "$file" "$target4"
	wait_for test -s "$scan_out" || true
	kill -INT "$scan_pid"
	wait "$scan_pid" || true
	jq -e '.version == 1' "$file"
}
