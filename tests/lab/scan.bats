#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The scanner against real and emulated hosts. What it says is read as JSON; what it
# sent is counted on the wire.
# shellcheck disable=SC2154,SC2030,SC2031 # names set by lab.bash; each test has its own

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

twenty=22,80,443,1234,3306,5555,7777,8080,9999,10001,20002,30003,33333,40004,44444,50005,55555,60006,64000,65000
other4=198.51.100.9
other6=2001:db8::9

setup() {
	need_root
	lab_up --bpffs
}

teardown() {
	lab_down
}

# scan OPTION... TARGET: from the attacker, its records to $records.
scan() {
	records=$BATS_TEST_TMPDIR/records
	on a "$pscan" scan -n --json "$@" >"$records" 2>"$BATS_TEST_TMPDIR/stderr" ||
		{ cat "$BATS_TEST_TMPDIR/stderr" >&2; return 1; }
}

# ports STATE: the ports in that state that have a record of their own, in order.
ports() {
	jq -r "select(.type == \"port\" and .state == \"$1\") | .port" "$records" | sort -n | xargs
}

# of_host FILTER, of_run FILTER: from the host's record, from the summary.
of_host() {
	jq -r "select(.type == \"host\") | $1" "$records"
}

of_run() {
	jq -r "select(.type == \"summary\") | $1" "$records"
}

