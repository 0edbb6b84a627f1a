#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# What goes wrong around a detector that is left on: full tables, full disks, file
# systems and interfaces that go away, clocks that step, loaders that stop, race
# and die. Each test says what is kept and what the user is told. More of them:
# interfaces deleted, down and up (life.bats), a full allow list (refuse.bats),
# maps that a killed loader left half made (halfway.bats).
# shellcheck disable=SC2154,SC2030,SC2031 # names set by lab.bash; each test is a subshell

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

setup() {
	need_root
	lab_up
}

teardown() {
	end_spawned
	lab_down
}

scan4() {
	traffic a probe "$target4" 1 2 3 4 5 6 7
}

# forge_scans N: two low ports from each of N forged sources; under --threshold 6 each scans. They
# come faster than a flood is scored: with --probe-rate 0 each of them is, or when watched only.
forge_scans() {
	on a timeout 60 "$harness/forge" -i a0 --mac 02:00:5e:00:53:01 --count $(($1 * 2)) \
		--rate 200000 --twice "$target4" >"$BATS_TEST_TMPDIR/forge" \
		2>"$BATS_TEST_TMPDIR/forge.err"
}

table() {
	ask status --json | jq -e ".tables.$1.$2"
}

# ---- tables that are full ------------------------------------------------------------

@test "loader stopped under attack, ring buffer full: blocks go on, what was lost is counted and told" {
	local lost

	# A minute of events is what fills the ring, not a minute: a stopped loader costs nothing else.
	attach --threshold 6 --block-time 2s --probe-rate 0
	kill -STOP "$loader_pid"
	forge_scans 5000
	scan4
	blocked "$attacker4"
	lost=$(stage event_lost)
	[ "$lost" -gt 1000 ]
	[ "$(stage block)" -gt 4000 ]
	# Nobody sweeps, and the deadline is kept all the same.
	wait_for not_blocked "$attacker4"
	on a ping -q -c 1 -W 1 "$target4"
	kill -CONT "$loader_pid"
	wait_for grep -q "$lost events were lost" "$loader_err"
	[ "$(grep -c "events were lost" "$loader_err")" -eq 1 ]
	ask stats --json | jq -e --argjson lost "$lost" '.lost == $lost'
	scan4
	wait_for told scan "$attacker4"
	jq -es 'length > 1000' "$events" >"$BATS_TEST_TMPDIR/valid"
	[ "$(stage event_lost)" -eq "$lost" ]
}

not_blocked() {
	! blocked "$1"
}

@test "source table full: records make room, are counted, and the next scan is seen" {
	attach --sources 1024 --monitor
	forge_scans 4000
	wait_for at_least evict 1000
	[ "$(table sources used)" -le 1024 ]
	[ "$(table sources used)" -gt 900 ]
	[ "$(($(stage admit) - $(stage evict)))" -eq "$(table sources used)" ]
	scan4
	wait_for told scan "$attacker4"
}

@test "block list full: the least active make room, the next scanner is blocked all the same" {
	attach --threshold 6 --probe-rate 0
	forge_scans 45000
	wait_for at_least block 35000
	[ "$(table blocks used)" -le 32768 ]
	[ "$(stage table)" -eq 0 ]
	scan4
	wait_for blocked "$attacker4"
	run ! on a ping -q -c 1 -W 1 "$target4"
	kill -0 "$loader_pid"
}

@test "saved ports full: the least probed make room, detection goes on" {
	attach --sources 65536 --save-ports --monitor --threshold 6
	forge_scans 20000
	scan4
	wait_for told scan "$attacker4"
	[ "$(on t bpftool -j map dump pinned "$pins/ports" | jq length)" -le 32768 ]
	ask stats --json --source "$attacker4" | jq -e '.sources[0].saved_ports | length == 7'
}

# fill_deny: prefixes 2001:db8:1::/128 and on, until there is room for none.
fill_deny() {
	awk -v map="$pins/deny" 'BEGIN {
		for (i = 0; i <= 65536; i++)
			printf "map update pinned %s key hex 80 00 00 00 20 01 0d b8 00 01 " \
				"00 00 00 00 00 00 00 %02x %02x %02x value hex " \
				"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 " \
				"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n",
				map, i / 65536, i / 256 % 256, i % 256
	}' >"$BATS_TEST_TMPDIR/fill"
	run on t bpftool batch file "$BATS_TEST_TMPDIR/fill"
	[ "$status" -ne 0 ]
}

