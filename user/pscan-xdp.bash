# SPDX-License-Identifier: GPL-2.0-only
#
# pscan-xdp.bash - completion for bash. Offers commands, each command's options
# and what is known of their values. Text that comes from outside (interface
# and file names) is compared and quoted, never expanded: an interface may be
# named $(reboot). tools/check-man.sh holds the tables against --help.

_pscan_xdp_commands='attach confirm detach check status stats why block scan allow replay report'

_pscan_xdp_rule='--profile --threshold --window --weight-low --weight-high --weight-trap
	--low-ports --traps --count --types --slow --monitor --block --block-time --block-max
	--unproven --cookie-rate --unproven-time --quiet-time'

_pscan_xdp_scan='--connect --syn --fin --null --xmas --maimon --ack --window --flags --udp --ping
	--no-ping -sT -sS -sF -sN -sX -sM -sA -sW -sU -sn -sP -Pn -P0
	-u --target --list -iL --exclude --exclude-file --all-addresses -4 --ipv4 -6 --ipv6
	-p --ports --top-ports -F --fast -e --interface -S --source -g --source-port --ttl
	-T --timing --rate --min-rate --max-rate --retries --timeout --host-timeout --delay
	--connections --stop-when-blocked --open --reason -n --numeric -v --verbose
	--json --xml -oX --grepable -oG --text -oN --dry-run --seed --shard --resume --resume-file'

_pscan_xdp_capture='-d --device -i --dst-ip --filter -m --max-packets --allow --deny -s --save-ports
	-l --log-file --events --json --sort --top -v --verbose'

# Options of a command; "attach --pcap" is one of its own.
_pscan_xdp_options() {
	case $1 in
	attach)
		echo "-d --device --allow -i --dst --dst-ip --mode --dispatcher --keep --group --sources --probe-rate -s --save-ports
			-m --max-packets --events --json --pcap --confirm -v --verbose $_pscan_xdp_rule"
		;;
	'attach --pcap') echo "--pcap $_pscan_xdp_rule $_pscan_xdp_capture" ;;
	detach) echo '-a --all' ;;
	check | status | why) echo '-j --json' ;;
	stats) echo '-w --watch --top --source --sort --json' ;;
	block) echo '--force -t --time -j --json' ;;
	allow) echo '-t --time -j --json' ;;
	scan) echo "$_pscan_xdp_scan" ;;
	replay) echo "--xdp $_pscan_xdp_rule $_pscan_xdp_capture" ;;
	report) echo "-o --output $_pscan_xdp_rule $_pscan_xdp_capture" ;;
	esac
}

# Options whose argument may stand in the next word.
_pscan_xdp_takes_value() {
	case $1 in
	-d | --device | --allow | --deny | -i | --dst | --dst-ip | --mode | --sources | --probe-rate) return 0 ;;
	-m | --max-packets | --events | --profile | --threshold | --window) return 0 ;;
	--slow) return 0 ;;
	--weight-* | --low-ports | --traps | --count | --types | --block | --block-time) return 0 ;;
	--block-max | --unproven | --cookie-rate | --unproven-time) return 0 ;;
	--quiet-time | --filter | -l | --log-file | --sort | --top | --source | -t | --time) return 0 ;;
	--confirm | --group | -o | --output | --flags | -u | --target | --list | -iL | --exclude) return 0 ;;
	--exclude-file | -p | --ports | --top-ports | -e | --interface | -S | -g) return 0 ;;
	--source-port | --ttl | -T | --timing | --rate | --min-rate | --max-rate) return 0 ;;
	--retries | --timeout | --host-timeout | --delay | --connections | --seed) return 0 ;;
	--xml | -oX | --grepable | -oG | --text | -oN | --shard | --resume | --resume-file) return 0 ;;
	esac
	return 1
}

_pscan_xdp_interfaces() {
	local path

	for path in /sys/class/net/*; do
		[[ -e $path ]] && printf '%s\n' "${path##*/}"
	done
}

