/* SPDX-License-Identifier: GPL-2.0-only */
/* input_pcap.c - see input_pcap.h. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "input_pcap.h"
#include "log.h"

/* The core never looks further than PS_HEADERS_BYTES_MAX into a frame. */
#define SNAPLEN 4096
#define LIVE_BUFFER_BYTES (16 << 20) /* rides out half a second at gigabit speed */
#define LIVE_TIMEOUT_MS 100
#define FILE_BUFFER_BYTES (1 << 16) /* what is read is parsed before it leaves the cache */
#define NS_PER_SECOND 1000000000ULL

struct input_pcap {
	pcap_t *pcap;
	char *name;
	char *buffer; /* stdio's; freed after the stream is closed */
	gzFile gz;    /* owned by the stream; NULL: not compressed */
	enum ps_link link;
	__u32 ifindex;
	__u32 subsecond_ns; /* what a unit of tv_usec is worth */
	bool live;
	input_frame_fn *fn;
	void *data;
};

/* ---- link types ------------------------------------------------------ */

static bool link_of(int dlt, enum ps_link *link)
{
	switch (dlt) {
	case DLT_EN10MB:
		*link = PS_LINK_ETH;
		return true;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		*link = PS_LINK_IP;
		return true;
	case DLT_LINUX_SLL:
		*link = PS_LINK_SLL;
		return true;
	case DLT_LINUX_SLL2:
		*link = PS_LINK_SLL2;
		return true;
	case DLT_NULL:
	case DLT_LOOP:
		*link = PS_LINK_NULL;
		return true;
	}
	return false;
}

static bool is_wifi(int dlt)
{
	return dlt == DLT_IEEE802_11 || dlt == DLT_IEEE802_11_RADIO ||
	       dlt == DLT_IEEE802_11_RADIO_AVS || dlt == DLT_PRISM_HEADER;
}

static int set_link(struct input_pcap *in)
{
	int dlt = pcap_datalink(in->pcap);
	const char *name = pcap_datalink_val_to_name(dlt);

	if (link_of(dlt, &in->link))
		return 0;
	if (is_wifi(dlt))
		log_error("reading %s: it holds 802.11 frames (%s), whose content is encrypted or "
			  "fragmented; capture on the interface without monitor mode instead",
			  in->name, name ? name : "?");
	else
		log_error("reading %s: link type %d (%s) is not supported; Ethernet, Linux cooked, "
			  "raw IP and loopback are",
			  in->name, dlt, name ? name : "unknown");
	return -EPROTONOSUPPORT;
}

static int set_filter(struct input_pcap *in, const char *filter)
{
	struct bpf_program program;
	int err = 0;

	if (!filter)
		return 0;
	if (pcap_compile(in->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN)) {
		log_error("--filter '%s': %s", filter, pcap_geterr(in->pcap));
		return -EINVAL;
	}
	if (pcap_setfilter(in->pcap, &program)) {
		log_error("setting the filter on %s: %s", in->name, pcap_geterr(in->pcap));
		err = -EINVAL;
	}
	pcap_freecode(&program);
	return err;
}

/* ---- files ----------------------------------------------------------- */

static ssize_t gz_cookie_read(void *cookie, char *out, size_t bytes)
{
	return gzread(cookie, out, (unsigned int)(bytes < INT_MAX ? bytes : INT_MAX));
}

static int gz_cookie_close(void *cookie)
{
	return gzclose(cookie) == Z_OK ? 0 : EOF;
}

/* A stream that inflates what is read from @fd. zlib hands plain data through
 * as it is, so a pipe need not be looked into first. Owns @fd on success. */
static FILE *gz_stream(int fd, gzFile *gz)
{
	static const cookie_io_functions_t io = { .read = gz_cookie_read,
						  .close = gz_cookie_close };
	FILE *stream;

	*gz = gzdopen(fd, "rb");
	if (!*gz)
		return NULL;
	gzbuffer(*gz, FILE_BUFFER_BYTES);
	stream = fopencookie(*gz, "rb", io);
	if (!stream)
		gzclose(*gz); /* closes fd; the caller must not */
	return stream;
}

static bool is_gzip(int fd)
{
	unsigned char magic[2];

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) && magic[0] == 0x1f &&
	       magic[1] == 0x8b;
}

static bool is_pipe(int fd)
{
	return lseek(fd, 0, SEEK_CUR) < 0;
}

int input_pcap_descriptor(const char *path)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static FILE *open_stream(struct input_pcap *in, int fd)
{
	FILE *stream;

	if (is_pipe(fd) || is_gzip(fd))
		stream = gz_stream(fd, &in->gz);
	else
		stream = fdopen(fd, "rb");
	if (!stream) {
		if (!in->gz)
			close(fd);
		return NULL;
	}
	__fsetlocking(stream, FSETLOCKING_BYCALLER); /* nobody else reads it */
	in->buffer = malloc(FILE_BUFFER_BYTES);
	if (in->buffer)
		setvbuf(stream, in->buffer, _IOFBF, FILE_BUFFER_BYTES);
	return stream;
}

static struct input_pcap *new_input(const char *name)
{
	struct input_pcap *in = calloc(1, sizeof(*in));

	if (in)
		in->name = strdup(name);
	if (in && in->name)
		return in;
	free(in);
	log_error("opening %s: no memory", name);
	return NULL;
}

