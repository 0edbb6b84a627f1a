// SPDX-License-Identifier: GPL-2.0-only
/*
 * blast.bpf.c - turns one frame into a flood inside the kernel: run as live
 * frames by blast.c, it gives each frame its source and port and sends it out.
 * Checksums stay right without being computed: what is added to the source is
 * taken from a field that only the checksum cares about.
 */
#include <pscan/wire.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 out_ifindex;
const volatile __u32 random_bits; /* of the source address, host order; 0: none */
const volatile __u16 port_first, port_count; /* count 1: one port */
const volatile __u64 gap_ns;	 /* between two frames; 0: as fast as can be */
const volatile __u64 frames_max; /* to send at that pace */
__u64 frames;			 /* sent at that pace so far */
static __u64 due_ns;

static __always_inline __u16 ones_add(__u32 a, __u32 b)
{
	__u32 sum = a + b;

	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* Changes a 16-bit word and takes the difference from @slack, one's complement. */
static __always_inline void put(__be16 *word, __u16 value, __be16 *slack)
{
	*slack = ones_add(ones_add(*slack, *word), (__u16)~value);
	*word = value;
}

/* Frames that may follow each other at once after a pause. Few: a wire brings them at its own pace,
 * and a burst that half fills a veth's ring is the transfer's loss, whatever stands behind it. */
#define BURST 16
#define LOOKS 1024 /* at the clock while waiting: some 20 us */

/*
 * Waits for the next frame's time; false when it is not near. The pace is kept in
 * here: a test run takes a millisecond to begin and to end, so that pauses between
 * short ones would make bursts, and frames dropped in place of waiting would be
 * handed back through a lock that the receiver needs, too.
 */
static __always_inline bool due(void)
{
	__u64 now_ns, back_ns = BURST * gap_ns;

	for (int look = 0; look < LOOKS && frames < frames_max; look++) {
		now_ns = bpf_ktime_get_ns();
		if (now_ns < due_ns)
			continue;
		if (due_ns + back_ns < now_ns)
			due_ns = now_ns - back_ns;
		due_ns += gap_ns;
		frames++;
		return true;
	}
	return false;
}

SEC("xdp")
int blast(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ps_eth *eth = data;
	struct ps_ipv4 *ip = (void *)(eth + 1);
	struct ps_tcp *tcp = (void *)(ip + 1);
	__be16 *src, *seq, *id, *dport;
	__u32 r;

	if ((void *)(tcp + 1) > end)
		return XDP_ABORTED;
	if (gap_ns && !due())
		return XDP_DROP;
	src = (void *)&ip->src;
	seq = (void *)&tcp->seq;
	id = (void *)&ip->id;
	dport = (void *)&tcp->dport;
	if (random_bits) {
		__be16 hi = src[0], lo = src[1];

		r = (ps_ntohl(ip->src) & ~random_bits) | (bpf_get_prandom_u32() & random_bits);
		/* Nor does any SYN come a second time, as a client's that was dropped. */
		put(&seq[0], (__u16)bpf_get_prandom_u32(), &seq[1]);
		put(&src[0], ps_htons((__u16)(r >> 16)), id);
		put(&src[1], ps_htons((__u16)r), id);
		/* The pseudo header holds the source, too. */
		seq[1] = ones_add(ones_add(seq[1], hi), (__u16)~src[0]);
		seq[1] = ones_add(ones_add(seq[1], lo), (__u16)~src[1]);
	}
	if (port_count > 1) {
		__u16 port = port_first + (bpf_get_prandom_u32() % port_count);

		put(dport, ps_htons(port), &seq[1]);
	}
	return bpf_redirect(out_ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
