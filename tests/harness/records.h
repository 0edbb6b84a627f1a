/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * records.h - source records and events for the tests of what tells them,
 * made by the core itself so that they cannot be impossible ones.
 */
#ifndef PSCAN_TESTS_RECORDS_H
#define PSCAN_TESTS_RECORDS_H

#include <arpa/inet.h>

#include <pscan/detect.h>

static inline union ps_addr record_v4(const char *text)
{
	union ps_addr addr;

	ps_addr_from_v4(&addr, inet_addr(text));
	return addr;
}

/* One more probe of @s at @now_ns. Returns the score. */
static inline __u32 record_probe(const struct ps_rule *rule, struct ps_source *s, const char *dst,
				 enum ps_class class, __u16 port, __u64 now_ns)
{
	struct ps_packet p = { .dport = port, .dst = record_v4(dst) };
	__u32 score;

	if (!s->first_ns)
		s->first_ns = now_ns;
	score = ps_score(rule, s, &p, class, now_ns);
	ps_score_peak(s, score);
	return score;
}

/* 198.51.100.7 probes 22 23 25 80 443 21 53 of 203.0.113.5, 10 ms apart, and is blocked. */
static inline struct ps_event record_scan(const struct ps_rule *rule, enum ps_class class,
					  __u64 start_ns)
{
	static const __u16 ports[] = { 22, 23, 25, 80, 443, 21, 53 };
	struct ps_verdict verdict = { PS_ACTION_BLOCK, PS_REASON_RULE };
	struct ps_event e = { .source = { .addr = record_v4("198.51.100.7") } };
	__u64 now_ns = start_ns;

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		now_ns = start_ns + i * 10000000;
		record_probe(rule, &e.source, "203.0.113.5", class, ports[i], now_ns);
	}
	e.source.detections = 1;
	e.source.scan_ns = now_ns;
	ps_event_scan(rule, &e, verdict, 2, 57, now_ns + rule->block_ns, now_ns);
	return e;
}

#endif
