#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels.t - the program on real kernels: boots each in QEMU (software
# emulation), runs guest.sh there, hands on its results as one TAP stream, and
# ends with a table of kernel, driver and mode.
#
#   KERNELS="5.10 6.1 6.12 newest"   which; default: one that is too old, the floor, the newest
#   PARTS="native dispatcher ..."    what: a mode (native, generic), in each of them VLANs and
#                                    jumbo frames (frames), company in every order on veth
#                                    (dispatcher) or once on virtio_net (company), the tests/prog
#                                    suite (suite); default: native, and dispatcher on the floor
#   LIMIT=600                        seconds for each
#
# Kernels come from Debian's archive, once, and are kept in build/kernels.
# Without QEMU, or without a kernel, there is a skip that says why.
set -euo pipefail
cd "$(dirname "$0")/../.."

kernels=${KERNELS:-5.10 6.1 newest}
cache=build/kernels
# Emulated CPUs beside other jobs: seconds become minutes, and a hang is still found.
limit=${LIMIT:-600}
modules=(
	virtio_pci virtio_net veth 8021q nf_conntrack nf_conntrack_netlink nft_ct inet_diag tcp_diag
)

declare -A suite=(
	[5.10]=bullseye-security [6.1]=bookworm-security [6.12]=bookworm-security
	[newest]=trixie-backports
)
declare -A package=(
	[5.10]=linux-image-cloud-amd64 [6.1]=linux-image-cloud-amd64
	[6.12]=linux-image-6.12-cloud-amd64 [newest]=linux-image-cloud-amd64
)

# A dispatcher's work is libxdp's and the verifier's: the oldest of them has to do.
declare -A parts=([6.1]="native dispatcher")

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

prepare() {
	local programs=(
		ethtool ip jq tcpdump xdp-filter xdp-loader xdpdump build/pscan-xdp
		build/tests/harness/knock
	) file

	# Emulated memory takes its time to fill: what nobody asks for stays out.
	if [[ " ${PARTS-} " == *" suite "* ]]; then
		programs+=(nft)
		for file in build/tests/prog/test_*; do
			if [ -f "$file" ] && [ -x "$file" ]; then
				programs+=("$file")
			fi
		done
	fi
	mkdir -p "$cache" "$work/payload/bpf"
	cp tests/kernels/guest.sh "$work/payload/run"
	cp tests/kernels/dispatcher.sh tests/kernels/frames.sh "$work/payload"
	cp /usr/lib/x86_64-linux-gnu/bpf/*.o "$work/payload/bpf" # what xdp-tools and libxdp load
	tools/kernels/root.sh "$work/root.cpio" build/tools/kernels/kmexit "${programs[@]}"
}

# Boots kernel $1 behind the script; its console and status go to $work.
start() {
	local status=0

	cp -a "$work/payload" "$work/$1.payload"
	echo "${PARTS:-${parts[$1]-native}}" >"$work/$1.payload/parts"
	LIMIT=$limit tools/kernels/boot.sh "$cache/$1" "$work/root.cpio" "$work/$1.payload" \
		>"$work/$1.console" 2>"$work/$1.err" || status=$?
	echo "$status" >"$work/$1.part"
	mv "$work/$1.part" "$work/$1.status"
}

# Boots those that could be fetched, as many at a time as there are CPUs to emulate on.
start_all() {
	local kernel running=0

	for kernel in $kernels; do
		[ ! -e "$work/$kernel.missing" ] || continue
		[ "$running" -lt "$(nproc)" ] || wait -n
		start "$kernel" &
		running=$((running + 1))
	done
	wait
}

# Waits for kernel $1 and prints what it had to show, each line behind its name, with the end
# as a result of its own: a guest that stops halfway is a failure, not a shorter list.
results() {
	local console=$work/$1.console status

	if [ -e "$work/$1.missing" ]; then
		echo "ok - $1 # SKIP $(tail -n 1 "$work/$1.missing")"
		return
	fi
	until [ -e "$work/$1.status" ]; do
		sleep 0.2
	done
	status=$(cat "$work/$1.status")
	echo "# $1 is $(cat "$cache/$1/release")"
	tr -d '\r' <"$console" | sed -n "s/^\(not \)\?ok - /&$1 /p; /^#/p"
	if [ "$status" -eq 0 ] && grep -q '^guest-status 0' "$console"; then
		echo "ok - $1 ran to its end"
	else
		tail -n 20 "$console" "$work/$1.err" | sed 's/^/# /'
		echo "not ok - $1 ran to its end (status $status)"
	fi
}

# Numbers the results and makes the table: a cell is "yes" when every result of it was.
# shellcheck disable=SC2016 # awk's own variables
tap='
/^(not )?ok - / {
	bad = /^not /
	failed += bad
	sub(/ok -/, "ok " ++n " -")
	print
	fflush()
	if (match($0, / - [^ ]+ [^ ]+ (native|generic|dispatcher) (loads|detects|blocks|upgrades|refused): /)) {
		split(substr($0, RSTART + 3), word, " ")
		sub(":", "", word[4])
		row = sprintf("%-8s %-11s %-11s", word[1], word[2], word[3])
		if (!(row in seen)) {
			seen[row] = 1
			rows[++count] = row
		}
		if (word[4] == "refused")
			cell[row, "loads"] = bad ? "NO" : "refused, and says why"
		else if (bad || cell[row, word[4]] != "NO")
			cell[row, word[4]] = bad ? "NO" : "yes"
	}
	next
}
{ print }
END {
	if (count)
		print "# kernel   driver      mode         loads  detects  blocks  upgrades"
	for (i = 1; i <= count; i++) {
		line = sprintf("# %s  %-6s %-8s %-7s %s", rows[i], cell[rows[i], "loads"],
			cell[rows[i], "detects"], cell[rows[i], "blocks"], cell[rows[i], "upgrades"])
		sub(/ +$/, "", line)
		print line
	}
	print "1.." n
	exit failed > 0
}'

[ "$(uname -m)" = x86_64 ] || skip_all "the kernels are for x86_64, this is $(uname -m)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools/install-deps.sh --kernels 2>"$work/deps" || skip_all "no QEMU: $(tail -n 1 "$work/deps")"
for kernel in $kernels; do
	if [ -z "${suite[$kernel]-}" ]; then
		echo "kernels.t: no such kernel: '$kernel' (${!suite[*]})" >&2
		exit 2
	fi
done
prepare

for kernel in $kernels; do
	if tools/kernels/fetch.sh "$cache/$kernel" "${package[$kernel]}" "${suite[$kernel]}" \
		"${modules[@]}" 2>"$work/fetch.log"; then
		continue
	fi
	mv "$work/fetch.log" "$work/$kernel.missing"
done
start_all &
for kernel in $kernels; do
	results "$kernel"
done | awk "$tap"
