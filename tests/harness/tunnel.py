#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""tunnel.py NETNS_PID NETNS_PID SECONDS - a cable without hardware addresses.

Opens one tun device named tun9 in the network namespace of each process and
copies packets between the two. Prints "ready" on stderr when both exist.
"""
import ctypes
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def open_tun(pid):
    """The calling thread enters the namespace; the descriptor stays bound to it."""
    with open(f"/proc/{pid}/ns/net", "rb") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns")
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"tun9", IFF_TUN | IFF_NO_PI))
    return fd


def main():
    ends = [open_tun(pid) for pid in sys.argv[1:3]]
    deadline = time.monotonic() + float(sys.argv[3])
    print("ready", file=sys.stderr, flush=True)
    while time.monotonic() < deadline:
        for fd in select.select(ends, [], [], 0.2)[0]:
            try:
                packet = os.read(fd, 65536)
                os.write(ends[1 - ends.index(fd)], packet)
            except OSError:
                pass  # the other end is down: a cable loses what nobody takes


main()
