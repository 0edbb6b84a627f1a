#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Beside other tools on the same interface: who is refused, who goes on, and that
# nobody is disturbed. Programs that share an interface are in tests/kernels/dispatcher.sh;
# here is what holds on every kernel, also on one that knows no such thing.
# shellcheck disable=SC2154,SC2030,SC2031 # names set by lab.bash; each test is a subshell

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

setup() {
	need_root
	lab_up --bpffs
}

teardown() {
	lab_down
}

scan4() {
	traffic a probe "$target4" 1 2 3 4 5 6 7
}

program_on() {
	on t ip -j -d link show "$1" | jq -r '.[0].xdp.prog.name // "nothing"'
}

# Does this kernel refuse the programs that dispatchers are made of?
without_dispatchers() {
	ask check --json | jq -e 'any(.check == "dispatcher" and .result == "limited" and
		(.detail | contains("freplace")))'
}

# xdp-filter drops what comes from 198.51.100.3, and passes the rest.
filter_up() {
	on a ip addr add 198.51.100.3/24 dev a0
	on t xdp-filter load t0 -m native
	on t xdp-filter ip -m src 198.51.100.3
}

filters() {
	on a ping -q -c 1 -W 1 -I "$attacker4" "$target4" &&
		! on a ping -q -c 1 -W 0.3 -I 198.51.100.3 "$target4"
}

@test "xdp-filter and pscan-xdp do not replace each other, whoever was first" {
	local before

	attach
	before=$(xdp_on t0)
	run ! on t xdp-filter load t0 -m native
	run ! on t xdp-loader load t0 /usr/lib/x86_64-linux-gnu/bpf/xdpfilt_dny_all.o
	run ! on t xdp-loader unload -a t0
	[ "$(xdp_on t0)" -eq "$before" ]
	scan4
	wait_for told scan "$attacker4"
	blocked "$attacker4"
	interrupt
	nothing_left

	filter_up
	filters
	if without_dispatchers; then
		before=$(xdp_on t0)
		run --separate-stderr ask attach t0
		[ "$status" -eq 1 ]
		one_line "t0 already runs the XDP program 'xdpfilt_alw_all' (id $before)"
		[ "$(xdp_on t0)" -eq "$before" ]
	else
		attach
		interrupt
	fi
	filters
	on t xdp-filter unload t0
	nothing_left
}

@test "a dispatcher where the kernel has none: the kernel's reason, and nothing left" {
	without_dispatchers || skip "this kernel has dispatchers; tests/kernels/dispatcher.sh uses one"
	run --separate-stderr ask attach t0 --dispatcher
	[ "$status" -eq 1 ]
	one_line "this kernel refuses extension programs (freplace): Operation not permitted"
	nothing_left
	[ "$(program_on t0)" = nothing ]
}

# captured N: tcpdump printed so many segments.
captured() {
	[ "$(grep -c Flags "$dump_out")" -eq "$1" ]
}

@test "nftables and tcpdump beside it: each sees what passes, and nothing else" {
	attach
	on t nft -f - <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0;
				ip saddr $attacker4 tcp dport 1-7 counter
				tcp dport 22 drop
			}
		}
	RULES
	spawn dump t timeout 60 tcpdump --immediate-mode -lni t0 tcp and src host "$attacker4"
	wait_for grep -q listening "$dump_err"
	scan4
	wait_for told scan "$attacker4"
	# Six probes pass the program; the rule behind it counts them, and so does the capture.
	[ "$(on t nft -j list table inet filter | jq '[.. | .counter? | select(type == "object")][0].packets')" -eq 6 ]
	wait_for captured 6
	stop dump || true
	captured 6
	interrupt
	nothing_left
}
