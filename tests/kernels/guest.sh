#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# guest.sh - what a real kernel has to show, as the only thing that runs in the
# guest. Prints TAP lines without numbers; kernels.t numbers them and makes its
# table of those that begin with "DRIVER MODE COLUMN:".
#
#   the guest    t0    198.51.100.1 2001:db8:1::1   veth
#                eth1  203.0.113.1  2001:db8:2::1   virtio_net
#   "attacker"   a0    198.51.100.2 .3 .4 and ::2   the cable's other end
#                eth0  203.0.113.2  .3 .4 and ::2   the other card on the hub
# shellcheck disable=SC2317 # most functions are called by tap and wait_for
# shellcheck disable=SC2086 # no name, number or address here holds a blank

# The emulated CPU is slow: the window and the blocks are long, so that its speed does not decide.
window=10s
# Ports 20 to 40 count 3 points each: the seventh crosses 21 points and is dropped.
ports="20 40"
all_ports=21
learned=6

# tap WHAT CMD...: one result. What CMD printed is told when it fails.
tap() {
	what=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "ok - $what"
	else
		echo "not ok - $what"
		{ echo "$*"; cat /tmp/said; } | sed 's/^/#   /'
		return 1
	fi
}

# Runs CMD until it succeeds. The limit is for what never comes true: beside other jobs the
# emulated verifier alone may take minutes.
wait_for() {
	end=$(($(date +%s) + 400))
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		usleep 100000
	done
}

equals() {
	[ "$1" = "$2" ] || { echo "$1, not $2"; return 1; }
}

# Does jq expression $1 hold for what the command after it prints.
holds() {
	expression=$1
	shift
	json=$("$@") || return
	printf '%s' "$json" | jq -es "$expression" >/dev/null || { echo "$json"; return 1; }
}

# begin LOG CMD...: CMD in the background, what it prints in LOG. Emptied here, not by the
# background's own shell: that may come after the first look for what CMD says there.
begin() {
	begun_log=$1
	shift
	: >"$begun_log"
	"$@" >>"$begun_log" 2>&1 &
}

# ---- two hosts ----------------------------------------------------------------

in_attacker() {
	ip netns exec attacker "$@"
}

# add_addresses RUN NET4 NET6 IFACE HOST...
add_addresses() {
	run=$1 net4=$2 net6=$3 iface=$4
	shift 4
	for host in "$@"; do
		$run ip addr add "$net4.$host/24" dev "$iface"
	done
	$run ip addr add "$net6::$1/64" dev "$iface" nodad
	$run ip link set "$iface" up
}

make_hosts() {
	mkdir -p /run/netns
	ip netns add attacker
	ip link set lo up
	ip link add t0 type veth peer name a0 netns attacker
	ip link set eth0 netns attacker
	add_addresses "" 198.51.100 2001:db8:1 t0 1
	add_addresses "" 203.0.113 2001:db8:2 eth1 1
	add_addresses in_attacker 198.51.100 2001:db8:1 a0 2 3 4
	add_addresses in_attacker 203.0.113 2001:db8:2 eth0 2 3 4
}

# Sets what the rest says about driver $1.
# shellcheck disable=SC2034 # $peer is for the files read below
choose() {
	case $1 in
	veth) iface=t0 peer=a0 net4=198.51.100 net6=2001:db8:1 ;;
	virtio_net) iface=eth1 peer=eth0 net4=203.0.113 net6=2001:db8:2 ;;
	esac
}

# knocks EXPECTED SOURCE: how many ports answer a scan by SOURCE.
knocks() {
	case $2 in
	*:*) target=$net6::1 ;;
	*) target=$net4.1 ;;
	esac
	equals "$(in_attacker knock "$target" $ports "$2")" "$1"
}

# ---- the program ----------------------------------------------------------------

# attach MODE: in the background; returns when it is attached to both, loaded anew.
attach() {
	before=$(program)
	begin "/tmp/$1.log" \
		pscan-xdp attach --mode "$1" --window $window --unproven full --events "/tmp/$1.events" t0 eth1
	loader=$!
	# Not status: it would take the CPU that attach needs.
	wait_for grep "attached to eth1" "/tmp/$1.log"
	cat "/tmp/$1.log"
	attached "$1"
}

# By the running loader, to both interfaces, and not by the program that was there before.
attached() {
	holds ".[0].loader_pid == $loader and ([.[0].interfaces[] | select(.mode == \"$1\" and
		.program_id != ${before:-0})] | length) == 2" pscan-xdp status --json
}

program() {
	pscan-xdp status --json 2>/dev/null | jq '.interfaces[0].program_id'
}

counter() {
	pscan-xdp status --json | jq ".counters.stage.$1"
}

is_mode() {
	holds ".[0].interfaces[] | select(.ifname == \"$iface\") | .mode == \"$1\"" \
		pscan-xdp status --json
}

told_of() {
	holds "any(.event == \"scan\" and .source == \"$1\" and .type == \"SYN\" and
		.ports == 7 and .score == 21 and .action == \"block\" and .interface == \"$iface\")" \
		cat "/tmp/$mode.events"
}

listed() {
	holds "any(.[0][]; .source == \"$1\")" pscan-xdp block list --json
}

counted() {
	holds "any(.[0].sources[]; .source == \"$1\" and .types.SYN.packets == 7 and
		.detections == 1)" pscan-xdp stats --json
}

