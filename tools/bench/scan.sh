#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# scan.sh - the scanner beside nmap and masscan, in one lab, in one run.
#
# How many ports are found open is read from our own records; of the peers only
# wall time and, on the wire, the ports that answered them are counted. RUNS
# sets how often ours is repeated (20), PEER_RUNS how often a peer is (3).
# QUICK=1 leaves out what takes longer than half a minute; PARTS names what is
# measured, all of it unless told. Table on standard error, JSON on standard output.
set -euo pipefail
# shellcheck source=tools/bench/lib.sh
. "$(dirname "$0")/lib.sh"

runs=${RUNS:-20}
peer_runs=${PEER_RUNS:-3}
quick=${QUICK:-}
parts=${PARTS:-many_ports many_hosts silent_ports losses udp_closed memory}
target6=2001:db8::1
twenty=22,80,443,1234,3306,5555,7777,8080,9999,10001,20002,30003,33333,40004,44444,50005,55555,60006,64000,65000
work=$(mktemp -d)
title='' # of the part at hand
exec 3>&1 1>&2

clean_up() {
	rm -rf "$work"
	bench_down
}

# part TITLE: what is measured from here on.
part() {
	title=$1
	echo "$title"
}

# median FILE: of the numbers in it.
median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# record KEY NAME [JQ-OBJECT]: one measurement, whose times are in $work/times; `against` is ours.
record() {
	jq -nc --arg part "$title" --arg key "$1" --arg name "$2" --slurpfile times "$work/times" \
		--argjson more "${3:-{\}}" '($times | sort) as $t | { part: $part, ($key): $name }
			+ if $t == [] then {} else { median: $t[($t | length - 1) / 2 | floor],
				least: $t[0], most: $t[-1], rounds: ($t | length) } end + $more' >>"$work/rows"
}

# clock CMD...: run it for at most two minutes, print the seconds it took.
clock() {
	local begin=${EPOCHREALTIME/./}

	timeout -s INT 120 "$lab_sh" exec "$lab" a "$@" >"$work/out" 2>"$work/err" || true
	awk -v us=$((${EPOCHREALTIME/./} - begin)) 'BEGIN { printf "%.2f\n", us / 1e6 }'
}

