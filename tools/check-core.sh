#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check-core.sh [HEADER...] - who may include whom, and that every header of the
# core, or those that are named, stands alone in both worlds it is compiled for.
# Prints one line per breach; the exit status says whether there was one. Changes
# nothing in the tree.
set -euo pipefail
cd "$(dirname "$0")/.."

GCC=${CC:-gcc}
CLANG=${CLANG:-clang}

# The core from the ground up: a header includes only what stands before it.
core=(base limits wire packet hash near abi parse link classify score mark table verdict event contact tries detect)

# What the kernel shows whole of a map's or program's name (BPF_OBJ_NAME_LEN - 1).
name_max=15

faults=$(mktemp)
trap 'rm -f "$faults"' EXIT

fault() {
	echo "check-core: $*" | tee -a "$faults" >&2
}

# What the files include, as "file word" lines; the word keeps its <> or "".
includes() {
	[ $# -eq 0 ] || awk '/^[ \t]*#[ \t]*include[ \t]+[<"]/ && match($0, /[<"][^>"]+[>"]/) {
		print FILENAME, substr($0, RSTART, RLENGTH) }' "$@"
}

# refuse FILES... -- PATTERN EXCEPT WHY: no file but those that match EXCEPT
# may include what matches PATTERN.
refuse() {
	local files=() pattern except why file word

	while [ "$1" != -- ]; do
		files+=("$1")
		shift
	done
	pattern=$2 except=$3 why=$4
	while read -r file word; do
		if [[ $word =~ $pattern && ! $file =~ $except ]]; then
			fault "$file includes $word: $why"
		fi
	done < <(includes "${files[@]}")
}

check_core_order() {
	local header file word allowed=' '

	for file in include/pscan/*.h; do
		header=$(basename "$file" .h)
		[[ " ${core[*]} " == *" $header "* ]] ||
			fault "$file has no place in the order that tools/check-core.sh lists"
	done
	for header in "${core[@]}"; do
		file=include/pscan/$header.h
		if [ ! -f "$file" ]; then
			fault "$file is listed in tools/check-core.sh and does not exist"
			continue
		fi
		while read -r _ word; do
			case $header:$word in
			base:'<linux/types.h>' | base:'<stdbool.h>' | base:'<stddef.h>') continue ;;
			base:'"vmlinux.h"') continue ;;
			esac
			[[ $word =~ ^\"([a-z]+)\.h\"$ && $allowed == *" ${BASH_REMATCH[1]} "* ]] ||
				fault "$file includes $word: the core includes only what stands below it"
		done < <(includes "$file")
		allowed+="$header "
	done
}

check_target_word() {
	local hit

	while read -r hit; do
		fault "$hit: only base.h asks which target it is compiled for"
	done < <(grep -HnoE '__bpf__|__BPF__' include/pscan/*.h | grep -v '^include/pscan/base\.h:')
}

# compile NAME COMPILER...: the header alone, every warning an error.
compile() {
	local header=$1 said

	shift
	if ! said=$(echo "#include <pscan/$header.h>" |
		"$@" -std=gnu11 -Iinclude -Wall -Wextra -Wshadow -Werror \
			-fsyntax-only -x c - 2>&1); then
		fault "include/pscan/$header.h does not compile alone with $*"
		echo "$said" >&2
	fi
}

check_core_alone() {
	local header

	for header in "$@"; do
		compile "$header" "$GCC" -O1
		compile "$header" "$CLANG" -target bpf -mcpu=v3 -O2 -Ivmlinux
	done
}

check_directions() {
	local user=(user/*.[ch] user/slow/*.[ch]) scan=()

	mapfile -t scan < <(find user/scan -name '*.[ch]' 2>/dev/null | sort)

	refuse "${user[@]}" "${scan[@]}" -- '\.bpf\.h' '^$' 'bpf/ and user/ meet in include/pscan/ only'
	refuse "${user[@]}" "${scan[@]}" -- '^<bpf/' '^user/xdp[a-z_]*\.c$' 'only user/xdp*.c see libbpf'
	refuse "${user[@]}" "${scan[@]}" -- '^<xdp/' '^user/xdp_dispatch\.c$' \
		'only user/xdp_dispatch.c sees libxdp'
	refuse "${user[@]}" "${scan[@]}" -- '\.skel\.h' '^user/xdp\.c$' 'only user/xdp.c sees the skeleton'
	refuse "${user[@]}" "${scan[@]}" -- '^<pcap' '^user/(input_pcap|scan/recv)\.c$' \
		'only user/input_pcap.c and user/scan/recv.c see libpcap'
	if [ "${#scan[@]}" -gt 0 ]; then
		refuse "${scan[@]}" -- '^"(xdp|input_|engine\.|store\.|session\.)' '^$' \
			'the scanner stands apart from the detector'
	fi
}

check_kernel_side() {
	local file word

	while read -r file word; do
		[[ $word =~ ^\<(pscan/[a-z]+\.h|bpf/bpf_(helpers|endian)\.h)\>$ ||
			$word =~ ^\"[a-z]+\.bpf\.[ch]\"$ ]] ||
			fault "$file includes $word: bpf/ includes the core, bpf helpers and its own"
	done < <(includes bpf/*)
}

# Maps are named where they are defined; a program is the function behind its SEC().
object_names() {
	sed -nE 's/^\} ([A-Za-z0-9_]+) SEC\("\.maps"\);.*/\1/p' bpf/*
	awk '/^SEC\("(xdp|tc|fentry|freplace)/ { getline
		if (match($0, /[A-Za-z0-9_]+\(/)) print substr($0, RSTART, RLENGTH - 1) }' bpf/*.bpf.c
}

check_names() {
	local name n=0

	while read -r name; do
		n=$((n + 1))
		[ "${#name}" -le "$name_max" ] ||
			fault "bpf/: the name $name is longer than $name_max characters: tools cut it off"
	done < <(object_names)
	[ "$n" -ge 2 ] || fault "bpf/: found $n names of maps and programs; has their form changed?"
}

check_core_order
check_target_word
check_core_alone "${@:-${core[@]}}"
check_directions
check_kernel_side
check_names
[ ! -s "$faults" ]
