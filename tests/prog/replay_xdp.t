#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# replay_xdp.t - the loaded XDP program and the engine agree on every packet of
# every capture there is: verdicts, events, counters, records.
set -euo pipefail
cd "$(dirname "$0")/../.."

program=build/pscan-xdp
mkcap=build/tests/harness/mkcap
chaos=build/tests/harness/chaos
captures=${PSCAN_CAPTURES:-../shared/captures}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

check() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >"$work/out" 2>&1 && grep -q ' 0 differences' "$work/out"; then
		echo "ok $number - $name: $(tail -n 1 "$work/out")"
	else
		sed 's/^/# /' "$work/out"
		echo "not ok $number - $name"
	fi
}

if [ ! -x "$mkcap" ]; then
	echo "1..0 # SKIP $mkcap is not built"
	exit 0
fi
for story in $("$mkcap"); do
	"$mkcap" "$story" "$work/$story.pcap"
done
stories=("$work"/*.pcap)

# One by one, so that none meets the block that another story earned.
each_story() {
	local story

	for story in "${stories[@]}"; do
		"$program" replay --xdp -s "$story" || return 1
	done
}
check "each story, ending with ${stories[-1]##*/}" each_story
check "all stories in a row" "$program" replay --xdp -s "${stories[@]}"
check "stories, hard block of 10 s" "$program" replay --xdp --block hard --block-time 10s \
	"${stories[@]}"
check "stories, every packet scores" "$program" replay --xdp --monitor --count packets \
	"${stories[@]}"
check "stories, psd and replies" "$program" replay --xdp --profile psd \
	--types syn,ack,null,xmas,fin,maimon,other,udp,reply "${stories[@]}"
check "stories, lists" "$program" replay --xdp --allow 198.51.100.8 --deny 198.51.100.9 \
	-i 203.0.113.0/30 -i 2001:db8::/32 "${stories[@]}"
# A million random frames, under a rule of its own each quarter.
seed=0
for options in "--block-time 500ms -s" "--monitor --quiet-time 500ms" \
	"--count packets --block hard --block-time 1s" \
	"--profile psd --block-time 2s --types syn,ack,null,xmas,fin,maimon,other,udp,reply"; do
	seed=$((seed + 1))
	"$chaos" "$work/chaos" 250000 "$seed"
	# shellcheck disable=SC2086 # words on purpose
	check "250000 random frames, $options" "$program" replay --xdp $options "$work/chaos"
done
rm -f "$work/chaos"

if [ -d "$captures" ]; then
	mapfile -t others < <(find "$captures" -name '*.pcap*')
	check "${#others[@]} captures of others" "$program" replay --xdp -s "${others[@]}"
	check "the same, watched" "$program" replay --xdp --monitor "${others[@]}"
else
	number=$((number + 1))
	echo "ok $number - captures of others # SKIP none in $captures; PSCAN_CAPTURES names their folder"
fi
echo "1..$number"
