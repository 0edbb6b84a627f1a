#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# root.sh - the guest's root, as an uncompressed cpio archive (software emulation
# pays for each byte to unpack): a static busybox for the small things, dash as
# /bin/sh (busybox's own shell would prefer its ip to the real one), the
# programs named, each with the libraries it needs, and init.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
applets=(
	awk cat chmod cp cut date dd dmesg env false grep head insmod kill ls mkdir mknod mount mv
	ping poweroff ps readlink rm sed seq sh sleep sort tail tee test timeout touch tr true umount usleep
	uname wc
)

die() {
	echo "root.sh: $1" >&2
	exit 1
}

# Copies file $1 to $2 in the root, and the libraries that it is linked with.
add_program() {
	local library

	install -D "$1" "$root$2"
	ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
		[ -e "$root$library" ] || install -D "$(realpath "$library")" "$root$library"
	done || true
}

if [ $# -lt 2 ]; then
	echo "Usage: tools/kernels/root.sh OUT.cpio KMEXIT PROGRAM..." >&2
	exit 2
fi
out=$1 kmexit=$2
shift 2

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root" # not for its owner alone: who has dropped root looks for files, too
mkdir -p "$root"/{bin,dev,proc,sys,run,tmp,modules,etc}
echo root:x:0:0::/:/bin/sh >"$root/etc/passwd" # tcpdump looks its user up
PATH=$PATH:/usr/sbin:/sbin
cp "$(command -v busybox)" "$root/bin/busybox" || die "busybox is missing"
for applet in "${applets[@]}"; do
	ln -s busybox "$root/bin/$applet"
done
rm "$root/bin/sh"
add_program "$(realpath /bin/dash)" /bin/sh
for program in "$@"; do
	file=$(command -v "$program") || die "there is no program '$program'"
	add_program "$(realpath "$file")" "/bin/${program##*/}"
done
install "$here/init" "$root/init"
install "$kmexit" "$root/bin/kmexit"
(cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet) >"$out.tmp"
mv "$out.tmp" "$out"
