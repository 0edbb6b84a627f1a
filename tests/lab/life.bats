#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The life of an attachment: killed loaders, upgrades under fire, what detaching
# leaves, other tools' programs, interfaces that come and go.
# shellcheck disable=SC2154,SC2030,SC2031 # names set by lab.bash; each test is a subshell

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

setup() {
	need_root
	lab_up
}

teardown() {
	lab_down
}

scan4() {
	traffic a probe "$target4" 1 2 3 4 5 6 7
}

# A second cable: a1 203.0.113.2, t1 203.0.113.1.
second_cable() {
	on a ip link add a1 index 104 type veth peer name t1 index 103 address 02:00:5e:00:53:03 \
		netns "$(cat "/run/pscan-lab/$lab/t.pid")"
	on a ip addr add 203.0.113.2/24 dev a1
	on t ip addr add 203.0.113.1/24 dev t1
	on a ip link set a1 up
	on t ip link set t1 up
}

interfaces() {
	ask status --json | jq -r '[.interfaces[].ifname] | sort | join(" ")'
}

# Another tool's program: passes everything, is called "foreign".
foreign_object() {
	echo '#define SEC(name) __attribute__((section(name), used))
		SEC("xdp") int foreign(void *ctx) { return 2; }
		char gpl[] SEC("license") = "GPL";' |
		clang -target bpf -O2 -g -c -x c - -o "$BATS_TEST_TMPDIR/foreign.o" || return
	echo "$BATS_TEST_TMPDIR/foreign.o"
}

program_name() {
	on t ip -j -d link show "$1" | jq -r '.[0].xdp.prog.name'
}

flood() {
	spawn flood a timeout 60 hping3 --flood -q -S -p 22 "$target4"
}

# ---- killed, adopted, upgraded ---------------------------------------------------

# killed_in_scan FAMILY [NMAP OPTION]
killed_in_scan() {
	local source=attacker$1 target=target$1 before dropped

	shift
	source=${!source}
	attach
	spawn scan a timeout 30 nmap "$@" -sS -n -Pn -T4 -p1-1000 "${!target}"
	wait_for -t 20 told scan "$source"
	murder
	count_start answers a "src host ${!target} and (tcp or udp)"
	dropped=$(stage drop)
	wait_for -t 20 at_least drop $((dropped + 10))
	kill "$scan_pid"
	count_stop answers
	[ "$(counted answers packets)" -eq 0 ]
	blocked "$source"
	ask stats --json >"$BATS_TEST_TMPDIR/before"

	before=$(xdp_on t0)
	attach
	grep -q "continuing with" "$loader_err"
	[ "$(xdp_on t0)" -ne "$before" ]
	blocked "$source"
	[ "$(stage scan)" -eq 1 ]
	ask stats --json | jq -e --slurpfile before "$BATS_TEST_TMPDIR/before" \
		'.counters.stage.drop >= $before[0].counters.stage.drop and
		.counters.stage.scored == $before[0].counters.stage.scored and
		.counters.parse.ok >= $before[0].counters.parse.ok and
		.sources[0].first == $before[0].sources[0].first'
	[ "$(event scan .source | wc -l)" -eq 1 ]
	interrupt
	nothing_left
}

@test "a loader killed in the middle of a scan: the block holds, the next one goes on, IPv4" {
	killed_in_scan 4
}

@test "a loader killed in the middle of a scan: the block holds, the next one goes on, IPv6" {
	killed_in_scan 6 -6
}

@test "upgrades while a blocked source floods: not one packet of it passes" {
	local dropped

	attach
	scan4
	wait_for told scan "$attacker4"
	# Captures on t0 see what the program lets pass, and nothing else.
	count_start passed t "src host $attacker4 and tcp"
	flood
	for _ in 1 2 3; do
		dropped=$(stage drop)
		wait_for at_least drop $((dropped + 1000))
		murder
		attach
	done
	dropped=$(stage drop)
	wait_for at_least drop $((dropped + 1000))
	kill "$flood_pid"
	count_stop passed
	[ "$(counted passed packets)" -eq 0 ]
	[ "$(stage scan)" -eq 1 ]
}

@test "the next loader's rule is in force at once, and it counts on" {
	attach --monitor
	scan4
	wait_for told scan "$attacker4"
	murder
	attach --threshold 30 --window 1s
	ask status --json | jq -e '.rule.threshold == 30 and .rule.response == "soft" and
		.counters.stage.scan == 1'
}

# ---- leaving ---------------------------------------------------------------------

