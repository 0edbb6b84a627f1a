#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs.t - what the tree says of itself is true: the manual, the completion and
# the include rules agree with the sources, the checks of these notice a breach,
# and install puts everything in its place and uninstall takes it away again.
# No root, no network.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

# ok STATUS NAME; the log of what failed is shown.
ok() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		[ ! -s "$work/log" ] || sed 's/^/# /' "$work/log"
		echo "not ok $number - $2"
	fi
}

# passes NAME COMMAND...
passes() {
	local name=$1 status=0

	shift
	"$@" >"$work/log" 2>&1 || status=1
	ok "$status" "$name"
}

skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# ---- the checks, on the tree as it is and on one that breaks the rules -----------

copy_tree() {
	mkdir "$work/tree"
	cp -r bpf include tools user vmlinux "$work/tree"
}

# notices WORDS NAME: the check that ran last in the copy said these words.
notices() {
	grep -qF -- "$1" "$work/log"
	ok $? "$2"
}

# refuses NAME COMMAND...: in the copy.
refuses() {
	local name=$1

	shift
	! (cd "$work/tree" && "$@") >"$work/log" 2>&1
	ok $? "$name"
}

check_breaches() {
	local program=$PWD/build/pscan-xdp

	copy_tree
	sed -i 's/^\.It Fl -keep$/.It Fl -hold/' "$work/tree/user/pscan-xdp.8"
	sed -i 's/--save-ports//' "$work/tree/user/pscan-xdp.bash"
	sed -i 's/"ports_exact"/"exact_ports"/' "$work/tree/user/report_json.c"
	refuses 'check-man refuses' tools/check-man.sh "$program"
	notices "attach: '--keep' is in --help and not in user/pscan-xdp.8" \
		'... an option that the manual does not have'
	notices "attach: '--hold' is in user/pscan-xdp.8 and not in --help" \
		'... an option that nothing else has'
	notices "replay: '--save-ports' is in --help and not in user/pscan-xdp.bash" \
		'... an option that the completion does not have'
	notices "JSON key 'exact_ports' is in user/ and not in" '... a JSON key that was renamed'

	sed -i '/#include "abi.h"/a #include <string.h>' "$work/tree/include/pscan/score.h"
	sed -i '/#include "base.h"/a #include "abi.h"' "$work/tree/include/pscan/wire.h"
	sed -i '/#include "verdict.h"/d' "$work/tree/include/pscan/event.h"
	sed -i '1a #include <bpf/bpf.h>' "$work/tree/user/engine.c"
	sed -i 's/^} deny SEC/} deny_by_operator SEC/' "$work/tree/bpf/maps.bpf.h"
	refuses 'check-core refuses' tools/check-core.sh event
	notices 'score.h includes <string.h>' '... libc in the core'
	notices 'wire.h includes "abi.h"' '... a header that reaches up'
	notices 'event.h does not compile alone with clang -target bpf' \
		'... a header that needs another first'
	notices 'engine.c includes <bpf/bpf.h>' '... libbpf outside user/xdp*.c'
	notices 'deny_by_operator is longer' "... a map's name that tools would cut"
}

# ---- completion ---------------------------------------------------------------