# lossy_both PERCENT: the target loses that much of what it gets and of what it sends.
# (What the attacker drops on arrival its packet sockets have seen already.)
lossy_both() {
	on t nft -f - <<-RULES
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

# told_again N: more than N scans have been told.
told_again() {
	[ "$(event scan .type | wc -l)" -gt "$1" ]
}

# in_order LIST: "22,80" as ports() prints it.
in_order() {
	tr ',' ' ' <<<"$1"
}

@test "SYN over all ports finds every open one, and probes each port once" {
	services t --tcp "$twenty"
	for address in "$target4" "$target6"; do
		count_start sent t "dst host $address and tcp and dst portrange 1-65535 and \
			(tcp[13] = 2 or ip6[53] = 2)"
		scan -sS -p- "$address"
		count_stop sent
		[ "$(ports open)" = "$(in_order "$twenty")" ]
		[ "$(of_host .tcp.closed)" -eq 65515 ]
		[ "$(counted sent packets dports lost | xargs)" = "65535 65535 0" ]
	done
}

@test "connect finds the same without privilege" {
	services t --tcp "$twenty"
	run --separate-stderr on a setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$pscan" scan -n --json -p- "$target4"
	[ "$status" -eq 0 ]
	records=$BATS_TEST_TMPDIR/records
	printf '%s\n' "$output" >"$records"
	[ "$(ports open)" = "$(in_order "$twenty")" ]
	[ "$(of_host .tcp.closed)" -eq 65515 ]
}

@test "a raw technique without privilege fails with one line that offers --connect" {
	run --separate-stderr on a setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$pscan" scan -sS "$target4"
	[ "$status" -eq 1 ]
	one_line "--connect"
}

@test "while it scans it holds no capability" {
	silent t
	spawn scanner a "$pscan" scan -n -sS -p 1-1000 \
		--resume-file "$BATS_TEST_TMPDIR/saved" "$target4"
	wait_for grep -q '^CapEff:	0000000000000000$' "/proc/$scanner_pid/status"
	stop scanner || true
}

@test "Linux: the states of every technique, port by port" {
	local address option

	services t --tcp 22,80
	for address in "$target4" "$target6"; do
		for option in -sS -sT; do
			scan $option -p 20-22,79-80 "$address"
			[ "$(ports open)" = "22 80" ]
			[ "$(of_host .tcp.closed)" -eq 3 ]
		done
		for option in -sF -sN -sX; do
			scan $option -p 20-22,79-80 "$address"
			[ "$(ports "open|filtered")" = "22 80" ]
			[ "$(of_host .tcp.closed)" -eq 3 ]
		done
		for option in -sM -sW; do
			scan $option -p 20-22,79-80 "$address"
			[ "$(of_host .tcp.closed)" -eq 5 ]
		done
		scan -sA -p 20-22,79-80 "$address"
		[ "$(ports unfiltered)" = "20 21 22 79 80" ]
	done
}

@test "BSD: Maimon and Window tell open ports" {
	emulate bsd "$other4" "$other6"
	for address in "$other4" "$other6"; do
		scan -sM -p 20-24 "$address"
		[ "$(ports "open|filtered")" = 22 ]
		scan -sW -p 20-24 "$address"
		[ "$(ports open)" = 22 ]
		[ "$(of_host .tcp.closed)" -eq 4 ]
	done
}

@test "Windows: FIN, NULL and XMAS see closed ports only, SYN the open one" {
	emulate windows "$other4" "$other6"
	for address in "$other4" "$other6"; do
		for option in -sF -sN -sX; do
			scan $option -p 20-24 "$address"
			[ "$(of_host .tcp.closed)" -eq 5 ]
		done
		scan -sS -p 20-24 "$address"
		[ "$(ports open)" = 22 ]
	done
}

@test "SYN proxies and tarpits are named, and their ports are not believed" {
	emulate synproxy "$other4"
	scan -sS -p 1-200 "$other4"
	[ "$(of_host .suspect)" = syn-proxy ]
	[ "$(of_run .open)" -eq 0 ]
	[ -z "$(ports open)" ]
	stop emulate || true
	emulate tarpit "$other4"
	scan -sS -p 1-200 "$other4"
	[ "$(of_host .suspect)" = tarpit ]
	[ "$(of_run .open)" -eq 0 ]
}

@test "a reject is told with its reason, and differs from silence" {
	on t nft -f - <<-RULES
		table inet filter {
			chain in {
				type filter hook input priority 0;
				tcp dport 25 reject with icmpx admin-prohibited
				tcp dport 26 reject with icmpx port-unreachable
				tcp dport 27 drop
			}
		}
	RULES
	for address in "$target4" "$target6"; do
		scan -sS -p 25-28 --timeout 300ms "$address"
		[ "$(ports filtered)" = "25 26 27" ]
		[ "$(jq -r 'select(.type == "port") | .reason' "$records" | sort | xargs)" = \
			"admin-prohibited no-response port-unreach" ]
		[ "$(of_host .tcp.closed)" -eq 1 ]
	done
}

@test "1, 5 and 10 % loss each way: every open port, no closed one called open" {
	services t --tcp "$twenty"
	for percent in 1 5 10; do
		lossy_both "$percent"
		for address in "$target4" "$target6"; do
			scan -sS -p- "$address"
			[ "$(ports open)" = "$(in_order "$twenty")" ]
			[ "$(of_host '.blocked // "no"')" = no ]
		done
		on t nft delete table netdev loss
	done
}

@test "1000 silent ports take at most five seconds, with one open port among them too" {
	services t --tcp 443
	silent t
	scan -sS -p 1-1000 "$target4"
	[ "$(of_host .tcp.filtered)" -eq 1000 ]
	[ "$(of_run '.elapsed_ms < 5000')" = true ]
	drop_at t "meta l4proto tcp tcp dport != 443"
	scan -sS -p 1-1000 "$target4"
	[ "$(ports open)" = 443 ]
	[ "$(of_host .tcp.filtered)" -eq 999 ]
	[ "$(of_run '.elapsed_ms < 5000')" = true ]
}

@test "retries go only to what has not answered" {
	services t --tcp 22
	drop_at t "meta l4proto tcp tcp dport { 30, 31 }"
	count_start all a "dst host $target4 and tcp[13] = 2"
	count_start silent_ones a "dst host $target4 and tcp[13] = 2 and dst portrange 30-31"
	scan -sS -p 1-100 --retries 4 "$target4"
	count_stop all
	count_stop silent_ones
	[ "$(ports filtered)" = "30 31" ]
	[ "$(counted silent_ones packets)" -eq 10 ]
	[ "$(counted all dports)" -eq 100 ]
}

@test "UDP: a name server is open, closed ports are closed in spite of the ICMP budget" {
	spawn dns t dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --port=53 \
		--user=root
	wait_for on t sh -c 'ss -Hlun sport = :53 | grep -q .'
	for address in "$target4" "$target6"; do
		scan -sU -p 50-60 "$address"
		[ "$(ports open)" = 53 ]
		[ "$(of_host .udp.closed)" -eq 10 ]
	done
}

@test "UDP: a silent host is open|filtered within seconds" {
	silent t
	scan -sU -p 1-1000 "$target4"
	[ "$(of_host '.udp["open|filtered"]')" -eq 1000 ]
	[ "$(of_run '.elapsed_ms < 5000')" = true ]
}

@test "discovery finds who is there, on the link and behind a router, and scans only those" {
	on a ip route add 203.0.113.0/24 via "$target4"
	on t ip addr add 203.0.113.7/32 dev lo
	services t --tcp 80
	scan -sn 198.51.100.0/28 203.0.113.0/28 "$target6"
	[ "$(of_host 'select(.status == "up") | .address' | xargs)" = \
		"$target4 $attacker4 203.0.113.7 $target6" ]
	scan -sS -p 80 203.0.113.0/28
	[ "$(of_host 'select(.status == "up") | .address')" = 203.0.113.7 ]
	[ "$(ports open)" = 80 ]
}

@test "loopback: raw, connect and UDP, and never its own ports" {
	services a --tcp 22,80
	for address in 127.0.0.1 ::1 "$attacker4"; do
		scan -sS -p- "$address"
		[ "$(ports open)" = "22 80" ]
		scan -sT -p- "$address"
		[ "$(ports open)" = "22 80" ]
	done
	scan -sU -p 30000-60999 127.0.0.1
	[ -z "$(ports open)" ]
}

@test "a tunnel without hardware addresses" {
	"$repo/tests/harness/tunnel.py" "$(cat "/run/pscan-lab/$lab/a.pid")" \
		"$(cat "/run/pscan-lab/$lab/t.pid")" 20 2>"$BATS_TEST_TMPDIR/tunnel" 3>&- &
	# shellcheck disable=SC2034 # stop reads it
	tunnel_pid=$!
	wait_for grep -qx ready "$BATS_TEST_TMPDIR/tunnel"
	on a sh -c 'ip addr add 192.0.2.2/24 dev tun9; ip link set tun9 up'
	on t sh -c 'ip addr add 192.0.2.1/24 dev tun9; ip link set tun9 up'
	services t --tcp 80
	scan -sS -p 79-81 192.0.2.1
	[ "$(ports open)" = 80 ]
	[ "$(of_host .tcp.closed)" -eq 2 ]
	stop tunnel || true
}

@test "an interrupted scan is saved, and goes on where it stopped: each port once in all" {
	local saved=$BATS_TEST_TMPDIR/saved

	services t --tcp "$twenty"
	count_start sent t "dst host $target4 and tcp[13] = 2"
	spawn scanner a "$pscan" scan -n -sS -p- --rate 20000 --resume-file "$saved" \
		--json="$BATS_TEST_TMPDIR/records" "$target4"
	wait_for grep -q '"port"' "$BATS_TEST_TMPDIR/records"
	kill -INT "$scanner_pid"
	wait "$scanner_pid"
	[ "$(jq -r 'select(.type == "summary") | .exit' "$BATS_TEST_TMPDIR/records")" = interrupted ]
	on a "$pscan" scan --resume "$saved"
	count_stop sent
	records=$BATS_TEST_TMPDIR/records
	[ "$(ports open)" = "$(in_order "$twenty")" ]
	[ "$(of_host .tcp.closed | tail -n 1)" -eq 65515 ]
	# A batch in flight when the signal came may be asked again; nothing else is.
	[ "$(counted sent dports)" -eq 65535 ]
	[ "$(counted sent packets)" -le $((65535 + 200)) ]
}

@test "a dry run lists what is sent: every probe of the real run, and sends nothing" {
	count_start nothing a ""
	on a "$pscan" scan --dry-run -sS -p 1-500 --seed 7 "$target4" >"$BATS_TEST_TMPDIR/dry"
	count_stop nothing
	[ "$(counted nothing packets)" -eq 0 ]
	spawn capture a tcpdump -i a0 -nn -q -l "dst host $target4 and tcp[13] = 2"
	wait_for grep -q listening "$capture_err"
	scan -sS -p 1-500 --seed 7 "$target4"
	wait_for test "$(of_run .probes)" -ge 501
	wait_for sh -c "[ \$(wc -l <$capture_out) -ge 500 ]"
	stop capture || true
	diff <(awk '{ print $3 }' "$BATS_TEST_TMPDIR/dry") \
		<(sed -n 's/.* > [0-9.]*\.\([0-9]*\): .*/\1/p' "$capture_out")
}

@test "shards are disjoint and complete" {
	for i in 1 2 3; do
		"$pscan" scan --dry-run -sS -Pn -p 1-100 --seed 9 --shard $i/3 198.51.100.0/28 \
			>"$BATS_TEST_TMPDIR/$i"
	done
	sort "$BATS_TEST_TMPDIR"/[123] >"$BATS_TEST_TMPDIR/all"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/all")" -eq 1600 ]
	[ "$(sort -u "$BATS_TEST_TMPDIR/all" | wc -l)" -eq 1600 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/1")" -le 534 ]
}

