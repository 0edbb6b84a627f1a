#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# prog.sh - nanoseconds per packet of the XDP program, beside xdp-filter's when
# package xdp-tools is there. Table on standard error, JSON on standard output.
set -euo pipefail
cd "$(dirname "$0")/../.."

shopt -s nullglob
filters=(/usr/lib/*/bpf/xdpfilt_alw_ip.o /usr/lib/bpf/xdpfilt_alw_ip.o)
if [ "${#filters[@]}" -eq 0 ]; then
	echo "prog.sh: no xdp-filter to compare with (package xdp-tools)" >&2
fi
exec build/tools/bench/prog "${filters[@]:0:1}"
