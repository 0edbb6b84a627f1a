// SPDX-License-Identifier: GPL-2.0-only
/*
 * payload.c - datagrams that make common UDP services answer. Each is a
 * minimal harmless request written down from the protocol's own
 * specification.
 */
#include <string.h>

#include "scan/probe.h"

/* RFC 1035 section 4.1: a query for the name servers of the root; every server answers something.
 */
static const __u8 dns[] = { 0x13, 0x37, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1 };

/* RFC 6762: the services of the link, unicast answer wanted. */
static const __u8 mdns[] = { 0,   0,   0,   0,   0,   1,   0,   0,   0,    0,   0,   0,
			     9,   '_', 's', 'e', 'r', 'v', 'i', 'c', 'e',  's', 7,   '_',
			     'd', 'n', 's', '-', 's', 'd', 4,   '_', 'u',  'd', 'p', 5,
			     'l', 'o', 'c', 'a', 'l', 0,   0,   12,  0x80, 1 };

/* RFC 5905 section 7.3: version 4, client mode; the rest of the 48 bytes is zero. */
static const __u8 ntp[48] = { 0x23 };

/* RFC 1901, RFC 3416: get-request sysDescr.0, community "public". */
static const __u8 snmp[] = { 0x30, 0x26, 0x02, 0x01, 0x01, 0x04, 0x06, 'p',  'u',  'b',
			     'l',  'i',  'c',  0xa0, 0x19, 0x02, 0x01, 0x2a, 0x02, 0x01,
			     0x00, 0x02, 0x01, 0x00, 0x30, 0x0e, 0x30, 0x0c, 0x06, 0x08,
			     0x2b, 0x06, 0x01, 0x02, 0x01, 0x01, 0x01, 0x00, 0x05, 0x00 };

/* RFC 3412: an SNMPv3 message without security; the engine answers with a report. */
static const __u8 snmp3[] = { 0x30, 0x3a, 0x02, 0x01, 0x03, 0x30, 0x0f, 0x02, 0x02, 0x4a,
			      0x69, 0x02, 0x03, 0x00, 0xff, 0xe3, 0x04, 0x01, 0x04, 0x02,
			      0x01, 0x03, 0x04, 0x10, 0x30, 0x0e, 0x04, 0x00, 0x02, 0x01,
			      0x00, 0x02, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00, 0x04, 0x00,
			      0x30, 0x12, 0x04, 0x00, 0x04, 0x00, 0xa0, 0x0c, 0x02, 0x02,
			      0x37, 0xf0, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x00 };

/* RFC 1002 section 4.2.17: node status request for "*". */
static const __u8 netbios[] = { 0x80, 0xf0, 0,    0x10, 0,   1,   0,   0,    0,   0,
				0,    0,    0x20, 'C',  'K', 'A', 'A', 'A',  'A', 'A',
				'A',  'A',  'A',  'A',  'A', 'A', 'A', 'A',  'A', 'A',
				'A',  'A',  'A',  'A',  'A', 'A', 'A', 'A',  'A', 'A',
				'A',  'A',  'A',  'A',  'A', 0,   0,   0x21, 0,   1 };

/* RFC 5531: the null procedure of portmap version 2. */
static const __u8 rpc[] = { 0x72, 0xfe, 0x1d, 0x13, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1,
			    0x86, 0xa0, 0,    0,    0, 2, 0, 0, 0, 0, 0, 0, 0, 0,
			    0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0 };

/* RFC 1350: read a file nobody has; the server says so. */
static const __u8 tftp[] = { 0,   1,   'p', 's', 'c', 'a', 'n', '-', 'x',
			     'd', 'p', 0,   'o', 'c', 't', 'e', 't', 0 };

static const char sip[] = "OPTIONS sip:probe@localhost SIP/2.0\r\nVia: SIP/2.0/UDP localhost;rport;"
			  "branch=z9hG4bKp\r\nFrom: <sip:p@localhost>;tag=p\r\nTo: <sip:p@"
			  "localhost>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";

/* UPnP device architecture 1.1 section 1.3. */
static const char ssdp[] = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
			   "MAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n";

/* memcached's UDP frame (8 bytes) and its "version" command. */
static const char memcached[] = "\0\1\0\0\0\1\0\0version\r\n";

/* RFC 8489: a binding request. */
static const __u8 stun[] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
			     3, 4, 5, 6, 7,    8,    9,    10,   11, 12 };

/* RFC 7252: GET /.well-known/core. */
static const __u8 coap[] = { 0x40, 0x01, 0x01, 0xce, 0xbb, '.',  'w', 'e', 'l', 'l', '-',
			     'k',  'n',  'o',  'w',  'n',  0x04, 'c', 'o', 'r', 'e' };

/* RFC 2661: start-control-connection-request, version 2. */
static const __u8 l2tp[] = {
	0xc8, 0x02, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x08, 0, 0, 0, 0, 0, 1
};

/* OpenVPN's hard reset from a client, opcode 7. */
static const __u8 openvpn[] = { 0x38, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0 };

/* Microsoft SQL Server Resolution Protocol 2.2.1: CLNT_BCAST_EX. */
static const __u8 mssql[] = { 0x02 };

/* RFC 864, 865, 867, 868, 862: any datagram will do. */
static const __u8 any[] = { '\r', '\n' };

/* IPMI 2.0 section 13.2.4: RMCP presence ping. */
static const __u8 rmcp[] = {
	0x06, 0x00, 0xff, 0x06, 0x00, 0x00, 0x11, 0xbe, 0x80, 0x00, 0x00, 0x00
};

#define BYTES(port, array)                                                                         \
	{                                                                                          \
		port, sizeof(array), array                                                         \
	}
#define TEXT(port, array)                                                                          \
	{                                                                                          \
		port, sizeof(array) - 1, (const __u8 *)(array)                                     \
	}

static const struct {
	__u16 port;
	__u16 bytes;
	const __u8 *data;
} payloads[] = {
	BYTES(7, any),    BYTES(13, any),       BYTES(17, any),         BYTES(19, any),
	BYTES(37, any),   BYTES(53, dns),       BYTES(69, tftp),        BYTES(111, rpc),
	BYTES(123, ntp),  BYTES(137, netbios),  BYTES(161, snmp),       BYTES(161, snmp3),
	BYTES(623, rmcp), BYTES(1194, openvpn), BYTES(1434, mssql),     BYTES(1701, l2tp),
	TEXT(1900, ssdp), BYTES(3478, stun),    TEXT(5060, sip),        BYTES(5353, mdns),
	BYTES(5355, dns), BYTES(5683, coap),    TEXT(11211, memcached),
};

#define PAYLOADS (sizeof(payloads) / sizeof(payloads[0]))

bool payload_known(__u16 port)
{
	for (size_t i = 0; i < PAYLOADS; i++)
		if (payloads[i].port == port)
			return true;
	return false;
}

unsigned int payload_count(__u16 port)
{
	unsigned int n = 0;

	for (size_t i = 0; i < PAYLOADS; i++)
		n += payloads[i].port == port;
	return n ? n : 1;
}

size_t payload_build(__u16 port, unsigned int which, __u8 *out)
{
	for (size_t i = 0; i < PAYLOADS; i++) {
		if (payloads[i].port == port && which-- == 0) {
			memcpy(out, payloads[i].data, payloads[i].bytes);
			return payloads[i].bytes;
		}
	}
	return 0;
}