@test "operator's block list full: the command says so, and all that was on it stays" {
	attach
	ask block add 192.0.2.0/24
	fill_deny
	[ "$(table deny used)" -eq "$(table deny room)" ]
	run --separate-stderr ask block add 203.0.113.1
	[ "$status" -eq 1 ]
	one_line "the list is full"
	[ "$(table deny used)" -eq "$(table deny room)" ]
	ask why 192.0.2.7 --json | jq -e '.manual != null'
	ask block del 2001:db8:1::1
	ask block add 203.0.113.1
	scan4
	wait_for told scan "$attacker4"
}

@test "more own addresses than fit: said once, and who must not be blocked is known all the same" {
	for ((i = 0; i < 1200; i++)); do
		echo "addr add 203.0.$((100 + i / 250)).$((i % 250 + 1))/32 dev lo"
	done >"$BATS_TEST_TMPDIR/addresses"
	on t ip -batch "$BATS_TEST_TMPDIR/addresses"
	on t ip route add default via "$attacker4"
	attach
	wait_for grep -q "more addresses than the 1024" "$loader_err"
	[ "$(on t bpftool -j map dump pinned "$pins/locals" | jq length)" -le 1024 ]
	ask allow list --json | jq -e --arg gateway "$attacker4" \
		'any(.source == $gateway and .kind == "gateway")'
	traffic a probe "$target6" 1 2 3 4 5 6 7
	wait_for told scan "$attacker6"
	interrupt
	[ "$(grep -c "more addresses than" "$loader_err")" -eq 1 ]
}

# ---- file systems ------------------------------------------------------------------------

@test "event file on a full disk: said once, blocks go on, later events are whole lines" {
	local disk=$BATS_TEST_TMPDIR/disk whole

	mkdir "$disk"
	on t mount -t tmpfs -o size=12k tmpfs "$disk"
	spawn loader t "$pscan" attach t0 --threshold 6 --events "$disk/events"
	attached_to t0
	forge_scans 100
	wait_for grep -q "writing an event to $disk/events: No space left on device" "$loader_err"
	scan4
	wait_for blocked "$attacker4"
	wait_for grep -q "SCAN $attacker4" "$loader_out"
	[ "$(grep -c "No space left" "$loader_err")" -eq 1 ]
	# Somebody makes room, as log rotation does.
	on t truncate -s 0 "$disk/events"
	traffic a probe "$target6" 1 2 3 4 5 6 7
	wait_for on t grep -q "$attacker6" "$disk/events"
	interrupt
	# What was torn when the disk was full ends where the next record begins.
	whole=$(on t grep -c . "$disk/events")
	[ "$(on t jq -cR 'fromjson? // empty' "$disk/events" | wc -l)" -ge $((whole - 1)) ]
	on t tail -n 1 "$disk/events" | jq -e --arg source "$attacker6" '.source == $source'
	nothing_left
}

@test "bpffs unmounted under a running loader: refused; by force, it goes on and says so" {
	attach
	run ! on t umount /sys/fs/bpf
	on t umount -l /sys/fs/bpf
	wait_for grep -q "/sys/fs/bpf was unmounted or covered" "$loader_err"
	[ "$(program_name t0)" = pscan ]
	scan4
	wait_for told scan "$attacker4"
	run ! on a ping -q -c 1 -W 1 "$target4"
	run --separate-stderr ask status
	[ "$status" -eq 1 ]
	interrupt
	[ "$(grep -c "unmounted" "$loader_err")" -eq 1 ]
	wait_for no_program t0
}

@test "bpffs unmounted under a loader that was to leave it enforcing: it cannot, and says so" {
	attach --keep
	on t umount -l /sys/fs/bpf
	kill -INT "$loader_pid"
	wait "$loader_pid"
	grep -q "cannot leave it enforcing" "$loader_err"
	run ! grep -q "left enforcing" "$loader_err"
	wait_for no_program t0
}

@test "bpffs covered and uncovered again: the loader finds its pins, detach works" {
	attach
	on t mount -t tmpfs tmpfs /sys/fs/bpf
	wait_for grep -q "/sys/fs/bpf was unmounted or covered" "$loader_err"
	on t umount /sys/fs/bpf
	ask status --json | jq -e --argjson pid "$loader_pid" '.loader_pid == $pid'
	ask detach t0
	nothing_left
}

program_name() {
	on t ip -j -d link show "$1" | jq -r '.[0].xdp.prog.name'
}

no_program() {
	[ "$(xdp_on "$1")" -eq 0 ]
}

# ---- interfaces and namespaces ----------------------------------------------------------------