one_driver() {
	column="$1 $mode"
	choose "$1"
	tap "$column loads: attached to $iface in $mode mode" is_mode "$mode"
	for source in $net4.2 $net6::2; do
		tap "$column detects: $source learns $learned ports, not $all_ports" \
			knocks $learned "$source"
		tap "$column detects: the event names it" wait_for told_of "$source"
		tap "$column detects: so does stats" counted "$source"
		tap "$column blocks: $source learns nothing more" knocks 0 "$source"
		tap "$column blocks: it is on the list" listed "$source"
	done
	tap "$column blocks: its neighbour is answered" \
		equals "$(in_attacker knock $net4.1 80 81 $net4.3)" 2
}

# What SOURCE learns while the file /tmp/flood is there, one number a line. With a rest in
# between: it is the loader that needs the CPU.
flood() {
	while [ -e /tmp/flood ]; do
		in_attacker knock $net4.1 $ports "$1" || echo failed
		usleep 300000
	done
}

no_leak() {
	[ -s "$1" ] && ! grep -vx 0 "$1"
}

# The loader is killed; what it leaves holds, and the next one takes it over.
upgrade() {
	kill -9 $loader
	wait $loader 2>/dev/null
	scans=$(counter scan)
	floods=
	touch /tmp/flood
	# Debian's is a module. Nothing here makes it track, the program has to take the call.
	tap "the connection table can be asked" holds 'any(.[0][]; .check == "conntrack" and
		(.detail | startswith("present but not tracking")))' pscan-xdp check --json
	for driver in veth virtio_net; do
		choose $driver
		tap "$driver $mode upgrades: without a loader the block holds" knocks 0 $net4.2
		flood $net4.2 >/tmp/flood.$driver &
		floods="$floods $!"
	done
	tap "$mode: a new loader takes over, with a program of its own" attach "$mode"
	rm /tmp/flood
	wait $floods
	for driver in veth virtio_net; do
		column="$driver $mode upgrades"
		choose $driver
		tap "$column: the blocked source learned nothing meanwhile" no_leak /tmp/flood.$driver
		tap "$column: counters went on" test "$(counter scan)" -ge "$scans"
		tap "$column: the block is still on the list" listed $net4.2
		tap "$column: the new program detects" knocks $learned $net4.4
		tap "$column: and its loader tells" wait_for told_of $net4.4
	done
}

no_program() {
	! ip -details link show "$1" | grep -w xdp && [ -z "$(ls /sys/fs/bpf)" ]
}

leave() {
	kill -INT $loader
	tap "$mode: a loader that took over leaves the program on Ctrl-C" ended $loader
	tap "$mode: detach --all" pscan-xdp detach --all
	for driver in veth virtio_net; do
		choose $driver
		tap "$mode: nothing is left on $iface" no_program $iface
		tap "$mode: $net4.2 is answered again by $iface" knocks $all_ports $net4.2
	done
}

ended() {
	wait "$1"
}

one_mode() {
	tap "$mode: attach" attach "$mode" || return
	for driver in veth virtio_net; do
		one_driver $driver
		case " $parts " in
		*" frames "*) frames_tests ;;
		esac
	done
	upgrade
	leave
}

# ---- kernels that are too old --------------------------------------------------------

missing="coarse clock (since 5.11), fetching atomics (since 5.12), multi-buffer XDP (since 5.18)"

# refuses CMD...: it exits with 1, and says all that is missing and what would do.
refuses() {
	"$@" >/tmp/refusal 2>&1
	status=$?
	cat /tmp/refusal
	equals $status 1 && grep -F "this kernel lacks $missing; kernels from 6.1 on" /tmp/refusal
}

too_old() {
	for driver in veth virtio_net; do
		choose $driver
		for mode in native generic; do
			tap "$driver $mode refused: attach says all that is missing" \
				refuses pscan-xdp attach --mode $mode $iface
			tap "$driver $mode refused: and leaves nothing behind" no_program $iface
		done
	done
	sed 's/^/# /' /tmp/refusal
	tap "check says all that is missing" check_refuses
}

check_refuses() {
	pscan-xdp check >/tmp/refusal 2>&1
	equals $? 1 && cat /tmp/refusal && grep -q "coarse clock" /tmp/refusal &&
		grep -q "fetching atomics" /tmp/refusal && grep -q "multi-buffer XDP" /tmp/refusal
}

# ---- tests of the loaded program -------------------------------------------------------

prog_tests() {
	for file in /bin/test_*; do
		EMULATED=1 MUTATIONS=100000 FORGED=200000 CYCLES=100 CMOCKA_MESSAGE_OUTPUT=TAP \
			"$file" >/tmp/prog 2>&1
		status=$?
		sed -n "s/^\(not \)\?ok [0-9]* - /\1ok - ${file##*/}: /p" /tmp/prog
		tap "${file##*/} ends with 0" equals $status 0
		[ $status -eq 0 ] || sed 's/^/# /' /tmp/prog
	done
}

. ./dispatcher.sh
. ./frames.sh
make_hosts
case $(uname -r) in
5.*)
	too_old
	;;
*)
	tap "check has nothing against this kernel" pscan-xdp check t0 eth1
	for driver in veth virtio_net; do
		choose $driver
		tap "$iface answers $all_ports ports before" knocks $all_ports $net4.2
	done
	read -r parts <parts
	for part in $parts; do
		case $part in
		native | generic) mode=$part && one_mode ;;
		frames) ;; # in each mode
		suite) prog_tests ;;
		*) "${part}_tests" ;;
		esac
	done
	;;
esac
exit 0 # what was printed is the result
