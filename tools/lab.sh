#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lab.sh - two hosts and one cable, in namespaces: for tests and for people.
#
#   attacker  a0 198.51.100.2/24 2001:db8::2/64
#   target    t0 198.51.100.1/24 2001:db8::1/64
#
# With --server the target is a gateway, and a third host is behind it. The
# attacker has a route there, the server's default route leads back.
#
#   target    t1 192.0.2.1/24 2001:db8:2::1/64
#   server    s0 192.0.2.2/24 2001:db8:2::2/64
#
# A host is a process that sleeps in a network and a mount namespace of its
# own, so that a bpffs mounted there is shared by everything run in that host
# (`ip netns exec` would give each command a fresh /sys). Neither end of the
# cable is ever in the root namespace, and no other interface is touched: what
# happens in the lab cannot leave it.
set -euo pipefail

state_root=/run/pscan-lab

usage() {
	cat <<'USAGE'
Usage: tools/lab.sh up NAME [--bpffs] [--server]
                                             make the lab; --bpffs mounts /sys/fs/bpf in its
                                             hosts, --server puts a third one behind the target
       tools/lab.sh exec NAME a|t|s CMD...   run CMD in the attacker, the target or the server
       tools/lab.sh shell NAME a|t|s         the same, a shell
       tools/lab.sh addr NAME a|t|s PREFIX   add an address, 203.0.113.7/32 for example
       tools/lab.sh pid NAME a|t|s           print a process that is in the host's namespaces, for
                                             those who enter them often: nsenter --net --mount
       tools/lab.sh down NAME                end what runs in the lab and remove it
USAGE
}

die() {
	echo "lab.sh: $1" >&2
	exit 1
}

bad_usage() {
	[ $# -eq 0 ] || echo "lab.sh: $1" >&2
	usage >&2
	exit 2
}

need_host() {
	[[ $1 == [ats] ]] ||
		bad_usage "no such host: '$1' (a is the attacker, t the target, s the server)"
}

# ---- holders ---------------------------------------------------------------

# The name a holder shows in ps; also the proof that a recorded pid is still ours.
holder_title() {
	echo "pscan-lab:$name-$1"
}

# Prints the pid of host $1's holder; fails when it has none any more.
holder_pid() {
	local pid title

	read -r pid 2>/dev/null <"$state/$1.pid" || return 1
	IFS= read -r -d '' title 2>/dev/null <"/proc/$pid/cmdline" || return 1
	[ "$title" = "$(holder_title "$1")" ] && echo "$pid"
}

# Runs in the new namespaces, under the title from the first line on: whoever reads the
# pid looks for it. Reports its pid when they are ready, then sleeps with no descriptor
# of its caller's left open: a caller that waits for its pipes to be closed, as bats
# does, must not wait for the lab.
# shellcheck disable=SC2016 # expanded by the holder's own shell
holder_script='
set -e
umount -lR /sys 2>/dev/null || : # a bpffs that is mounted outside stays outside
mount -t sysfs sysfs /sys
[ "$1" = no ] || mount -t bpf bpf /sys/fs/bpf
echo $$
for fd in /proc/self/fd/*; do
	fd=${fd##*/}
	[ "$fd" -le 2 ] || eval "exec $fd>&-"
done
cd /
exec -a "$0" sleep infinity </dev/null >/dev/null 2>&1
'

start_holder() {
	local pid words

	# Slave: mounts made outside later are seen inside, never the reverse.
	# shellcheck disable=SC2016 # expanded by the first of two shells
	read -r pid < <(exec setsid unshare --net --mount --propagation slave \
		bash -c 'exec -a "$0" bash -c "$1" "$0" "$2"' \
		"$(holder_title "$1")" "$holder_script" "$bpffs") ||
		die "cannot start host $1 of lab '$name': unshare or mount failed"
	# While it becomes `sleep` it has no title that could be read.
	until mapfile -d '' -t words <"/proc/$pid/cmdline" && [ "${words[1]-}" = infinity ]; do
		[ -d "/proc/$pid" ] || die "host $1 of lab '$name' ended at once"
	done
	echo "$pid" >"$state/$1.pid"
}

