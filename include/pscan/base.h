/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * base.h - types, byte order and the few builtins both compilers share.
 *
 * The core (include/pscan/) is compiled twice: by clang for the BPF target and
 * natively for the libpcap engine, the scanner and the tests. This is the only
 * file that knows which of the two is happening. It must not grow anything
 * that needs libc, a kernel helper, a clock or allocation.
 */
#ifndef PSCAN_BASE_H
#define PSCAN_BASE_H

#ifdef __bpf__
#include "vmlinux.h"
#define PS_LOCK_FIELD struct bpf_spin_lock lock
/* Nothing: a packed field is loaded byte by byte, and half the program would be
 * that. The verifier knows where frames lie and refuses what a machine cannot load. */
#define PS_PACKED
#else
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
/* Same place and size as the kernel's bpf_spin_lock; unused natively. */
#define PS_LOCK_FIELD __u32 lock
/* Of headers on the wire: in a capture they lie at any address. */
#define PS_PACKED __attribute__((packed))
#endif

#define PS_INLINE static inline __attribute__((always_inline, unused))

/* In front of a loop over evidence: thirty-two copies of its body would only
 * cost instruction cache. */
#ifdef __clang__
#define PS_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define PS_ROLLED
#endif

#define ps_memcpy(dst, src, n) __builtin_memcpy((dst), (src), (n))
#define ps_memset(dst, c, n) __builtin_memset((dst), (c), (n))
#define ps_offsetof(type, member) __builtin_offsetof(type, member)

/*
 * Keep the compiler from merging or re-deriving a value. clang otherwise turns
 * a masked index back into the unmasked one and the verifier (6.1 to 6.18)
 * loses the bound it was shown.
 */
#define ps_opaque(x) __asm__ volatile("" : "+r"(x))

/* Host order from bytes at any alignment; the wire is big-endian. */
PS_INLINE __u16 ps_ntohs(__be16 v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap16((__u16)v);
#else
	return (__u16)v;
#endif
}

PS_INLINE __u32 ps_ntohl(__be32 v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap32((__u32)v);
#else
	return (__u32)v;
#endif
}

PS_INLINE __be16 ps_htons(__u16 v)
{
	return (__be16)ps_ntohs((__be16)v);
}

PS_INLINE __be32 ps_htonl(__u32 v)
{
	return (__be32)ps_ntohl((__be32)v);
}

/* now - then, and 0 when the clock (a capture's, another CPU's) stepped back. */
PS_INLINE __u64 ps_since(__u64 then_ns, __u64 now_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

/* Population count without libgcc, which the BPF target does not have. */
PS_INLINE __u32 ps_popcount64(__u64 v)
{
	v = v - ((v >> 1) & 0x5555555555555555ULL);
	v = (v & 0x3333333333333333ULL) + ((v >> 2) & 0x3333333333333333ULL);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (__u32)((v * 0x0101010101010101ULL) >> 56);
}

#endif /* PSCAN_BASE_H */
