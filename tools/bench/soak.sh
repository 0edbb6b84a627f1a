#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# soak.sh - MINUTES of everything at once against an attached detector: honest
# load over both families (paced transfers, HTTP, a resolver's answers), scans by
# nmap, hping3 and our own scanner, floods from forged sources (over IPv4). A
# sample a second goes to build/soak/samples.csv, the plots to
# build/soak/soak.svg, and the verdict says what stayed flat, and why not if it
# did not. It ends as soon as a generator does: without its load nothing is shown.
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
pins=/sys/fs/bpf$(sed -n 's/^#define XDP_ROOT XDP_BPFFS "\([^"]*\)".*/\1/p' user/xdp.h)
target6=2001:db8::1
attacker6=2001:db8::2

for tool in bpftool gnuplot iperf3 nmap hping3 dnsmasq jq python3; do
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
declare -A generators # pid -> name: each lasts as long as the samples

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
	generating "$name"
}

# The command just put into the background is called so.
generating() {
	soak_pids+=($!)
	generators[$!]=$1
}

# Fails when one of them has ended, and says which.
generators_alive() {
	local pid

	for pid in "${!generators[@]}"; do
		kill -0 "$pid" 2>/dev/null || {
			echo "${generators[$pid]} ended after $1 s" >>"$out/failed"
			return 1
		}
	done
}

# ---- honest load ---------------------------------------------------------------

listening() {
	until on "$1" ss -Hltn "sport = :$2" | grep -q .; do
		sleep 0.05
	done
}

serve() {
	behind web t python3 -m http.server --bind :: -d "$out" 80
	behind iperf6 t iperf3 --server
	behind iperf4 t iperf3 --server --port 5202
	behind dns a dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--pid-file= --user=root --bind-interfaces --interface=a0 --address=/example/192.0.2.1
	listening t 80
	listening t 5201
	listening t 5202
	listening a 53
}

# One line for each round that came back whole.
rounds() {
	local name=$1 host=$2

	shift 2
	while on "$host" timeout 120 "$traffic" "$@" 2>>"$out/$name.err"; do
		echo "$EPOCHSECONDS" >>"$out/$name.rounds"
		sleep 0.2
	done
	echo "$name: a round failed" >>"$out/failed"
}

# paced NAME TARGET PORT: 50 Mbit/s, a line a second.
paced() {
	behind "$1" a iperf3 --client "$2" --port "$3" --bitrate 50M --interval 1 --forceflush \
		--format m --time $((seconds + 60))
}

# in_rounds NAME HOST KIND...
in_rounds() {
	: >"$out/$1.rounds"
	rounds "$@" &
	generating "$1"
}

# The honest client's addresses are nobody else's.
honest() {
	paced transfer6 "$target6" 5201
	paced transfer4 "$target4" 5202
	in_rounds http6 a http "$target6" 80 20
	in_rounds http4 a http "$target4" 80 20
	in_rounds resolver t dns "$attacker6" 20
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

# mbits NAME: of the transfer's latest whole second; 0 when it has said nothing since the last
# time it was asked.
mbits() {
	local lines

	lines=$(wc -l <"$out/$1.log")
	if [ "$lines" = "$(cat "$out/$1.seen" 2>/dev/null)" ]; then
		echo 0
		return
	fi
	echo "$lines" >"$out/$1.seen"
	sed -n 's/.* \([0-9.]*\) Mbits\/sec.*/\1/p' "$out/$1.log" | tail -n 1
}

# Clock ticks that all processors spent in softirqs, where the program runs, and their sum.
softirq_ticks() {
	awk '/^cpu / { for (i = 2; i <= 9; i++) all += $i; print $8, all }' /proc/stat
}

# KB of the kernel's memory that maps, programs and records of any kind can be in.
kernel_kb() {
	awk '{ kb[$1] = $2 } END { print kb["Slab:"] "," kb["VmallocUsed:"] "," kb["Percpu:"] }' \
		/proc/meminfo
}

# Entries of map $1, whose kind keeps no count.
entries() {
	on t bpftool -j map dump pinned "$pins/$1" | jq length
}

columns=second,rss_kb,cpu_percent,mbits6,mbits4,http6,http4,dns,events
columns+=,softirq_percent,slab_kb,vmalloc_kb,percpu_kb,ports,offenders
columns+=,sources,blocks,lost,scans,packets,dropped

sample() {
	local second=$1 ticks rss softirq all cpu softirq_tenths

	ticks=$(loader_ticks)
	read -r softirq all < <(softirq_ticks)
	cpu=$(((ticks - last_ticks) * 1000 / clock_hz / (second - last_second)))
	softirq_tenths=$(((softirq - last_softirq) * 1000 / (all - last_all)))
	rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$loader/status")
	# These two by walking them: not each time.
	if [ $((second / 10)) -gt $((last_second / 10)) ]; then
		ports=$(entries ports)
		offenders=$(entries offenders)
	fi
	echo "$second,$rss,$((cpu / 10)).$((cpu % 10)),$(mbits transfer6),$(mbits transfer4),$(
		for name in http6.rounds http4.rounds resolver.rounds events; do
			wc -l <"$out/$name"
		done | paste -sd ,),$((softirq_tenths / 10)).$((softirq_tenths % 10)),$(kernel_kb),$ports,$offenders,$(
		on t "$pscan" status --json | jq -r '[.tables.sources.used, .tables.blocks.used,
			(.counters | .stage.event_lost, .stage.scan, .parse.ok, .stage.drop)] |
			join(",")')" >>"$out/samples.csv"
	last_ticks=$ticks last_second=$second last_softirq=$softirq last_all=$all
}