live_pid() {
	holder_pid "$1" || die "lab '$name' is not up: tools/lab.sh up $name"
}

enter() {
	local pid

	pid=$(live_pid "$1")
	shift
	exec nsenter --target "$pid" --net --mount --wdns="$PWD" -- "$@"
}

in_host() {
	(enter "$@")
}

# ---- up --------------------------------------------------------------------

# Nothing on the wire that no test asked for: no duplicate address detection, no
# router solicitations; of multicast reports only those sent while the cable is
# being plugged in, before `up` returns.
# shellcheck disable=SC2016 # expanded by the host's own shell
quiet_script='
for conf in default "$@"; do
	cd /proc/sys/net/ipv6/conf/$conf 2>/dev/null || continue
	echo 0 >accept_dad
	echo 0 >dad_transmits
	echo 0 >accept_ra
	echo 0 >router_solicitations
	echo 1 >force_mld_version
	echo 2147483647 >mldv1_unsolicited_report_interval
done
ip link set lo up
'

# The carrier, the link-local address that follows it, and the routes to IPv6 addresses of
# ours come a moment after `set up` and `addr add`.
# shellcheck disable=SC2016
ready_script='
for try in $(seq 200); do
	[ "$(grep -c " $1\$" /proc/net/if_inet6)" -ge 2 ] &&
		[ "$(ip -6 -o addr show scope global | wc -l)" = \
			"$(ip -6 route show table local | grep -c "^local 2")" ] && exit 0
	sleep 0.01
done
exit 1
'

# plug INNER OUTER DIGIT: a cable between two hosts' interfaces, each named by its host,
# as in a0; the digit makes its indexes and MAC addresses.
plug() {
	local inner=$1 outer=$2 digit=$3

	# Different indexes: the kernel takes a virtual device whose peer has its own index
	# for a physical one, and reports its carrier up to a second late.
	in_host "${outer%?}" ip link add "$outer" index "1${digit}2" address "02:00:5e:00:53:${digit}2" \
		numrxqueues 2 numtxqueues 2 type veth \
		peer name "$inner" index "1${digit}1" address "02:00:5e:00:53:${digit}1" \
		numrxqueues 2 numtxqueues 2 netns "$(holder_pid "${inner%?}")"
}

# addresses IFACE IPV4 IPV6
addresses() {
	in_host "${1%?}" ip addr add "$2" dev "$1"
	in_host "${1%?}" ip addr add "$3" dev "$1" nodad
	in_host "${1%?}" ip link set "$1" up
}

carrier() {
	in_host "${1%?}" sh -c "$ready_script" sh "$1" || die "$1 does not come up"
}

plug_cable() {
	plug t0 a0 0
	addresses a0 198.51.100.2/24 2001:db8::2/64
	addresses t0 198.51.100.1/24 2001:db8::1/64
	carrier a0
	carrier t0
}

plug_server() {
	plug t1 s0 1
	addresses s0 192.0.2.2/24 2001:db8:2::2/64
	addresses t1 192.0.2.1/24 2001:db8:2::1/64
	carrier s0
	carrier t1
	in_host t sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	in_host s ip route add default via 192.0.2.1
	in_host s ip route add default via 2001:db8:2::1
	in_host a ip route add 192.0.2.0/24 via 198.51.100.1
	in_host a ip route add 2001:db8:2::/64 via 2001:db8::1
}

