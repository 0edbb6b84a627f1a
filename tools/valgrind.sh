#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# valgrind.sh - memcheck over the unit tests (built without the sanitizers, which
# exclude it) and over the commands that need no kernel: replay of every story in
# every format, report, dry runs of the scanner, help. Memory that is lost or read
# before it was written fails. `make valgrind` builds what is run here.
set -euo pipefail
cd "$(dirname "$0")/.."

type valgrind >/dev/null 2>&1 || {
	echo "valgrind.sh: valgrind is missing: apt-get install valgrind" >&2
	exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
ran=0

# memcheck NAME CMD...: what CMD itself makes of its arguments does not matter here.
memcheck() {
	local name=$1 status=0

	shift
	valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,possible \
		--errors-for-leak-kinds=definite,possible --log-file="$work/log" "$@" \
		>"$work/out" 2>"$work/err" </dev/null || status=$?
	ran=$((ran + 1))
	if [ $status -eq 99 ] || [ $status -ge 128 ]; then
		failed=$((failed + 1))
		echo "FAILED $name"
		sed 's/^/    /' "$work/log" | head -n 60
	else
		echo "clean  $name"
	fi
}

pscan=build/pscan-xdp
mkcap=build/tests/harness/mkcap
for test in build/valgrind/test_*; do
	case $test in
	*.d) continue ;;
	esac
	memcheck "unit ${test##*/}" "$test"
done
for story in $("$mkcap"); do
	"$mkcap" "$story" "$work/$story.pcap"
	memcheck "replay $story" "$pscan" replay -s --json --events "$work/events" "$work/$story.pcap"
done
for form in html tex json csv; do
	memcheck "report $form" "$pscan" report "$work/events" -o "$work/page.$form"
	memcheck "report $form of a capture" "$pscan" report "$work/mixed.pcap" -o "$work/page.$form"
done
memcheck "scan --dry-run" "$pscan" scan --dry-run -n -sS -p 1-100,U:53 198.51.100.0/28
memcheck "scan --dry-run, IPv6" "$pscan" scan --dry-run -n -sU -p 53 2001:db8::/124
memcheck "scan, a bad target" "$pscan" scan --dry-run -p 1-70000 300.1.1.1
memcheck help "$pscan" --help
echo "$ran runs, $failed failed"
[ "$failed" -eq 0 ]
