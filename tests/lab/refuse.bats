#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Bad input and bad surroundings: one clear line, the right exit status, and
# nothing is changed by it.
# shellcheck disable=SC2154,SC2030,SC2031 # names set by lab.bash; each test is a subshell

bats_require_minimum_version 1.5.0
load ../harness/lab
load ../harness/detector

# One lab for the file: whatever is refused leaves nothing behind, which every test checks.
setup_file() {
	need_root
	lab_up --bpffs
}

teardown_file() {
	lab_down
}

teardown() {
	on t sh -c "rm -rf '$pins'"
	if [ -n "${loader_pid-}" ]; then
		kill "$loader_pid" 2>/dev/null || true
		wait "$loader_pid" || true
	fi
	on t "$pscan" detach --all
	nothing_left
}

# refused TEXT COMMAND...: exit 1, and one line that holds TEXT.
refused() {
	local text=$1

	shift
	run --separate-stderr ask "$@"
	[ "$status" -eq 1 ] || return
	one_line "$text"
}

# misused TEXT COMMAND...: exit 2, and a first line that holds TEXT; after it, where to read on.
misused() {
	local text=$1

	shift
	run --separate-stderr ask "$@"
	[ "$status" -eq 2 ] || return
	[ -z "$output" ] || return
	[[ ${stderr_lines[0]} == "pscan-xdp"*": "*"$text"* ]] || {
		echo "'$text' is not in: $stderr" >&2
		return 1
	}
	[ "${#stderr_lines[@]}" -eq 1 ] || [[ ${stderr_lines[1]} == "Try "*--help* ]]
}

nobody() {
	on t setpriv --reuid 65534 --regid 65534 --clear-groups "$pscan" "$@"
}

# ordinary_map PATH: somebody's map, pinned there; keeps the name "theirs".
ordinary_map() {
	on t bpftool map create "$1" type array key 4 value 8 entries 1 name theirs
}

still_theirs() {
	on t bpftool -j map show pinned "$1" | jq -e '.name == "theirs"'
}

# ---- the command line ------------------------------------------------------------

@test "no command is usage, an unknown one is named" {
	run --separate-stderr ask
	[ "$status" -eq 2 ]
	[[ $stderr == Usage:* ]]
	misused "no command 'frobnicate'" frobnicate
}

