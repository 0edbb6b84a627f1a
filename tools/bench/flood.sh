#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# flood.sh - what is left of a legitimate TCP transfer (iperf3, paced at RATE)
# while a SYN flood from a million forged sources runs against closed ports:
# with pscan-xdp, with a program that passes everything, with nftables' SYN
# limit, and without a flood. Medians of interleaved rounds.
set -euo pipefail
# shellcheck source=tools/bench/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-3} seconds=${FLOOD_SECONDS:-4} rate=${RATE:-500M} pps=${PPS:-300000}
results=$(mktemp)
bench_up bench-flood
tools/lab.sh exec "$lab" t iperf3 -s >/dev/null 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; rm -f "$results"; bench_down' EXIT

setup_pscan() { attach; }
teardown_pscan() { detach; }
setup_bare_pass() { on t ip link set t0 xdp obj "$bench/bare.bpf.o" sec xdp.pass; }
teardown_bare_pass() { on t ip link set t0 xdp off; }
setup_nft_limit() {
	on t nft -f - <<-END
	table netdev bench {
		chain in { type filter hook ingress device t0 priority 0; tcp flags syn / syn,ack limit rate over 1000/second counter drop; }
	}
	END
}
teardown_nft_limit() { on t nft delete table netdev bench; }
setup_no_flood() { :; }
teardown_no_flood() { :; }

# Megabits per second that arrived while the flood ran.
transfer() {
	on a iperf3 -c "$target4" -b "$rate" -t "$seconds" -J |
		jq '.end.sum_received.bits_per_second / 1e6'
}

measure() {
	local name=$1 mbits flood=

	"setup_$name"
	if [ "$name" != no_flood ]; then
		blast --random --count $((pps * (seconds + 2))) --rate "$pps" \
			--seconds $((seconds + 1)) --port 1-1000 >/dev/null &
		flood=$!
	fi
	mbits=$(transfer)
	[ -z "$flood" ] || wait "$flood"
	echo "$name $mbits" >>"$results"
	"teardown_$name"
}

variants="no_flood pscan bare_pass nft_limit"
for ((round = 0; round < rounds; round++)); do
	for variant in $variants; do
		measure "$variant"
	done
done
sort -k1,1 -k2,2n "$results" | awk -v order="$variants" -v pps="$pps" '
	{ v[$1, ++n[$1]] = $2 }
	END {
		count = split(order, name, " ")
		printf "%-12s %14s %16s   (flood of %d SYNs a second)\n", "filter", "median", "of no flood", pps
		for (i = 1; i <= count; i++) {
			x = name[i]; med[x] = v[x, int((n[x] + 1) / 2)]
			printf "%-12s %8.1f Mbit/s %15.2fx\n", x, med[x], med[x] / med["no_flood"]
		}
		printf "{\"bench\":\"flood\",\"pps\":%d", pps
		for (i = 1; i <= count; i++) printf ",\"%s_mbits\":%.1f", name[i], med[name[i]]
		print "}"
	}'
