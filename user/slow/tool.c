/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tool.c - which tool's packets look like this, see slow.h. Seen on the wire
 * with nmap 7.93, masscan 1.3.2, hping3 and this program; zmap was not at hand:
 * that it sends this id is common knowledge, and no capture here shows it.
 */
#include "slow.h"

#define ZMAP_IP_ID 54321
#define SYN_WINDOW 1024		/* masscan's and this program's; nmap's is this times 1 to 4 */
#define HPING_WINDOW 512
#define MSS_BYTES 4		/* nothing but a maximum segment size */
#define SYSTEM_BYTES 8		/* a system's own connect() offers more than that */

static const char *const names[] = {
	[SLOW_TOOL_NONE] = "",		   [SLOW_TOOL_SYSTEM] = "connect",
	[SLOW_TOOL_NMAP] = "nmap",	   [SLOW_TOOL_MASSCAN] = "masscan",
	[SLOW_TOOL_ZMAP] = "zmap",	   [SLOW_TOOL_HPING] = "hping3",
	[SLOW_TOOL_PSCAN] = "pscan-xdp",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == SLOW_TOOL_MAX, "a tool lacks its name");

const char *slow_tool_name(unsigned int tool)
{
	return tool < SLOW_TOOL_MAX ? names[tool] : "";
}

/* masscan makes the id out of where the packet goes and its sequence number. */
static bool masscan_id(const struct ps_contact *c)
{
	__u16 host = (__u16)ps_ntohl(c->dst.w[3]);

	return c->ip_id == (__u16)(host ^ c->dport ^ c->seq);
}

enum slow_tool slow_tool_guess(const struct ps_contact *c)
{
	bool v4 = ps_addr_is_v4(&c->src);

	if (c->class == PS_CLASS_UDP)
		return SLOW_TOOL_NONE;
	if (c->options > SYSTEM_BYTES)
		return c->class == PS_CLASS_SYN ? SLOW_TOOL_SYSTEM : SLOW_TOOL_NONE;
	if (!v4)
		return SLOW_TOOL_NONE; /* the rest is told by the id, or by nothing */
	if (c->ip_id == ZMAP_IP_ID)
		return SLOW_TOOL_ZMAP;
	if (c->window == SYN_WINDOW && masscan_id(c))
		return SLOW_TOOL_MASSCAN;
	if (c->window == HPING_WINDOW && !c->options)
		return SLOW_TOOL_HPING;
	if (c->window % SYN_WINDOW || !c->window || c->window > 4 * SYN_WINDOW)
		return SLOW_TOOL_NONE;
	if (c->options != MSS_BYTES)
		return SLOW_TOOL_NONE;
	if (c->ip_id)
		return SLOW_TOOL_NMAP;
	return c->window == SYN_WINDOW ? SLOW_TOOL_PSCAN : SLOW_TOOL_NONE;
}
