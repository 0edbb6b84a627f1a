#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run-one.sh - what prove starts for each test file: it knows how each kind is
# run so that TAP comes out, and which kinds need root.
set -euo pipefail

file=$1

skip_file() {
	echo "1..0 # SKIP $1"
	exit 0
}

# cmocka prints a plan and numbers from 1 for each group of tests, and calls a skipped
# test "not ok": TAP wants one plan, numbers that go on, and "ok" before "# SKIP".
run_cmocka() {
	CMOCKA_MESSAGE_OUTPUT=TAP "$1" | awk '
		/^1\.\.[0-9]+$/ { planned += substr($0, 4); next }
		/^# ok - / { next }
		/^not ok [0-9]+ # SKIP/ { sub(/^not /, "") }
		/^(not )?ok [0-9]+/ { sub(/[0-9]+/, ++count) }
		{ print }
		END { if (planned) print "1.." planned }'
}

case $file in
*/prog/* | */lab/*) [ "$(id -u)" -eq 0 ] || skip_file "needs root" ;;
esac

case $file in
*.bats) exec bats --formatter tap "$file" ;;
*.t) exec "$(realpath "$file")" ;;
*) run_cmocka "$(realpath "$file")" ;;
esac
