/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frame.h - a probe as the bytes that go out: transport part from its
 * probe_ops, IP header, link header, checksums.
 */
#ifndef PSCAN_SCAN_FRAME_H
#define PSCAN_SCAN_FRAME_H

#include "scan/probe.h"
#include "scan/route.h"

/*
 * Builds the probe to @out (PROBE_BYTES_MAX). With @mac an Ethernet header to
 * it comes first, without the bytes start at the IP header. Returns the length.
 */
size_t frame_probe(const struct probe_context *context, const struct probe *probe,
		   const struct route *route, const __u8 *mac, __u8 *out);

/* ARP request or Neighbour Solicitation for @target as an Ethernet frame. Returns the length. */
size_t frame_solicit(const struct route *route, const union ps_addr *target, __u8 *out);

#endif