int input_pcap_file(int fd, const char *path, const char *filter, struct input_pcap **out)
{
	char why[PCAP_ERRBUF_SIZE];
	struct input_pcap *in = new_input(strcmp(path, "-") == 0 ? "standard input" : path);
	FILE *stream = NULL;
	int err;

	if (fd == -EMFILE || fd == -ENFILE)
		fd = input_pcap_descriptor(path);
	if (!in) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	err = fd;
	if (fd >= 0) {
		stream = open_stream(in, fd);
		err = -errno;
	}
	if (!stream) {
		log_error("opening %s: %s", in->name, strerror(-err));
		goto out;
	}
	in->subsecond_ns = 1;
	in->pcap =
		pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!in->pcap) {
		err = -EINVAL;
		log_error("reading %s: %s", in->name, why);
		fclose(stream);
		goto out;
	}
	err = set_link(in);
	if (!err)
		err = set_filter(in, filter);
out:
	if (err)
		input_pcap_close(in);
	else
		*out = in;
	return err;
}

/* ---- interfaces ------------------------------------------------------ */

static int activate(struct input_pcap *in)
{
	char why[PCAP_ERRBUF_SIZE];
	int err;

	in->pcap = pcap_create(in->name, why);
	if (!in->pcap) {
		log_error("opening %s: %s", in->name, why);
		return -ENODEV;
	}
	pcap_set_snaplen(in->pcap, SNAPLEN);
	pcap_set_timeout(in->pcap, LIVE_TIMEOUT_MS);
	pcap_set_buffer_size(in->pcap, LIVE_BUFFER_BYTES);
	pcap_set_tstamp_precision(in->pcap, PCAP_TSTAMP_PRECISION_NANO);
	err = pcap_activate(in->pcap);
	if (err < 0) {
		log_error("capturing on %s: %s (%s)%s", in->name, pcap_statustostr(err),
			  pcap_geterr(in->pcap), err == PCAP_ERROR_PERM_DENIED ? "; try sudo" : "");
		return err == PCAP_ERROR_PERM_DENIED ? -EPERM : -ENODEV;
	}
	if (err > 0 && err != PCAP_WARNING_PROMISC_NOTSUP)
		log_warn("capturing on %s: %s", in->name, pcap_geterr(in->pcap));
	if (pcap_setnonblock(in->pcap, 1, why)) {
		log_error("capturing on %s: %s", in->name, why);
		return -EIO;
	}
	return 0;
}

int input_pcap_live(const char *device, const char *filter, struct input_pcap **out)
{
	struct input_pcap *in = new_input(device);
	int err;

	if (!in)
		return -ENOMEM;
	in->live = true;
	in->ifindex = if_nametoindex(device);
	err = activate(in);
	if (!err) {
		bool nano = pcap_get_tstamp_precision(in->pcap) == PCAP_TSTAMP_PRECISION_NANO;

		in->subsecond_ns = nano ? 1 : 1000;
		err = set_link(in);
	}
	if (!err)
		err = set_filter(in, filter);
	if (err)
		input_pcap_close(in);
	else
		*out = in;
	return err;
}

/* ---- both ------------------------------------------------------------ */

void input_pcap_close(struct input_pcap *in)
{
	if (!in)
		return;
	if (in->pcap)
		pcap_close(in->pcap);
	free(in->buffer);
	free(in->name);
	free(in);
}

static void deliver(u_char *user, const struct pcap_pkthdr *h, const u_char *data)
{
	struct input_pcap *in = (struct input_pcap *)user;
	struct engine_frame frame = { .data = data,
				      .captured = h->caplen,
				      .bytes = h->len,
				      .ifindex = in->ifindex,
				      .link = in->link };

	in->fn(&frame,
	       (__u64)h->ts.tv_sec * NS_PER_SECOND + (__u64)h->ts.tv_usec * in->subsecond_ns,
	       in->data);
}

/* zlib's own complaint, which libpcap only sees as the end of the file. */
static const char *gz_complaint(const struct input_pcap *in)
{
	int err = Z_OK;
	const char *text = in->gz ? gzerror(in->gz, &err) : NULL;

	return err == Z_OK || err == Z_STREAM_END ? NULL : text;
}

int input_pcap_run(struct input_pcap *in, int max, input_frame_fn *fn, void *data)
{
	const char *complaint;
	int n;

	in->fn = fn;
	in->data = data;
	n = pcap_dispatch(in->pcap, max, deliver, (u_char *)in);
	if (n > 0 || (n == 0 && in->live) || n == PCAP_ERROR_BREAK)
		return n > 0 ? n : 0;
	complaint = gz_complaint(in);
	if (!complaint && n < 0)
		complaint = pcap_geterr(in->pcap);
	if (!complaint)
		return 0;
	if (in->live)
		log_error("capturing on %s: %s", in->name, complaint);
	else
		log_error("reading %s: %s; what was read before stands", in->name, complaint);
	return -EIO;
}

void input_pcap_stop(struct input_pcap *in)
{
	pcap_breakloop(in->pcap);
}

int input_pcap_fd(const struct input_pcap *in)
{
	return in->live ? pcap_get_selectable_fd(in->pcap) : -1;
}

const char *input_pcap_name(const struct input_pcap *in)
{
	return in->name;
}

__u64 input_pcap_lost(const struct input_pcap *in)
{
	struct pcap_stat stat;

	if (!in->live || pcap_stats(in->pcap, &stat))
		return 0;
	return (__u64)stat.ps_drop + stat.ps_ifdrop;
}
