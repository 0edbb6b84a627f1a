#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# replay.sh - how long replay takes over a large capture, against a libpcap
# loop that does nothing with the same file; and how much memory. Fails when
# the ratio is above the promised 2 for the rule alone, or 4 with the slow
# engines: one packet in seven of this capture is a source's first to a port,
# and each of those waits for its outcome and is looked at again.
#
# PACKETS=N (5000000) and ROUNDS=N (5) change the size; the best round of each
# counts, in turn, so that both meet the same machine.
set -euo pipefail

cd "$(dirname "$0")/../.."
packets=${PACKETS:-5000000}
rounds=${ROUNDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

capture=$work/capture.pcap
loop_s=1e9 replay_s=1e9 rule_s=1e9 memory_kb=0

least() {
	awk -v a="$1" -v b="$2" 'BEGIN { print a < b ? a : b }'
}

bench=build/tools/bench/replay
"$bench" gen "$capture" "$packets"
cat "$capture" >/dev/null # the page cache holds it from here on
for ((round = 0; round < rounds; round++)); do
	read -r seconds _ < <("$bench" cost "$bench" loop "$capture")
	loop_s=$(least "$loop_s" "$seconds")
	read -r seconds _ < <("$bench" cost build/pscan-xdp replay --slow off --monitor "$capture")
	rule_s=$(least "$rule_s" "$seconds")
	read -r seconds memory_kb < <("$bench" cost build/pscan-xdp replay --monitor "$capture")
	replay_s=$(least "$replay_s" "$seconds")
done

rm "$capture"
"$bench" forge "$capture" "$packets"
read -r _ forged_kb < <("$bench" cost build/pscan-xdp replay --monitor -s "$capture")

awk -v n="$packets" -v loop="$loop_s" -v replay="$replay_s" -v rule="$rule_s" -v kb="$memory_kb" -v forged="$forged_kb" 'BEGIN {
	printf "packets        %d\n", n
	printf "libpcap loop   %.2f s  %4.0f ns/packet\n", loop, loop / n * 1e9
	printf "rule alone     %.2f s  %4.0f ns/packet\n", rule, rule / n * 1e9
	printf "replay         %.2f s  %4.0f ns/packet\n", replay, replay / n * 1e9
	printf "ratio          %.2f  (at most 2), %.2f with the slow engines (at most 4)\n",
		rule / loop, replay / loop
	printf "memory         %.0f MB; %.0f MB with %d sources of two ports each\n", kb / 1024,
		forged / 1024, n / 2
	exit rule / loop > 2 || replay / loop > 4
}'