# completes NAME EXPECTED WORD...: what is offered for the last word, on one line.
completes() {
	local name=$1 expected=$2 got

	shift 2
	# shellcheck disable=SC2016 # expanded by the inner shell
	got=$(bash --norc -c '. user/pscan-xdp.bash
		_pscan_xdp_interfaces() { printf "%s\n" eth0 "\$(touch $PROOF)" "\`touch $PROOF\`"; }
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pscan_xdp
		echo "${COMPREPLY[*]}"' bash "$@" 2>"$work/log")
	[ "$got" = "$expected" ]
	local status=$?
	echo "expected '$expected', got '$got'" >>"$work/log"
	ok "$status" "$name"
}

check_completion() {
	export PROOF=$work/proof

	completes 'completion: a command' 'attach' pscan-xdp at
	completes 'completion: an option' '--mode --monitor' pscan-xdp attach --mo
	completes 'completion: a value behind =' 'native' pscan-xdp attach --mode = n
	completes 'completion: the rest of a list' 'syn,udp' pscan-xdp replay --types syn,u
	completes 'completion: a verb' 'add del list flush' pscan-xdp block ''
	completes 'completion: no second verb' '' pscan-xdp block add ''
	completes 'completion: an interface' 'eth0' pscan-xdp attach --keep e
	completes 'completion: strange interfaces stay quoted' \
		"eth0 \\\$\\(touch\\ $PROOF\\) \\\`touch\\ $PROOF\\\`" pscan-xdp attach -d ''
	[ ! -e "$PROOF" ]
	ok $? 'completion: and are not run'
}

# ---- install --------------------------------------------------------------------

installed() {
	local file

	make -s install DESTDIR="$work/root" PREFIX=/usr || return 1
	for file in sbin/pscan-xdp share/man/man8/pscan-xdp.8 \
		share/bash-completion/completions/pscan-xdp lib/systemd/system/pscan-xdp@.service; do
		[ -s "$work/root/usr/$file" ] || { echo "$file is missing"; return 1; }
	done
	grep -q '^ExecStart=/usr/sbin/pscan-xdp ' "$work/root/usr/lib/systemd/system/pscan-xdp@.service"
}

nothing_left() {
	local left

	make -s uninstall DESTDIR="$work/root" PREFIX=/usr || return 1
	left=$(find "$work/root" ! -type d)
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}

# The unit names an installed program, so it is looked at where nothing stands before the prefix.
unit_verifies() {
	make -s install PREFIX="$work/prefix" &&
		systemd-analyze verify --man=no "$work/prefix/lib/systemd/system/pscan-xdp@.service"
}

formats() {
	LC_ALL=C.UTF-8 man --warnings -l user/pscan-xdp.8 >"$work/page" && [ ! -s "$work/log" ] &&
		grep -q 'pscan-xdp attach' "$work/page"
}

# slow FILE NAME: a constant of the slow engines.
slow() {
	sed -n "s/^#define $2 \([0-9]*\).*/\1/p" "user/slow/$1"
}

# thousands N: 1234567 as 1,234,567.
thousands() {
	sed ':again; s/\B[0-9]\{3\}\>/,&/; t again' <<<"$1"
}

# The sizes that the manual gives are those of the sources.
slow_sizes() {
	local text words records

	records=$(($(slow track.h TRACK_WAYS) << $(slow track.h TRACK_SET_BITS)))
	text=$(tr '\n' ' ' <user/pscan-xdp.8)
	while read -r words; do
		[[ $text == *"$words"* ]] || {
			echo "not in user/pscan-xdp.8: $words"
			return 1
		}
	done <<-WORDS
		$(thousands $records) records of sources that failed twice
		$(thousands $((1 << $(slow track.h SEED_BITS)))) first failures
		for $(thousands "$(slow outcome_capture.h OUTCOME_WAITING)") contacts whose outcome
		as many as it takes up to $(slow sample.h SAMPLE_TURNS_MAX),
	WORDS
}

passes 'every command, option and JSON key is in the manual and the completion' tools/check-man.sh
passes 'the core stands alone and below everything' tools/check-core.sh
passes 'the manual gives the sizes of the slow engines as they are' slow_sizes
check_breaches
check_completion
passes 'install under DESTDIR' installed
passes 'uninstall leaves nothing' nothing_left
if type systemd-analyze >/dev/null 2>&1; then
	passes 'the systemd unit is sound' unit_verifies
else
	skip 'the systemd unit is sound' 'no systemd-analyze here'
fi
if type man >/dev/null 2>&1; then
	passes 'the manual formats without a warning' formats
else
	skip 'the manual formats without a warning' 'no man here'
fi
echo "1..$number"