@test "the detector names every technique, and the scanner says where it was blocked" {
	local row option name

	services t --tcp 22,80 --udp 53
	attach
	for row in -sS:syn -sT:syn -sF:fin -sN:null -sX:xmas -sM:maimon -sA:ack -sW:ack; do
		option=${row%:*} name=${row#*:}
		# Of the round before all but its first probes met the block, its last ones, too.
		ask block flush
		wait_for forgotten "$attacker4"
		before=$(event scan .type | wc -l)
		scan "$option" -p 100-400 "$target4"
		[ "$(of_host .blocked.after_probe)" -ge 6 ]
		[ "$(of_host .blocked.after_probe)" -le 7 ]
		[ "$(of_host .tcp.unknown)" -ge 294 ]
		wait_for told_again "$before"
		[ "$(event scan ".type | ascii_downcase" | tail -n 1)" = "$name" ]
	done
}

@test "a blocked scan can be given up" {
	services t --tcp 22
	attach
	count_start sent a "dst host $target4 and tcp[13] = 2"
	scan -sS -p 100-1000 --rate 100 --stop-when-blocked "$target4"
	count_stop sent
	[ "$(of_host '.blocked != null')" = true ]
	[ "$(counted sent dports)" -lt 300 ]
}

@test "the detector does not mind scans that its own host makes" {
	services a --tcp 22,80
	attach
	for option in -sS -sT -sF -sA -sU; do
		on t "$pscan" scan -n $option -p 1-300 --retries 0 --json "$attacker4" >/dev/null
	done
	run ! blocked "$attacker4"
	run ! told scan "$attacker4"
}

@test "bad input: one line, exit 2, nothing sent" {
	local words

	count_start nothing a ""
	for words in "-sS 1.2.3.400" "-sS 198.51.100.0/33" "-p 0-70000" "-p foo" "--rate 0" "-T 9" \
		"-sS -sF" "--shard 3/2" "--shard 1/2" "-e nope0" "-oX /nonexistent/x $target4" \
		"-iL /nonexistent" "--exclude $target4 $target4" "--timeout x" "-S 1.2" \
		"--flags nope" "--top-ports 0" "-sU -p T:80"; do
		# shellcheck disable=SC2086 # several words
		run --separate-stderr on a "$pscan" scan $words
		[ "$status" -eq 2 ] || { echo "$words: $status" >&2; return 1; }
		one_line ""
	done
	count_stop nothing
	[ "$(counted nothing packets)" -eq 0 ]
}

@test "XML and grepable output are well formed" {
	services t --tcp 22,80
	on a "$pscan" scan -n -sS -oX "$BATS_TEST_TMPDIR/x" -oG "$BATS_TEST_TMPDIR/g" \
		-oN "$BATS_TEST_TMPDIR/n" "$target4" >/dev/null
	python3 - "$BATS_TEST_TMPDIR/x" <<-'PY'
		import sys, xml.etree.ElementTree as tree
		root = tree.parse(sys.argv[1]).getroot()
		assert root.tag == "nmaprun"
		found = [p.get("portid") for p in root.iter("port") if p.find("state").get("state") == "open"]
		assert found == ["22", "80"], found
		assert root.find("host/ports/extraports").get("count") == "1021"
	PY
	grep -q "^Host: $target4 ()	Ports: 22/open/tcp//ssh///, 80/open/tcp//http///" \
		"$BATS_TEST_TMPDIR/g"
	grep -q "	Ignored State: closed (1021)" "$BATS_TEST_TMPDIR/g"
	grep -q '^22/tcp *open' "$BATS_TEST_TMPDIR/n"
}
