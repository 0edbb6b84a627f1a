#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# all.sh - every benchmark, one after the other, in one table: make bench.
#
# What each of them prints is in build/bench/NAME.txt, everything in
# build/bench/bench.json; table.jq holds the targets. QUICK=1 is a round of a few
# minutes whose figures are rough. BENCHES names those to run, all unless told.
# Fails when one could not be run, not when a target is missed.
set -uo pipefail
set -m # a job is a process group: what a benchmark has started ends with it
cd "$(dirname "$0")/../.." || exit 1
dir=build/bench
quick=${QUICK:-}
benches=${BENCHES:-size prog drop growth flood cost scan replay}
running=''
failed=()

[ "$(id -u)" -eq 0 ] || {
	echo "all.sh: loading programs and making network namespaces needs root: sudo make bench" >&2
	exit 1
}

interrupted() {
	trap - INT TERM
	[ -z "$running" ] || kill -TERM "$running" 2>/dev/null
	wait
	exit 130
}
trap interrupted INT TERM

# The most that benchmark $1 may take, in seconds.
limit() {
	case $1 in
	prog | flood | scan) echo 420 ;;
	*) echo 240 ;;
	esac
}

# What makes benchmark $1 as long as it is to be here.
settings() {
	case $1:${quick:+quick} in
	drop:quick) echo ROUNDS=2 FRAMES=1000000 ;;
	growth:quick) echo RUNS=2 REPEAT=40000 ;;
	flood:quick) echo ROUNDS=1 FLOOD_SECONDS=1 ;;
	cost:quick) echo ROUNDS=2 POLL_SECONDS=2 EVENTS=40 ;;
	scan:quick) echo RUNS=2 PEER_RUNS=1 QUICK=1 "PARTS=many_ports" ;;
	scan:) echo RUNS=5 PEER_RUNS=3 QUICK=1 "PARTS=many_ports many_hosts silent_ports memory" ;;
	replay:quick) echo PACKETS=1000000 ROUNDS=2 ;;
	growth:) echo RUNS=7 REPEAT=200000 ;;
	esac
}

# run NAME: its JSON in $dir/NAME.json, everything else it says in $dir/NAME.txt.
run() {
	local name=$1 variables=() begin=$SECONDS status=0

	printf '  %-8s %-8s ' BENCH "$name" >&2
	mapfile -t variables < <(split_settings "$name")
	timeout -k 15 "$(limit "$name")" env "${variables[@]}" "tools/bench/$name.sh" \
		>"$dir/$name.out" 2>"$dir/$name.txt" </dev/null &
	running=$!
	wait "$running" || status=$?
	running=''
	grep '^{' "$dir/$name.out" | tail -n 1 >"$dir/$name.json"
	grep -v '^{' "$dir/$name.out" >>"$dir/$name.txt"
	rm "$dir/$name.out"
	if [ "$status" -eq 0 ] && jq -e 'type == "object"' "$dir/$name.json" >/dev/null 2>&1; then
		printf '%4d s\n' $((SECONDS - begin)) >&2
		return
	fi
	printf 'FAILED after %d s (exit status %d%s); the end of %s:\n' $((SECONDS - begin)) "$status" \
		"$([ "$status" -eq 124 ] && echo ', out of time')" "$dir/$name.txt" >&2
	tail -n 3 "$dir/$name.txt" >&2
	rm -f "$dir/$name.json"
	failed+=("$name")
}

# One a line; only the last may hold blanks.
split_settings() {
	local line

	line=$(settings "$1")
	[ -n "$line" ] || return 0
	sed -E 's/ ([A-Z_]+=)/\n\1/g' <<<"$line"
}

# The peers that are not here, with the package that would bring them.
missing_peers() {
	local pair

	shopt -s nullglob
	set -- /usr/lib/*/bpf/xdpfilt_alw_ip.o /usr/lib/bpf/xdpfilt_alw_ip.o
	[ $# -gt 0 ] || echo "xdp-filter (xdp-tools)"
	for pair in nft:nftables ipset:ipset iptables:iptables iperf3:iperf3 nmap:nmap \
		masscan:masscan gnuplot:gnuplot-nox; do
		type "${pair%:*}" >/dev/null 2>&1 || echo "${pair%:*} (${pair#*:})"
	done
}

machine() {
	jq -nc --arg cpu "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" --argjson cpus "$(nproc)" \
		--arg kernel "$(uname -r)" --argjson load "$(cut -d ' ' -f 1 /proc/loadavg)" \
		'{ cpu: $cpu, cpus: $cpus, kernel: $kernel, load_before: $load }'
}

lines_to_json() {
	jq -Rnc '[inputs | select(. != "")]'
}

mkdir -p "$dir"
machine=$(machine)
missing=$(missing_peers)
began=$SECONDS
[ -z "$missing" ] || printf 'all.sh: not installed, so not measured: %s\n' "${missing//$'\n'/, }" >&2
for name in $benches; do
	rm -f "$dir/$name.json"
	run "$name"
done

mapfile -t results < <(for name in $benches; do [ ! -e "$dir/$name.json" ] || echo "$dir/$name.json"; done)
jq -n --argjson machine "$machine" --argjson quick "$([ -n "$quick" ] && echo true || echo false)" \
	--argjson missing "$(lines_to_json <<<"$missing")" \
	--argjson failed "$(printf '%s\n' "${failed[@]}" | lines_to_json)" \
	--argjson seconds $((SECONDS - began)) '
	{ machine: $machine, quick: $quick, seconds: $seconds, missing: $missing, failed: $failed,
		benches: (reduce inputs as $one ({}; .[input_filename | sub(".*/"; "") | sub("\\.json$"; "")] = $one)) }' \
	"${results[@]}" >"$dir/results.json"
jq -L tools/bench 'include "table"; . + { rows: rows }' "$dir/results.json" >"$dir/bench.json"
rm "$dir/results.json"
jq -L tools/bench -r 'include "table"; table' "$dir/bench.json"
[ "${#failed[@]}" -eq 0 ]