@test "an interface renamed while attached: watched on under its new name, detached by it" {
	attach
	on t ip link set t0 down
	on t ip link set t0 name wan0
	on t ip link set wan0 up
	on t ip addr replace 198.51.100.1/24 dev wan0
	wait_for grep -q "t0 is called wan0 now" "$loader_err"
	wait_for on a ping -q -c 1 -W 1 "$target4"
	scan4
	wait_for told scan "$attacker4"
	[ "$(event scan .interface)" = wan0 ]
	ask status --json | jq -e '.interfaces[0].ifname == "wan0"'
	ask detach wan0
	[ "$(xdp_on wan0)" -eq 0 ]
	on t test ! -e "$pins"
}

# A namespace inside the target's host, with a cable of its own; the target's bpffs.
# shellcheck disable=SC2016 # $0 is the inner shell's
in_namespace='ip link set lo up
	ip link add v0 index 201 type veth peer name v1 index 202
	ip link set v0 up
	ip link set v1 up
	exec "$0" attach v0'

@test "network namespace removed after its loader was killed: the pins stand in nobody's way" {
	on t mount -t bpf bpf /sys/fs/bpf
	spawn loader t unshare --net sh -c "$in_namespace" "$pscan"
	attached_to v0
	on t test -e "$pins/link-201"
	murder
	spawn next t "$pscan" attach t0 --events "$BATS_TEST_TMPDIR/events"
	events=$BATS_TEST_TMPDIR/events
	wait_for grep -q "attached to t0 " "$next_err"
	grep -q "continuing with" "$next_err"
	ask status --json | jq -e '[.interfaces[].ifname] == ["t0"]'
	on t test ! -e "$pins/link-201"
	scan4
	wait_for told scan "$attacker4"
	ask detach --all
	nothing_left
}

# ---- the clock --------------------------------------------------------------------------------

# A clock that the test sets: what the loader reads as CLOCK_REALTIME is this much later. No
# namespace has one of its own, and nothing else in the program reads it.
stepping_clock() {
	cat >"$BATS_TEST_TMPDIR/clock.c" <<-'C'
		#define _GNU_SOURCE
		#include <stdio.h>
		#include <stdlib.h>
		#include <sys/syscall.h>
		#include <time.h>
		#include <unistd.h>

		int clock_gettime(clockid_t id, struct timespec *now)
		{
			long res = syscall(SYS_clock_gettime, id, now), step = 0;
			FILE *f = id == CLOCK_REALTIME ? fopen(getenv("CLOCK_STEP"), "re") : NULL;

			if (f && fscanf(f, "%ld", &step) == 1)
				now->tv_sec += step;
			if (f)
				fclose(f);
			return (int)res;
		}
	C
	gcc -shared -fPIC -o "$BATS_TEST_TMPDIR/clock.so" "$BATS_TEST_TMPDIR/clock.c"
}

# told_at SOURCE SECONDS: was its scan told as of so many seconds from now.
told_at() {
	jq -es --arg source "$1" --argjson at "$2" 'any(.event == "scan" and .source == $source and
		(.time_ns / 1e9 - now - $at | fabs) < 30)' "$events"
}

@test "the wall clock stepped by a day: blocks last as long as they should, events have the new time" {
	stepping_clock
	events=$BATS_TEST_TMPDIR/events
	echo 0 >"$BATS_TEST_TMPDIR/step"
	spawn loader t env LD_PRELOAD="$BATS_TEST_TMPDIR/clock.so" \
		CLOCK_STEP="$BATS_TEST_TMPDIR/step" "$pscan" attach t0 --block-time 2s --events "$events"
	attached_to t0
	scan4
	wait_for told_at "$attacker4" 0
	echo -86400 >"$BATS_TEST_TMPDIR/step"
	blocked "$attacker4"
	# A step back by a day would make this one last a day, if it were in wall time.
	wait_for told expire "$attacker4"
	on a ping -q -c 1 -W 1 "$target4"
	traffic a probe "$target6" 1 2 3 4 5 6 7
	wait_for told_at "$attacker6" -86400
	echo 86400 >"$BATS_TEST_TMPDIR/step"
	sleep 0.4 # the loader looks at the clock every 300 ms
	blocked "$attacker6"
	[ "$(jq -s '[.[] | select(.event == "expire")][0] | .dropped' "$events")" -ge 0 ]
	scan4
	wait_for told_at "$attacker4" 86400
}

# ---- races and deaths ---------------------------------------------------------------------------

# How many of the two loaders of a race still run.
running() {
	local n=0 pid

	for pid in "$one_pid" "$two_pid"; do
		[ ! -e "/proc/$pid/fd/0" ] || n=$((n + 1))
	done
	echo "$n"
}