lab_up() {
	local server host hosts

	bpffs=no server=no
	while [ $# -gt 0 ]; do
		case $1 in
		--bpffs) bpffs=yes ;;
		--server) server=yes ;;
		*) bad_usage "up: unknown argument '$1'" ;;
		esac
		shift
	done
	mkdir -p "$state_root"
	mkdir "$state" 2>/dev/null || die "lab '$name' exists already: tools/lab.sh down $name"
	trap lab_down EXIT
	trap 'exit 1' INT TERM HUP
	hosts=(a t)
	[ "$server" = no ] || hosts+=(s)
	for host in "${hosts[@]}"; do
		start_holder "$host"
		in_host "$host" sh -c "$quiet_script" sh all
	done
	plug_cable
	[ "$server" = no ] || plug_server
	trap - EXIT
}

# ---- down ------------------------------------------------------------------

# Prints the pid of every process in host $1's namespaces, its holder among them.
# find fails when a process ends while it looks: no harm, that one needs no ending.
host_pids() {
	local pid net mnt

	pid=$(holder_pid "$1") || return 0
	net=$(readlink "/proc/$pid/ns/net")
	mnt=$(readlink "/proc/$pid/ns/mnt")
	{ find /proc -mindepth 3 -maxdepth 3 \
		-path '/proc/[0-9]*/ns/*' ! -path "/proc/$$/*" \
		\( -lname "net:\\[${net//[^0-9]/}\\]" -o -lname "mnt:\\[${mnt//[^0-9]/}\\]" \) \
		-printf '%P\n' 2>/dev/null || true; } | cut -d / -f 1 | sort -u
}

# A process that has ended but was not waited for has no namespace left.
any_alive() {
	local pid

	for pid in "$@"; do
		readlink "/proc/$pid/ns/net" >/dev/null 2>&1 && return 0
	done
	return 1
}

# Sends signal $1 to the processes after it and waits until they have ended, 2 s at most.
end_with() {
	local signal=$1 deadline=$((SECONDS + 2))

	shift
	kill -s "$signal" "$@" 2>/dev/null || true
	while any_alive "$@" && [ "$SECONDS" -lt "$deadline" ]; do
		sleep 0.02
	done
}

# The namespaces, the cable and every mount go with the last process.
lab_down() {
	local pids

	mapfile -t pids < <(host_pids a; host_pids t; host_pids s)
	if any_alive "${pids[@]}"; then
		end_with TERM "${pids[@]}"
		end_with KILL "${pids[@]}"
	fi
	rm -rf "${state:?}"
	rmdir "$state_root" 2>/dev/null || true
}

# ---- command line ----------------------------------------------------------

lab_addr() {
	local host=$1 prefix=$2 nodad=

	case $prefix in
	*:*) nodad=nodad ;;
	esac
	# shellcheck disable=SC2086 # no argument at all for IPv4
	enter "$host" ip addr add "$prefix" dev "${host}0" $nodad
	carrier "${host}0"
}

case ${1-} in
-h | --help | help)
	usage
	exit 0
	;;
up | exec | shell | addr | pid | down) command=$1 ;;
*) bad_usage ;;
esac
[ $# -ge 2 ] || bad_usage "$command: which lab?"
name=$2
shift 2
[[ $name =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$ ]] || bad_usage "not a lab name: '$name'"
[ "$(id -u)" -eq 0 ] || die "network namespaces need root: run it through sudo"
state=$state_root/$name

case $command in
up) lab_up "$@" ;;
down) lab_down ;;
exec)
	[ $# -ge 2 ] || bad_usage "exec: which host, and what to run in it?"
	need_host "$1"
	enter "$@"
	;;
shell)
	[ $# -eq 1 ] || bad_usage "shell: which host?"
	need_host "$1"
	enter "$1" env PS1="$name-$1:\\w# " bash --norc -i
	;;
pid)
	[ $# -eq 1 ] || bad_usage "pid: which host?"
	need_host "$1"
	live_pid "$1"
	;;
addr)
	[ $# -eq 2 ] || bad_usage "addr: which host, and which prefix?"
	need_host "$1"
	lab_addr "$@"
	;;
esac