@test "help goes to standard output and is no failure" {
	for command in attach detach check status stats why block allow; do
		run --separate-stderr ask $command --help
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		[[ $output == "Usage: pscan-xdp $command"* ]]
	done
	run --separate-stderr ask --help
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

@test "attach names the option, the value and what it should be" {
	misused "which interface" attach
	misused "unrecognized option '--bogus'" attach t0 --bogus
	misused "--mode 'fast'" attach t0 --mode fast
	misused "--allow '198.51.100'" attach t0 --allow 198.51.100
	misused "--allow '198.51.100.7/24'" attach t0 --allow 198.51.100.7/24
	misused "--allow '2001:db8::/129'" attach t0 --allow 2001:db8::/129
	misused "--dst 'eth0'" attach t0 --dst eth0
	misused "--sources '5'" attach t0 --sources 5
	misused "--max-packets '-1'" attach t0 --max-packets -1
}

@test "the rule names the option, the value and what it should be" {
	misused "--threshold x" attach t0 --threshold x
	misused "--threshold 0" attach t0 --threshold 0
	misused "--threshold -1" attach t0 --threshold -1
	misused "--threshold 99999999999999999999" attach t0 --threshold 99999999999999999999
	misused "--threshold 33" attach t0 --threshold 33
	misused "--window 5" attach t0 --window 5
	misused "--window" attach t0 --window 2h
	misused "--weight-low 0" attach t0 --weight-low 0
	misused "--weight-high 256" attach t0 --weight-high 256
	misused "--traps 1,x" attach t0 --traps 1,x
	misused "--types syn,foo" attach t0 --types syn,foo
	misused "--count bytes" attach t0 --count bytes
	misused "--block gently" attach t0 --block gently
	misused "--monitor blocks nobody" attach t0 --monitor --block hard
	misused "--profile bogus" attach t0 --profile bogus
	misused "--block-time 0s" attach t0 --block-time 0s
}

@test "the other commands do so, too" {
	misused "'198.51.100.300'" block add 198.51.100.300
	misused "'198.51.100.1/8'" block add 198.51.100.1/8
	misused "which address or prefix" block add
	misused "'remove'" block remove 198.51.100.1
	misused "--time 'soon'" block add --time soon 198.51.100.9
	misused "--time goes with" block list --time 3s
	misused "'flush'" allow flush
	misused "--force" allow add --force 198.51.100.9
	misused "'nowhere'" why nowhere
	misused "which address" why
	misused "--sort 'size'" stats --sort size
	misused "--top 'ten'" stats --top ten
	misused "--source 'x'" stats --source x
	misused "nothing to name" status t0
	misused "--all" detach
	misused "--all" detach --all t0
}

# ---- the surroundings ----------------------------------------------------------------

@test "nothing attached: the commands that need it say so" {
	for command in status stats "block list" "allow list" "why 198.51.100.2" "block flush"; do
		# shellcheck disable=SC2086 # several words
		refused "attach IFACE" $command
	done
	refused "not attached to t0" detach t0
	refused "no interface 'nosuch'" detach nosuch
}

@test "an unknown interface" {
	refused "no interface 'nosuch'" attach nosuch
	refused "no interface 'nosuch'" attach t0 nosuch
	refused "no interface 'a-name-too-long-for-one'" attach a-name-too-long-for-one
}

@test "an interface that is down" {
	on t ip link set t0 down
	refused "t0 is down; \`ip link set t0 up\`" attach t0
	on t ip link set t0 up
}

@test "an events file that cannot be written: nothing is attached for a moment even" {
	refused "/nonexistent/events" attach t0 --events /nonexistent/events
	refused "/sys: Is a directory" attach t0 --events /sys
}

@test "not root" {
	run --separate-stderr nobody attach t0
	[ "$status" -eq 1 ]
	one_line "run as root"
	attach
	for command in status stats "block list" "why $attacker4" "attach t0" "detach t0"; do
		# shellcheck disable=SC2086 # several words
		run --separate-stderr nobody $command
		[ "$status" -eq 1 ]
		one_line "run as root"
	done
	[ "$(xdp_on t0)" -ne 0 ]
	run --separate-stderr nobody detach --all
	[ "$status" -eq 1 ]
	one_line "run as root"
	[ "$(xdp_on t0)" -ne 0 ]
}

@test "a folder that holds somebody's map where the configuration should be" {
	on t mkdir "$pins"
	ordinary_map "$pins/config"
	for command in "attach t0" status stats "block list" "why $attacker4"; do
		# shellcheck disable=SC2086 # several words
		refused "$pins holds something else" $command
	done
	still_theirs "$pins/config"
	[ "$(xdp_on t0)" -eq 0 ]
	ask detach --all
}

@test "a folder that holds somebody's map beside ours" {
	local before

	attach
	murder
	before=$(xdp_on t0)
	on t rm "$pins/blocks"
	ordinary_map "$pins/blocks"
	for command in "attach t0" status stats "block list" "why $attacker4"; do
		# shellcheck disable=SC2086 # several words
		refused "$pins holds something else than this version's maps (see 'blocks')" $command
	done
	still_theirs "$pins/blocks"
	[ "$(xdp_on t0)" -eq "$before" ]
}

@test "maps of another version" {
	local before value

	attach
	murder
	before=$(xdp_on t0)
	value=$(on t bpftool -j map lookup pinned "$pins/config" key 0 0 0 0 |
		jq -r '.value | .[4] = "0x63" | join(" ")')
	# shellcheck disable=SC2086 # a byte each
	on t bpftool map update pinned "$pins/config" key 0 0 0 0 value $value
	refused "$pins holds something else" attach t0
	refused "$pins holds something else" status
	[ "$(xdp_on t0)" -eq "$before" ]
}

@test "something that is no folder in the folder's place" {
	ordinary_map "$pins"
	refused "$pins: Not a directory" attach t0
	refused "$pins" status
	refused "$pins: Not a directory" detach --all
	still_theirs "$pins"
	on t rm "$pins"
}

@test "an empty folder is no obstacle" {
	on t mkdir "$pins"
	refused "attach IFACE" status
	attach
	interrupt
	nothing_left
}

# ---- full lists ------------------------------------------------------------------------

# fill_allow: prefixes 2001:db8:1::/128 and on, until there is room for none.
fill_allow() {
	awk -v map="$pins/allow" 'BEGIN {
		for (i = 0; i < 65536; i++)
			printf "map update pinned %s key hex 80 00 00 00 20 01 0d b8 00 01 " \
				"00 00 00 00 00 00 00 00 %02x %02x value hex " \
				"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n",
				map, i / 256, i % 256
	}' >"$BATS_TEST_TMPDIR/fill"
	run on t bpftool batch file "$BATS_TEST_TMPDIR/fill"
	[ "$status" -ne 0 ]
}

@test "a full allow list says so, and holds what it held" {
	attach
	fill_allow
	ask status --json | jq -e '.tables.allow.used == .tables.allow.room'
	refused "cannot allow 203.0.113.1: the list is full" allow add 203.0.113.1
	ask status --json | jq -e '.tables.allow.used == .tables.allow.room'
	ask allow del 2001:db8:1::1
	ask allow add 203.0.113.1
}
