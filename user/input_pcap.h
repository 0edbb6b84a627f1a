/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * input_pcap.h - the wire stage without XDP: frames from capture files and,
 * live, from interfaces. The only user of libpcap beside the scanner. Knows
 * nothing of detection.
 */
#ifndef PSCAN_USER_INPUT_PCAP_H
#define PSCAN_USER_INPUT_PCAP_H

#include "engine.h"

struct input_pcap;

/* One frame; @data of the frame is valid during the call. */
typedef void input_frame_fn(const struct engine_frame *frame, __u64 at_ns, void *data);

/*
 * Opens a capture without looking into it, "-" is standard input. For who wants to
 * give up privileges before reading. Descriptor or negative errno; silent.
 */
int input_pcap_descriptor(const char *path);

/*
 * Begins to read a capture: pcap or pcapng, either may be compressed with gzip.
 * @fd      of input_pcap_descriptor(), closed here whatever comes of it; or what that
 *          failed with, which is told, or tried again if there were too many descriptors
 * @filter  pcap-filter(7) expression or NULL
 * Returns 0, or negative errno with one line printed: it cannot be read, is no
 * capture, its link type is one that has no IP packets we could find (802.11),
 * or the filter is wrong (-EINVAL).
 */
int input_pcap_file(int fd, const char *path, const char *filter, struct input_pcap **out);

/* A live interface, every frame it sees in either direction. As above. */
int input_pcap_live(const char *device, const char *filter, struct input_pcap **out);

void input_pcap_close(struct input_pcap *in); /* NULL is fine */

/*
 * Delivers at most @max frames (as many as there are, at most, in one go).
 * Returns how many, 0 at the end of a file or when a live interface has none,
 * or negative errno with one line printed: the file is damaged here, the
 * interface is gone. What was delivered before stands.
 */
int input_pcap_run(struct input_pcap *in, int max, input_frame_fn *fn, void *data);

/* Makes a run that is under way return early. May be called from a signal handler. */
void input_pcap_stop(struct input_pcap *in);

/* For poll(2); -1 for files. */
int input_pcap_fd(const struct input_pcap *in);

/* Path or device name. */
const char *input_pcap_name(const struct input_pcap *in);

/* Frames that the kernel could not hand over; 0 for files. */
__u64 input_pcap_lost(const struct input_pcap *in);

#endif
