#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# coverage.sh - what the fuzzers reach: each runs for FUZZ_SECONDS over its seeds
# and over what it found before (kept in build/), then the functions and edges of
# each source file that it entered are counted. The sanitizers' checks are edges,
# too, and those that would fail are never taken. `make fuzz-coverage` builds it.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${FUZZ_SECONDS:-20}
for fuzzer in build/tests/fuzz/fuzz_*; do
	if [ ! -f "$fuzzer" ] || [ ! -x "$fuzzer" ]; then
		continue
	fi
	name=${fuzzer##*/fuzz_}
	found=build/tests/fuzz/found/$name
	mkdir -p "$found"
	"$fuzzer" -max_total_time="$seconds" -rss_limit_mb=1024 -verbosity=0 \
		-artifact_prefix="build/tests/fuzz/$name-" "$found" "tests/fuzz/corpus/$name" \
		>/dev/null 2>&1 || {
		echo "fuzz_$name failed: see build/tests/fuzz/$name-*" >&2
		exit 1
	}
	"$fuzzer" -runs=0 -print_coverage=1 "$found" "tests/fuzz/corpus/$name" 2>&1 |
		awk -v name="$name" -v root="$PWD/" '
			/COVERED_FUNC/ && index($NF, root "user/") + index($NF, root "include/") +
				index($NF, root "tests/fuzz/") {
				file = substr($NF, length(root) + 1)
				sub(/:.*/, "", file)
				split($5, edge, "/")
				all[file]++; edges[file] += edge[2]
				if ($1 == "COVERED_FUNC:") { entered[file]++; taken[file] += edge[1] }
			}
			END {
				for (file in entered)
					printf "%-8s %-28s %3d of %3d functions, %4d of %4d edges\n", \
						name, file, entered[file], all[file], taken[file], edges[file]
			}' | sort
done