@test "attach --keep leaves it enforcing, detach takes it off" {
	attach --keep
	interrupt
	grep -q "left enforcing" "$loader_err"
	[ "$(program_name t0)" = pscan ]
	scan4
	blocked "$attacker4"
	ask status --json | jq -e '.loader_pid == null'
	ask detach t0
	nothing_left
	run --separate-stderr ask detach t0
	[ "$status" -eq 1 ]
	one_line "not attached to t0"
}

queues_are() {
	[ "$(ask status --json | jq .queues)" -eq "$1" ]
}

@test "a veth's receive queues remember together, however many: a flow does not keep to one" {
	on t ip link add t2 numrxqueues 6 type veth peer name peer-t2
	on t ip link set t2 up
	on t ip link set peer-t2 up
	spawn loader t "$pscan" attach t2 -v
	attached_to t2
	two_polls
	queues_are 1
}

@test "an allow list that outlives its config is kept to" {
	attach
	ask allow add "$attacker4"
	kill -9 "$loader_pid"
	wait "$loader_pid" || true
	on t sh -c "rm $pins/config $pins/link-*"
	attach
	scan4
	[ "$(stage allowed)" -gt 0 ]
	[ "$(stage scan)" -eq 0 ]
}

@test "what another version attached is named, and goes with its pins" {
	attach
	kill -9 "$loader_pid"
	wait "$loader_pid" || true
	on t mv "$pins" /sys/fs/bpf/pscan-xdp-v4
	run --separate-stderr on t "$pscan" attach t0
	[ "$status" -eq 1 ]
	one_line "another version's"
	on t rm -r /sys/fs/bpf/pscan-xdp-v4
	wait_for nothing_on_t0
	attach
}

nothing_on_t0() {
	[ "$(xdp_on t0)" -eq 0 ]
}

@test "detach --all removes every pin, also under a running loader, which says so and ends" {
	second_cable
	attach t1
	[ "$(interfaces)" = "t0 t1" ]
	ask detach --all
	[ "$(xdp_on t0)" -eq 0 ]
	[ "$(xdp_on t1)" -eq 0 ]
	on t test ! -e "$pins"
	wait "$loader_pid" || [ $? -eq 1 ]
	[ "$(grep -c "no interface is left" "$loader_err")" -eq 1 ]
	nothing_left
	ask detach --all
}

@test "detached and attached again before the first loader noticed: it ends, the second stays" {
	local first

	attach
	first=$loader_pid
	ask detach t0
	attach
	wait "$first" || [ $? -eq 1 ]
	[ "$(program_name t0)" = pscan ]
	scan4
	wait_for told scan "$attacker4"
	interrupt
	nothing_left
}

@test "SIGTERM detaches like Ctrl-C" {
	attach
	kill -TERM "$loader_pid"
	wait "$loader_pid"
	nothing_left
}

# ---- several interfaces -------------------------------------------------------------

@test "a second attach on the same interface is refused and changes nothing" {
	local before

	attach
	before=$(xdp_on t0)
	run --separate-stderr ask attach t0 --monitor --threshold 5
	[ "$status" -eq 1 ]
	one_line "t0 is already attached"
	[ "$(xdp_on t0)" -eq "$before" ]
	ask status --json | jq -e '.rule.threshold == 21 and .rule.response == "soft"'
	scan4
	wait_for told scan "$attacker4"
}

@test "attach of a second interface joins the loader that runs" {
	second_cable
	attach
	ask attach t1
	[ "$(interfaces)" = "t0 t1" ]
	traffic a probe 203.0.113.1 1 2 3 4 5 6 7
	wait_for told scan 203.0.113.2
	[ "$(event scan .action)" = block ]
	ask detach t1
	[ "$(interfaces)" = t0 ]
	[ "$(xdp_on t1)" -eq 0 ]
	scan4
	wait_for told scan "$attacker4"
}

@test "two interfaces at once are one detector: a source's ports add up" {
	second_cable
	on a ip addr add 192.0.2.9/32 dev a0
	for cable in "$target4 a0 02:00:5e:00:53:01" "203.0.113.1 a1 02:00:5e:00:53:03"; do
		read -r address interface mac <<<"$cable"
		on a ip route add "$address/32" dev "$interface" src 192.0.2.9
		on a ip neigh replace "$address" lladdr "$mac" dev "$interface"
	done
	attach t1 --window 10s
	traffic a probe "$target4" 1 2 3 4
	traffic a probe 203.0.113.1 5 6 7 8
	wait_for told scan 192.0.2.9
	[ "$(event scan .hosts)" -eq 2 ]
}

