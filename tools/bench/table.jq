# SPDX-License-Identifier: GPL-2.0-only
#
# table.jq - what is to be reached, and whether it is: `rows` of all benchmarks'
# results, `table` of the rows. The targets are here and nowhere else.

def r2: if . == null then null else . * 100 | round / 100 end;

# A row: what was measured, beside whom; `at_most` or `at_least` holds for the ratio, or
# for our own figure where there is no ratio. Nobody to compare with: no ratio.
def row($path; $unit; $of; $target):
	{ path: $path, unit: $unit } + ($of | map_values(if type == "number" then r2 else . end)) + $target
	| (if has("ratio") then .ratio else .ours end) as $figure
	| .reached = (if $figure == null then null
		elif has("at_most") then $figure <= .at_most
		elif has("at_least") then $figure >= .at_least
		else null end);

# Nanoseconds above the empty program's least; ratios are of the least of the rounds.
def above($key):
	.prog[$key] as $p
	| if $p == null then { ours: null, ratio: null } else
		($p.empty.least) as $floor
		| { ours: ($p.ours.median - $floor), least: ($p.ours.least - $floor), most: ($p.ours.most - $floor),
		  peer: "xdp-filter" }
		+ if $p.filter then { theirs: ($p.filter.median - $floor), theirs_least: ($p.filter.least - $floor),
				theirs_most: ($p.filter.most - $floor), ratio: $p.ratio }
			else { peer: "xdp-filter is missing", ratio: null } end
	end;

def mpps($name): .drop["\($name)_mpps"];
def mpps_of($name; $prefix):
	{ "\($prefix)": mpps($name), "\($prefix)_least": mpps("\($name)_least"), "\($prefix)_most": mpps("\($name)_most") };
def against($name; $peer; $their_name):
	{ ours: mpps($name), least: mpps("\($name)_least"), most: mpps("\($name)_most"), peer: $peer }
	+ mpps_of($their_name; "theirs")
	+ { ratio: (if (mpps($name) and mpps($their_name)) then mpps($name) / mpps($their_name) else null end) };
def best_filter:
	. as $in
	| [["nft ingress", "nft_ingress"], ["nft input", "nft_input"], ["ipset raw", "ipset_raw"]]
	| map({ name: .[0], key: .[1] } | .mpps = (.key as $key | $in | mpps($key)))
	| map(select(.mpps)) | max_by(.mpps) // { name: "no filter", key: "none" };

def scaling($key):
	.prog[$key] as $p
	| { ours: $p.two_mpps.median, least: $p.two_mpps.least, most: $p.two_mpps.most, peer: "one CPU",
	    theirs: $p.one_mpps.median, theirs_least: $p.one_mpps.least, theirs_most: $p.one_mpps.most,
	    ratio: $p.scaling.median };

def kept($flood; $filter):
	.flood[$flood][$filter] as $f | if $f == null then { ours: null, ratio: null } else
		{ ours: $f.mbits.median, least: $f.mbits.least, most: $f.mbits.most, peer: "no flood" }
		+ (.flood.no_flood.mbits | { theirs: .median, theirs_least: .least, theirs_most: .most })
		+ { ratio: $f.kept } end;
