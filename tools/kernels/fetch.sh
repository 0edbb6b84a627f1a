#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch.sh - a Debian kernel, ready to be booted by boot.sh, from the archive
# that apt uses here. Nothing is installed: the suite is read through an index of
# its own, and the packages are unpacked aside.
#
#   DIR/release      what uname -r will say
#   DIR/vmlinuz      the kernel
#   DIR/modules.cpio the modules that were asked for and all they need, under
#                    /modules, named so that sorting gives the order to load them
#   DIR/asked        which were asked for
#
# Done once: when DIR is complete it is left as it is. All or nothing: DIR
# appears when everything in it is there.
set -euo pipefail

usage="Usage: tools/kernels/fetch.sh DIR META-PACKAGE SUITE MODULE..."

die() {
	echo "fetch.sh: $1" >&2
	exit 1
}

# The archive's address, as apt knows it for the release that runs here.
mirror() {
	# shellcheck disable=SC2016 # apt's own placeholders
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
		awk -v want="$1" '/-security/ == (want ~ /-security$/) { print; exit }'
}

# From here on ${options[@]} let apt read $suite and nothing else.
use_suite() {
	local uri

	uri=$(mirror "$suite")
	[ -n "$uri" ] || die "apt has no archive configured that could hold $suite"
	mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
	echo "deb $uri $suite main" >"$work/apt/sources"
	options+=(
		-o "Dir::Etc::sourcelist=$work/apt/sources" -o Dir::Etc::sourceparts=/dev/null
		-o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache"
		-o Dir::State::status=/dev/null
	)
	apt-get -qq "${options[@]}" update >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		die "cannot read $suite from $uri"
	}
}

# Prints the packages that package $1 depends on and whose name matches $2.
depends() {
	apt-cache "${options[@]}" show --no-all-versions "$1" 2>/dev/null |
		sed -n 's/^\(Pre-\)\?Depends: //p' | tr -s ', ' '\n' | grep -E "^$2" || true
}

# From 6.19 on a kernel comes in two packages, and its image package is empty.
unpack_kernel() {
	local image parts deb

	image=$(depends "$meta" 'linux-image-[0-9]' | head -n 1)
	[ -n "$image" ] || die "there is no package $meta in $suite"
	release=${image#linux-image-}
	release=${release%-unsigned}
	mapfile -t parts < <(depends "$image" 'linux-(binary|modules)-')
	[ "${#parts[@]}" -gt 0 ] || parts=("$image")
	mkdir "$work/debs" "$work/tree"
	(cd "$work/debs" && apt-get -qq "${options[@]}" -o APT::Sandbox::User=root \
		download "${parts[@]}" >"$work/log" 2>&1) || {
		cat "$work/log" >&2
		die "cannot download ${parts[*]}"
	}
	for deb in "$work"/debs/*.deb; do
		dpkg-deb -x "$deb" "$work/tree"
	done
	[ -d "$work/tree/lib/modules" ] || ln -s usr/lib "$work/tree/lib"
}

unpacked() {
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -qdc "$1" ;;
	*) cat "$1" ;;
	esac
}

# A module that is not there is built in, or the guest will say what it lacks.
pack_modules() {
	local file module number=100

	depmod -b "$work/tree" "$release" 2>/dev/null
	mkdir -p "$work/modules"
	while read -r file; do
		number=$((number + 1))
		module=${file##*/}
		unpacked "$file" >"$work/modules/$number-${module%%.ko*}.ko"
	done < <(for module in "$@"; do
		modprobe -d "$work/tree" -S "$release" --show-depends "$module" 2>/dev/null || true
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }')
	[ "$number" -gt 100 ] || die "none of these modules is in $release: $*"
	(cd "$work" && find modules | LC_ALL=C sort | cpio -o -H newc --quiet) >"$work/out/modules.cpio"
}

[ $# -ge 4 ] || { echo "$usage" >&2; exit 2; }
dir=$1 meta=$2 suite=$3
shift 3
[ "$(cat "$dir/asked" 2>/dev/null)" != "$*" ] || exit 0

PATH=$PATH:/usr/sbin:/sbin
options=()
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$(realpath "$(dirname "$dir")")/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/out"
use_suite
unpack_kernel
pack_modules "$@"
find "$work/tree" -name 'vmlinuz*' -type f -exec cp {} "$work/out/vmlinuz" \; -quit
[ -s "$work/out/vmlinuz" ] || die "no kernel in the packages of $release"
echo "$release" >"$work/out/release"
echo "$*" >"$work/out/asked"
rm -rf "${dir:?}"
mv -T "$work/out" "$dir"
