# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154 # names set by lab.bash
#
# detector.bash - what a lab test says about the program under test: attach it,
# ask it, read its events, show that it changed nothing. Loaded after lab.bash:
#
#	load ../harness/lab
#	load ../harness/detector
#
# What the program answers is read as JSON, never as text.

pins=/sys/fs/bpf/pscan-xdp-v5
export pins

# attach [OPTION...]: the program on t0, events going to $events. $loader_pid runs it.
attach() {
	events=$BATS_TEST_TMPDIR/events
	spawn loader t "$pscan" attach t0 --events "$events" "$@"
	attached_to t0
}

# attached_to IFACE: wait until the loader says that it is. The verifier takes a third of a
# second, and much longer on a machine that is busy with something else.
attached_to() {
	if ! wait_for -t 20 grep -q "attached to $1 " "$loader_err"; then
		cat "$loader_err" >&2
		return 1
	fi
}

# ask COMMAND...: one of the other commands, in the target.
ask() {
	on t "$pscan" "$@"
}

# stage NAME: how many packets left the detection flow at that counter.
stage() {
	ask status --json | jq -e ".counters.stage.$1"
}

# at_least STAGE N: has that counter reached N; for wait_for.
at_least() {
	[ "$(stage "$1")" -ge "$2" ]
}

# forgotten SOURCE: is it neither blocked nor anything of it in the rule's window; for wait_for.
forgotten() {
	ask why "$1" --json | jq -e '.block == null and (.record.score // 0) == 0'
}

# polls N: has the loader looked N times since then; for wait_for. It has to run with -v.
polls() {
	[ "$(grep -c '^pscan-xdp: poll: ' "$loader_err")" -ge "$1" ]
}

# two_polls: until everything that was sent before is judged by every engine.
two_polls() {
	wait_for -t 20 polls $(($(grep -c '^pscan-xdp: poll: ' "$loader_err") + 2))
}

# load_begins: what the program saw, told and blocked so far does not belong to the load.
load_begins() {
	seen_before=$(seen)
	scans_before=$(stage scan)
	told_before=$(wc -l <"$events")
}

# seen: the packets that the program could read.
seen() {
	ask status --json | jq .counters.parse.ok
}

# told_since FILTER: how many events of the load jq's FILTER is true of.
told_since() {
	tail -n "+$((told_before + 1))" "$events" | jq -s "map(select($1)) | length"
}

# all_quiet N: the program saw at least N packets of the load, and no engine told or blocked
# anything. The loader has to run with -v.
all_quiet() {
	local packets scans blocks

	two_polls
	packets=$(($(seen) - seen_before))
	scans=$(told_since '.event == "scan" or .event == "crowd"')
	blocks=$(told_since '.action == "block"')
	cell loads "load=$BATS_TEST_DESCRIPTION" "packets=$packets" "scans=$scans" "blocks=$blocks"
	tail -n "+$((told_before + 1))" "$events" >&2
	[ "$packets" -ge "$1" ]
	[ "$scans" -eq 0 ]
	[ "$blocks" -eq 0 ]
	[ "$(stage scan)" -eq "$scans_before" ]
	ask block list --json | jq -e 'length == 0'
}

# event KIND FILTER: print what jq's FILTER makes of each event of that kind.
event() {
	jq -r "select(.event == \"$1\") | $2" "$events"
}

# told KIND [SOURCE]: was such an event told; for wait_for.
told() {
	[ -e "$events" ] && jq -es --arg kind "$1" --arg source "${2-}" \
		'any(.event == $kind and ($source == "" or .source == $source))' "$events"
}

# blocked SOURCE: does the program hold a block in force against it.
blocked() {
	ask why "$1" --json | jq -e '.block != null'
}

# interrupt: Ctrl-C for the loader; hands on its exit status.
interrupt() {
	kill -INT "$loader_pid"
	wait "$loader_pid"
}

# murder: SIGKILL for the loader, and wait until it is gone.
murder() {
	kill -KILL "$loader_pid"
	wait "$loader_pid" || [ $? -eq 137 ]
}

# cell TABLE NAME=VALUE...: add a row to a table of `make coverage`, which names the
# file in PSCAN_COVERAGE; nothing otherwise. Numbers stay numbers.
cell() {
	local table=$1 pair args=()

	[ -n "${PSCAN_COVERAGE-}" ] || return 0
	shift
	for pair in "$@"; do
		args+=(--arg "${pair%%=*}" "${pair#*=}")
	done
	jq -cn --arg table "$table" "${args[@]}" \
		'reduce ($ARGS.named | to_entries[]) as $cell ({};
			.[$cell.key] = ($cell.value as $text | try ($text | tonumber) catch $text))' \
		>>"$PSCAN_COVERAGE"
}

# traffic a|t KIND SERVER...: ordinary traffic or bare probes from there; see traffic.py.
traffic() {
	local host=$1

	shift
	on "$host" timeout 60 "$repo/tests/harness/traffic.py" "$@"
}

# end_spawned: end what the test spawned and did not stop.
end_spawned() {
	local pids

	mapfile -t pids < <(jobs -p)
	kill "${pids[@]}" 2>/dev/null || true
	kill -CONT "${pids[@]}" 2>/dev/null || true # a test may have left one stopped
	wait
}

# xdp_on IFACE: print the id of the XDP program on that interface of the target, 0 for none.
xdp_on() {
	on t ip -j link show "$1" | jq '.[0].xdp.prog.id // 0'
}

# nothing_left: no program on t0, nothing pinned.
nothing_left() {
	[ "$(xdp_on t0)" -eq 0 ]
	on t test ! -e "$pins"
}

# one_line TEXT: the program failed with exactly one line, and it holds TEXT. Call it
# after `run --separate-stderr`.
one_line() {
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ] || {
		echo "not one line: $stderr" >&2
		return 1
	}
	[[ $stderr == "pscan-xdp"*": "*"$1"* ]] || {
		echo "'$1' is not in: $stderr" >&2
		return 1
	}
}
