#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# soak.sh - MINUTES of everything at once against an attached detector: honest
# load (a paced transfer, HTTP, a resolver's answers, over IPv6), scans by nmap,
# hping3 and our own scanner, floods from forged sources (over IPv4). A sample a
# second goes to build/soak/samples.csv, the plots to build/soak/soak.svg, and the
# verdict says what stayed flat, and why not if it did not.
#
#	make soak MINUTES=30
set -euo pipefail
# shellcheck source=tools/bench/lib.sh
. "$(dirname "$0")/lib.sh"
seconds=$((${MINUTES:-3} * 60))
clock_hz=$(getconf CLK_TCK)
out=$PWD/build/soak
traffic=$PWD/tests/harness/traffic.py
forge=$PWD/build/tests/harness/forge
target6=2001:db8::1
attacker6=2001:db8::2

for tool in gnuplot iperf3 nmap hping3 dnsmasq jq python3; do
	type $tool >/dev/null 2>&1 || {
		echo "soak.sh: $tool is missing: apt-get install ${tool/#gnuplot/gnuplot-nox}" >&2
		exit 1
	}
done
rm -rf "$out"
mkdir -p "$out"
attach_out=$out/loader.log
bench_up soak
soak_pids=()

soak_down() {
	kill "${soak_pids[@]}" 2>/dev/null || true
	bench_down
}
trap soak_down EXIT

# behind NAME HOST CMD...: in that host until the end; what it prints goes to NAME.log.
behind() {
	local name=$1

	shift
	tools/lab.sh exec "$lab" "$@" >"$out/$name.log" 2>&1 &
	soak_pids+=($!)
}


# ---- honest load ---------------------------------------------------------------

listening() {
	until on "$1" ss -Hltn "sport = :$2" | grep -q .; do
		sleep 0.05
	done
}

serve() {
	behind web t python3 -m http.server --bind :: -d "$out" 80
	behind iperf t iperf3 --server
	behind dns a dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--pid-file= --user=root --bind-interfaces --interface=a0 --address=/example/192.0.2.1
	listening t 80
	listening t 5201
	listening a 53
}

# One line for each round that came back whole.
rounds() {
	local name=$1 host=$2

	shift 2
	while on "$host" timeout 30 "$traffic" "$@" 2>>"$out/$name.err"; do
		echo "$EPOCHSECONDS" >>"$out/$name.rounds"
		sleep 0.2
	done
	echo "$name: a round failed" >>"$out/failed"
}

honest() {
	: >"$out/http.rounds"
	: >"$out/resolver.rounds"
	behind transfer a iperf3 --client "$target6" --bitrate 100M --interval 1 --forceflush \
		--format m --time $((seconds + 30))
	rounds http a http "$target6" 80 20 &
	soak_pids+=($!)
	rounds resolver t dns "$attacker6" 20 &
	soak_pids+=($!)
}

# ---- the others ------------------------------------------------------------------

source_number=20 # of the latest scanner

# A scanner's address that nobody had before; the oldest goes.
next_source() {
	source_number=$((source_number < 250 ? source_number + 1 : 21))
	source4=198.51.100.$source_number
	on a ip addr replace "$source4/32" dev a0
}

scans() {
	local kind

	for ((;;)); do
		for kind in -sS -sF -sU -sT; do
			next_source
			on a timeout 8 nmap -e a0 -S "$source4" $kind -n -Pn -T4 -p1-200 "$target4" || true
			next_source
			on a timeout 5 hping3 -a "$source4" -n -q -S -i u2000 -c 200 -p ++1 "$target4" || true
			next_source
			on a timeout 8 "$pscan" scan -n -sS -p 1-200 --source "$source4" "$target4" || true
		done
	done
}

floods() {
	for ((;;)); do
		on a "$forge" -i a0 --mac "$target_mac" --count 200000 --rate 50000 "$target4"
		sleep 5
		on a "$forge" -i a0 --mac "$target_mac" --count 100000 --rate 50000 --twice "$target4"
		sleep 5
	done
}

# ---- a sample a second --------------------------------------------------------------

# Clock ticks that the loader has used so far.
loader_ticks() {
	awk '{ print $14 + $15 }' "/proc/$loader/stat"
}

# Mbit/s of the transfer in its latest whole second.
transfer_mbits() {
	sed -n 's/.* \([0-9.]*\) Mbits\/sec.*/\1/p' "$out/transfer.log" | tail -n 1
}

sample() {
	local second=$1 ticks rss

	ticks=$(loader_ticks)
	rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$loader/status")
	on t "$pscan" status --json | jq -r --arg second "$second" --arg rss "$rss" --argjson cpu "$(((ticks - last_ticks) * 1000 / clock_hz / (second - last_second)))" \
		--arg mbits "$(transfer_mbits)" --arg events "$(wc -l <"$out/events")" \
		--arg http "$(wc -l <"$out/http.rounds")" \
		--arg dns "$(wc -l <"$out/resolver.rounds")" '[
		$second, $rss, $cpu / 10, .tables.sources.used, .tables.blocks.used, $mbits, $events,
		.counters.stage.event_lost, .counters.stage.scan, .counters.parse.ok,
		.counters.stage.drop, $http, $dns] | join(",")' >>"$out/samples.csv"
	last_ticks=$ticks
	last_second=$second
}