def answered($flood; $filter):
	.flood[$flood] as $f | if $f == null then { ours: null } else
		($f[$filter].connects | { ours: .median, least, most }) + {
		  peer: "pass; nft ingress\(if $f.nft_input then "; input" else "" end)",
		  theirs: [$f["pass", "nft_ingress", "nft_input"].connects.median // empty | tostring] | join("; ") }
	end;

def scanned($part; $name; $peer):
	[.scan.rows[]? | select(.part | startswith($part))] as $rows
	| ($rows | map(select(.ours == $name)) | first) as $ours
	| ($rows | map(select(.peer == $peer)) | first) as $theirs
	| { ours: $ours.median, least: $ours.least, most: $ours.most, peer: ($peer | split(" -n")[0]),
	    theirs: $theirs.median, theirs_least: $theirs.least, theirs_most: $theirs.most,
	    ratio: (if $theirs.median then $theirs.against / $theirs.median else null end) };
def found($part; $name):
	[.scan.rows[]? | select((.part | startswith($part)) and .ours == $name)] | first
	| { ours: .whole, peer: "runs", theirs: .rounds, ratio: (if . then .whole / .rounds else null end) };

def grown($series; $line; $limit):
	(.growth[$series][$line] // []) as $points
	| (if $limit then .growth.limits[$limit] // 0 else infinite end) as $most
	| ($points | map(select(.x <= $most)) | last) as $last
	| if $last then { ours: $last.ns, peer: "at \($points[0].x)", theirs: $points[0].ns,
		ratio: ($last.ns / $points[0].ns) } else { ours: null, ratio: null } end;

# Of one build of the program.
def size_row($path; $key; $name):
	row($path; ""; { ours: .size[$key][$name], peer: "xdp-filter", theirs: .size.xdp_filter[$name] }; {});
def sizes:
	[["  as shipped", "pscan"], ["  with --unproven cookie", "pscan_cookie"], ["  behind a dispatcher", "pscan_slot"]] as $builds
	| [($builds[] as $b | size_row("verifier: instructions,\($b[0][1:])"; $b[1]; "verified")),
	   ($builds[] as $b | size_row("machine code: bytes,\($b[0][1:])"; $b[1]; "jited_bytes")),
	   (.size.pscan.functions // {} | to_entries[]
		| row("  of it \(.key)()"; ""; { ours: .value }; {}))];

# The same flood at less than its full rate.
def million_at($share; $key): [
	row("  at \($share) of the rate"; "Mbit/s"; kept($key; "pscan"); { at_least: 0.9 }),
	row("    with a program that drops just the flood"; "Mbit/s"; kept($key; "drop"); {}),
	row("    with a program that passes all"; "Mbit/s"; kept($key; "pass"); {}),
	row("    with nft, SYN limit at ingress"; "Mbit/s"; kept($key; "nft_ingress"); {}),
	row("    new connections answered, of 100"; ""; answered($key; "pscan"); {})];

def rows:
	.benches | best_filter as $best | [
	row("blocked source, bare probe"; "ns"; above("blocked"); { at_most: 1 }),
	row("  the same over IPv6"; "ns"; above("blocked6"); {}),
	row("established TCP data packet"; "ns"; above("established"); { at_most: 1 }),
	row("  the same over IPv6"; "ns"; above("established6"); {}),
	row("known source, a new port, 3rd to 6th"; "ns"; above("new_port"); { at_most: 3 }),
	row("  3rd to 20th, above 1023"; "ns"; above("new_port_high"); { at_most: 3 }),
	row("  ACK, look-up, 3rd to 6th"; "ns"; above("new_port_ack"); { at_most: 3 }),
	row("  second port: a record is made"; "ns"; above("second_port"); {}),
	row("  the same port again"; "ns"; above("known_port"); {}),
	row("  of a flood: a FIN, scored and held back"; "ns"; above("held"); {}),
	row("  of a flood: a SYN, dropped unscored"; "ns"; above("shed"); {}),
	row("  only watched, 32 ports held"; "ns"; above("new_port_watched"); {}),
	row("first packet of a new source"; "ns"; above("new_source"); { at_most: 3 }),
	row("  while contacts wait unread"; "ns"; above("new_source_crowded"); { at_most: 3 }),
	row("blocked source over veth"; "Mpps"; against("pscan"; "bare XDP_DROP"; "bare"); { at_least: 0.9 }),
	row("  the same, against xdp-filter"; "Mpps"; against("pscan"; "xdp-filter"; "xdp_filter"); {}),
	row("the same, against the best filter"; "Mpps"; against("pscan"; $best.name; $best.key); { at_least: 5 }),
	row("  ceiling: bare XDP_DROP against it"; "Mpps"; against("bare"; $best.name; $best.key); {}),
	row("two CPUs, a flood of new sources"; "Mpps"; scaling("cpus_flood"); { at_least: 1.8 }),
	row("  all scored (--probe-rate 0)"; "Mpps"; scaling("cpus_many"); {}),
	row("two CPUs, one blocked source"; "Mpps"; scaling("cpus_blocked"); { at_least: 1.8 }),
	row("  one that is only watched, new ports"; "Mpps"; scaling("cpus_known"); {}),
	row("flood from 64 sources: transfer kept"; "Mbit/s"; kept("few"; "pscan"); { at_least: 0.9 }),
	row("  with a program that drops just the flood"; "Mbit/s"; kept("few"; "drop"); {}),
	row("  with a program that passes all"; "Mbit/s"; kept("few"; "pass"); {}),
	row("  with nft, SYN limit at ingress"; "Mbit/s"; kept("few"; "nft_ingress"); {}),
	row("  with nft, limit per source at input"; "Mbit/s"; kept("few"; "nft_input"); {}),
	row("  new connections answered, of 100"; ""; answered("few"; "pscan"); {}),
	row("flood from a million sources: kept"; "Mbit/s"; kept("many"; "pscan"); { at_least: 0.9 }),
	row("  with a program that drops just the flood"; "Mbit/s"; kept("many"; "drop"); {}),
	row("  with a program that passes all"; "Mbit/s"; kept("many"; "pass"); {}),
	row("  with nft, SYN limit at ingress"; "Mbit/s"; kept("many"; "nft_ingress"); {}),
	row("  with nft, limit per source at input"; "Mbit/s"; kept("many"; "nft_input"); {}),
	row("  new connections answered, of 100"; ""; answered("many"; "pscan"); {}),
	million_at("two thirds"; "many_two_thirds")[],
	million_at("a third"; "many_third")[],
	row("poll, 100,000 sources tracked"; "% CPU"; (.cost.poll_percent | { ours: .median, least, most }); { at_most: 1 }),
	row("event to its line, median"; "ms"; { ours: .cost.latency.median_ms }; { at_most: 1 }),
	row("event to its line, 99th percentile"; "ms"; { ours: .cost.latency.p99_ms }; { at_most: 5 }),
	row("scan, 65,535 ports, IPv4"; "s"; scanned("65,535"; "SYN, IPv4"; "nmap -sS -T4 -n -Pn"); { at_most: 0.33 }),
	row("scan, 65,535 ports, IPv6"; "s"; scanned("65,535"; "SYN, IPv6"; "nmap -6 -sS -T4 -n -Pn"); { at_most: 0.33 }),
	row("  runs that found 20 of 20 open"; ""; found("65,535"; "SYN, IPv4"); { at_least: 1 }),
	row("replay, the rule, against an empty loop"; "s"; (.replay | { ours: .rule_s.median, least: .rule_s.least,
		most: .rule_s.most, peer: "libpcap loop", theirs: .loop_s.median, ratio }); { at_most: 2 }),
	row("  with the slow engines"; "s"; (.replay | { ours: .replay_s.median, least: .replay_s.least,
		most: .replay_s.most, peer: "libpcap loop", theirs: .loop_s.median, ratio: .ratio_slow }); {}),
	row("kernel maps at default size"; "MiB"; { ours: .cost.maps_mib }; { at_most: 64 }),
	row("loader, resident"; "MiB"; { ours: .cost.rss_mib }; { at_most: 16 }),
	row("growth: new port, to a full source table"; "ns"; grown("sources"; "new_port"; "sources"); {}),
	row("growth: same port, to a full source table"; "ns"; grown("sources"; "same_port"; "sources"); {}),
	row("growth: blocked, to a full block list"; "ns"; grown("blocked"; "blocked_source"; "blocked"); {}),
	row("growth: new port, to a full allow list"; "ns"; grown("allowed"; "unlisted"; "allowed"); {}),
	row("growth: ports per second, 10 to 1,000,000"; "ns"; grown("ports"; "monitor"; null); {})
	] + sizes;

# ---- as text ----

def pad($n): tostring | if length < $n then . + " " * ($n - length) else . end;
def lead($n): tostring | if length < $n then " " * ($n - length) + . else . end;
def text: if . == null then "-" else tostring end;

def spread($least; $most):
	if $least == null or $most == null then "" else "\($least)..\($most)" end;

def line:
	(if .ours == null and .theirs == null then "not measured" elif .ours == null then ""
		else "\(.ours) \(.unit)" end) as $ours
	| (if has("at_most") then "<= \(.at_most)" elif has("at_least") then ">= \(.at_least)" else "" end) as $target
	| (if .reached == null then "" elif .reached then "yes" else "NO" end) as $reached
	| "\(.path | pad(46)) \($ours | lead(14)) \(spread(.least; .most) | lead(18))  \(.peer // "" | pad(24)) "
		+ "\(.theirs | text | lead(12)) \(spread(.theirs_least; .theirs_most) | lead(18)) "
		+ "\(if has("ratio") then .ratio | text else "" end | lead(7)) "
		+ "\($target | lead(8)) \($reached | lead(8))";

def table:
	"",
	"\("path" | pad(46)) \("ours, median" | lead(14)) \("least..most" | lead(18))  \("peer" | pad(24)) "
		+ "\("theirs" | lead(12)) \("least..most" | lead(18)) \("ratio" | lead(7)) \("target" | lead(8)) \("reached" | lead(8))",
	(.rows[] | line),
	"",
	"ns: above a program that does nothing; ratios of ns are of the least of the rounds. Growth: from the first point to the last that fits.",
	"A million sources, each below the rule, cannot be blocked: there it counts to be no dearer than passing them. nft keeps transfers by",
	"refusing new connections to everybody (ingress), or as long as its set has room (input).",
	"\(.machine.cpus) CPUs (\(.machine.cpu)), Linux \(.machine.kernel), load \(.machine.load_before) before the run of \(.seconds) s"
		+ (if .quick then "; a quick round: rough figures" else "" end)
		+ (if .machine.load_before > 0.5 then "; others were busy here: doubt every figure" else "" end),
	(if .missing != [] then "not installed, so not measured: \(.missing | join(", "))" else empty end),
	(if .failed != [] then "FAILED to run: \(.failed | join(", "))" else empty end),
	"everything: build/bench/bench.json; pictures of growth: build/bench/*.svg";
