/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * checksum.h - the Internet checksum (RFC 1071), written for the test tools on
 * its own: a fault in the program's must not be hidden by the same fault here.
 */
#ifndef PSCAN_TESTS_CHECKSUM_H
#define PSCAN_TESTS_CHECKSUM_H

#include <pscan/packet.h>
#include <pscan/wire.h>

/* RFC 1071, not yet folded; @bytes may be odd. */
static inline __u32 sum_add(__u32 sum, const void *data, size_t bytes)
{
	const __u8 *b = data;

	for (size_t i = 0; i + 1 < bytes; i += 2)
		sum += (__u32)b[i] << 8 | b[i + 1];
	return bytes & 1 ? sum + ((__u32)b[bytes - 1] << 8) : sum;
}

static inline __u16 sum_fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* Of a transport header and its payload, with the pseudo header in front (not for ICMPv4). */
static inline __u16 transport_sum(const union ps_addr *src, const union ps_addr *dst, __u8 proto,
				  const void *l4, size_t bytes)
{
	__u32 sum = sum_add(0, l4, bytes);
	size_t skip = ps_addr_is_v4(src) ? 12 : 0;

	if (proto != PS_IP_ICMP) {
		sum = sum_add(sum, src->b + skip, 16 - skip);
		sum = sum_add(sum, dst->b + skip, 16 - skip);
		sum += (__u32)bytes + proto;
	}
	return sum_fold(sum);
}

#endif
