#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# growth.sh - how the cost of a packet grows, and a picture of each series in
# build/bench/. Table on standard error, JSON on standard output. RUNS (7),
# REPEAT (500000) packets each.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=build/bench
mkdir -p "$dir"

report=$(build/tools/bench/growth "${RUNS:-7}" "${REPEAT:-500000}")
echo "$report"
if ! type gnuplot >/dev/null 2>&1; then
	echo "growth.sh: no pictures without gnuplot (package gnuplot-nox)" >&2
	exit 0
fi

# X LEAST LEAST MEDIAN DROPPED SCORED of every line, in a file named after it.
lines=$(jq -r 'to_entries[] | select(.value | type == "object") | .key as $series
	| .value | to_entries[] | select(.value | type == "array") | "\($series).\(.key)"' <<<"$report")
for line in $lines; do
	jq -r --arg line "$line" 'getpath($line | split("."))[]
		| [.x, .ns, .ns, .median, .dropped, .scored] | @tsv' <<<"$report" >"$dir/$line.dat"
done

# The words over a picture follow from the figures in it: flat is what grows by less than a third.
jq -r '
	def over($a; $b): if $b > 0 then $a / $b else 0 end;
	def times: . * 10 | round / 10 | "\(.)x";
	def course($from; $to):
		over((map(select(.x <= $to)) | last.ns); (map(select(.x >= $from)) | first.ns))
		| if . < 1.34 and . > 0.75 then "flat (\(times))" else times end;
	def said($series; $what; $why):
		"\($series)_head = \("{/:Bold=13 \($what)}\n{/=12 \($why[0])}\n{/=12 \($why[1])}" | @json)";

	.limits as $limits | (.allowed.unlisted | last.x) as $taken
	| "sources_limit = \($limits.sources)", "blocked_limit = \($limits.blocked)",
	"allowed_limit = \($limits.allowed)", "ports_limit = \($limits.ports)",
	said("sources";
		"Cost from 100 sources to a full table: a new port \(.sources.new_port | course(0; $limits.sources)), "
			+ "the same port again \(.sources.same_port | course(0; $limits.sources))";
		["Each packet needs the record of its source, or its mark of 8 bytes: what grows is the way to memory.",
		"Of a million sources few reach a record: their marks are overwritten, or run out, before their next port."]),
	said("blocked";
		"Cost from 100 blocked sources to a full list: a packet of one \(.blocked.blocked_source | course(0; $limits.blocked))";
		["One hash look-up, however many are blocked: what grows is the way to memory. Told to block more than it holds,",
		"the list forgets the least active; what they send passes the gate and is scored anew, at the price of scoring."]),
	said("allowed";
		"Cost from one prefix to a full list: a new port \(.allowed.unlisted | course(0; $limits.allowed)), "
			+ "from a listed source \(.allowed.listed | course(0; $limits.allowed)), "
			+ "the same port again \(.allowed.same_port | course(0; $limits.allowed))";
		["The list is a trie: deeper with more prefixes. Only what would score a new point asks it, nothing else ever does.",
		"Of 100,000 prefixes \($taken) were taken, then the list was full and said so."]),
	said("ports";
		"Cost from 100 to 1,000,000 ports a second: scored on and on \(.ports.monitor | course(100; 1e6)), "
			+ "blocked \(.ports.block | course(100; 1e6))";
		["A new port is compared with those of the last 300 ms, 32 at most. Who crosses the threshold is blocked and costs",
		"as much as any blocked source. The clock is scripted: reading the real one is not in these figures."])
	' <<<"$report" >"$dir/said.gp"
gnuplot -e "dir = '$dir'" tools/bench/growth.gp
