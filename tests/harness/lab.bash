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
pscan=$repo/build/pscan-xdp
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
	"$lab_sh" up "$lab" "$@"
}

lab_down() {
	[ -z "${lab-}" ] || "$lab_sh" down "$lab"
}

# on a|t CMD...: run CMD in that host and wait for it.
on() {
	"$lab_sh" exec "$lab" "$@"
}

# spawn NAME a|t CMD...: run CMD in that host, behind the test. $NAME_pid is CMD's own
# process, so that `kill $NAME_pid` and `wait $NAME_pid` speak to CMD itself; what it
# prints goes to $NAME_out and $NAME_err. lab_down ends what the test did not.
spawn() {
	local name=$1

	shift
	declare -g "${name}_out=$BATS_TEST_TMPDIR/$name.out" "${name}_err=$BATS_TEST_TMPDIR/$name.err"
	"$lab_sh" exec "$lab" "$@" >"$BATS_TEST_TMPDIR/$name.out" 2>"$BATS_TEST_TMPDIR/$name.err" \
		3>&- &
	declare -g "${name}_pid=$!"
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
		sleep 0.02
	done
}
