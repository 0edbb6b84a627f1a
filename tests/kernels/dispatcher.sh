# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# dispatcher.sh - beside other XDP programs in a libxdp dispatcher: read by
# guest.sh, whose words it uses. Every order on veth, a life in company on
# virtio_net.
#
# Each step goes on where the one before it left: attaching is what takes time.
# shellcheck disable=SC2154,SC2034,SC2086 # names of guest.sh; no number or address holds a blank

scanners=99

# join CASE [OPTION...]: the loader on $iface, in the background, until it is attached.
join() {
	log=/tmp/$1.log
	mode=$1
	shift
	begin "$log" pscan-xdp attach $iface --window $window --events "/tmp/$mode.events" "$@"
	loader=$!
	wait_for ended_or_attached
	cat "$log"
	grep -q "attached to $iface" "$log"
}

ended_or_attached() {
	grep -q "attached to $iface" "$log" || ! kill -0 $loader
}

# Our place among so many programs; 0 0 when attached by itself.
stands() {
	holds ".[0].interfaces == [] or (.[0].interfaces[0] | .mode == \"native\" and
		[.dispatcher.place // 0, .dispatcher.programs // 0] == [$1, $2])" pscan-xdp status --json
}

runs() {
	ip -j link show $iface | jq -r '.[0].xdp.prog.name // "nothing"'
}

filter_loads() {
	xdp-filter load $iface -m native && xdp-filter ip -m src $filtered
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
	learns_some && knocks 0 $scanner
}

learns_some() {
	somebody_new && knocks $learned $scanner
}

# Whoever scanned before is remembered for a while, blocked or not.
somebody_new() {
	scanners=$((scanners + 1))
	scanner=$net4.$scanners
	in_attacker ip addr add $scanner/24 dev $peer
}

nothing_left() {
	equals "$(runs)" nothing && [ -z "$(ls /sys/fs/bpf/xdp)" ] || return
	for pins in /sys/fs/bpf/pscan*; do
		[ ! -e "$pins" ] || return
	done
}

we_leave() {
	pscan-xdp detach $iface && gone
}

# The loader notices by itself that nothing is left for it.
gone() {
	wait $loader
	grep "no interface is left" "$log"
}

filter_leaves() {
	xdp-filter unload $iface
}

together() {
	tap "$case: two programs, ours the first" stands 1 2
	tap "$case: xdp-filter filters" filters
	tap "$case: pscan-xdp detects and blocks" detects
}

# ---- xdpdump, which goes on while others come and go -----------------------------------

# dump_starts PROGRAM: that is the one it follows, as long as it runs. (Left to itself it may
# follow the dispatcher, which everybody who comes or goes replaces.)
dump_starts() {
	watched=
	rm -f /tmp/dump.pcap
	begin /tmp/dump.log xdpdump -i $iface -p $1 -w /tmp/dump.pcap
	dump=$!
	wait_for grep -iE "listening|error" /tmp/dump.log
	cat /tmp/dump.log
	grep -q listening /tmp/dump.log && watched_now
}

# Somebody new asks for two ports. It writes its file at its end: then they are to be in it.
watched_now() {
	somebody_new && few 2 $scanner && watched="$watched $scanner"
}

frames_of() {
	tcpdump -Z root -nr /tmp/dump.pcap "tcp[tcpflags] == tcp-syn and src host $1" | wc -l
}

# dump_ends [SOURCE]: it was there all the time, and saw all of them, and SOURCE.
dump_ends() {
	kill -INT $dump && wait $dump || return
	cat /tmp/dump.log
	for source in $watched "$@"; do
		frames=$(frames_of $source)
		echo "$frames frames of $source"
		[ $frames -ge 2 ] || return
	done
}

# ---- who was first, and who leaves first ------------------------------------------

we_join() {
	case="coexist: beside xdp-filter on $driver"
	column="$driver dispatcher"
	tap "$case: xdp-filter loads" filter_loads
	tap "$case: xdpdump starts" dump_starts xdpfilt_alw_all
	tap "$case: check says that it can be joined" holds \
		"any(.[0][]; .check == \"$iface\" and (.detail | contains(\"joins\")))" \
		pscan-xdp check --json $iface
	tap "$column loads: pscan-xdp joins" join a
	tap "$column loads: two programs, ours the first" stands 1 2
	tap "$case: xdp-filter filters" filters
	tap "$case: xdpdump goes on" watched_now
	tap "$column detects: a scanner learns $learned ports, not $all_ports" learns_some
	tap "$column blocks: it learns nothing more" knocks 0 $scanner
}

filter_first_we_leave() {
	case="coexist: xdp-filter first, pscan-xdp leaves first"
	tap "$case: pscan-xdp leaves" we_leave
	tap "$case: xdp-filter filters on" filters
	tap "$case: the scanner is answered again" knocks $all_ports $scanner
	tap "$case: xdpdump goes on" watched_now
	tap "$case: xdpdump saw all of it" dump_ends $filtered
}

filter_first_it_leaves() {
	case="coexist: xdp-filter first, and leaves first"
	tap "$case: pscan-xdp joins" join c
	tap "$case: xdpdump starts" dump_starts pscan
	tap "$case: xdp-filter leaves" filter_leaves
	tap "$case: pscan-xdp stays, alone" stands 1 1
	tap "$case: pscan-xdp detects and blocks" detects
	tap "$case: who was filtered is answered" few 2 $filtered
	tap "$case: xdpdump goes on" watched_now
}

we_first_we_leave() {
	case="coexist: pscan-xdp first, and leaves first"
	tap "$case: xdp-filter loads" filter_loads
	together
	kill -INT $loader
	tap "$case: pscan-xdp leaves on Ctrl-C" ended $loader
	tap "$case: xdp-filter filters on" filters
	tap "$case: xdpdump saw pscan-xdp to its end" dump_ends
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

our_id() {
	pscan-xdp status --json | jq '.interfaces[0].program_id'
}

upgraded() {
	cat "$log"
	grep -q "continuing with" "$log" && [ "$(our_id)" -ne "$before" ]
}

killed_and_upgraded() {
	case="coexist: upgrade beside xdp-filter on $driver"
	column="$driver dispatcher upgrades"
	before=$(our_id)
	kill -9 $loader
	wait $loader 2>/dev/null
	tap "$column: without a loader the block holds" knocks 0 $scanner
	touch /tmp/flood
	flood $scanner >/tmp/flood.$driver &
	floods=$!
	tap "$column: the next loader takes over" join b
	rm /tmp/flood
	wait $floods
	tap "$column: with a program of its own" upgraded
	tap "$column: the blocked source learned nothing meanwhile" no_leak /tmp/flood.$driver
	together
	tap "$case: xdpdump goes on" watched_now
}

# Somebody clears the interface of everything.
cleared() {
	case="coexist: unloaded by somebody else"
	tap "$case: xdp-loader unloads all" xdp-loader unload -a $iface
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
	tap "$case: ten programs" xdp-loader load $iface -m native $1 $1 $1 $1 $1 $1 $1 $1 $1 $1
	tap "$case: refused, and why" told_why "runs 10 programs already" pscan-xdp attach $iface
	tap "$case: xdp-loader unloads all" xdp-loader unload -a $iface
	tap "$case: nothing is left" nothing_left
}

# beside DRIVER STEP...
beside() {
	# Nobody before xdp-filter mounts it here, and xdp-filter does not.
	grep -q ' /sys/fs/bpf bpf ' /proc/mounts || mount -t bpf bpf /sys/fs/bpf
	if [ ! -e /usr/lib/x86_64-linux-gnu/bpf ]; then
		mkdir -p /usr/lib/x86_64-linux-gnu/bpf
		mount -o bind /payload/bpf /usr/lib/x86_64-linux-gnu/bpf
	fi
	driver=$1
	choose $driver
	filtered=$net4.3
	bystander=$net4.4
	shift
	for step in "$@"; do
		$step
	done
}

dispatcher_tests() {
	beside veth we_join killed_and_upgraded filter_first_we_leave filter_first_it_leaves \
		we_first_we_leave we_first_it_leaves cleared full
}

company_tests() {
	beside virtio_net we_join killed_and_upgraded filter_first_we_leave
	tap "$case: xdp-filter leaves" filter_leaves
	tap "$case: nothing is left" nothing_left
}
