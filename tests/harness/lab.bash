# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# lab.bash - what a lab test says, in words: a lab of its own, things running in
# it, waiting for what must come true. Loaded by every tests/lab/*.bats:
#
#	load ../harness/lab
#	setup() { need_root; lab_up; }
#	teardown() { lab_down; }
#
# No function here sleeps for a fixed time in the hope that something happened.

repo=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
lab_sh=$repo/tools/lab.sh
built=$repo/build
harness=$repo/build/tests/harness
# Another build of it, as build/san/pscan-xdp: what a sanitizer says fails the test.
pscan=$(realpath "${PSCAN:-$repo/build/pscan-xdp}")
export repo lab_sh built harness pscan

target4=198.51.100.1
target6=2001:db8::1
attacker4=198.51.100.2
attacker6=2001:db8::2
export target4 target6 attacker4 attacker6

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

# Makes this test's lab. Its name is free: file, number of the test, process.
lab_up() {
	lab=$(basename "$BATS_TEST_FILENAME" .bats)-${BATS_TEST_NUMBER:-0}-$$
	export lab
	[ -z "${PSCAN-}" ] || sanitize
	"$lab_sh" up "$lab" "$@"
	lab_pid_a=$("$lab_sh" pid "$lab" a)
	lab_pid_t=$("$lab_sh" pid "$lab" t)
	lab_pid_s=$("$lab_sh" pid "$lab" s 2>/dev/null || true)
	export lab_pid_a lab_pid_t lab_pid_s
}

lab_down() {
	[ -z "${lab-}" ] || "$lab_sh" down "$lab"
	[ -z "${reports-}" ] || nothing_reported
}

# Reports go where also a process without root's identity can write them.
sanitize() {
	reports=$(mktemp -d)
	chmod 1777 "$reports"
	# A test may preload a library of its own.
	export ASAN_OPTIONS=log_path=$reports/report:verify_asan_link_order=0
	export UBSAN_OPTIONS=log_path=$reports/report:print_stacktrace=1
}

nothing_reported() {
	local found=0

	if [ -n "$(ls "$reports")" ]; then
		head -n 60 "$reports"/* >&2
		found=1
	fi
	rm -r "$reports"
	return $found
}

# The build under test is confined as users' are; the sanitizers' cannot be.
need_confinement() {
	[ -z "${PSCAN-}" ] || skip "not under the sanitizers"
}

# enter a|t|s CMD...: become CMD in that host. What `lab.sh exec` does without its start,
# which a test would pay hundreds of times.
enter() {
	local pid=lab_pid_$1

	shift
	exec nsenter --target "${!pid}" --net --mount --wdns="$PWD" -- "$@"
}

# on a|t|s CMD...: run CMD in that host and wait for it.
on() {
	(enter "$@")
}

# addresses HOST: gives it those that standard input adds, as lines for `ip -batch`. An IPv6 one
# has come when it has its route, which the kernel makes in a work queue.
addresses() {
	on "$1" ip -batch -
	wait_for routed "$1"
}

routed() {
	[ "$(on "$1" ip -6 -o addr show scope global | wc -l)" -eq \
		"$(on "$1" ip -6 route show table local | grep -c '^local 2001:')" ]
}

# spawn NAME a|t CMD...: run CMD in that host, behind the test. $NAME_pid is CMD's own
# process, so that `kill $NAME_pid` and `wait $NAME_pid` speak to CMD itself; what it
# prints goes to $NAME_out and $NAME_err. lab_down ends what the test did not.
spawn() {
	local name=$1

	shift
	declare -g "${name}_out=$BATS_TEST_TMPDIR/$name.out" "${name}_err=$BATS_TEST_TMPDIR/$name.err"
	# Here, not only behind the test: nobody may read what an earlier one of this name said.
	rm -f "$BATS_TEST_TMPDIR/$name.out" "$BATS_TEST_TMPDIR/$name.err"
	enter "$@" >"$BATS_TEST_TMPDIR/$name.out" 2>"$BATS_TEST_TMPDIR/$name.err" 3>&- &
	declare -g "${name}_pid=$!"
}

# ended_with STATUS PID: a process of spawn()'s comes to its end, with that status. Not by `run`,
# whose subshell knows the status only of what ended before.
ended_with() {
	local status=0

	wait "$2" || status=$?
	[ "$status" -eq "$1" ]
}

# wait_for [-t SECONDS] CMD...: until CMD succeeds; fails when it has not after 5 s.
wait_for() {
	local seconds=5 deadline

	if [ "$1" = -t ]; then
		seconds=$2
		shift 2
	fi
	deadline=$((${EPOCHREALTIME/./} + seconds * 1000000))
	until "$@" >/dev/null 2>&1; do
		if [ "${EPOCHREALTIME/./}" -ge "$deadline" ]; then
			echo "not true after $seconds s: $*" >&2
			return 1
		fi
		sleep 0.05 # what is asked costs as much, and others run beside
	done
}

# spawn_ready NAME a|t TOOL...: spawn one of the harness tools and wait until it says "ready".
spawn_ready() {
	local err

	spawn "$@"
	err=$BATS_TEST_TMPDIR/$1.err
	if ! wait_for grep -qx ready "$err"; then
		echo "$1 did not start:" >&2
		cat "$err" >&2
		return 1
	fi
}

# stop NAME: end what spawn started as NAME, and hand on its exit status.
stop() {
	local pid=$1_pid

	kill "${!pid}"
	wait "${!pid}"
}

# services a|t --tcp PORTS --udp PORTS...: open ports in that host; see listen.c.
services() {
	local host=$1

	shift
	spawn_ready services "$host" "$harness/listen" "$@"
}

# emulate KIND ADDRESS...: beside the target, another kind of host answers for these
# addresses, with port 22 open; see responder.c for the kinds.
emulate() {
	local kind=$1 address args=()

	shift
	for address in "$@"; do
		args+=(--address "$address")
	done
	spawn_ready emulate t "$harness/responder" -i t0 --like "$kind" --open 22 "${args[@]}"
}

# count_start NAME a|t FILTER: count what matches on that host's end of the cable.
count_start() {
	spawn_ready "$1" "$2" "$harness/wirecount" -i "${2}0" --seconds 600 "$3"
}

# count_stop NAME: end the counting; fails when the count is not exact.
count_stop() {
	stop "$1"
}

# counted NAME KEY...: print these counts, one a line; see wirecount.c for the keys.
counted() {
	local out=$BATS_TEST_TMPDIR/$1.out key

	shift
	for key in "$@"; do
		jq -e ".$key" "$out"
	done
}

# drop_at a|t RULE: that host drops the IP packets that reach it and match the nft rule.
# Address resolution is spared: its loss costs whole seconds and tests nothing of ours.
# Captures and XDP programs on the same interface still see what is dropped here.
drop_at() {
	on "$1" nft -f - <<-RULES
		table netdev lab
		delete table netdev lab
		table netdev lab {
			chain loss {
				type filter hook ingress device "${1}0" priority 0;
				icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
				meta protocol { ip, ip6 } $2 drop
			}
		}
	RULES
}

# lossy a|t PERCENT: that host loses PERCENT (0 to 99) of what reaches it, at random.
lossy() {
	drop_at "$1" "numgen random mod 100 < $2"
}

# silent a|t: that host answers nothing but address resolution.
silent() {
	drop_at "$1" ""
}
