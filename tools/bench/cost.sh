#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# cost.sh - what it costs to have it running: memory of the maps and the loader,
# the loader's share of a CPU with 100,000 sources tracked, and how soon an
# event is on the terminal.
set -euo pipefail
# shellcheck source=tools/bench/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-5} seconds=${POLL_SECONDS:-3} events=${EVENTS:-200}
work=$(mktemp -d)
bench_up bench-cost
trap 'rm -rf "$work"; bench_down' EXIT

# Bytes that the kernel holds for all maps of the program.
# shellcheck disable=SC2016 # the host's shell expands
maps_bytes() {
	on t sh -c 'for id in $(bpftool -j prog show pinned /sys/fs/bpf/pscan-xdp-v*/prog | jq ".map_ids[]"); do
		bpftool -j map show id "$id"
	done' | jq -s 'map(.bytes_memlock) | add'
}

# Nanoseconds of CPU that the loader has had so far.
cpu_ns() {
	cat "/proc/$attach_pid"/task/*/schedstat | awk '{ ns += $1 } END { printf "%d\n", ns }'
}

tracked() {
	on t "$pscan" status --json | jq .tables.sources.used
}

# ---- memory at the default size ----
attach
maps=$(maps_bytes)
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$attach_pid/status")
detach

# ---- polling with 100,000 sources tracked ----
attach --sources 131072 --monitor
while [ "$(tracked)" -lt 100000 ]; do
	blast --src 10.0.0.0 --sources 131072 --count 500000 --port 3000-3001 >/dev/null
done
sources=$(tracked)
for ((round = 0; round < rounds; round++)); do
	before=$(cpu_ns) begin=${EPOCHREALTIME/./}
	sleep "$seconds"
	awk -v ns=$(($(cpu_ns) - before)) -v us=$((${EPOCHREALTIME/./} - begin)) \
		'BEGIN { printf "poll %.3f\n", ns / us / 10 }' >>"$work/poll"
done
detach

# ---- events ----
mkfifo "$work/events"
"$bench/latency" "$events" <"$work/events" >"$work/latency" &
reader=$!
attach_out=$work/events attach --json
for ((i = 0; i < events; i++)); do
	blast --src "203.0.113.$((i % 250 + 1))" --count 64 --port $((i * 64 + 1))-$((i * 64 + 64)) >/dev/null
	if [ $((i % 250)) -eq 249 ]; then
		on t "$pscan" block flush
	fi
done
detach
wait "$reader"

report=$(jq -nc --argjson maps "$maps" --argjson rss "$rss" --argjson sources "$sources" \
	--argjson spread "$(spread "$work/poll")" --slurpfile latency "$work/latency" '{ bench: "cost",
		maps_mib: ($maps / 1048576 * 10 | round / 10), rss_mib: ($rss / 1024 * 10 | round / 10),
		sources: $sources, poll_percent: $spread.poll, latency: $latency[0] }')
echo "$report"
jq -r '["kernel maps at default size", "\(.maps_mib) MiB"], ["loader, resident", "\(.rss_mib) MiB"],
	["loader\u0027s share of a CPU, \(.sources) sources",
		"\(.poll_percent | "\(.median) % (\(.least)..\(.most))")"],
	["event to its line, median", "\(.latency.median_ms) ms"],
	["event to its line, 99th percentile of \(.latency.events)", "\(.latency.p99_ms) ms"]
	| @tsv' <<<"$report" | awk -F '\t' '{ printf "%-48s %s\n", $1, $2 }' >&2
