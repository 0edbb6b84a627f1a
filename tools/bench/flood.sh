#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# flood.sh - what is left of a legitimate TCP transfer (iperf3, paced at RATE)
# and of new connections while SYNs to a thousand ports arrive at PPS, from a
# million forged sources and from 64: with pscan-xdp as it comes, with a program that
# drops the flood alone, one that passes everything, with the rules that a person would
# write for nftables, and without a flood. The million at a third and at two thirds of
# PPS as well: where the flood alone is more than the machine's CPUs can receive, filters
# show no difference. Interleaved rounds.
#
# A veth delivers on the CPU of its sender. So that the target pays for what it
# receives, as behind a network card, its receive thread and all that runs on it
# are held on one CPU, the generator and the transfer's client on another.
# Its turns are short, so that it runs at once as an interrupt would
# (slice.c). Segments leave at the size of
# the wire: a veth would hand over 64 KB at once until an XDP program is attached.
#
# ROUNDS (3), FLOOD_SECONDS (3), RATE (1G), PPS (1500000).
set -euo pipefail
# shellcheck source=tools/bench/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-3} seconds=${FLOOD_SECONDS:-3} rate=${RATE:-1G} pps=${PPS:-1500000}
visits=100
results=$(mktemp)
server='' listener='' client='' flood='' visitor=''

flood_down() {
	local pid

	for pid in $client $flood $server $listener; do
		kill "$pid" 2>/dev/null || true
	done
	rm -f "$results" "$results".*
	bench_down
}

fail() {
	echo "flood.sh: $1" >&2
	exit 1
}

# ---- the hosts -------------------------------------------------------------

# receive_on HOST DEVICE CPU: the device's packets are received by that CPU, from one queue.
receive_on() {
	local thread

	on "$1" ethtool -K "$2" gro on
	on "$1" sh -c "echo 1 >/sys/class/net/$2/threaded"
	for thread in $(pgrep "^napi/$2"); do
		taskset -pc "$3" "$thread" >/dev/null
		"$bench/slice" "$thread"
	done
}

# start NAME HOST CMD...: in the background, on the host's CPU; its pid is $NAME, its output in $results.NAME.
start() {
	local name=$1 host=$2 cpu=0

	shift 2
	[ "$host" = a ] || cpu=1
	tools/lab.sh exec "$lab" "$host" taskset -c "$cpu" "$@" \
		>"$results.$name" 2>/dev/null &
	printf -v "$name" %s $!
}

# Receive threads are called after their device, and labs of others may be up, too.
own_name() {
	on "$1" ip link set "$2" down
	on "$1" ip link set "$2" name "$3"
	on "$1" ip link set "$3" up
}

hosts_up() {
	bench_up bench-flood
	trap flood_down EXIT
	target_dev=t$$ attacker_dev=a$$
	own_name t t0 "$target_dev"
	own_name a a0 "$attacker_dev"
	on t ethtool -L "$target_dev" rx 1 tx 1
	on a ethtool -L "$attacker_dev" rx 1 tx 1
	receive_on t "$target_dev" 1
	receive_on a "$attacker_dev" 0
	on a ethtool -K "$attacker_dev" tso off gso off
	on t ip route add default via "$attacker4"
	# What the target answers to the forged sources ends here.
	on a nft -f - <<-END
	table netdev bench {
		chain in { type filter hook ingress device $attacker_dev priority 0; ip daddr != $attacker4 drop; }
	}
	END
	start server t iperf3 -s
	start listener t build/tests/harness/listen --tcp 8080 --seconds 3600
	until [ "$(on t ss -Hltn 'sport = :5201 or sport = :8080' | wc -l)" -ge 2 ]; do sleep 0.05; done
}

# ---- the filters -----------------------------------------------------------

setup_none() { :; }
teardown_none() { :; }

setup_pass() { on t ip link set "$target_dev" xdp obj "$bench/bare.bpf.o" sec xdp.pass; }
teardown_pass() { on t ip link set "$target_dev" xdp off; }

# The upper bound: what the generator costs, and nothing else.
setup_drop() { on t ip link set "$target_dev" xdp obj "$bench/bare.bpf.o" sec xdp.flood; }
teardown_drop() { on t ip link set "$target_dev" xdp off; }

# One limit for all SYNs, as early as nftables can.
setup_nft_ingress() {
	on t nft -f - <<-END
	table netdev bench {
		chain in {
			type filter hook ingress device $target_dev priority 0;
			tcp flags & (syn | ack) == syn limit rate over 1000/second drop
		}
	}
	END
}
teardown_nft_ingress() { on t nft delete table netdev bench; }

# A limit for each source, where most rule sets live.
setup_nft_input() {
	on t nft -f - <<-END
	table inet bench {
		set flood { type ipv4_addr; size 65536; flags dynamic, timeout; timeout 10s; }
		chain in {
			type filter hook input priority 0;
			tcp flags & (syn | ack) == syn add @flood { ip saddr limit rate over 20/second } drop
		}
	}
	END
}
teardown_nft_input() { on t nft delete table inet bench; }

setup_pscan() { attach; }
teardown_pscan() { detach; }

# ---- measuring -------------------------------------------------------------

