/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wirecount.c - what passed an interface: the packets that match a libpcap
 * filter, and how many different ports they name. The judge of the lab tests:
 * "how many ports got an answer" is asked of the wire, not of a program.
 *
 * One JSON line on stdout at the end:
 *   packets, bytes   what matched
 *   sources, targets distinct addresses
 *   sports, dports   distinct (address, port) by source and by destination
 *   quoted           distinct (address, port) that ICMP errors name as unreachable
 *   first, last      capture time in seconds, 0 when nothing matched
 *   lost             packets that matched but were not seen; counts are a lower bound then,
 *                    and the exit status is 1
 */
#include <argp.h>
#include <errno.h>
#include <pcap.h>
#include <poll.h>

#include <pscan/parse.h>

#include "tool.h"

#define CAPTURE_BYTES (64 << 20) /* holds 200,000 small packets while others have the CPU */
#define SNAP_BYTES 256           /* headers, and what an ICMP error quotes */

/* A set of (address, port), open addressing, at most half full. */
struct pair_set {
	struct pair {
		union ps_addr addr;
		unsigned int port;
		bool used;
	} *slots;
	size_t size, count;
};

struct wire {
	struct pair_set sources, targets, sports, dports, quoted;
	unsigned long long packets, bytes;
	struct timeval first, last;
};

struct options {
	const char *interface;
	char *filter;
	unsigned int seconds;
};

static const struct argp_option option_table[] = {
	{ "interface", 'i', "IFACE", 0, "count here", 0 },
	{ "seconds", 's', "N", 0, "end after N seconds (60)", 0 },
	{ 0 }
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'i':
		options->interface = arg;
		return 0;
	case 's':
		options->seconds = tool_number(arg, "seconds", 1, TOOL_SECONDS_MAX);
		return 0;
	case ARGP_KEY_ARG:
		if (options->filter)
			argp_error(state, "the filter is one argument: quote it");
		options->filter = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options->interface || !options->filter)
			argp_error(state, "an interface and a filter are needed");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static struct pair *pair_slot(const struct pair_set *set, const union ps_addr *addr,
			      unsigned int port)
{
	__u64 hash = (addr->d[0] * 31 + addr->d[1]) * 65537 + port;
	size_t i = (hash * 0x9e3779b97f4a7c15ULL >> 20) & (set->size - 1);

	while (set->slots[i].used &&
	       (set->slots[i].port != port || !ps_addr_eq(&set->slots[i].addr, addr)))
		i = (i + 1) & (set->size - 1);
	return &set->slots[i];
}

static void pairs_grow(struct pair_set *set)
{
	struct pair_set bigger = { .size = set->size ? set->size * 2 : 1024 };

	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (!bigger.slots)
		err(1, "cannot count so many addresses");
	for (size_t i = 0; i < set->size; i++)
		if (set->slots[i].used)
			*pair_slot(&bigger, &set->slots[i].addr, set->slots[i].port) =
				set->slots[i];
	bigger.count = set->count;
	free(set->slots);
	*set = bigger;
}

static void pairs_add(struct pair_set *set, const union ps_addr *addr, unsigned int port)
{
	struct pair *pair;

	if (set->count * 2 >= set->size)
		pairs_grow(set);
	pair = pair_slot(set, addr, port);
	if (pair->used)
		return;
	*pair = (struct pair){ .addr = *addr, .port = port, .used = true };
	set->count++;
}

static bool is_icmp_error(const struct ps_packet *p)
{
	return (p->proto == PS_IP_ICMP && (p->icmp_type == 3 || p->icmp_type == 11)) ||
	       (p->proto == PS_IP_ICMPV6 && p->icmp_type < 128);
}

static void count_quoted(struct wire *wire, const unsigned char *bytes, const unsigned char *end,
			 const struct ps_packet *p)
{
	struct ps_packet inner;

	if (ps_parse_quote(bytes + p->payload_off, end, &inner) == PS_PARSE_OK)
		pairs_add(&wire->quoted, &inner.dst, inner.dport);
}

