# SPDX-License-Identifier: GPL-2.0-only
# growth.gp - the four series of growth.sh, one SVG each. growth.sh writes what is
# plotted to DIR/*.dat, and what is said about it to DIR/said.gp.
load dir."/said.gp"

set terminal svg size 900,540 font "sans-serif,14" background rgb "white" enhanced
set border 3 lc rgb "#606060"
set tics nomirror
set logscale x 10
set format x "%.0s%c"
set format y "%.0f"
set yrange [0:*]
set grid y lc rgb "#dddddd" lt 1
set key outside bottom center horizontal Left reverse samplen 2 maxrows 1
set xlabel offset 0,0.4
set ylabel "ns per packet, above an empty program\n{/=11 least of the runs; bars: median}"
set bmargin 5
set bars 0.6
set style line 1 lc rgb "#0072b2" lw 2 pt 7 ps 0.6
set style line 2 lc rgb "#d55e00" lw 2 pt 5 ps 0.6
set style line 3 lc rgb "#009e73" lw 2 pt 9 ps 0.7
set style line 9 lc rgb "#888888" lw 1 dt 2
set style data yerrorlines

file(name) = dir."/".name.".dat"

# A dashed line where a table is full.
mark(at, text) = sprintf("set arrow 1 from first %d, graph 0 to first %d, graph 1 nohead ls 9; \
	set label 1 '%s' at first %d, graph 0.04 right offset -0.6,0 tc rgb '#606060' font ',12'", \
	at, at, text, at)

set output dir."/sources.svg"
set title sources_head
set xlabel "sources that send, in turn"
set xrange [80:1.3e6]
eval mark(sources_limit, sprintf("the source table holds %d", sources_limit))
set y2tics 0,20,100
set y2range [0:105]
set y2label "packets that reach a record, %"
set border 11
plot file("sources.new_port") using 1:2:3:4 ls 1 title "a new port each time", \
     file("sources.same_port") using 1:2:3:4 ls 2 title "the same port again", \
     file("sources.new_port") using 1:($6 * 100) axes x1y2 with linespoints ls 3 dt 3 \
	title "reach a record (right)"

set output dir."/blocked.svg"
set title blocked_head
set xlabel "sources that were blocked, sending at random"
eval mark(blocked_limit, sprintf("the block list holds %d", blocked_limit))
set y2label "packets dropped, %"
plot file("blocked.blocked_source") using 1:2:3:4 ls 1 title "a packet of one of them", \
     file("blocked.blocked_source") using 1:($5 * 100) axes x1y2 with linespoints ls 3 dt 3 \
	title "dropped (right)"
unset y2tics
unset y2label
set border 3

set output dir."/allowed.svg"
set title allowed_head
set xlabel "prefixes on the allow list"
set xrange [0.8:1.3e5]
eval mark(allowed_limit, sprintf("the list holds %d", allowed_limit))
plot file("allowed.unlisted") using 1:2:3:4 ls 1 title "a new port, source not listed", \
     file("allowed.listed") using 1:2:3:4 ls 3 title "a new port, source listed", \
     file("allowed.same_port") using 1:2:3:4 ls 2 title "the same port again"

set output dir."/ports.svg"
set title ports_head
set xlabel "new ports a second from one source"
set xrange [8:1.3e6]
eval mark(ports_limit, "the threshold")
plot file("ports.monitor") using 1:2:3:4 ls 1 title "attach --monitor: scored on and on", \
     file("ports.block") using 1:2:3:4 ls 3 title "blocking: dropped once blocked"