samples() {
	local start=$EPOCHSECONDS second=0

	# What measures must not wait for what it measures.
	renice -n -15 $BASHPID >/dev/null
	last_second=0 ports=0 offenders=0
	last_ticks=$(loader_ticks)
	read -r last_softirq last_all < <(softirq_ticks)
	echo $columns >"$out/samples.csv"
	while [ $second -lt "$seconds" ]; do
		sleep 0.1
		[ $((EPOCHSECONDS - start)) -gt $second ] || continue
		second=$((EPOCHSECONDS - start))
		sample $second
		generators_alive $second || break
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
		set multiplot layout 4, 2 title "pscan-xdp: $((seconds / 60)) minutes of load, scans and floods"
		set xlabel "seconds"
		set yrange [0:*]
		set y2range [0:*]
		set datafile columnheaders
		file = "$out/samples.csv"
		set title "loader, resident KB"
		plot file using 1:"rss_kb" with lines lw 2
		set title "CPU, %"
		set key top left
		plot file using 1:"cpu_percent" with lines lw 2 title "loader, of one", \
			file using 1:"softirq_percent" with lines lw 2 title "softirqs, of all"
		set title "kernel memory, MB"
		plot file using 1:(column("slab_kb") / 1024) with lines lw 2 title "slab", \
			file using 1:(column("vmalloc_kb") / 1024) with lines lw 2 title "vmalloc", \
			file using 1:(column("percpu_kb") / 1024) with lines lw 2 title "per CPU"
		set title "honest transfers, Mbit/s"
		plot file using 1:"mbits6" with lines lw 2 title "IPv6", \
			file using 1:"mbits4" with lines lw 2 title "IPv4"
		set title "map fill, entries"
		set ytics nomirror
		set y2tics
		plot file using 1:"sources" with lines lw 2 title "sources", \
			file using 1:"blocks" axes x1y2 with lines lw 2 title "blocks (right)"
		set title "map fill, entries"
		plot file using 1:"ports" with lines lw 2 title "ports", \
			file using 1:"offenders" axes x1y2 with lines lw 2 title "offenders (right)"
		unset y2tics
		set title "events, in all"
		plot file using 1:"scans" with lines lw 2 title "scans", \
			file using 1:"events" with lines lw 2 title "written", \
			file using 1:"lost" with lines lw 2 title "lost"
		set title "packets, in all"
		set y2tics
		plot file using 1:"packets" with lines lw 2 title "parsed", \
			file using 1:"dropped" axes x1y2 with lines lw 2 title "dropped (right)"
	END
}

# room TABLE
room() {
	on t "$pscan" status --json | jq ".tables.$1.room"
}

map_room() {
	on t bpftool -j map show pinned "$pins/$1" | jq .max_entries
}

