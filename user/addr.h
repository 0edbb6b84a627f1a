/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * addr.h - addresses, prefixes and port numbers: text to value and back.
 *
 * No I/O and no name service here; host names are resolved by the scanner.
 */
#ifndef PSCAN_USER_ADDR_H
#define PSCAN_USER_ADDR_H

#include <pscan/packet.h>

/* Longest text of an address ("ffff:...:255.255.255.255") and of a prefix, with the NUL. */
#define ADDR_TEXT_BYTES 46
#define PREFIX_TEXT_BYTES (ADDR_TEXT_BYTES + 4)

struct prefix {
	union ps_addr addr;	/* host bits are zero */
	unsigned int bits;	/* 0..128; an IPv4 /n is held as 96 + n */
};

/* Text of an address, IPv4 in dotted form. Writes to and returns @out. */
const char *addr_format(const union ps_addr *addr, char out[ADDR_TEXT_BYTES]);

/* Text of a prefix; a single host carries no "/n". Writes to and returns @out. */
const char *prefix_format(const struct prefix *prefix, char out[PREFIX_TEXT_BYTES]);

/* Text of a source as records and blocks hold it: an address, or a /64 (ps_addr_is_net()). */
const char *source_format(const union ps_addr *source, char out[PREFIX_TEXT_BYTES]);

/* Reads back what source_format() wrote. As addr_parse(). */
bool source_parse(const char *text, union ps_addr *out);

/* The prefix that such a source stands for. */
struct prefix source_prefix(const union ps_addr *source);

/* Numeric IPv4 or IPv6 address. Returns false, leaving @out alone, on anything else. */
bool addr_parse(const char *text, union ps_addr *out);

/*
 * ADDRESS or ADDRESS/LENGTH. Returns false, leaving @out alone, on bad text, a
 * length out of range, or bits set behind the length ("10.0.0.1/8": most often
 * a typing error, and guessing which half was meant could block too much).
 */
bool prefix_parse(const char *text, struct prefix *out);

/* True when @addr lies in @prefix. */
bool prefix_covers(const struct prefix *prefix, const union ps_addr *addr);

/* Clears every bit of @addr behind the first @bits. */
void addr_mask(union ps_addr *addr, unsigned int bits);

#endif
