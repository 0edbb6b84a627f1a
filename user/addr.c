/* SPDX-License-Identifier: GPL-2.0-only */
/* addr.c - see addr.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

const char *addr_format(const union ps_addr *addr, char out[ADDR_TEXT_BYTES])
{
	if (ps_addr_is_v4(addr))
		inet_ntop(AF_INET, &addr->w[3], out, ADDR_TEXT_BYTES);
	else
		inet_ntop(AF_INET6, addr->b, out, ADDR_TEXT_BYTES);
	return out;
}

const char *prefix_format(const struct prefix *prefix, char out[PREFIX_TEXT_BYTES])
{
	bool v4 = ps_addr_is_v4(&prefix->addr) && prefix->bits >= 96;
	size_t used;

	addr_format(&prefix->addr, out);
	if (prefix->bits == 128)
		return out;
	used = strlen(out);
	snprintf(out + used, PREFIX_TEXT_BYTES - used, "/%u", v4 ? prefix->bits - 96 : prefix->bits);
	return out;
}

struct prefix source_prefix(const union ps_addr *source)
{
	return (struct prefix){ *source, ps_addr_is_net(source) ? 64 : 128 };
}

const char *source_format(const union ps_addr *source, char out[PREFIX_TEXT_BYTES])
{
	struct prefix prefix = source_prefix(source);

	return prefix_format(&prefix, out);
}

bool addr_parse(const char *text, union ps_addr *out)
{
	union ps_addr addr;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		ps_addr_from_v4(&addr, v4.s_addr);
	else if (inet_pton(AF_INET6, text, addr.b) != 1)
		return false;
	*out = addr;
	return true;
}

void addr_mask(union ps_addr *addr, unsigned int bits)
{
	for (unsigned int i = 0; i < sizeof(addr->w) / sizeof(addr->w[0]); i++) {
		unsigned int keep = bits > i * 32 ? bits - i * 32 : 0;

		if (keep < 32)
			addr->w[i] &= ps_htonl((__u32)(0xffffffff00000000ULL >> keep));
	}
}

bool prefix_parse(const char *text, struct prefix *out)
{
	char host[ADDR_TEXT_BYTES];
	const char *slash = strchr(text, '/');
	size_t used = slash ? (size_t)(slash - text) : strlen(text);
	union ps_addr addr, masked;
	unsigned long length, most;
	bool v4;
	char *rest;

	if (used >= sizeof(host))
		return false;
	memcpy(host, text, used);
	host[used] = '\0';
	if (!addr_parse(host, &addr))
		return false;
	v4 = strchr(host, ':') == NULL;
	most = v4 ? 32 : 128;
	length = most;
	if (slash) {
		if (slash[1] < '0' || slash[1] > '9')
			return false;
		length = strtoul(slash + 1, &rest, 10);
		if (*rest || length > most)
			return false;
	}
	length += v4 ? 96 : 0;
	masked = addr;
	addr_mask(&masked, (unsigned int)length);
	if (!ps_addr_eq(&masked, &addr))
		return false;
	out->addr = masked;
	out->bits = (unsigned int)length;
	return true;
}

bool source_parse(const char *text, union ps_addr *out)
{
	struct prefix prefix;

	if (!prefix_parse(text, &prefix) || prefix.bits != source_prefix(&prefix.addr).bits)
		return false;
	*out = prefix.addr;
	return true;
}

bool prefix_covers(const struct prefix *prefix, const union ps_addr *addr)
{
	union ps_addr masked = *addr;

	addr_mask(&masked, prefix->bits);
	return ps_addr_eq(&masked, &prefix->addr);
}
