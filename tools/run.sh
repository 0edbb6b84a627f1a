#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh [IFACE] - the main job, to look at. With an interface: attaches there.
# Without: two hosts in network namespaces, pscan-xdp attached on one, real scans
# from the other, and what a user sees of it. Leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."
pscan=$PWD/build/pscan-xdp

if [ $# -gt 0 ]; then
	exec "$pscan" attach "$@"
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "run.sh: namespaces and XDP need root; try: sudo make run" >&2
	exit 1
fi

lab=run-$$
events=$(mktemp)
attach_pid=

cleanup() {
	[ -z "$attach_pid" ] || kill "$attach_pid" 2>/dev/null || true
	tools/lab.sh down "$lab" >/dev/null 2>&1 || true
	rm -f "$events"
}
trap cleanup EXIT

on() {
	tools/lab.sh exec "$lab" "$@"
}

title() {
	printf '\n\033[1m== %s\033[0m\n' "$*"
}

show() { # a command of the target host, as its user would type it
	printf '\n\033[1m# pscan-xdp %s\033[0m\n' "$*"
	on t "$pscan" "$@"
}

# Runs a scan from the address SOURCE until it is blocked, for 20 s at most.
scan() {
	local source=$1 pid

	shift
	tools/lab.sh addr "$lab" a "$source/24"
	printf '\033[1mscanner $ %s\033[0m\n' "$*"
	tools/lab.sh exec "$lab" a timeout 20 "$@" >/dev/null 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null && ! grep -q "\"source\":\"$source\"" "$events"; do
		sleep 0.05
	done
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

title "Two hosts: the scanner 198.51.100.2 and the target 198.51.100.1"
tools/lab.sh up "$lab"
show check t0

title "The target attaches pscan-xdp"
printf '\033[1m# pscan-xdp attach t0\033[0m\n'
tools/lab.sh exec "$lab" t "$pscan" attach t0 --events "$events" &
attach_pid=$!
until on t "$pscan" status >/dev/null 2>&1; do
	kill -0 "$attach_pid"
	sleep 0.05
done

title "The scanner scans; every line that starts with a date comes from attach"
nmap=(nmap -n -Pn -T4 -p1-1000 -e a0)
scan 198.51.100.21 "${nmap[@]}" -sS -S 198.51.100.21 198.51.100.1
scan 198.51.100.22 "${nmap[@]}" -sF -S 198.51.100.22 198.51.100.1
scan 198.51.100.23 "${nmap[@]}" -sX -S 198.51.100.23 198.51.100.1
scan 198.51.100.24 "${nmap[@]}" -sA -S 198.51.100.24 198.51.100.1
scan 198.51.100.25 "${nmap[@]}" -sU -S 198.51.100.25 198.51.100.1
scan 198.51.100.26 hping3 -q -c 100 -i u1000 -S -p ++1 -a 198.51.100.26 198.51.100.1

title "What the target knows now"
show stats
show block list
show why 198.51.100.21

title "Ctrl-C: attach detaches and sums up"
kill -INT "$attach_pid"
wait "$attach_pid"
attach_pid=