# From the samples behind a warm-up of a fifth: least squares for the memory, thirds for the
# rest. What is called flat, and where the line is drawn, stands in each message.
verdict() {
	awk -F , -v seconds="$seconds" -v failed="$(paste -sd ';' "$out/failed" 2>/dev/null || true)" \
		-v rooms="$(room sources) $(room blocks) $(map_room ports) $(map_room offenders)" '
	NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	{ n++; for (i = 1; i <= NF; i++) v[n, i] = $i }
	function mean(name, from, to,   i, sum) {
		for (i = from; i <= to; i++) sum += v[i, at[name]]
		return sum / (to - from + 1)
	}
	function most(name,   i, m) {
		for (i = 1; i <= n; i++) if (v[i, at[name]] > m) m = v[i, at[name]]
		return m + 0
	}
	function last(name) { return v[n, at[name]] }
	function say(ok, text) { printf "%-4s %s\n", ok ? "flat" : "NOT", text; if (!ok) bad++ }
	# Sets m (the mean) and growth over the time.
	function line(name,   i, x, y, sx, sy, sxx, sxy, k) {
		for (i = first; i <= n; i++) {
			k++; x = v[i, 1]; y = v[i, at[name]]
			sx += x; sy += y; sxx += x * x; sxy += x * y
		}
		m = sy / k
		growth = (k * sxy - sx * sy) / (k * sxx - sx * sx) * (v[n, 1] - v[first, 1])
	}
	function thirds(name) {
		before = mean(name, first, first + third - 1); after = mean(name, n - third + 1, n)
	}
	END {
		first = int(n / 5) + 1; third = int((n - first + 1) / 3)
		say(failed == "" && v[n, 1] >= seconds, sprintf(\
			"load: %d s of %d, ended early: %s", v[n, 1], seconds, failed == "" ? "none" : failed))
		line("rss_kb"); rss = m; rss_growth = growth
		say(growth < 0.02 * m || growth < 256, sprintf(\
			"memory: %d KB, %+.0f KB over %d s by least squares (limit 2 %% or 256 KB)", \
			m, growth, v[n, 1] - v[first, 1]))
		split("slab_kb vmalloc_kb percpu_kb", kinds, " ")
		for (i = 1; i <= 3; i++) {
			line(kinds[i])
			say(growth < 0.05 * m || growth < 4096, sprintf(\
				"kernel, %s: %d KB, %+.0f KB (limit 5 %% or 4 MB)", kinds[i], m, growth))
		}
		thirds("cpu_percent")
		say(after <= 1.5 * before + 2, sprintf(\
			"loader: %.1f %% of a CPU in the first third, %.1f in the last (limit 1.5 times and 2)", \
			before, after))
		thirds("softirq_percent")
		say(after <= 1.5 * before + 2, sprintf(\
			"softirqs: %.1f %% of all CPUs in the first third, %.1f in the last (limit 1.5 times and 2)", \
			before, after))
		split("sources blocks ports offenders", tables, " "); split(rooms, room, " ")
		for (i = 1; i <= 4; i++)
			say(most(tables[i]) <= room[i], sprintf("%s: at most %d of %d, %d at the end", \
				tables[i], most(tables[i]), room[i], last(tables[i])))
		for (i = 4; i <= 6; i += 2) {
			thirds("mbits" i)
			say(before > 0 && after >= 0.8 * before, sprintf(\
				"honest transfer, IPv%d: %.1f Mbit/s in the first third, %.1f in the last (limit 0.8 times)", \
				i, before, after))
		}
		ok = 1
		split("http6 http4 dns", kinds, " ")
		for (i = 1; i <= 3; i++) ok = ok && last(kinds[i]) > v[first, at[kinds[i]]]
		say(ok, sprintf("honest rounds: %d of HTTP over IPv6, %d over IPv4, %d of DNS", \
			last("http6"), last("http4"), last("dns")))
		say(last("events") + last("lost") >= last("scans"), sprintf(\
			"events: %d scans, %d lines written, %d lost and counted", last("scans"), \
			last("events"), last("lost")))
		printf "{\"bench\":\"soak\",\"seconds\":%d,\"samples\":%d,\"rss_kb\":%d,\"rss_growth_kb\":%.0f,\"scans\":%d,\"packets\":%d,\"flat\":%s}\n", \
			v[n, 1], n, rss, rss_growth, last("scans"), last("packets"), bad ? "false" : "true"
		exit bad > 0
	}' "$out/samples.csv"
}

serve
attach --events "$out/events" --block-time 20s
loader=$attach_pid
: >>"$out/events"
honest
(scans >"$out/scans.log" 2>&1) &
generating scans
(floods >"$out/floods.log" 2>&1) &
generating floods
samples
plot "svg size 1100, 1000 dynamic background rgb 'white'" "$out/soak.svg"
verdict
detach
