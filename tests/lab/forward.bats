#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# The target as a gateway: the hosts behind it talk and are scanned through it,
# and no socket of its own knows anything of that. The connection table does,
# where a rule makes the kernel keep one.
# shellcheck disable=SC2154 # names set by lab.bash

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector
load ../harness/cells

server4=192.0.2.2
server6=2001:db8:2::2

setup_file() {
	need_root
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	lab_up --server
	for host in a s; do
		spawn "web_$host" $host python3 -m http.server --bind :: -d "$BATS_FILE_TMPDIR" 80
		wait_for -t 20 listens $host 80
	done
	spawn dns a dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--pid-file= --user=root --bind-interfaces --interface=a0 \
		--address=/example/192.0.2.1
	wait_for -t 20 listens a 53
	spawn_ready echo s "$harness/listen" --tcp 8101-8130 --udp 5300 --seconds 600
}

teardown_file() {
	lab_down
}

teardown() {
	[ -z "${loader_pid-}" ] || interrupt
	on t nft flush ruleset
}

listens() {
	on "$1" ss -Hltn "sport = :$2" | grep -q .
}

# As most gateways do: inside goes out under the gateway's address, and what is published
# there is handed on inside.
gateway() {
	on t nft -f - <<-RULES
		table inet gateway {
			chain out {
				type nat hook postrouting priority srcnat;
				oifname t0 masquerade
			}
			chain in {
				type nat hook prerouting priority dstnat;
				iifname t0 ip daddr $target4 tcp dport 8101-8130 dnat ip to $server4
				iifname t0 ip6 daddr $target6 tcp dport 8101-8130 dnat ip6 to $server6
				iifname t0 ip daddr $target4 udp dport 5301 dnat ip to $server4:5300
				iifname t0 ip6 daddr $target6 udp dport 5301 dnat ip6 to [$server6]:5300
			}
			chain through {
				type filter hook forward priority filter;
				ct state invalid drop
			}
		}
	RULES
	# Something in the table: it is not new, and believed at once.
	on s ping -c 1 -W 2 "$attacker4"
}

forgotten() {
	ask why "$1" --json | jq -e '.block == null and (.record.score // 0) == 0'
}

# caught TYPE SOURCE CMD...: CMD, run outside, is told as a scan of that type, and blocked.
caught() {
	local type=$1 source=$2

	shift 2
	ask block flush
	wait_for forgotten "$source"
	: >"$events"
	spawn scan a timeout 30 "$@"
	wait_for -t 20 told scan "$source"
	kill "$scan_pid"
	[ "$(event scan '"\(.source) \(.type) \(.action)"')" = "$source $type block" ]
	blocked "$source"
}

nmap4() {
	caught "$1" "$attacker4" nmap "$2" -n -Pn -T4 -p1-1000 "$3"
}

nmap6() {
	caught "$1" "$attacker6" nmap -6 "$2" -n -Pn -T4 -p1-1000 "$3"
}

@test "gateway, outer interface: web and name service of the hosts inside raise no alarm" {
	gateway
	attach -v
	load_begins
	traffic s http "$attacker4" 80 100
	traffic s http "$attacker6" 80 100
	traffic s dns "$attacker4" 200
	traffic s dns "$attacker6" 200
	all_quiet 1000
	[ "$(stage forwarded)" -eq 0 ]
	# What answers them comes for ports of the gateway's own address, where no socket is.
	[ "$(stage explained)" -ge 400 ]
}

@test "gateway, both interfaces: the same, and what they serve" {
	gateway
	attach t1 -v
	attached_to t1
	load_begins
	traffic s http "$attacker4" 80 100
	traffic s dns "$attacker6" 200
	traffic a http "$server4" 80 100
	traffic a http "$server6" 80 100
	all_quiet 2000
}

@test "gateway: scans of the server behind it are named and blocked, IPv4" {
	gateway
	attach t1
	attached_to t1
	nmap4 ACK -sA "$server4"
	nmap4 FIN -sF "$server4"
	nmap4 NULL -sN "$server4"
	nmap4 MAIMON -sM "$server4"
	nmap4 SYN -sS "$server4"
	nmap4 UDP -sU "$server4"
}

@test "gateway, outer interface: scans of the server behind it are named and blocked, IPv6" {
	gateway
	attach
	nmap6 ACK -sA "$server6"
	nmap6 FIN -sF "$server6"
	nmap6 NULL -sN "$server6"
	nmap6 SYN -sS "$server6"
	nmap6 UDP -sU "$server6"
}

