#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Regenerates vmlinux/vmlinux.h: the kernel types that bpf/ names, and no others, taken from the
# running kernel's BTF. All but one are part of the kernel's stable interface to BPF programs, so
# which kernel it was made on does not matter; the field of tcp_request_sock is found at load (CO-RE).
set -eu
cd "$(dirname "$0")/.."
bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)

# Named types in the order they are needed, then one member of each anonymous enum that is wanted.
types='enum bpf_map_type
enum xdp_action
struct xdp_md
struct bpf_sock_tuple
struct bpf_sock
struct bpf_spin_lock'
members='BPF_ANY BPF_F_NO_PREALLOC BPF_F_CURRENT_NETNS BPF_RB_NO_WAKEUP BPF_RB_AVAIL_DATA BPF_TCP_ESTABLISHED'

dump=$(mktemp)
trap 'rm -f "$dump"' EXIT
"$bpftool" btf dump file /sys/kernel/btf/vmlinux format c > "$dump"

block() { # the definition that starts with the line "$1 {"
	awk -v head="$1 {" '$0 == head { on = 1 } on { print } on && /^}/ { exit }' "$dump"
	echo
}

anonymous() { # the anonymous enum that has member $1
	awk -v want="	$1" '
		/^enum {$/ { text = ""; on = 1 }
		on { text = text $0 "\n"; if (index($0, want " ") == 1 || index($0, want ",") == 1) hit = 1 }
		on && /^}/ { if (hit) { print text; exit } on = 0; hit = 0 }' "$dump"
}

{
	echo '/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */'
	echo '/* Made by tools/gen-vmlinux.sh from kernel BTF; see README in this folder. Do not edit. */'
	echo '#ifndef __VMLINUX_H__'
	echo '#define __VMLINUX_H__'
	echo
	cat << 'END'
typedef signed char __s8;
typedef unsigned char __u8;
typedef short int __s16;
typedef short unsigned int __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long int __s64;
typedef long long unsigned int __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };

END
	echo "$types" | while read -r type; do block "$type"; done
	for member in $members; do anonymous "$member"; done
	cat << 'END'
/* Only what is read of it; libbpf finds its place in the running kernel's type (CO-RE). */
struct tcp_request_sock {
	__u32 snt_isn;
} __attribute__((preserve_access_index));

END
	echo '#endif /* __VMLINUX_H__ */'
} > vmlinux/vmlinux.h
