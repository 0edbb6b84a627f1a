#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# replay.sh - how long replay takes over a large capture, against a libpcap
# loop that does nothing with the same file; and how much memory. Table on
# standard error, JSON on standard output.
# The promise of 2 is for the rule alone; with the slow engines it is 4: one packet in
# seven of this capture is a source's first to a port, and each of those waits for
# its outcome and is looked at again.
#
# PACKETS=N (5000000) and ROUNDS=N (5) change the size; the best round of each
# counts, in turn, so that both meet the same machine.
set -euo pipefail
# shellcheck source=tools/bench/lib.sh
. "$(dirname "$0")/lib.sh"
packets=${PACKETS:-5000000}
rounds=${ROUNDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

capture=$work/capture.pcap
"$bench/replay" gen "$capture" "$packets"
cat "$capture" >/dev/null # the page cache holds it from here on
for ((round = 0; round < rounds; round++)); do
	read -r seconds _ < <("$bench/replay" cost "$bench/replay" loop "$capture")
	echo "loop $seconds" >>"$work/seconds"
	read -r seconds _ < <("$bench/replay" cost "$pscan" replay --slow off --monitor "$capture")
	echo "rule $seconds" >>"$work/seconds"
	read -r seconds memory_kb < <("$bench/replay" cost "$pscan" replay --monitor "$capture")
	echo "replay $seconds" >>"$work/seconds"
done

rm "$capture"
"$bench/replay" forge "$capture" "$packets"
read -r _ forged_kb < <("$bench/replay" cost "$pscan" replay --monitor -s "$capture")

report=$(spread "$work/seconds" | jq -c --argjson packets "$packets" --argjson kb "$memory_kb" \
	--argjson forged "$forged_kb" '{ bench: "replay", packets: $packets, loop_s: .loop, rule_s: .rule, replay_s: .replay,
		ratio: (.rule.least / .loop.least * 100 | round / 100),
		ratio_slow: (.replay.least / .loop.least * 100 | round / 100), kib: $kb, forged_kib: $forged }')
echo "$report"
jq -r '.packets as $n | def row($what): "\($what)  \(.least) s  \(.least / $n * 1e9 | round) ns/packet  median \(.median) s";
	"packets       \($n)", (.loop_s | row("libpcap loop")), (.rule_s | row("rule alone  ")), (.replay_s | row("replay      ")),
	"ratio         \(.ratio)  (at most 2), \(.ratio_slow) with the slow engines (at most 4)",
	"memory        \(.kib / 1024 | round) MB; \(.forged_kib / 1024 | round) MB with \($n / 2) sources of two ports each"
	' <<<"$report" >&2