static void on_packet(unsigned char *user, const struct pcap_pkthdr *header,
		      const unsigned char *bytes)
{
	struct wire *wire = (struct wire *)user;
	const unsigned char *end = bytes + header->caplen;
	struct ps_packet p;
	enum ps_parse result = ps_parse_eth(bytes, end, &p);

	if (!wire->packets++)
		wire->first = header->ts;
	wire->last = header->ts;
	wire->bytes += header->len;
	if (result != PS_PARSE_OK && result != PS_PARSE_OTHER_PROTO)
		return;
	pairs_add(&wire->sources, &p.src, 0);
	pairs_add(&wire->targets, &p.dst, 0);
	if (result != PS_PARSE_OK)
		return;
	if (p.proto == PS_IP_TCP || p.proto == PS_IP_UDP) {
		pairs_add(&wire->sports, &p.src, p.sport);
		pairs_add(&wire->dports, &p.dst, p.dport);
	} else if (is_icmp_error(&p)) {
		count_quoted(wire, bytes, end, &p);
	}
}

/* Ends the tool when something is missing: a judge that sees half is no judge. */
static pcap_t *open_capture(const struct options *options)
{
	char why[PCAP_ERRBUF_SIZE];
	struct bpf_program program;
	pcap_t *pcap = pcap_create(options->interface, why);

	if (!pcap)
		errx(1, "cannot capture on %s: %s", options->interface, why);
	pcap_set_snaplen(pcap, SNAP_BYTES);
	pcap_set_immediate_mode(pcap, 1);
	pcap_set_buffer_size(pcap, CAPTURE_BYTES);
	if (pcap_activate(pcap) < 0)
		errx(1, "cannot capture on %s: %s", options->interface, pcap_geterr(pcap));
	if (pcap_datalink(pcap) != DLT_EN10MB)
		errx(1, "%s is no Ethernet interface", options->interface);
	if (pcap_compile(pcap, &program, options->filter, 1, PCAP_NETMASK_UNKNOWN) ||
	    pcap_setfilter(pcap, &program))
		errx(2, "bad filter '%s': %s", options->filter, pcap_geterr(pcap));
	pcap_freecode(&program);
	if (pcap_setnonblock(pcap, 1, why))
		errx(1, "%s: %s", options->interface, why);
	return pcap;
}

static void capture(pcap_t *pcap, int end_fd, struct wire *wire)
{
	struct pollfd fds[] = { { .fd = end_fd, .events = POLLIN },
				{ .fd = pcap_get_selectable_fd(pcap), .events = POLLIN } };

	while (!fds[0].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			err(1, "cannot wait for packets");
		/* Once more after the signal: what lies in the buffer came before it. */
		if (pcap_dispatch(pcap, -1, on_packet, (unsigned char *)wire) < 0)
			errx(1, "capture ended: %s", pcap_geterr(pcap));
	}
}

static void print_counts(const struct wire *wire, unsigned int lost)
{
	printf("{\"packets\":%llu,\"bytes\":%llu,\"sources\":%zu,\"targets\":%zu,\"sports\":%zu,"
	       "\"dports\":%zu,\"quoted\":%zu,\"first\":%lld.%06ld,\"last\":%lld.%06ld,"
	       "\"lost\":%u}\n",
	       wire->packets, wire->bytes, wire->sources.count, wire->targets.count,
	       wire->sports.count, wire->dports.count, wire->quoted.count,
	       (long long)wire->first.tv_sec, (long)wire->first.tv_usec,
	       (long long)wire->last.tv_sec, (long)wire->last.tv_usec, lost);
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = "FILTER",
		.doc = "Counts the packets that match FILTER.",
	};
	struct options options = { .seconds = TOOL_SECONDS_DEFAULT };
	struct pcap_stat stats = { 0 };
	struct wire wire = { 0 };
	pcap_t *pcap;
	int end_fd;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	end_fd = tool_end_fd(options.seconds);
	pcap = open_capture(&options);
	tool_ready();
	capture(pcap, end_fd, &wire);
	if (pcap_stats(pcap, &stats))
		errx(1, "no capture statistics: %s", pcap_geterr(pcap));
	print_counts(&wire, stats.ps_drop);
	pcap_close(pcap);
	return stats.ps_drop ? 1 : 0;
}
