#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# coverage.sh - what is found, how soon, and what is left in peace: the cells that
# the lab tests measured, as Markdown tables. Each cell is a test that fails when
# it gets worse; here they are only laid out.
#
#	tools/coverage.sh CELLS            every cell
#	tools/coverage.sh --summary CELLS  a line per engine and technique
set -euo pipefail

usage() {
	echo "Usage: tools/coverage.sh [--summary] CELLS" >&2
	exit 2
}

mode=full
if [ "${1-}" = --summary ]; then
	mode=summary
	shift
fi
if [ $# -ne 1 ] || [ ! -f "$1" ]; then
	usage
fi

# shellcheck disable=SC2016 # jq's variables
common='
def row: "| " + (map(tostring) | join(" | ")) + " |";
def ms: if . == null then "-" elif . >= 60000 then "\(. / 60000 | . * 10 | round / 10) min"
	elif . >= 1000 then "\(. / 1000 | . * 10 | round / 10) s" else "\(. * 10 | round / 10) ms" end;
def program: .tool | split(" ") | if .[0] == "pscan-xdp" then "pscan-xdp scan" else .[0] end;
'

# shellcheck disable=SC2016,SC2034 # named by $mode
full='
["technique", "rate", "family", "tool", "engine", "detected", "named", "closed ports answered", "open",
 "first probe to block"],
["---", "---", "---", "---", "---", "---", "---", "---:", "---:", "---:"],
(.[] | select(.table == "scans") | [.technique, .rate, .family, "`\(.tool)`", .engine, .detected,
	.named, .answered, .open, (.ms | ms)])
| row'

# shellcheck disable=SC2016,SC2034 # named by $mode
summary='
["engine", "technique", "rate", "tried with", "family", "closed ports answered",
 "first probe to block"],
["---", "---", "---", "---", "---", "---:", "---:"],
([.[] | select(.table == "scans")] | group_by([.engine, .technique, .rate == "-T1"])[]
	| [.[0].engine, .[0].technique, (map(.rate) | unique | join(", ")),
	   (map(program) | unique | join(", ")), (map(.family) | unique | join(", ")),
	   "\(map(.answered) | min) to \(map(.answered) | max)", "at most \(map(.ms) | max | ms)"])
| row'

# shellcheck disable=SC2016,SC2034 # 
loads='
["everyday load", "packets", "detections", "blocks"],
["---", "---:", "---:", "---:"],
(.[] | select(.table == "loads") | [.load, .packets, .scans, .blocks])
| row'

jq -rs "$common ${!mode}" "$1"
echo
jq -rs "$common $loads" "$1"
