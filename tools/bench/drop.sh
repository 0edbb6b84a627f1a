#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# drop.sh - a blocked source at full rate over veth: pscan-xdp beside a bare
# XDP_DROP, xdp-filter, nftables at ingress and input, ipset in raw PREROUTING, and no
# filter at all. Interleaved rounds, medians, ratios; a table and a JSON line.
# What counts is what the receiver got rid of, by its own counters, per second.
set -euo pipefail
# shellcheck source=tools/bench/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-5} frames=${FRAMES:-2000000}
results=$(mktemp)
bench_up bench-drop
trap 'rm -f "$results"; bench_down' EXIT

xdp_drops() {
	on t ethtool -S t0 | awk '/xdp_drops/ { n += $2 } END { print n + 0 }'
}

nft_drops() {
	on t nft list ruleset | awk '/counter packets/ { for (i = 1; i < NF; i++) if ($i == "packets") print $(i + 1) }'
}

ipset_drops() {
	on t iptables -t raw -L PREROUTING -v -n -x | awk '/match-set/ { print $1 }'
}

stack_packets() {
	# shellcheck disable=SC2016 # awk expands
	on t awk '/^Tcp:/ && $2 ~ /^[0-9]/ { print $15 }' /proc/net/snmp # OutRsts
}

setup_bare() { on t ip link set t0 xdp obj "$bench/bare.bpf.o" sec xdp; }
teardown_bare() { on t ip link set t0 xdp off; }

setup_pscan() {
	attach
	blast --count 256 --port 1-1000 >/dev/null
	until on t "$pscan" block list | grep -q "$attacker4"; do sleep 0.05; done
}
teardown_pscan() { detach; }

# Behind libxdp's dispatcher, as it comes.
setup_xdp_filter() {
	on t xdp-filter load -m native -p allow -f ipv4 "$target_dev"
	on t xdp-filter ip -m src "$attacker4"
}
teardown_xdp_filter() { on t xdp-filter unload "$target_dev"; }

setup_nft_ingress() {
	on t nft -f - <<-END
	table netdev bench {
		set blocked { type ipv4_addr; elements = { $attacker4 } }
		chain in { type filter hook ingress device t0 priority 0; ip saddr @blocked counter drop; }
	}
	END
}
teardown_nft_ingress() { on t nft delete table netdev bench; }

setup_nft_input() {
	on t nft -f - <<-END
	table inet bench {
		set blocked { type ipv4_addr; elements = { $attacker4 } }
		chain in { type filter hook input priority 0; ip saddr @blocked counter drop; }
	}
	END
}
teardown_nft_input() { on t nft delete table inet bench; }

setup_ipset_raw() {
	on t ipset create bench hash:ip
	on t ipset add bench $attacker4
	on t iptables -t raw -A PREROUTING -m set --match-set bench src -j DROP
}
teardown_ipset_raw() {
	on t iptables -t raw -F PREROUTING
	on t ipset destroy bench
}

setup_no_filter() { :; }
teardown_no_filter() { :; }

counter_of() {
	case $1 in
	bare | pscan | xdp_filter) xdp_drops ;;
	nft_*) nft_drops ;;
	ipset_raw) ipset_drops ;;
	no_filter) stack_packets ;;
	esac
}

measure() {
	local name=$1 before after seconds

	"setup_$name"
	before=$(counter_of "$name")
	seconds=$(blast --count "$frames" --port 81 | field seconds)
	after=$(counter_of "$name")
	awk -v n="$name" -v d=$((after - before)) -v s="$seconds" \
		'BEGIN { printf "%s %.4f\n", n, d / s / 1e6 }' >>"$results"
	"teardown_$name"
}

type xdp-filter >/dev/null 2>&1 && filter=xdp_filter || filter=
variants=${ONLY:-bare pscan $filter nft_ingress nft_input ipset_raw no_filter}
for ((round = 0; round < rounds; round++)); do
	for variant in $variants; do
		measure "$variant"
	done
done

sort -k1,1 -k2,2n "$results" | awk -v order="$variants" -v frames="$frames" '
	{ v[$1, ++n[$1]] = $2 }
	END {
		count = split(order, name, " ")
		for (i = 1; i <= count; i++) med[name[i]] = v[name[i], int((n[name[i]] + 1) / 2)]
		printf "%-14s %10s %10s %10s %12s %12s\n", "dropper", "median", "least", "most", "of bare", "pscan is"
		for (i = 1; i <= count; i++) {
			x = name[i]
			printf "%-14s %7.3f M/s %6.3f M/s %6.3f M/s %11.2fx %11.2fx\n", x, med[x], v[x, 1],
				v[x, n[x]], med[x] / med["bare"], med["pscan"] / med[x]
		}
		printf "{\"bench\":\"drop\",\"frames\":%d,\"rounds\":%d", frames, n["bare"]
		for (i = 1; i <= count; i++) printf ",\"%s_mpps\":%.4f,\"%s_least_mpps\":%.4f,\"%s_most_mpps\":%.4f",
			name[i], med[name[i]], name[i], v[name[i], 1], name[i], v[name[i], n[name[i]]]
		print "}"
	}'
