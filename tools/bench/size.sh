#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# size.sh - instructions that the verifier walked and bytes of machine code, beside
# xdp-filter's when package xdp-tools is there. Table on standard error, JSON on
# standard output.
set -euo pipefail
cd "$(dirname "$0")/../.."

shopt -s nullglob
filters=(/usr/lib/*/bpf/xdpfilt_alw_ip.o /usr/lib/bpf/xdpfilt_alw_ip.o)
report=$(build/tools/bench/size "${filters[@]:0:1}")
echo "$report"
jq -r 'to_entries[] | select(.value | type == "object")
	| "\(.key): verifier \(.value.verified) instructions, machine code \(.value.jited_bytes) bytes: "
		+ (.value.functions | to_entries | map("\(.key) \(.value)") | join(", "))' <<<"$report" >&2
