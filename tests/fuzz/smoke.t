#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# smoke.t - each fuzzer for a few seconds over its seeds: it still builds, its
# seeds still pass, and no shallow fault has come in. FUZZ_SECONDS makes it a
# long run. New inputs stay out of the tree; one that fails is kept in build/.
# What was reached is printed: inputs tried, edges of the program's own code
# (cov) and what tells inputs apart (ft), by libFuzzer's count.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${FUZZ_SECONDS:-2}
shopt -s nullglob
fuzzers=()
for file in build/tests/fuzz/fuzz_*; do
	if [ -f "$file" ] && [ -x "$file" ]; then
		fuzzers+=("$file")
	fi
done
if [ "${#fuzzers[@]}" -eq 0 ]; then
	echo "1..0 # SKIP no fuzzer is built"
	exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Fuzzer fuzz_NAME takes its seeds from tests/fuzz/corpus/NAME.
smoke() {
	local fuzzer=$1 name=${1##*/fuzz_} seeds

	seeds=(tests/fuzz/corpus/"$name"/*)
	if [ "${#seeds[@]}" -eq 0 ]; then
		echo "no seeds in tests/fuzz/corpus/$name" >"$work/log"
		return 1
	fi
	mkdir "$work/$name"
	"$fuzzer" -seed=1 -max_total_time="$seconds" -rss_limit_mb=1024 \
		-artifact_prefix="build/tests/fuzz/$name-" "$work/$name" \
		"tests/fuzz/corpus/$name" >"$work/log" 2>&1
}

echo "1..${#fuzzers[@]}"
number=0
for fuzzer in "${fuzzers[@]}"; do
	number=$((number + 1))
	if smoke "$fuzzer"; then
		echo "ok $number - ${fuzzer##*/}"
		echo "# ${fuzzer##*/}: $(sed -n 's/^#\([0-9]*\)[[:space:]]*DONE  *\(cov: [0-9]* ft: [0-9]*\).*/\1 inputs, \2/p' \
			"$work/log")"
	else
		tail -n 40 "$work/log" | sed 's/^/# /'
		echo "not ok $number - ${fuzzer##*/}"
	fi
done
