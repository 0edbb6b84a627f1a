/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_targets.c - the scanner's texts (targets, excludes, ports, control
 * bits) and the packets strangers send it. Whatever is accepted must be an
 * index space that maps both ways.
 *
 * First byte: what the rest is. Names are not resolved: nothing leaves.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
static struct phase phases[2];

static void prepare(void)
{
	struct target_resolve resolve = { .family = 0 };
	static struct port_set ports;

	memset(&ports, 0xff, sizeof(ports));
	if (targets_add(&everybody, "0.0.0.0/0", &resolve) < 0 || targets_finish(&everybody) < 0 ||
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
	union ps_addr addr;
	__u8 mac[6];

	if (match_packet(&input, data, data + size, &match))
		assert(match.unit < phase->unit_count && match.target < everybody.count);
	link_arp_reply(data, data + size, &addr, mac);
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
	switch (data[0] % 4) {
	case 0:
		fuzz_targets(text);
		break;
	case 1:
		fuzz_ports(text);
		break;
	case 2:
		fuzz_packet(data + 1, size - 1, &phases[0]);
		break;
	default:
		fuzz_packet(data + 1, size - 1, &phases[1]);
	}
	free(text);
	return 0;
}
