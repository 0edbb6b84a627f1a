#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# install-deps.sh - install what building and testing need, on Debian 12.
#
# Silent, offline and without root when nothing is missing, so that every
# `make test` may call it. It never removes or upgrades a package.
set -euo pipefail

build_packages=(
	bpftool clang gcc libc6-dev libcap-ng-dev libelf-dev libbpf-dev libjson-c-dev libmnl-dev
	libpcap-dev libseccomp-dev libsodium-dev libxdp-dev llvm make pkg-config zlib1g-dev
)
test_packages=(
	bats dnsmasq-base ethtool hping3 iperf3 iproute2 iputils-ping jq libclang-rt-14-dev
	libcmocka-dev masscan nftables nmap perl procps python3-scapy tcpdump util-linux
	xdp-tools
)
kernel_packages=(
	busybox-static cpio dash ethtool iproute2 jq kmod nftables qemu-system-x86 tcpdump xdp-tools
	xz-utils zstd
)

# The peers among them: what each does not find, a benchmark names and goes without.
bench_packages=(
	dnsmasq-base ethtool gnuplot-nox iperf3 iproute2 ipset iptables jq masscan nftables nmap procps
	util-linux xdp-tools
)

die() {
	echo "install-deps.sh: $1" >&2
	exit 1
}

# Prints those of "$@" that are not installed. One call: dpkg-query reads its whole
# data base each time. It fails when it does not know one of them, which is an answer.
missing_of() {
	local package installed

	# shellcheck disable=SC2016 # dpkg-query's own variables
	installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
	for package in "$@"; do
		grep -qxF "$package installed" <<<"$installed" || echo "$package"
	done
}

install_packages() {
	local package

	export DEBIAN_FRONTEND=noninteractive
	for package in "$@"; do
		if ! apt-cache show "$package" >/dev/null 2>&1; then
			apt-get update -qq || die "apt-get update failed; still missing: $*"
			break
		fi
	done
	if ! apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		die "apt-get could not install: $(missing_of "$@" | xargs); the cause is above"
	fi
}

case ${1-} in
'') wanted=("${build_packages[@]}" "${test_packages[@]}") ;;
--build) wanted=("${build_packages[@]}") ;;
--kernels) wanted=("${kernel_packages[@]}") ;;
--bench) wanted=("${build_packages[@]}" "${bench_packages[@]}") ;;
*)
	cat >&2 <<-'USAGE'
		Usage: tools/install-deps.sh [--build | --kernels | --bench]
		  --build     not what only the tests need
		  --kernels   what tests on other kernels need, and nothing else
		  --bench     what building and the benchmarks need, peers included
	USAGE
	exit 2
	;;
esac

type dpkg-query apt-get >/dev/null 2>&1 ||
	die "this is not Debian; install the equivalents of: ${wanted[*]}"
mapfile -t missing < <(missing_of "${wanted[@]}")
[ "${#missing[@]}" -gt 0 ] || exit 0
[ "$(id -u)" -eq 0 ] || die "missing: ${missing[*]}; run it through sudo to install them"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "install-deps.sh: installing ${missing[*]}" >&2
install_packages "${missing[@]}"
