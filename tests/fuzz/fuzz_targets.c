/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_targets.c - the scanner's texts (targets, excludes, files of them, ports,
 * control bits) and the packets strangers send it, while it looks for hosts and while
 * it scans them. Whatever is accepted must be an
 * index space that maps both ways.
 *
 * First byte: what the rest is. Names are not resolved: nothing leaves.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pscan/parse.h>

#include "scan/match.h"
#include "scan/probe_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No letters: those would be asked of a name server. Colons and hex digits are kept. */
static bool would_resolve(const char *text)
{
	return !strchr(text, ':') && !strchr(text, '/') &&
	       strpbrk(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static void fuzz_targets(char *text)
{
	struct target_resolve resolve = { .family = 0 };
	struct targets targets = { 0 };
	bool exclude = false;

	for (char *save, *word = strtok_r(text, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save)) {
		if (strcmp(word, "!") == 0)
			exclude = true;
		else if (would_resolve(word))
			continue;
		else if (exclude)
			targets_exclude(&targets, word, &resolve);
		else
			targets_add(&targets, word, &resolve);
	}
	if (targets_finish(&targets) == 0) {
		__u64 probes[] = { 0, targets.count / 2, targets.count - 1 }, found;
		union ps_addr addr;

		for (int i = 0; i < 3; i++) {
			targets_at(&targets, probes[i], &addr);
			assert(targets_find(&targets, &addr, &found) && found == probes[i]);
			assert(targets_lower_bound(&targets, &addr) == probes[i]);
		}
	}
	targets_free(&targets);
}

/* A file as it is, but for the letters that would be asked of a name server. */
static void fuzz_file(char *text, size_t size)
{
	struct target_resolve resolve = { .family = 0 };
	struct targets targets = { 0 };
	int fd = memfd_create("targets", MFD_CLOEXEC);
	char path[32];

	for (size_t i = 0; i < size; i++)
		if ((text[i] | 32) >= 'a' && (text[i] | 32) <= 'z')
			text[i] = '#';
	if (write(fd, text, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (targets_load(&targets, path, false, &resolve) == 0)
		targets_load(&targets, path, true, &resolve);
	targets_finish(&targets);
	targets_free(&targets);
	close(fd);
}

static void fuzz_ports(const char *text)
{
	static struct ports ports;
	__u8 flags;

	memset(&ports, 0, sizeof(ports));
	ports_parse(&ports, text);
	ports_top(&ports, text);
	probe_tcp_flags_parse(text, &flags);
}

static struct targets everybody;
static struct phase phases[3];

static void prepare(void)
{
	struct target_resolve resolve = { .family = 0 };
	static struct port_set ports;

	memset(&ports, 0xff, sizeof(ports));
	if (targets_add(&everybody, "0.0.0.0/0", &resolve) < 0 ||
	    targets_add(&everybody, "2001:db8::/96", &resolve) < 0 ||
	    targets_finish(&everybody) < 0 || phase_discovery(&phases[2], true) < 0 ||
	    phase_ports(&phases[0], PHASE_TCP, &probe_tcp_syn, &ports) < 0 ||
	    phase_ports(&phases[1], PHASE_UDP, &probe_udp, &ports) < 0)
		abort();
}

/* A stranger's packet, against a scan that asked everything of everybody. */
static void fuzz_packet(const uint8_t *data, size_t size, const struct phase *phase)
{
	static struct probe_context context = { .tcp_ports = { 40000 },
						.tcp_port_count = 1,
						.udp_ports = { 40001 },
						.udp_port_count = 1 };
	struct match_input input = { .context = &context, .targets = &everybody, .phase = phase };
	struct match match;
	struct ps_packet packet;
	union ps_addr addr;
	__u8 mac[6];

	if (match_packet(&input, data, data + size, &match))
		assert(match.unit < phase->unit_count && match.target < everybody.count);
	link_arp_reply(data, data + size, &addr, mac);
	if (ps_parse_ip(data, data + size, &packet) == PS_PARSE_OK)
		link_nd_advert(&packet, data + packet.payload_off, data + size, &addr, mac);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1)
		return 0;
	if (!everybody.count)
		prepare();
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 6) {
	case 0:
		fuzz_targets(text);
		break;
	case 1:
		fuzz_ports(text);
		break;
	case 2:
		fuzz_packet(data + 1, size - 1, &phases[0]);
		break;
	case 3:
		fuzz_packet(data + 1, size - 1, &phases[1]);
		break;
	case 4:
		fuzz_packet(data + 1, size - 1, &phases[2]);
		break;
	default:
		fuzz_file(text, size - 1);
	}
	free(text);
	return 0;
}