samples() {
	local start=$EPOCHSECONDS second=0

	last_second=0

	# What measures must not wait for what it measures.
	renice -n -15 $BASHPID >/dev/null
	last_ticks=$(loader_ticks)
	echo "second,rss_kb,cpu_percent,sources,blocks,mbits,events,lost,scans,packets,dropped,http,dns" \
		>"$out/samples.csv"
	while [ $second -lt "$seconds" ]; do
		sleep 0.1
		[ $((EPOCHSECONDS - start)) -gt $second ] || continue
		second=$((EPOCHSECONDS - start))
		sample $second
	done
}

# ---- plots and verdict ----------------------------------------------------------------

# plot TERMINAL FILE
plot() {
	gnuplot <<-END
		set terminal $1
		set output "$2"
		set datafile separator ","
		set key off
		set grid
		set multiplot layout 3, 2 title "pscan-xdp: $((seconds / 60)) minutes of load, scans and floods"
		set xlabel "seconds"
		set yrange [0:*]
		file = "$out/samples.csv"
		set title "loader, resident KB"
		plot file using 1:2 skip 1 with lines lw 2
		set title "loader, % of a CPU"
		plot file using 1:3 skip 1 with lines lw 2
		set key top left
		set y2range [0:*]
		set ytics nomirror
		set y2tics
		set title "map fill, entries"
		plot file using 1:4 skip 1 with lines lw 2 title "sources", \
			file using 1:5 skip 1 axes x1y2 with lines lw 2 title "blocks (right)"
		unset y2tics
		set title "honest transfer, Mbit/s"
		set key off
		plot file using 1:6 skip 1 with lines lw 2
		set key top left
		set title "events, in all"
		plot file using 1:9 skip 1 with lines lw 2 title "scans", \
			file using 1:7 skip 1 with lines lw 2 title "written", \
			file using 1:8 skip 1 with lines lw 2 title "lost"
		set title "packets, in all"
		set y2tics
		plot file using 1:10 skip 1 with lines lw 2 title "parsed", \
			file using 1:11 skip 1 axes x1y2 with lines lw 2 title "dropped (right)"
	END
}

# From the samples behind a warm-up of a fifth: least squares for the memory, thirds for the
# rest. What is called flat, and where the line is drawn, stands in each message.
verdict() {
	awk -F , -v room="$(on t "$pscan" status --json | jq '"\(.tables.sources.room) \(.tables.blocks.room)"' -r)" \
		-v failed="$(cat "$out/failed" 2>/dev/null || true)" '
	NR > 1 { n++; for (i = 1; i <= NF; i++) v[n, i] = $i }
	function mean(column, from, to,   i, sum) {
		for (i = from; i <= to; i++) sum += v[i, column]
		return sum / (to - from + 1)
	}
	function say(ok, text) { printf "%-4s %s\n", ok ? "flat" : "NOT", text; if (!ok) bad++ }
	END {
		first = int(n / 5) + 1; third = int((n - first + 1) / 3)
		for (i = first; i <= n; i++) {
			m++; x = v[i, 1]; y = v[i, 2]
			sx += x; sy += y; sxx += x * x; sxy += x * y
		}
		slope = (m * sxy - sx * sy) / (m * sxx - sx * sx)
		growth = slope * (v[n, 1] - v[first, 1])
		say(growth < 0.02 * sy / m || growth < 256, sprintf(\
			"memory: %d KB, %+.0f KB over %d s by least squares (limit 2 %% or 256 KB)", \
			sy / m, growth, v[n, 1] - v[first, 1]))
		before = mean(3, first, first + third - 1); after = mean(3, n - third + 1, n)
		say(after <= 1.5 * before + 2, sprintf(\
			"loader: %.1f %% of a CPU in the first third, %.1f %% in the last (limit 1.5 times and 2 %%)", \
			before, after))
		split(room, most, " ")
		for (i = first; i <= n; i++) {
			if (v[i, 4] > sources) sources = v[i, 4]
			if (v[i, 5] > blocks) blocks = v[i, 5]
		}
		say(sources <= most[1] && blocks <= most[2], sprintf(\
			"tables: at most %d of %d sources (a record stays until its place is wanted), %d of %d blocks", \
			sources, most[1], blocks, most[2]))
		before = mean(6, first, first + third - 1); after = mean(6, n - third + 1, n)
		say(after >= 0.8 * before, sprintf(\
			"honest transfer: %.1f Mbit/s in the first third, %.1f in the last (limit 0.8 times)", \
			before, after))
		say(v[n, 12] > v[first, 12] && v[n, 13] > v[first, 13] && failed == "", sprintf(\
			"honest rounds: %d of HTTP, %d of DNS, failed: %s", v[n, 12], v[n, 13], \
			failed == "" ? "none" : failed))
		say(v[n, 7] + v[n, 8] >= v[n, 9], sprintf(\
			"events: %d scans, %d lines written, %d lost and counted", v[n, 9], v[n, 7], v[n, 8]))
		printf "{\"bench\":\"soak\",\"seconds\":%d,\"samples\":%d,\"rss_kb\":%d,\"rss_growth_kb\":%.0f,\"scans\":%d,\"packets\":%d,\"flat\":%s}\n", \
			v[n, 1], n, sy / m, growth, v[n, 9], v[n, 10], bad ? "false" : "true"
		exit bad > 0
	}' "$out/samples.csv"
}

serve
attach --events "$out/events" --block-time 20s
loader=$attach_pid
: >>"$out/events"
honest
(scans >"$out/scans.log" 2>&1) &
soak_pids+=($!)
(floods >"$out/floods.log" 2>&1) &
soak_pids+=($!)
samples
plot "svg size 1100, 1000 dynamic background rgb 'white'" "$out/soak.svg"
verdict
detach
