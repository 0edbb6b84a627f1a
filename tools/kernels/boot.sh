#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.sh - boots a kernel of fetch.sh with a root of root.sh in QEMU, runs the
# program `run` of a folder in it, and ends with that program's status. The
# console goes to stdout.
#
# Two network cards (virtio_net) stand on one hub inside QEMU: what the guest
# sends through them ends there.
#
#   120 the guest stopped without a status (a panic, an oops)
#   121 QEMU did not start
#   124 it took longer than LIMIT seconds
set -euo pipefail

if [ $# -ne 3 ]; then
	echo "Usage: [LIMIT=120] tools/kernels/boot.sh KERNEL-DIR ROOT.cpio PAYLOAD-DIR" >&2
	exit 2
fi
kernel=$1 root=$2 payload=$3

initrd=$(mktemp)
trap 'rm -f "$initrd"' EXIT
stage=$(mktemp -d)
trap 'rm -rf "$initrd" "$stage"' EXIT
cp -a "$payload" "$stage/payload"
{
	cat "$root" "$kernel/modules.cpio"
	(cd "$stage" && find payload | cpio -o -H newc --quiet)
} >"$initrd"

# One thread for both CPUs: with one each, the guest loses now and then the race against
# its own code patching, and attaching XDP patches code. Emulation always: a /dev/kvm that
# cannot run such a guest is no rarity, and the time would be the same within seconds.
# No check whether the timer ticks: a busy machine's emulation is late, and the kernel panics.
status=0
timeout "${LIMIT:-120}" qemu-system-x86_64 -M pc -accel tcg,thread=single -cpu max -smp 2 -m 512 \
	-nodefaults -no-user-config -display none -no-reboot -serial stdio \
	-device isa-debug-exit,iobase=0xf4,iosize=1 \
	-netdev hubport,id=hub0,hubid=0 \
	-device virtio-net-pci,netdev=hub0,mac=02:00:5e:00:53:11,romfile= \
	-netdev hubport,id=hub1,hubid=0 \
	-device virtio-net-pci,netdev=hub1,mac=02:00:5e:00:53:12,romfile= \
	-kernel "$kernel/vmlinuz" -initrd "$initrd" \
	-append "console=ttyS0 quiet panic=-1 oops=panic mitigations=off init_on_alloc=0 no_timer_check" </dev/null || status=$?

case $status in
124 | 137) exit 124 ;;
0) exit 120 ;;
esac
if [ "$status" -ge 33 ] && [ $((status % 2)) -eq 1 ]; then
	exit $((status / 2 - 16))
fi
exit 121