# Adds those of the words on standard input that begin with $1, quoted as typed text.
_pscan_xdp_offer() {
	local word quoted

	while IFS= read -r word; do
		[[ $word == "$1"* ]] || continue
		printf -v quoted %q "$word"
		COMPREPLY+=("$quoted")
	done
}

_pscan_xdp_words() {
	local current=$1 words

	shift
	read -rd '' -a words <<<"$*" # the tables are text: words apart by blanks
	_pscan_xdp_offer "$current" < <(printf '%s\n' "${words[@]}")
}

_pscan_xdp_files() {
	local file

	compopt -o filenames 2>/dev/null
	while IFS= read -r file; do
		COMPREPLY+=("$file")
	done < <(compgen -f -- "$1")
}

# Words of a list, each at most once: what stands before the last comma is kept.
_pscan_xdp_list() {
	local current=$1 before='' word

	shift
	[[ $current != *,* ]] || before=${current%,*},
	for word in "$@"; do
		[[ ,$before == *,"$word",* ]] || COMPREPLY+=("$before$word")
	done
	_pscan_xdp_filter "$current"
}

# Keeps what begins with $1.
_pscan_xdp_filter() {
	local kept=() word

	for word in "${COMPREPLY[@]}"; do
		[[ $word == "$1"* ]] && kept+=("$word")
	done
	COMPREPLY=("${kept[@]}")
}

# The value of option $1, of which $2 is typed; false when nothing is known of it.
_pscan_xdp_value() {
	case $1 in
	-d | --device | -e | --interface) _pscan_xdp_offer "$2" < <(_pscan_xdp_interfaces) ;;
	--group) _pscan_xdp_offer "$2" < <(compgen -g) ;;
	--mode) _pscan_xdp_words "$2" auto native generic ;;
	--profile) _pscan_xdp_words "$2" sophos psd ;;
	--count) _pscan_xdp_words "$2" ports packets ;;
	--slow) _pscan_xdp_words "$2" on off ;;
	--block) _pscan_xdp_words "$2" soft hard ;;
	--unproven) _pscan_xdp_words "$2" soft cookie full ;;
	--sort) _pscan_xdp_words "$2" score packets last addr ;;
	--types) _pscan_xdp_list "$2" syn ack null xmas fin maimon other udp reply ;;
	-T | --timing) _pscan_xdp_words "$2" 0 1 2 3 4 5 ;;
	--events | -l | --log-file | -o | --output | --list | -iL | --exclude-file) _pscan_xdp_files "$2" ;;
	--xml | -oX | --grepable | -oG | --text | -oN | --resume*) _pscan_xdp_files "$2" ;;
	esac
}

# What a command takes beside options; $3: whether it has a first argument already.
_pscan_xdp_argument() {
	case $1 in
	attach* | detach | check) _pscan_xdp_offer "$2" < <(_pscan_xdp_interfaces) ;;
	block) [[ $3 ]] || _pscan_xdp_words "$2" add del list flush ;;
	allow) [[ $3 ]] || _pscan_xdp_words "$2" add del list ;;
	replay | report) _pscan_xdp_files "$2" ;;
	esac
}

_pscan_xdp() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} first='' i

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_pscan_xdp_words "$current" "$_pscan_xdp_commands" help --help --version
		return
	fi
	# "--mode=nat" arrives as three words: the option, "=", and the value.
	if [[ $current == = ]]; then
		current=
	elif [[ $previous == = ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ $command == attach && ${COMP_WORDS[i]} == --pcap ]]; then
			command='attach --pcap'
		elif [[ ${COMP_WORDS[i]} != [-=]* && ${COMP_WORDS[i - 1]} != = ]] &&
			! _pscan_xdp_takes_value "${COMP_WORDS[i - 1]}"; then
			first=${COMP_WORDS[i]}
		fi
	done
	if _pscan_xdp_takes_value "$previous"; then
		_pscan_xdp_value "$previous" "$current"
	elif [[ $current == -* ]]; then
		_pscan_xdp_words "$current" "$(_pscan_xdp_options "$command")" --help --usage
	else
		_pscan_xdp_argument "$command" "$current" "$first"
	fi
}

complete -F _pscan_xdp pscan-xdp
