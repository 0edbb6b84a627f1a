#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# cost.sh - what it costs to have it running: memory of the maps and the loader,
# the loader's share of a CPU with 100,000 sources tracked, and how soon an
# event is on the terminal.
set -euo pipefail
# shellcheck source=tools/bench/lib.sh
. "$(dirname "$0")/lib.sh"
seconds=${SECONDS_IDLE:-12} events=${EVENTS:-200}

# User and system time of the loader so far, in clock ticks.
ticks() {
	awk '{ print $14 + $15 }' "/proc/$attach_pid/stat"
}

maps_kib() {
	on t bpftool map show pinned /sys/fs/bpf/pscan-xdp-v2/"$1" |
		awk '{ for (i = 1; i < NF; i++) if ($i == "memlock") print int($(i + 1) / 1024) }'
}

total_maps_kib() {
	local map sum=0

	for map in config counters marks buckets flows blocks allow deny dst locals ports events; do
		sum=$((sum + $(maps_kib "$map")))
	done
	echo "$sum"
}

# ---- memory at the default size ----
bench_up bench-cost
attach
maps=$(total_maps_kib)
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$attach_pid/status")
detach

# ---- polling with 100,000 sources tracked ----
attach --sources 131072 --monitor
while [ "$(on t "$pscan" status --json | sed 's/.*"sources":{"used":\([0-9]*\).*/\1/')" -lt 100000 ]; do
	blast --src 10.0.0.0 --sources 131072 --count 500000 --port 3000-3001 >/dev/null
done
tracked=$(on t "$pscan" status --json | sed 's/.*"sources":{"used":\([0-9]*\).*/\1/')
before=$(ticks)
sleep "$seconds"
after=$(ticks)
share=$(awk -v t=$((after - before)) -v s="$seconds" -v hz="$(getconf CLK_TCK)" \
	'BEGIN { printf "%.3f", 100 * t / hz / s }')
detach

# ---- events ----
fifo=$(mktemp -u)
mkfifo "$fifo"
"$bench/latency" "$events" <"$fifo" >"$fifo.out" &
reader=$!
attach_out=$fifo attach --json
for ((i = 0; i < events; i++)); do
	blast --src "203.0.113.$((i % 250 + 1))" --count 64 --port $((i * 64 + 1))-$((i * 64 + 64)) >/dev/null
	if [ $((i % 250)) -eq 249 ]; then
		on t "$pscan" block flush
	fi
done
wait "$reader" || true
detach
latency=$(cat "$fifo.out")
rm -f "$fifo" "$fifo.out"

printf '%-44s %10s\n' "kernel maps at default size" "$(awk -v k="$maps" 'BEGIN { printf "%.1f MiB", k / 1024 }')"
printf '%-44s %10s\n' "loader, resident" "$(awk -v k="$rss" 'BEGIN { printf "%.1f MiB", k / 1024 }')"
printf '%-44s %10s\n' "loader's share of a CPU, $tracked sources" "$share %"
printf '%-44s %10s\n' "event to its line, median" "$(field median_ms <<<"$latency") ms"
printf '%-44s %10s\n' "event to its line, 99th percentile" "$(field p99_ms <<<"$latency") ms"
printf '{"bench":"cost","maps_kib":%d,"rss_kib":%d,"sources":%d,"poll_cpu_percent":%s,"latency":%s}\n' \
	"$maps" "$rss" "$tracked" "$share" "$latency"
