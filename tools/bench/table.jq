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

# Nanoseconds above the empty program; ratios are of the least of the rounds.
def above($key):
	.prog[$key] as $p
	| if $p == null then { ours: null, ratio: null } else
		{ ours: ($p.median_ns - $p.empty_ns), least: $p.above_ns, most: ($p.most_ns - $p.empty_ns),
		  peer: "xdp-filter" }
		+ if $p.filter_ns > 0 then { theirs: ($p.filter_ns - $p.empty_ns), ratio: $p.ratio }
			else { peer: "xdp-filter is missing", ratio: null } end
	end;

def mpps($name): .drop["\($name)_mpps"];
def dropped($peer; $theirs):
	{ ours: mpps("pscan"), least: mpps("pscan_least"), most: mpps("pscan_most"), peer: $peer, theirs: $theirs,
	  ratio: (if (mpps("pscan") and $theirs) then mpps("pscan") / $theirs else null end) };
def best_filter:
	[["nft ingress", mpps("nft_ingress")], ["nft input", mpps("nft_input")], ["ipset raw", mpps("ipset_raw")]]
	| map(select(.[1])) | max_by(.[1]) // ["no filter", null];

def scaling($key):
	.prog[$key] as $p | { ours: $p.two_mpps, peer: "one CPU", theirs: $p.one_mpps, ratio: $p.scaling };

def kept($flood):
	.flood[$flood] as $f | if $f == null then { ours: null, ratio: null } else
		{ ours: $f.pscan.mbits.median, least: $f.pscan.mbits.least, most: $f.pscan.mbits.most,
		  peer: "no flood", theirs: .flood.no_flood.mbits.median, ratio: $f.pscan.kept } end;
def kept_by($flood; $filter):
	.flood[$flood][$filter] as $f | if $f == null then { ours: null, ratio: null } else
		{ theirs: $f.mbits.median, peer: $filter, ratio: $f.kept, ours: null } end;
def answered($flood):
	.flood[$flood] as $f | if $f == null then { ours: null } else
		{ ours: $f.pscan.connects.median, least: $f.pscan.connects.least, most: $f.pscan.connects.most,
		  peer: "pass; nft ingress; input",
		  theirs: "\($f.pass.connects.median); \($f.nft_ingress.connects.median); \($f.nft_input.connects.median)" }
	end;

def scanned($part; $name; $peer):
	[.scan.rows[]? | select(.part | startswith($part))] as $rows
	| ($rows | map(select(.ours == $name)) | first) as $ours
	| ($rows | map(select(.peer == $peer)) | first) as $theirs
	| { ours: $ours.median, least: $ours.least, most: $ours.most, peer: ($peer | split(" -n")[0]),
	    theirs: $theirs.median,
	    ratio: (if $theirs.median then $theirs.against / $theirs.median else null end) };
def found($part; $name):
	[.scan.rows[]? | select((.part | startswith($part)) and .ours == $name)] | first
	| { ours: .whole, peer: "runs", theirs: .rounds, ratio: (if . then .whole / .rounds else null end) };