@test "of two interfaces one is bad: neither is attached" {
	second_cable
	on t ip link set t1 down
	run --separate-stderr ask attach t0 t1
	[ "$status" -eq 1 ]
	one_line "t1 is down"
	nothing_left
}

@test "of two interfaces one is bad: what an earlier loader left stays as it was" {
	local before

	second_cable
	on t ip link set t1 down
	attach
	scan4
	wait_for told scan "$attacker4"
	murder
	before=$(xdp_on t0)
	run --separate-stderr ask attach t0 t1 --monitor
	[ "$status" -eq 1 ]
	one_line "t1 is down"
	[ "$(xdp_on t0)" -eq "$before" ]
	ask status --json | jq -e '.rule.response == "soft"'
	blocked "$attacker4"
}

# ---- interfaces that go -------------------------------------------------------------

@test "the only interface is deleted: the loader says so and leaves nothing" {
	attach
	on a ip link del a0
	wait "$loader_pid" || [ $? -eq 1 ]
	[ "$(grep -c "t0 is no longer attached" "$loader_err")" -eq 1 ]
	[ "$(grep -c "no interface is left" "$loader_err")" -eq 1 ]
	on t test ! -e "$pins"
}

@test "one of two interfaces is deleted: the other is watched on" {
	second_cable
	attach t1
	on a ip link del a1
	wait_for grep -q "t1 is no longer attached" "$loader_err"
	scan4
	wait_for told scan "$attacker4"
	interrupt
	nothing_left
}

@test "an interface deleted while nobody watched does not stand in the way" {
	attach
	murder
	on a ip link del a0
	second_cable
	spawn loader t "$pscan" attach t1 --events "$events"
	attached_to t1
	[ "$(interfaces)" = t1 ]
}

@test "an interface that goes down and up again is still watched" {
	attach
	on t ip link set t0 down
	on t ip link set t0 up
	wait_for on a ping -q -c 1 -W 1 "$target4"
	scan4
	wait_for told scan "$attacker4"
	blocked "$attacker4"
}

# ---- other tools' programs -----------------------------------------------------------

# never_replaced HOW: another program attached as `ip link set t0 HOW` stays and is named.
never_replaced() {
	local before

	on t ip link set t0 "$1" obj "$(foreign_object)" sec xdp
	before=$(xdp_on t0)
	for mode in auto native generic; do
		run --separate-stderr ask attach t0 --mode $mode
		[ "$status" -eq 1 ]
		one_line "t0 already runs the XDP program 'foreign' (id $before)"
	done
	[ "$(xdp_on t0)" -eq "$before" ]
	on t test ! -e "$pins"
}

@test "another tool's program is named and never replaced" {
	never_replaced xdpdrv
}

@test "another tool's program in generic mode is named and never replaced" {
	never_replaced xdpgeneric
}

@test "another tool does not replace ours either" {
	local before object

	object=$(foreign_object)
	attach
	before=$(xdp_on t0)
	run ! on t ip link set t0 xdpdrv obj "$object" sec xdp
	run ! on t ip link set t0 xdp off
	[ "$(xdp_on t0)" -eq "$before" ]
	scan4
	wait_for told scan "$attacker4"
	interrupt
	on t ip link set t0 xdpdrv obj "$object" sec xdp
}

# ---- modes ------------------------------------------------------------------------

in_generic_mode() {
	attach --mode generic
	ask status --json | jq -e '.interfaces[0].mode == "generic"'
	count_start answers a "src host $1 and tcp"
	traffic a probe "$1" 1 2 3 4 5 6 7 8 9
	wait_for told scan "$2"
	wait_for at_least drop 2
	count_stop answers
	[ "$(counted answers sports)" -eq 6 ]
	blocked "$2"
}

@test "generic mode: the same verdicts, IPv4" { in_generic_mode "$target4" "$attacker4"; }
@test "generic mode: the same verdicts, IPv6" { in_generic_mode "$target6" "$attacker6"; }

@test "an interface without native XDP: auto says that it falls back, native is refused" {
	run --separate-stderr ask attach lo --mode native
	[ "$status" -eq 1 ]
	one_line "native mode"
	on t test ! -e "$pins"
	spawn loader t "$pscan" attach lo
	attached_to lo
	grep -q "lo: its driver has no native XDP" "$loader_err"
	ask status --json | jq -e '.interfaces[0].mode == "generic"'
	interrupt
	[ "$(xdp_on lo)" -eq 0 ]
}

@test "bpffs is mounted where it was missing" {
	run ! on t mountpoint -q /sys/fs/bpf
	attach
	on t mountpoint -q /sys/fs/bpf
	on t test -e "$pins/config"
}
