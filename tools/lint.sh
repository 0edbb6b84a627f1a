#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lint.sh - everything that can be said of the tree without running it: include
# directions, the manual, scripts, sizes, licences, and cppcheck. Says what it
# looks at, then what it found; changes nothing. Run it through make lint, which
# builds the program that check-man asks.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

lines_max=500
function_max=60
bad=0

missing=()
for tool in shellcheck cppcheck mandoc; do
	type "$tool" >/dev/null 2>&1 || missing+=("$tool")
done
if [ "${#missing[@]}" -gt 0 ]; then
	echo "lint.sh: missing: ${missing[*]}; apt-get install ${missing[*]}" >&2
	exit 1
fi

# look TITLE COMMAND...
look() {
	local title=$1

	shift
	printf '  %-8s %s\n' LINT "$title"
	"$@" || bad=1
}

sources() {
	find bpf include user tests tools -name '*.[ch]' | sort
}

scripts() {
	grep -rlE '^#!.*\b(ba)?sh\b' tools tests .ci
	find user tests -name '*.bash'
}

# A function's body runs from a lone { to a lone }.
check_sizes() {
	local file ok=0

	while read -r file; do
		awk -v lines_max="$lines_max" -v function_max="$function_max" '
			/^\{$/ { start = NR }
			/^\}/ && start {
				if (NR - start + 1 > function_max)
					over = over sprintf("%s:%d: function of %d lines\n", FILENAME, start, NR - start + 1)
				start = 0
			}
			END {
				if (NR > lines_max)
					over = over sprintf("%s: %d lines\n", FILENAME, NR)
				printf "%s", over
				exit over != ""
			}' "$file" || ok=1
	done < <(sources)
	return "$ok"
}

check_licences() {
	local file ok=0

	while read -r file; do
		case $file:$(head -n 4 "$file") in
		include/pscan/*'SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause'*) ;;
		include/pscan/*) echo "$file: the core is GPL-2.0 OR BSD-2-Clause" && ok=1 ;;
		*'SPDX-License-Identifier: GPL-2.0-only'*) ;;
		*) echo "$file: no SPDX line that says GPL-2.0-only" && ok=1 ;;
		esac
	done < <(sources; scripts)
	return "$ok"
}

check_scripts() {
	local files

	mapfile -t files < <(scripts)
	# below warning it has opinions that bats and functions called by name refute
	shellcheck -s bash -x -S warning "${files[@]}"
}

# mdoc by the stricter of the two formatters; Linux has no $Mdocdate and other sections' pages.
check_page() {
	mandoc -Tlint -W warning user/pscan-xdp.8
}

# libbpf's option macro is spelt out for it; arithmetic on void pointers is the kernel's
# dialect; that a system call filled xdp.c's structs it does not know, and formats are the
# compilers' to judge.
check_c() {
	cppcheck -q --std=c11 --enable=warning,performance,portability --error-exitcode=1 \
		--suppress=arithOperationsOnVoidPointer --suppress=uninitvar:user/xdp.c \
		--suppress=invalidPrintfArgType_uint \
		'-DLIBBPF_OPTS(type,name,...)=struct type name = { __VA_ARGS__ }' \
		-Iinclude -Iuser user
}

look 'include directions' tools/check-core.sh
look 'manual and completion' tools/check-man.sh
look 'manual, form' check_page
look 'scripts' check_scripts
look 'sizes' check_sizes
look 'licences' check_licences
look 'cppcheck' check_c
exit "$bad"