def grown($series; $line; $limit):
	(.growth[$series][$line] // []) as $points | (.growth.limits[$limit] // 0) as $most
	| ($points | map(select(.x <= $most)) | last) as $last
	| if $last then { ours: $last.ns, peer: "at \($points[0].x)", theirs: $points[0].ns,
		ratio: ($last.ns / $points[0].ns) } else { ours: null, ratio: null } end;

def rows:
	.benches | best_filter as $best | [
	row("blocked source, bare probe"; "ns"; above("blocked"); { at_most: 1 }),
	row("established TCP data packet"; "ns"; above("established"); { at_most: 1 }),
	row("known source, a new port"; "ns"; above("new_port"); { at_most: 3 }),
	row("known source, ACK to a new port, look-up"; "ns"; above("new_port_ack"); { at_most: 3 }),
	row("first packet of a new source"; "ns"; above("new_source"); { at_most: 3 }),
	row("blocked source over veth"; "Mpps"; dropped("bare XDP_DROP"; mpps("bare")); { at_least: 0.9 }),
	row("the same, against the best filter"; "Mpps"; dropped($best[0]; $best[1]); { at_least: 5 }),
	row("two CPUs, many sources"; "Mpps"; scaling("cpus_many"); { at_least: 1.8 }),
	row("two CPUs, one source, new ports"; "Mpps"; scaling("cpus_known"); { at_least: 1.8 }),
	row("two CPUs, one blocked source"; "Mpps"; scaling("cpus_blocked"); { at_least: 1.8 }),
	row("flood from 64 sources: transfer kept"; "Mbit/s"; kept("few"); { at_least: 0.9 }),
	row("  with a program that passes all"; "Mbit/s"; kept_by("few"; "pass"); {}),
	row("  with nft, SYN limit at ingress"; "Mbit/s"; kept_by("few"; "nft_ingress"); {}),
	row("  with nft, limit per source at input"; "Mbit/s"; kept_by("few"; "nft_input"); {}),
	row("  new connections answered, of 100"; ""; answered("few"); {}),
	row("flood from a million sources: kept"; "Mbit/s"; kept("many"); { at_least: 0.9 }),
	row("  with a program that passes all"; "Mbit/s"; kept_by("many"; "pass"); {}),
	row("  with nft, SYN limit at ingress"; "Mbit/s"; kept_by("many"; "nft_ingress"); {}),
	row("  with nft, limit per source at input"; "Mbit/s"; kept_by("many"; "nft_input"); {}),
	row("  new connections answered, of 100"; ""; answered("many"); {}),
	row("poll, 100,000 sources tracked"; "% CPU"; (.cost.poll_percent | { ours: .median, least, most }); { at_most: 1 }),
	row("event to its line, median"; "ms"; { ours: .cost.latency.median_ms }; { at_most: 1 }),
	row("event to its line, 99th percentile"; "ms"; { ours: .cost.latency.p99_ms }; { at_most: 5 }),
	row("scan, 65,535 ports, IPv4"; "s"; scanned("65,535"; "SYN, IPv4"; "nmap -sS -T4 -n -Pn"); { at_most: 0.33 }),
	row("scan, 65,535 ports, IPv6"; "s"; scanned("65,535"; "SYN, IPv6"; "nmap -6 -sS -T4 -n -Pn"); { at_most: 0.33 }),
	row("  runs that found 20 of 20 open"; ""; found("65,535"; "SYN, IPv4"); { at_least: 1 }),
	row("replay, against an empty libpcap loop"; "s"; (.replay | { ours: .replay_s.median, least: .replay_s.least,
		most: .replay_s.most, peer: "libpcap loop", theirs: .loop_s.median, ratio }); { at_most: 2 }),
	row("kernel maps at default size"; "MiB"; { ours: .cost.maps_mib }; { at_most: 64 }),
	row("loader, resident"; "MiB"; { ours: .cost.rss_mib }; { at_most: 16 }),
	row("growth: new port, to a full source table"; "ns"; grown("sources"; "new_port"; "sources"); {}),
	row("growth: same port, to a full source table"; "ns"; grown("sources"; "same_port"; "sources"); {}),
	row("growth: blocked, to a full block list"; "ns"; grown("blocked"; "blocked_source"; "blocked"); {}),
	row("growth: new port, to a full allow list"; "ns"; grown("allowed"; "unlisted"; "allowed"); {})
	];

# ---- as text ----

def pad($n): tostring | if length < $n then . + " " * ($n - length) else . end;
def lead($n): tostring | if length < $n then " " * ($n - length) + . else . end;
def text: if . == null then "-" else tostring end;

def line:
	(if .ours == null and .theirs == null then "not measured" elif .ours == null then ""
		else "\(.ours) \(.unit)" end) as $ours
	| (if .least == null or .most == null then "" else "\(.least)..\(.most)" end) as $spread
	| (if has("at_most") then "<= \(.at_most)" elif has("at_least") then ">= \(.at_least)" else "" end) as $target
	| (if .reached == null then "" elif .reached then "yes" else "NO" end) as $reached
	| "\(.path | pad(42)) \($ours | lead(14)) \($spread | lead(18))  \(.peer // "" | pad(24)) "
		+ "\(.theirs | text | lead(12)) \(if has("ratio") then .ratio | text else "" end | lead(7)) "
		+ "\($target | lead(8)) \($reached | lead(8))";

def sizes:
	.benches.size | to_entries[] | select(.value | type == "object")
	| "\(.key): the verifier walks \(.value.verified) instructions; machine code \(.value.jited_bytes) bytes ("
		+ (.value.functions | to_entries | map("\(.key) \(.value)") | join(", ")) + ")";

def table:
	"",
	"\("path" | pad(42)) \("ours, median" | lead(14)) \("least..most" | lead(18))  \("peer" | pad(24)) "
		+ "\("theirs" | lead(12)) \("ratio" | lead(7)) \("target" | lead(8)) \("reached" | lead(8))",
	(.rows[] | line),
	"",
	(if .benches.size then sizes else empty end),
	"ns: above a program that does nothing; ratios of ns are of the least of the rounds. Growth: from the first point to the last that fits.",
	"A million sources, each below the rule, cannot be blocked: there it counts to be no dearer than passing them. nft keeps transfers by",
	"refusing new connections to everybody (ingress), or as long as its set has room (input).",
	"\(.machine.cpus) CPUs (\(.machine.cpu)), Linux \(.machine.kernel), load \(.machine.load_before) before the run of \(.seconds) s"
		+ (if .quick then "; a quick round: rough figures" else "" end)
		+ (if .machine.load_before > 0.5 then "; others were busy here: doubt every figure" else "" end),
	(if .missing != [] then "not installed, so not measured: \(.missing | join(", "))" else empty end),
	(if .failed != [] then "FAILED to run: \(.failed | join(", "))" else empty end),
	"everything: build/bench/bench.json; pictures of growth: build/bench/*.svg";