# A flow is remembered for a second or so; after a longer silence the table is asked again,
# for all thirty at once.
@test "published ports: clients raise no alarm, not after a silence either" {
	gateway
	attach -v
	load_begins
	traffic a hold "$target4" 3 {8101..8130}
	traffic a hold "$target6" 3 {8101..8130}
	traffic a ask "$target4" 5301 100
	traffic a ask "$target6" 5301 100
	all_quiet 400
	[ "$(stage explained)" -ge 120 ]
}

@test "published ports: scans of the gateway's own address are found" {
	gateway
	attach
	nmap4 ACK -sA "$target4"
	nmap4 UDP -sU "$target4"
	nmap6 SYN -sS "$target6"
}

# No rule that needs a table: nothing is entered, and what may be an answer is let be.
@test "plain routing: answers never score, scans with SYN or without ACK do" {
	attach -v
	load_begins
	ask check --json | jq -e 'any(.check == "conntrack" and .result == "limited" and
		(.detail | startswith("present but not tracking")))'
	traffic s http "$attacker4" 80 50
	traffic s dns "$attacker6" 200
	run -124 on a timeout 2 hping3 -n -q -A -i u5000 -p ++1 "$server4"
	all_quiet 600
	[ "$(stage forwarded)" -ge 400 ]
	nmap4 SYN -sS "$server4"
	nmap6 FIN -sF "$server6"
}

@test "the table is relied upon only while it is kept" {
	gateway
	attach --slow off # which asks the table, too
	run -124 on a timeout 2 hping3 -n -q -A -i u20000 -p ++1 "$server4"
	wait_for told scan "$attacker4"
	on t nft flush ruleset
	ask block flush
	wait_for forgotten "$attacker4"
	: >"$events"
	port=7000
	# The loader looks every 3 s.
	wait_for -t 10 lapsed
	traffic s http "$attacker4" 80 30
	run -124 on a timeout 2 hping3 -n -q -A -i u5000 -p ++1000 "$server4"
	run ! told scan
}

# A port that is held against the source already is not asked about again while its
# window lasts, and asking faster than that would never see the end of it.
lapsed() {
	local before

	before=$(stage forwarded)
	port=$((port + 1))
	on a hping3 -n -q -A -c 1 -p "$port" "$server4" || true
	[ "$(stage forwarded)" -gt "$before" ]
}

# Each published port in turn, one a second; what is said comes back.
# shellcheck disable=SC2016 # expanded by the attacker's shell
client_script='
for port in {8101..8106}; do
	exec 5<>"/dev/tcp/$1/$port" && echo word >&5 && read -r word <&5 || exit 1
	exec 5>&-
	sleep 1
done'

# walked FAMILY TECHNIQUE: a scan of the server, a port a second, is found by its closed ports: of
# those the connection table knows no answer. Meanwhile a client of the other family uses
# what is published, at the same pace.
walked() {
	local family=$1 technique=$2 source=attacker$1 server=server$1 client=target$((10 - $1))

	source=${!source}
	gateway
	attach
	wire_start "src host $source" "dst host $source"
	spawn client a timeout 30 bash -c "$client_script" bash "${!client}"
	cd "$BATS_TEST_TMPDIR" # a scan that is ended leaves a file to go on with
	spawn scan a timeout 60 "$pscan" scan --syn -Pn --delay 1s --retries 0 -p 3001-3020 "${!server}"
	wait_for -t 30 told scan
	kill "$scan_pid" 2>/dev/null || true # it may have ended by itself
	wire_stop
	measured "$technique" 1/s "$family" "pscan-xdp scan --syn"
	wait "$client_pid"
	[ "$(event scan .source)" = "$source" ] # and nobody else
	blocked "$source"
}

@test "gateway: a port of the server a second is found, a client of published ports is not" {
	walked 4 "SYN, forwarded"
}

@test "gateway: the same, IPv6; and ports that nobody answers for" {
	full
	walked 6 "SYN, forwarded"
	interrupt
	: >"$events"
	on s nft -f - <<-RULES
		table inet silent {
			chain in {
				type filter hook input priority filter;
				tcp dport 3001-3020 drop
			}
		}
	RULES
	walked 4 "SYN, forwarded, no answer"
}

@test "no cell is missing" { none_missing; }
