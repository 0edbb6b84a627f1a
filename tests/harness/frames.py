#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""frames.py IFACE MAC SOURCE TARGET VLAN BYTES PORT... - SYNs as no socket sends them.

One to each port, from IPv4 address SOURCE to TARGET at link address MAC, behind
the tag of VLAN (0: none), each with BYTES of data.
"""
import socket
import struct
import sys


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syn(source, target, port, data):
    tcp = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 5 << 4, 2, 1024, 0, 0)
    pseudo = source + target + struct.pack("!BBH", 0, 6, len(tcp) + len(data))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp + data)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(data), 1, 0, 64, 6, 0)
    ip += source + target
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp + data


def main():
    iface, mac, source, target, vlan, size = sys.argv[1:7]
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.bind((iface, 0))
    head = bytes.fromhex(mac.replace(":", "")) + link.getsockname()[4]
    if int(vlan):
        head += struct.pack("!HH", 0x8100, int(vlan))
    head += struct.pack("!H", 0x0800)
    for port in sys.argv[7:]:
        link.send(head + syn(socket.inet_aton(source), socket.inet_aton(target), int(port),
                             bytes(int(size))))


main()