# Prints the bits a second that the server's socket received, for $1 seconds.
# shellcheck disable=SC2016 # the target's shell expands
received='
bytes() { ss -tinHO "sport = :5201" | sed -n "s/.*bytes_received:\([0-9]*\).*/\1/p" | sort -n | tail -n 1; }
from=$(bytes) begin=${EPOCHREALTIME/./}
sleep "$1"
to=$(bytes) end=${EPOCHREALTIME/./}
[ -n "$to" ] || to=${from:=0} # the connection is gone
echo "$(((${to:-0} - ${from:-0}) * 8000000 / (end - begin)))"
'

start_client() {
	local patience=200

	start client a iperf3 -c "$target4" --fq-rate "$rate" -t $((seconds + 20))
	until on t ss -tinHO 'sport = :5201' | grep -q 'bytes_received:[0-9]\{7\}'; do
		[ $((patience -= 1)) -gt 0 ] || fail "no transfer without a flood"
		sleep 0.05
	done
}

stop_client() {
	kill "$client" 2>/dev/null || true
	wait "$client" || true
	client=
	until ! on t ss -tnH state established 'sport = :5201' | grep -q .; do sleep 0.05; done
}

# start_flood RATE OPTION...: it goes on until it is stopped: what is measured is never beside it.
start_flood() {
	local speed=$1

	shift
	start flood a "$bench/blast" --dev "$attacker_dev" --dst-mac "$target_mac" \
		--dst "$target4" --port 1-1000 --rate "$speed" --count $((speed * (seconds + 20))) \
		--seconds $((seconds + 20)) "$@"
	sleep 1
}

stop_flood() {
	kill "$flood" || fail "the flood ended before it was to"
	wait "$flood"
	flood=
	echo "$1.mpps $(field mpps <"$results.flood")" >>"$results"
}

# measure FLOOD FILTER
measure() {
	local key=$1.$2 bits

	"setup_$2"
	start_client
	case $1 in
	many) start_flood "$pps" --src 10.0.0.0 --sources 1048576 ;;
	many_two_thirds) start_flood $((pps * 2 / 3)) --src 10.0.0.0 --sources 1048576 ;;
	many_third) start_flood $((pps / 3)) --src 10.0.0.0 --sources 1048576 ;;
	few) start_flood "$pps" --src 203.0.113.0 --sources 64 ;;
	esac
	start visitor a "$bench/visit" "$target4" 8080 "$visits" "$seconds"
	bits=$(on t taskset -c 0 bash -c "$received" bash "$seconds")
	wait "$visitor"
	[ "$1" = no ] || stop_flood "$key"
	[ "$2" != pscan ] || count_blocked "$key"
	echo "$key.mbits $((bits / 1000000))" >>"$results"
	echo "$key.connects $(cat "$results.visitor")" >>"$results"
	stop_client
	"teardown_$2"
}

# What is claimed to have been blocked was.
count_blocked() {
	local blocked

	blocked=$(on t "$pscan" status --json | jq .tables.blocks.used)
	echo "$1.blocked $blocked" >>"$results"
}

hosts_up
filters="drop pass nft_ingress pscan"
for ((round = 0; round < rounds; round++)); do
	measure no none
	for kind in few many_third many_two_thirds many; do
		for filter in $filters; do
			measure "$kind" "$filter"
		done
		[[ $kind = many_* ]] || measure "$kind" nft_input
	done
done

# One object: numbers by flood, filter and what was measured; and of the transfer, how much was kept.
report=$(spread "$results" | jq -c --argjson pps "$pps" --arg rate "$rate" '
	(reduce to_entries[] as $e ({}; setpath($e.key | split("."); $e.value))) as $floods
	| $floods.no.none as $quiet
	| { bench: "flood", pps: $pps, rate: $rate, no_flood: $quiet }
		+ ($floods | del(.no) | map_values(map_values(
			. + { kept: ((.mbits.median / $quiet.mbits.median * 100 | round) / 100) })))')
echo "$report"
{
	printf '%-16s %-12s %16s %18s %14s %14s\n' flood filter "transfer" "least..most" "of no flood" \
		"new connections"
	jq -r '["none", "none", .no_flood.mbits.median, .no_flood.mbits.least, .no_flood.mbits.most, 1,
			.no_flood.connects.median],
		(to_entries[] | select(.value | objects | has("pscan")) | .key as $flood
			| .value | to_entries[] | [$flood, .key, .value.mbits.median, .value.mbits.least,
				.value.mbits.most, .value.kept, .value.connects.median])
		| @tsv' <<<"$report" |
		awk -v of="$visits" '{ printf "%-16s %-12s %9d Mbit/s %8d..%-8d %13.2fx %7d of %d\n", $1, $2, $3, $4, $5, $6, $7, of }'
	echo "many: 1,048,576 sources, few: 64; $pps SYNs a second were meant, sent (median):" \
		"$(jq '[.many[], .few[] | .mpps.median] | sort | .[length / 2 | floor]' <<<"$report") million;" \
		"two thirds: $(jq '[.many_two_thirds[].mpps.median] | min' <<<"$report") at least," \
		"a third: $(jq '[.many_third[].mpps.median] | min' <<<"$report")"
} >&2
