#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check-man.sh [PROGRAM] - the manual and the completion know every command and
# option that the program's own --help lists, and no others; every JSON key in
# the sources has its item in the manual, and the other way round. Prints one
# line per difference; the exit status says whether there was one.
#
# Forms of a command that take other options than it does alone are written as
# they are typed: "attach --pcap" has a --help, a subsection and a table of its
# own.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${1:-build/pscan-xdp}
man=user/pscan-xdp.8
completion=user/pscan-xdp.bash
forms=('attach --pcap')
no_options=' confirm '
# What a scan writes for itself to go on from is nobody's interface.
private_json=user/scan/resume.c
for_every_command=' --help --usage -? '

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compare WHAT LEFT-NAME RIGHT-NAME: the lines of $work/left and $work/right.
compare() {
	local line

	sort -u -o "$work/left" "$work/left"
	sort -u -o "$work/right" "$work/right"
	comm -23 "$work/left" "$work/right" | while read -r line; do
		echo "$1 '$line' is in $2 and not in $3"
	done >>"$work/faults"
	comm -13 "$work/left" "$work/right" | while read -r line; do
		echo "$1 '$line' is in $3 and not in $2"
	done >>"$work/faults"
}

# ---- what the program says ---------------------------------------------------

help_commands() {
	"$program" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'
}

# The help of a command as argp prints it, unwrapped, one option group a line.
help_of() {
	local words

	read -ra words <<<"$1"
	ARGP_HELP_FMT=rmargin=1000,opt-doc-col=100 "$program" "${words[@]}" --help
}

# "-i, --dst=CIDR, --dst-ip=CIDR   text" becomes three lines; "=CIDR" stays when $2 is set.
help_options() {
	local group option

	help_of "$1" | sed -nE 's/^ {2,6}(-[^ ,]+(, -[^ ,]+)*).*/\1/p' | while IFS= read -r group; do
		for option in ${group//, / }; do
			[ -n "${2-}" ] || option=${option%%[=[]*}
			[[ $for_every_command == *" $option "* ]] || printf '%s\n' "$option"
		done
	done
}

# ---- what the manual says ----------------------------------------------------

# The lines of a subsection.
man_section() {
	awk -v title=".Ss $1" '
		/^\.S[sh] / { inside = $0 == title; next }
		inside' "$man"
}

# Options of the items of a subsection, then of those it refers to.
man_options() {
	local title

	man_section "$1" | awk '/^\.It Fl / {
		for (i = 2; i < NF; i++)
			if ($i == "Fl") print "-" $(i + 1) }'
	[ -z "${2-}" ] || return 0
	man_section "$1" | sed -nE 's/^\.Sx ([A-Z][a-z]+ options).*/\1/p' | while read -r title; do
		man_options "$title" no-further
	done
}

man_commands() {
	awk '/^\.Sh / { inside = $0 == ".Sh COMMANDS" }
		inside && /^\.Ss [a-z]+$/ { print $2 }' "$man"
}

# Two-letter names such as -sS are no options of argp's; the help's text explains them.
drop_aliases() {
	local option said=$1

	while read -r option; do
		if [[ ! $option =~ ^-[a-zA-Z][a-zA-Z0-9]$ ]]; then
			printf '%s\n' "$option"
		elif ! grep -qwe "$option" <<<"$said"; then
			printf '%s\n' "$option, which --help does not explain"
		fi
	done
}

# ---- what the completion offers ------------------------------------------------

# complete WORD...: what is offered for the last word.
complete_words() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
		_pscan_xdp; [ "${#COMPREPLY[@]}" -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' \
		bash "$completion" "$@"
}

completion_options() {
	local words option

	read -ra words <<<"$1"
	complete_words pscan-xdp "${words[@]}" - | while read -r option; do
		[[ $for_every_command == *" $option "* ]] || printf '%s\n' "$option"
	done
}

# Names of those options on standard input that the completion takes for flags.
flags_only() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	bash -c '. "$1"
		while read -r option; do
			_pscan_xdp_takes_value "$option" || printf "%s\n" "$option"
		done' bash "$completion"
}

# An option that needs a value is known to, so that the value is not taken for an argument.
check_values() {
	help_options "$1" with-values | sed -nE 's/^([^=[]+)=.*/\1/p' | flags_only |
		sed "s/.*/completion: $1 & takes a value, which _pscan_xdp_takes_value denies/" \
			>>"$work/faults"
}

# ---- JSON keys -----------------------------------------------------------------

# Words that become keys: second arguments of what adds to an object, and the counters' names.
source_keys() {
	# shellcheck disable=SC2046 # no blanks in the tree's file names
	sed -nE 's/.*\b(json_span|(add|json)_(text|number|time|addr)|put(_text|_number|_ms)?|json_object_object_add)\([a-z_>-]+, "([a-z_]+)".*/\5/p' \
		$(find user -name '*.c' ! -path "$private_json")
	sed -nE 's/.*\[PS_(COUNT|PARSE)_[A-Z0-9_]+\] = "([a-z0-9_]+)".*/\2/p' user/names.c
}

man_keys() {
	sed -nE '/^\.(It )?Va /{ s/^\.(It )?//; s/ [.,:;)] *$//; p }' "$man" |
		awk '{ for (i = 1; i <= NF; i++) if ($i !~ /^(Va|,|Ns|No|[(].*)$/) print $i }'
}

# ---- all of it -------------------------------------------------------------------

: >"$work/faults"
help_commands >"$work/left"
mapfile -t commands <"$work/left"
man_commands >"$work/right"
compare command --help "$man"
printf '%s\n' "${commands[@]}" >"$work/left"
complete_words pscan-xdp '' | grep -vxE 'help|-.*' >"$work/right"
compare command --help "$completion"

for command in "${commands[@]}" "${forms[@]}"; do
	said=$(help_of "$command")
	help_options "$command" >"$work/left"
	[ -s "$work/left" ] || [[ $no_options == *" $command "* ]] ||
		echo "$command: --help lists no option; has its form changed?" >>"$work/faults"
	man_options "$command" | drop_aliases "$said" >"$work/right"
	compare "$command:" --help "$man"
	completion_options "$command" | drop_aliases "$said" >"$work/right"
	compare "$command:" --help "$completion"
	check_values "$command"
done

source_keys >"$work/left"
man_keys >"$work/right"
compare 'JSON key' user/ "$man"

if [ -s "$work/faults" ]; then
	sed 's/^/check-man: /' "$work/faults" >&2
	exit 1
fi
