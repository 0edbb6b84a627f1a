#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - run the tests, all of them or the files named, under one prove.
#
# The rings from the inside out: a fault is reported first by the smallest
# thing that shows it. `make test` builds what is run here.
set -euo pipefail
cd "$(dirname "$0")/.."

# Regular files that can be run, of those the patterns gave.
runnable() {
	local file

	for file in "$@"; do
		if [ -f "$file" ] && [ -x "$file" ]; then
			echo "$file"
		fi
	done
}

all_tests() {
	shopt -s nullglob
	runnable tests/kernels/kernels.t # by far the longest
	runnable build/tests/unit/test_*
	runnable tests/golden/*.t
	runnable tests/fuzz/smoke.t
	runnable build/tests/prog/test_* tests/prog/*.t
	printf '%s\n' tests/lab/*.bats
}

if [ $# -gt 0 ]; then
	tests=("$@")
else
	mapfile -t tests < <(all_tests)
fi
for test in "${tests[@]}"; do
	if [ ! -f "$test" ]; then
		echo "run.sh: no such test: $test" >&2
		exit 1
	fi
done
if [ "${#tests[@]}" -eq 0 ]; then
	echo "run.sh: found no tests; run it through make test" >&2
	exit 1
fi

# Two at a time where only the processor counts; then, one by one, what has an eye on the clock.
side_by_side=(
	build/tests/{unit,prog}/'*' tests/{golden,fuzz,kernels,prog}/'*'
	tests/lab/{block,coexist,deaths,evade,faults,forward,halfway,handover,lab,leak,life}.bats
	tests/lab/{net6,pcap,privilege,refuse,responder,slow}.bats
)
rule=$(IFS=, && echo "par={${side_by_side[*]}}")
exec prove --jobs 2 --rules "$rule" --timer --failures --comments \
	--exec tests/harness/run-one.sh "${tests[@]}"
