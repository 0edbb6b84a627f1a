# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# lib.sh - what the benchmarks that need two hosts share: a lab that goes away
# by itself, the program attached in it, the packet generator, medians. A
# benchmark prints its table on standard error and one object of JSON on
# standard output.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
pscan=$PWD/build/pscan-xdp
bench=$PWD/build/tools/bench
attacker4=198.51.100.2
target4=198.51.100.1
export pscan bench attacker4 target4
lab=
target_dev=t0
attach_pid=

bench_down() {
	[ -z "$attach_pid" ] || kill "$attach_pid" 2>/dev/null || true
	[ -z "$lab" ] || tools/lab.sh down "$lab" >/dev/null 2>&1 || true
}

# bench_up NAME: both hosts; gone when the script ends.
bench_up() {
	lab=$1-$$
	trap bench_down EXIT
	tools/lab.sh up "$lab" --bpffs # iproute2 wants to see one where the outer host has one
	target_mac=$(on t cat /sys/class/net/t0/address)
	# Without an XDP program of its own a veth takes redirected frames only with GRO on.
	on t ethtool -K t0 gro on
}

on() {
	tools/lab.sh exec "$lab" "$@"
}

# attach [OPTION...]: on the target's device, in the background; what it prints goes to $attach_out if set.
attach() {
	tools/lab.sh exec "$lab" t "$pscan" attach "$target_dev" "$@" >"${attach_out:-/dev/null}" 2>&1 &
	attach_pid=$!
	until on t "$pscan" status >/dev/null 2>&1; do
		kill -0 "$attach_pid"
		sleep 0.05
	done
}

detach() {
	kill -INT "$attach_pid"
	wait "$attach_pid"
	attach_pid=
}

# blast OPTION...: frames from the attacker to the target; prints the generator's JSON line.
blast() {
	on a "$bench/blast" --dev a0 --dst-mac "$target_mac" --src "$attacker4" --dst "$target4" "$@"
}

# field KEY: the number behind "KEY": in the JSON on standard input.
field() {
	sed "s/.*\"$1\":\([0-9.]*\).*/\1/"
}

# spread FILE: of its lines NAME VALUE, {"NAME":{"median":M,"least":L,"most":M,"rounds":N},...}.
spread() {
	jq -Rnc '[inputs | split(" ") | { name: .[0], value: (.[1] | tonumber) }]
		| group_by(.name)
		| map({ (.[0].name): (map(.value) | sort | {
			median: .[(length - 1) / 2 | floor], least: first, most: last, rounds: length }) })
		| add' "$1"
}