one_left() {
	[ "$(running)" -eq 1 ]
}

@test "two loaders at the same moment, 20 times: one watches, the other says that it does" {
	local round winner loser

	for ((round = 0; round < 20; round++)); do
		spawn one t "$pscan" attach t0
		spawn two t "$pscan" attach t0
		wait_for -t 20 one_left
		winner=one loser=two
		[ -e "/proc/$one_pid/fd/0" ] || winner=two loser=one
		eval "winner_pid=\$${winner}_pid winner_err=\$${winner}_err loser_err=\$${loser}_err"
		wait_for -t 20 grep -q "attached to t0 " "$winner_err"
		[ "$(wc -l <"$loser_err")" -eq 1 ]
		grep -qE "t0 is already attached, and a running|reports it, under the rule" "$loser_err"
		[ "$(program_name t0)" = pscan ]
		ask status --json | jq -e --argjson pid "$winner_pid" '.loader_pid == $pid'
		kill -INT "$winner_pid"
		wait "$winner_pid"
		nothing_left
	done
}

# Starts the loader and kills it after up to $3 ms, $1 times, with random numbers from seed $2;
# with $5, each is asked to end a moment before. Prints how many died of it. In one shell of the
# target's: it is the loader that is to be late or early, not the lab.
# shellcheck disable=SC2016 # the shell in the target expands it
kill_script='
	RANDOM=$2 killed=0
	pause() {
		printf -v time "%d.%03d" $(($1 / 1000)) $(($1 % 1000))
		sleep "$time"
	}
	for ((round = 0; round < $1; round++)); do
		"$0" attach t0 >>"$4" 2>&1 &
		pause $((RANDOM % $3))
		if [ -n "${5-}" ]; then
			kill -INT $! 2>/dev/null
			pause $((RANDOM % 50))
		fi
		kill -KILL $! 2>/dev/null
		wait $! 2>/dev/null
		[ $? -ne 137 ] || killed=$((killed + 1))
	done
	echo $killed'

# kill_loaders ROUNDS [ASKED]: as above, over as long as starting takes here and a quarter more;
# what the loaders say goes to $died.
kill_loaders() {
	on t bash -c "$kill_script" "$pscan" "$1" "$seed" "$span_ms" "$died" ${2:+"$2"}
}

# How long is a loader's way from its start to being attached; leaves none behind.
measure_span() {
	local start=${EPOCHREALTIME/./}

	attach
	span_ms=$(((${EPOCHREALTIME/./} - start) / 800))
	# On a machine that is busy with something else, better early deaths than a long test.
	[ "$span_ms" -le 1000 ] || span_ms=1000
	seed=$RANDOM
	died=$BATS_TEST_TMPDIR/died
	echo "# seed $seed, within $span_ms ms" >&3
}

# Both kill tests take KILLS rounds in all: 50 say within seconds what 200 say more surely.
@test "killed at random points under fire: not one packet of a blocked source passes" {
	local dropped rounds=$((${KILLS:-50} * 3 / 4))

	measure_span
	scan4
	wait_for told scan "$attacker4"
	murder
	# Captures on t0 see what the program lets pass, and nothing else.
	spawn_ready passed t "$harness/wirecount" -i t0 --seconds 300 "src host $attacker4 and tcp"
	spawn flood a timeout 300 hping3 -i u2000 -q -S -p 22 "$target4"
	dropped=$(stage drop)
	[ "$(kill_loaders "$rounds")" -eq "$rounds" ]
	wait_for at_least drop $((dropped + 100))
	kill "$flood_pid"
	count_stop passed
	[ "$(counted passed packets)" -eq 0 ]
	echo "# $(grep -c "attached to t0" "$died" || true) had attached, $(stage drop) packets dropped" >&3
	# It was attached to the end; whoever comes now goes on with all of it.
	attach
	grep -q "continuing with" "$loader_err"
	blocked "$attacker4"
	[ "$(stage scan)" -eq 1 ]
	run ! grep -E "something else|cannot" "$died"
	interrupt
	ask detach --all
	nothing_left
}

@test "killed while making and removing everything: the next one starts, detach ends it" {
	local round

	measure_span
	interrupt
	for ((round = 0; round < ${KILLS:-50} / 20; round++, seed++)); do
		kill_loaders 5 asked
		if ((round % 2)); then
			attach
			scan4
			wait_for told scan "$attacker4"
			rm "$events"
			interrupt
		fi
		ask detach --all
		nothing_left
	done
	run ! grep -E "something else|cannot" "$died"
}
