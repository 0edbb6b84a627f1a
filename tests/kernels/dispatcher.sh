# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# dispatcher.sh - beside other XDP programs in a libxdp dispatcher: read by
# guest.sh, whose words it uses. On t0 only: whose driver it is makes no
# difference to a dispatcher.
#
# Each step goes on where the one before it left: attaching is what takes time.
# shellcheck disable=SC2154,SC2034,SC2086 # names of guest.sh; no number or address holds a blank

filtered=198.51.100.3
scanners=99
bystander=198.51.100.4

# join CASE [OPTION...]: the loader on t0, in the background, until it is attached.
join() {
	log=/tmp/$1.log
	mode=$1
	shift
	pscan-xdp attach t0 --window $window --events "/tmp/$mode.events" "$@" >"$log" 2>&1 &
	loader=$!
	wait_for ended_or_attached
	cat "$log"
	grep -q "attached to t0" "$log"
}

ended_or_attached() {
	grep -q "attached to t0" "$log" || ! kill -0 $loader
}

# Our place among so many programs; 0 0 when attached by itself.
stands() {
	holds ".[0].interfaces == [] or (.[0].interfaces[0] | .mode == \"native\" and
		[.dispatcher.place // 0, .dispatcher.programs // 0] == [$1, $2])" pscan-xdp status --json
}

on_t0() {
	ip -j link show t0 | jq -r '.[0].xdp.prog.name // "nothing"'
}

filter_loads() {
	xdp-filter load t0 -m native && xdp-filter ip -m src $filtered
}

# Two ports are nothing to us: whether they are answered is xdp-filter's word. Does it drop
# its address, and nobody else's.
filters() {
	few 0 $filtered && few 2 $bystander
}

# few EXPECTED SOURCE
few() {
	equals "$(in_attacker knock $net4.1 80 81 "$2")" "$1"
}

# Does somebody new learn $learned ports by scanning, and nothing afterwards.
detects() {
	fresh_scanner && knocks $learned $scanner && knocks 0 $scanner
}

# Whoever scanned before is remembered for a while, blocked or not.
fresh_scanner() {
	scanners=$((scanners + 1))
	scanner=$net4.$scanners
	in_attacker ip addr add $scanner/24 dev a0
}

nothing_left() {
	equals "$(on_t0)" nothing && [ -z "$(ls /sys/fs/bpf/xdp)" ] || return
	for pins in /sys/fs/bpf/pscan*; do
		[ ! -e "$pins" ] || return
	done
}

we_leave() {
	pscan-xdp detach t0 && gone
}

# The loader notices by itself that nothing is left for it.
gone() {
	wait $loader
	grep "no interface is left" "$log"
}

filter_leaves() {
	xdp-filter unload t0
}

together() {
	tap "$case: two programs, ours the first" stands 1 2
	tap "$case: xdp-filter filters" filters
	tap "$case: pscan-xdp detects and blocks" detects
}

# ---- who was first, and who leaves first ------------------------------------------

we_join() {
	case="coexist: beside xdp-filter"
	tap "$case: xdp-filter loads" filter_loads
	tap "$case: check says that it can be joined" holds \
		'any(.[0][]; .check == "t0" and (.detail | contains("joins")))' pscan-xdp check --json t0
	tap "$case: pscan-xdp joins" join a
	together
	tap "$case: xdpdump sees what reaches them" dumps
}

filter_first_we_leave() {
	case="coexist: xdp-filter first, pscan-xdp leaves first"
	tap "$case: pscan-xdp leaves" we_leave
	tap "$case: xdp-filter filters on" filters
	tap "$case: the scanner is answered again" knocks $all_ports $scanner
}

filter_first_it_leaves() {
	case="coexist: xdp-filter first, and leaves first"
	tap "$case: pscan-xdp joins" join c
	tap "$case: xdp-filter leaves" filter_leaves
	tap "$case: pscan-xdp stays, alone" stands 1 1
	tap "$case: pscan-xdp detects and blocks" detects
	tap "$case: who was filtered is answered" few 2 $filtered
}

we_first_we_leave() {
	case="coexist: pscan-xdp first, and leaves first"
	tap "$case: xdp-filter loads" filter_loads
	together
	kill -INT $loader
	tap "$case: pscan-xdp leaves on Ctrl-C" ended $loader
	tap "$case: xdp-filter filters on" filters
	tap "$case: xdp-filter leaves" filter_leaves
	tap "$case: nothing is left" nothing_left
}

we_first_it_leaves() {
	case="coexist: pscan-xdp first, xdp-filter leaves first"
	tap "$case: pscan-xdp makes a dispatcher" join d --dispatcher
	tap "$case: it is alone in it" stands 1 1
	tap "$case: xdp-filter loads" filter_loads
	tap "$case: two programs, ours the first" stands 1 2
	tap "$case: xdp-filter leaves" filter_leaves
	tap "$case: pscan-xdp detects and blocks" detects
}

# ---- a life in company ---------------------------------------------------------------

# xdpdump shows frames that reach the programs, those of somebody who is filtered among them.
dumps() {
	xdpdump -i t0 -w /tmp/dump.pcap >/tmp/dump.log 2>&1 &
	dump=$!
	wait_for grep -iE "listening|error" /tmp/dump.log
	few 0 $filtered
	kill -INT $dump
	wait $dump
	cat /tmp/dump.log
	[ "$(wc -c </tmp/dump.pcap)" -gt 100 ] && filters
}

our_id() {
	pscan-xdp status --json | jq '.interfaces[0].program_id'
}

upgraded() {
	cat "$log"
	grep -q "continuing with" "$log" && [ "$(our_id)" -ne "$before" ]
}

killed_and_upgraded() {
	case="coexist: upgrade beside xdp-filter"
	tap "$case: a scan is blocked" detects
	before=$(our_id)
	kill -9 $loader
	wait $loader 2>/dev/null
	tap "$case: without a loader the block holds" knocks 0 $scanner
	touch /tmp/flood
	flood $scanner >/tmp/flood.t0 &
	floods=$!
	tap "$case: the next loader takes over" join b
	rm /tmp/flood
	wait $floods
	tap "$case: with a program of its own" upgraded
	tap "$case: the blocked source learned nothing meanwhile" no_leak /tmp/flood.t0
	together
}

# Somebody clears the interface of everything.
cleared() {
	case="coexist: unloaded by somebody else"
	tap "$case: xdp-loader unloads all" xdp-loader unload -a t0
	tap "$case: the loader says so and ends" gone
	tap "$case: nothing is left" nothing_left
}

# told_why TEXT CMD...: it fails with one line that holds TEXT.
told_why() {
	text=$1
	shift
	! "$@" >/tmp/refusal 2>&1 && cat /tmp/refusal &&
		equals "$(wc -l </tmp/refusal)" 1 && grep -q "$text" /tmp/refusal
}

full() {
	case="coexist: a full dispatcher"
	set -- /payload/bpf/xdpdump_xdp.o
	tap "$case: ten programs" xdp-loader load t0 -m native $1 $1 $1 $1 $1 $1 $1 $1 $1 $1
	tap "$case: refused, and why" told_why "runs 10 programs already" pscan-xdp attach t0
	tap "$case: xdp-loader unloads all" xdp-loader unload -a t0
	tap "$case: nothing is left" nothing_left
}

dispatcher_tests() {
	# Nobody before xdp-filter mounts it here, and xdp-filter does not.
	grep -q ' /sys/fs/bpf bpf ' /proc/mounts || mount -t bpf bpf /sys/fs/bpf
	mkdir -p /usr/lib/x86_64-linux-gnu/bpf
	mount -o bind /payload/bpf /usr/lib/x86_64-linux-gnu/bpf
	choose veth
	for step in we_join killed_and_upgraded filter_first_we_leave filter_first_it_leaves \
		we_first_we_leave we_first_it_leaves cleared full; do
		$step
	done
}
