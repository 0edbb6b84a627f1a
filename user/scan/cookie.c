// SPDX-License-Identifier: GPL-2.0-only
/* cookie.c - see cookie.h. */
#include <sodium.h>
#include <string.h>

#include "scan/cookie.h"

_Static_assert(crypto_shorthash_KEYBYTES == COOKIE_KEY_BYTES, "SipHash key size");

void cookie_key_random(struct cookie_key *key)
{
	crypto_shorthash_keygen(key->bytes);
}

static __u32 hash24(const struct cookie_key *key, const union ps_addr *target, __u16 port,
		    __u16 own_port)
{
	unsigned char in[20], out[crypto_shorthash_BYTES];
	__u32 hash;

	memcpy(in, target->b, 16);
	memcpy(in + 16, &port, 2);
	memcpy(in + 18, &own_port, 2);
	crypto_shorthash(out, in, sizeof(in), key->bytes);
	memcpy(&hash, out, sizeof(hash));
	return hash & 0xffffff00;
}

__u32 cookie_make(const struct cookie_key *key, const union ps_addr *target, __u16 port,
		  __u16 own_port, unsigned int attempt)
{
	return hash24(key, target, port, own_port) | (attempt % COOKIE_ATTEMPTS) << 2;
}

bool cookie_check(const struct cookie_key *key, const union ps_addr *target, __u16 port,
		  __u16 own_port, __u32 value, unsigned int *attempt)
{
	if ((value & 0xffffff00) != hash24(key, target, port, own_port))
		return false;
	*attempt = value >> 2 & (COOKIE_ATTEMPTS - 1);
	return true;
}
