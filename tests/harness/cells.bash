# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154 # names set by lab.bash
#
# cells.bash - the scans of `make coverage`, a cell each: technique, rate, family
# and tool, and what came of it, counted on the wire. What each must give is kept
# in tests/lab/cells.tsv: another engine or name, an answer more, a longer time,
# a cell that is missing there or was not measured fails the test. Loaded after
# detector.bash.

cells_kept=$repo/tests/lab/cells.tsv

# full: this test runs in `make coverage` alone; `make test` would wait too long for it.
full() {
	[ -n "${PSCAN_COVERAGE-}" ] || skip "make coverage runs it"
}

# wire_start FROM TO: count at the attacker's end. FROM: the filter that the probes match, TO:
# what answers them matches.
wire_start() {
	count_start probes a "$1 and (tcp or udp)"
	count_start answers a "$2 and (tcp or udp or (icmp and icmp[0] == 3) or
		(icmp6 and ip6[40] < 128))"
	count_start opens a "$2 and tcp and ((ip and tcp[13] & 18 == 18) or
		(ip6 and ip6[53] & 18 == 18))"
}

# wire_stop: $answered ports were, beside the $opened ones that a SYN+ACK said to be open,
# which cost a scanner nothing; the first probe left at $first_ms.
wire_stop() {
	count_stop probes
	count_stop answers
	count_stop opens
	opened=$(counted opens sports)
	answered=$(($(counted answers sports) + $(counted answers quoted) - opened))
	first_ms=$(jq '.first * 1000' "$BATS_TEST_TMPDIR/probes.out")
}

# measured TECHNIQUE RATE FAMILY TOOL [EVENT]: the cell of a scan that was told as an EVENT of
# that kind ("scan"), after wire_stop. What it was named is its type, and its shape when the
# technique is one.
measured() {
	local technique=$1 rate=$2 family=IPv$3 tool=$4 kind=${5-scan} engine named ms row kept

	engine=$(event "$kind" '.engine' | head -n 1)
	case $technique in
	*horizontal* | *block*) named=$(event "$kind" '"\(.type), \(.shape)"' | head -n 1) ;;
	crowd | decoys) named=$(event "$kind" 'if .decoys then "decoys" else "crowd" end') ;;
	*) named=$(event "$kind" .type | head -n 1) ;;
	esac
	ms=$(event "$kind" ".time_ns / 1e6 - $first_ms | . * 10 | round / 10" | head -n 1)
	echo "# $technique, $rate, $family, $tool: $engine, $named, $answered answered and $opened open, $ms ms" >&3
	row=${BATS_TEST_FILENAME##*/}$'\t'$technique$'\t'$rate$'\t'$family$'\t'$tool
	printf '%s\n' "$row" >>"$BATS_FILE_TMPDIR/cells"
	cell scans "technique=$technique" "rate=$rate" "family=$family" "tool=$tool" \
		"engine=$engine" detected=yes "named=$named" "answered=$answered" "open=$opened" "ms=$ms"
	kept=$(grep -F "$row"$'\t' "$cells_kept") || {
		echo "no such cell in $cells_kept: $row" >&2
		return 1
	}
	within_kept "$kept" "$engine" "$named" "$answered" "$ms"
}

# within_kept LINE ENGINE NAMED ANSWERED MS: no worse than the line of cells.tsv says.
within_kept() {
	awk -F '\t' -v engine="$2" -v named="$3" -v answered="$4" -v ms="$5" '{
		bad = engine != $6 || named != $7 || answered + 0 > $8 + 0 || ms + 0 > $9 + 0
		if (bad)
			printf "worse than kept: %s, %s, %s answered, %s ms; kept: %s, %s, %s, %s\n",
				engine, named, answered, ms, $6, $7, $8, $9
		exit bad
	}' <<<"$1" >&2
}

# none_missing: each cell that is kept for this file was measured. Call it in the last test.
none_missing() {
	awk -F '\t' -v file="${BATS_TEST_FILENAME##*/}" -v full="${PSCAN_COVERAGE:+1}" '
		$1 == file && ($10 == "always" || full) {
			print $1 FS $2 FS $3 FS $4 FS $5
		}' "$cells_kept" | sort >"$BATS_TEST_TMPDIR/kept"
	touch "$BATS_FILE_TMPDIR/cells"
	sort -u "$BATS_FILE_TMPDIR/cells" | diff "$BATS_TEST_TMPDIR/kept" - >&2
}