# ours NAME WANTED N OPTION...: N runs; complete runs, median and longest time, false opens.
ours() {
	local name=$1 wanted=$2 n=$3 whole=0 false_open=0 found

	shift 3
	: >"$work/times"
	for ((i = 0; i < n; i++)); do
		clock "$pscan" scan -n --json "$@" >>"$work/times"
		found=$(jq -r 'select(.type == "port" and .state == "open") |
			.address + ":" + (.port | tostring)' "$work/out" | sort -u | wc -l)
		[ "$found" -eq "$wanted" ] && whole=$((whole + 1))
		[ "$found" -gt "$wanted" ] && false_open=$((false_open + 1))
	done
	printf '  %-44s %s of %s runs found %s; too many: %s; median %s s, longest %s s\n' "$name" \
		"$whole" "$n" "$wanted" "$false_open" "$(median "$work/times")" \
		"$(sort -n "$work/times" | tail -n 1)"
	median "$work/times" >"$work/ours"
	record ours "$name" "{\"wanted\":$wanted,\"whole\":$whole,\"too_many\":$false_open}"
}

# peer NAME N CMD...: N runs of a peer; median time, and ours as a share of it.
peer() {
	local name=$1 n=$2

	shift 2
	: >"$work/times"
	if ! type "$1" >/dev/null 2>&1; then
		printf '  %-44s is not installed\n' "$1"
		record peer "$name" '{"missing":true}'
		return
	fi
	for ((i = 0; i < n; i++)); do
		clock "$@" >>"$work/times"
	done
	record peer "$name" "{\"against\":$(cat "$work/ours")}"
	printf '  %-44s median %s s; ours takes %s of that\n' "$name" "$(median "$work/times")" \
		"$(awk -v a="$(cat "$work/ours")" -v b="$(median "$work/times")" \
			'BEGIN { printf "%.2f", a / b }')"
}

# lose PERCENT: of what the target gets, and of what it sends.
lose() {
	on t nft -f - <<-RULES
		table netdev loss
		delete table netdev loss
		table netdev loss {
			chain in {
				type filter hook ingress device "t0" priority 0;
				meta protocol { ip, ip6 } numgen random mod 100 < $1 drop
			}
			chain out {
				type filter hook egress device "t0" priority 0;
				meta protocol { ip, ip6 } numgen random mod 100 < $1 drop
			}
		}
	RULES
}

# silence RULE: the target gets nothing but neighbour solicitations and what RULE accepts.
silence() {
	on t nft -f - <<-RULES
		table netdev loss
		delete table netdev loss
		table netdev loss {
			chain in {
				type filter hook ingress device "t0" priority 0;
				icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
				$1
				meta protocol { ip, ip6 } drop
			}
		}
	RULES
}

no_loss() {
	on t nft delete table netdev loss
}

many_ports() {
	part "65,535 ports of one host, 20 open"
	ours "SYN, IPv4" 20 "$runs" -sS -Pn -p- "$target4"
	peer "nmap -sS -T4 -n -Pn" "$peer_runs" nmap -sS -T4 -n -Pn -p- "$target4"
	masscan_answers
	ours "SYN, IPv6" 20 "$runs" -sS -Pn -p- "$target6"
	peer "nmap -6 -sS -T4 -n -Pn" "$peer_runs" nmap -6 -sS -T4 -n -Pn -p- "$target6"
	ours "connect, IPv4" 20 "$peer_runs" -sT -Pn -p- "$target4"
	peer "nmap -sT -T4 -n -Pn" "$peer_runs" nmap -sT -T4 -n -Pn -p- "$target4"
	ours "FIN, IPv4 (open is silent: 0)" 0 "$peer_runs" -sF -Pn -p- "$target4"
	peer "nmap -sF -T4 -n -Pn" "$peer_runs" nmap -sF -T4 -n -Pn -p- "$target4"
	ours "SYN, loopback of the target's kind" 0 "$peer_runs" -sS -p- 127.0.0.1
}

# It does not end by itself: time says nothing, the wire does.
masscan_answers() {
	local counter

	: >"$work/times"
	if ! type masscan >/dev/null 2>&1; then
		printf '  %-44s is not installed\n' masscan
		record peer masscan '{"missing":true}'
		return
	fi
	"$lab_sh" exec "$lab" a build/tests/harness/wirecount -i a0 --seconds 30 \
		"src host $target4 and tcp[13] = 18" >"$work/count" 2>"$work/ready" &
	counter=$!
	until grep -qx ready "$work/ready"; do sleep 0.05; done
	on a timeout -s KILL 5 masscan -e a0 --router-mac "$target_mac" \
		--rate 1000000 -p1-65535 "$target4" >/dev/null 2>&1 || true
	kill "$counter"
	wait "$counter" || true
	record peer masscan "{\"answered\":$(jq .sports "$work/count")}"
	printf '  %-44s %s of 20 open ports answered it on the wire\n' "masscan --rate 1000000" \
		"$(jq .sports "$work/count")"
}

many_hosts() {
	part "Many hosts behind the target"
	on a ip route add 203.0.113.0/26 via "$target4"
	on a ip route add 2001:db8:1::/112 via "$target6"
	on t ip route add local 203.0.113.0/26 dev lo
	on t ip route add local 2001:db8:1::/112 dev lo
	ours "64 hosts x 1000 ports" 192 "$peer_runs" -sS -Pn -p 1-1000 203.0.113.0/26
	peer "nmap -sS -T4 -n -Pn" 1 nmap -sS -T4 -n -Pn -p 1-1000 203.0.113.0/26
	ours "65,536 hosts x 1 port" 65536 "$peer_runs" -sS -Pn -p 80 2001:db8:1::/112
	[ -n "$quick" ] || peer "nmap -6 -sS -T4 -n -Pn" 1 nmap -6 -sS -T4 -n -Pn -p 80 2001:db8:1::/112
}

silent_ports() {
	part "1000 silent ports, default timing"
	silence ""
	ours "SYN, IPv4" 0 3 -sS -Pn -p 1-1000 "$target4"
	ours "SYN, IPv6" 0 3 -sS -Pn -p 1-1000 "$target6"
	[ -n "$quick" ] || peer "nmap -sS -T4 -n -Pn" 1 nmap -sS -T4 -n -Pn -p 1-1000 "$target4"
	silence "tcp dport 443 accept"
	ours "SYN, one open port among them" 1 3 -sS -Pn -p 1-1000 "$target4"
	no_loss
}

losses() {
	local percent

	for percent in 1 5 10; do
		part "$percent % loss each way, 65,535 ports"
		lose "$percent"
		ours "SYN, IPv4" 20 "$runs" -sS -Pn -p- "$target4"
		ours "SYN, IPv6" 20 "$runs" -sS -Pn -p- "$target6"
		no_loss
	done
}

udp_closed() {
	part "60 UDP ports, one of them a name server"
	"$lab_sh" exec "$lab" t dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--port=53 --user=root >/dev/null 2>&1 &
	until on t sh -c 'ss -Hlun sport = :53 | grep -q .'; do sleep 0.05; done
	ours "UDP, IPv4" 1 1 -sU -Pn -p 1-60 "$target4"
	# The ICMP budget of the target is kept per address: a fresh one for the peer.
	on a ip addr add 198.51.100.3/24 dev a0
	peer "nmap -sU -n -Pn" 1 nmap -sU -n -Pn -S 198.51.100.3 -e a0 -p 1-60 "$target4"
	[ -n "$quick" ] || ours "UDP, IPv6" 1 1 -sU -Pn -p 1-60 "$target6"
}

memory() {
	part "Memory"
	build/tools/bench/replay cost "$pscan" scan --dry-run -sS -Pn -p 80 10.0.0.0/8 >"$work/cost"
	awk '{ printf "  a dry run of a /8 x 1 port: %d KB, %s s\n", $2, $1 }' "$work/cost"
	cut -d ' ' -f 1 "$work/cost" >"$work/times"
	record ours "a dry run of a /8 x 1 port" "{\"kib\":$(cut -d ' ' -f 2 "$work/cost")}"
}

lab_sh=$PWD/tools/lab.sh
bench_up scan
trap clean_up EXIT
on a ip link set lo up
"$lab_sh" exec "$lab" t build/tests/harness/listen --tcp "$twenty" --seconds 3600 >/dev/null 2>&1 &
until on t sh -c 'ss -Hltn sport = :65000 | grep -q .'; do sleep 0.05; done
for measurement in $parts; do
	[ "$measurement" = udp_closed ] && [ -n "$quick" ] || "$measurement"
done
jq -sc '{ bench: "scan", rows: . }' "$work/rows" >&3
