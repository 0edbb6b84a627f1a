// SPDX-License-Identifier: GPL-2.0-only
/*
 * pscan_slot.bpf.c - the same program for a slot of a libxdp dispatcher, without
 * what answers packets: a dispatcher lets its programs change none, and kernels
 * from 6.13 on (and 6.6 and 6.12 in their stable series) look whether one could.
 */
#define PSCAN_SLOT
#include "pscan.bpf.c"
