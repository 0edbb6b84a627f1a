#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ordinary traffic for the lab, each kind bounded in count and time; and bare probes.

traffic.py http SERVER PORT N      N short connections, one request each
traffic.py sessions SERVER PORT N  N connections side by side, 50 small echoes on each
traffic.py fetch SERVER PORT N     N connections to a server that talks; every other one is
                                   aborted while it does
traffic.py dns SERVER N            N questions from N ports at once, all answers awaited
traffic.py late ADDRESS N           a name server at this address of ours: of N questions it answers
                                   all at once, half a second after the last
traffic.py echo SERVER PORT        one connection: each line of standard input goes out, and
                                   its echo to standard output
traffic.py nat SERVER N PORT...    N clients behind one address, all at once: each uses one of
                                   the ports; a moment later five of them, one after the other,
                                   try one where nobody listens
traffic.py poll SERVER N PORT...   N rounds, two a second, of checks of all ports at once; a
                                   service that is down is no error
traffic.py monitor SERVER N PORT...  N rounds of checks, ten checks a second; a service that
                                   is down is no error
traffic.py peers SERVER OPEN GONE ADDRESS...  a peer at each address of ours: talks to the open
                                   port, and sends a few datagrams to one that is gone
traffic.py swarm SERVER OPEN,... GONE,... ADDRESS...  the peers behind each address of ours: some
                                   talk to the open ports, some try those that are gone, by
                                   TCP and by UDP in turn
traffic.py ask SERVER PORT N       N datagrams from N ports at once, all echoes awaited
traffic.py hold SERVER PAUSE PORT...  a connection to each port, one after the other; all of
                                   them talk at once, are silent for PAUSE seconds, and talk
                                   at once again
traffic.py crowd SERVER PORT SOURCE...  each source, an address of ours, tries two ports, from PORT
                                   on, that no other tries; nothing awaited
traffic.py probe SERVER PORT...    one connection attempt to each port, nothing awaited

Ends with status 1 as soon as something does not come back as it should.
"""
import errno
import os
import select
import socket
import struct
import sys
import time

TIMEOUT = 5


def connect(server, port):
    return socket.create_connection((server, port), TIMEOUT)


def http(server, port, count):
    for _ in range(count):
        with connect(server, port) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while chunk := sock.recv(65536):
                answer += chunk
            assert answer.startswith(b"HTTP/1.0 200"), answer[:40]


def sessions(server, port, count):
    socks = [connect(server, port) for _ in range(count)]
    for turn in range(50):
        word = b"keystroke %d\n" % turn
        for sock in socks:
            sock.sendall(word)
        for sock in socks:
            answer = b""
            while len(answer) < len(word):
                answer += sock.recv(len(word) - len(answer)) or sys.exit("connection lost")
            assert answer == word, answer
    for sock in socks:
        sock.close()


def fetch(server, port, count):
    for turn in range(count):
        sock = connect(server, port)
        assert sock.recv(1000), "the server said nothing"
        if turn % 2:
            # The rest is on its way or in the queue: close() answers it with RST.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            while sock.recv(65536):
                pass
        sock.close()


def question(number):
    name = b"\x05h%04d\x07example\x00" % number
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1)


def dns(server, count):
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    socks = []
    for number in range(count):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.settimeout(TIMEOUT)
        socks.append(sock)
    for number, sock in enumerate(socks):
        sock.sendto(question(number), (server, 53))
    for number, sock in enumerate(socks):
        answer = sock.recv(512)
        assert answer[:2] == struct.pack(">H", number) and answer[3] & 15 == 0, answer


def late(address, count):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                       socket.SOCK_DGRAM) as sock:
        sock.bind((address, 53))
        sock.settimeout(60)
        print("ready", file=sys.stderr, flush=True)
        asked = [sock.recvfrom(512) for _ in range(count)]
        time.sleep(0.5)
        for message, client in asked:
            # The same, as a response that knows of no such name (RFC 1035 section 4.1.1).
            sock.sendto(message[:2] + b"\x84\x03" + message[4:], client)


def echo(server, port):
    with connect(server, port) as sock:
        for line in sys.stdin.buffer:
            sock.sendall(line)
            answer = b""
            while not answer.endswith(b"\n"):
                answer += sock.recv(65536) or sys.exit("connection lost")
            sys.stdout.buffer.write(answer)
            sys.stdout.buffer.flush()


def talk(sock, words):
    """A few lines to a server that echoes."""
    with sock:
        sock.settimeout(TIMEOUT)
        for word in words:
            sock.sendall(word)
            answer = b""
            while len(answer) < len(word):
                answer += sock.recv(len(word) - len(answer)) or sys.exit("connection lost")
            assert answer == word, answer


def together(server, ports):
    """Connections to all of the ports, begun before any is awaited; None where refused."""
    socks = [attempt(server, port) for port in ports]
    for number, sock in enumerate(socks):
        sock.settimeout(TIMEOUT)
        if not select.select([], [sock], [], TIMEOUT)[1]:
            sys.exit("no answer of port %d" % ports[number])
        failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed == errno.ECONNREFUSED:
            socks[number] = None
        elif failed:
            sys.exit("port %d: %s" % (ports[number], os.strerror(failed)))
    return socks


def nat(server, count, *ports):
    socks = together(server, [ports[number % len(ports)] for number in range(count)])
    for port in (8443, 8008, 8888, 9001, 9443):
        time.sleep(0.35)  # a walk counts one port per window
        assert together(server, [port]) == [None], port
    for number, sock in enumerate(socks):
        talk(sock, [b"EHLO client%d.example\r\n" % number, b"QUIT\r\n"])


def poll(server, rounds, *ports):
    for turn in range(rounds):
        time.sleep(0.5 if turn else 0)
        for sock in filter(None, together(server, ports)):
            talk(sock, [b"PING\n"])


def monitor(server, rounds, *ports):
    due = time.monotonic()
    for _ in range(rounds):
        for port in ports:
            time.sleep(max(0, due - time.monotonic()))
            due += 0.1
            try:
                talk(connect(server, port), [b"PING\n"])
            except ConnectionRefusedError:
                pass


def peers(server, open_port, gone_port, *addresses):
    for address in addresses:
        talk(socket.create_connection((server, open_port), TIMEOUT, (address, 0)),
             [b"\x13BitTorrent protocol", b"have", b"bye"])
        with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET,
                           socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
            for _ in range(3):
                sock.sendto(b"d1:ad2:id20:", (server, gone_port))


def swarm(server, open_ports, gone_ports, *addresses):
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    for address in addresses:
        for port in open_ports:
            talk(socket.create_connection((server, port), TIMEOUT, (address, 0)), [b"have"])
    for number, port in enumerate(gone_ports):
        time.sleep(0.35)  # a walk counts one port per window
        for address in addresses:
            if number % 2:
                with socket.socket(family, socket.SOCK_DGRAM) as sock:
                    sock.bind((address, 0))
                    sock.sendto(b"d1:ad2:id20:", (server, port))
                continue
            try:
                socket.create_connection((server, port), TIMEOUT, (address, 0))
                sys.exit("port %d is open" % port)
            except ConnectionRefusedError:
                pass


def ask(server, port, count):
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    socks = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(count)]
    for number, sock in enumerate(socks):
        sock.settimeout(TIMEOUT)
        sock.sendto(b"%d" % number, (server, port))
    for number, sock in enumerate(socks):
        answer = sock.recv(512)
        assert answer == b"%d" % number, answer


def hold(server, pause, *ports):
    socks = []
    for port in ports:
        socks.append(connect(server, port))
        time.sleep(0.03)
    for turn in range(2):
        time.sleep(pause * turn)
        for sock in socks:
            sock.sendall(b"still here\n")
        for sock in socks:
            answer = b""
            while len(answer) < 11:
                answer += sock.recv(11 - len(answer)) or sys.exit("connection lost")


def attempt(server, port, source=None):
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    if source:
        sock.bind((source, 0))
    sock.connect_ex((server, port))
    return sock


def crowd(server, port, *sources):
    socks = []
    for turn in range(2):
        for number, source in enumerate(sources):
            socks.append(attempt(server, port + number + turn * len(sources), source))
            time.sleep(0.02)


def probe(server, *ports):
    socks = [attempt(server, port) for port in ports]
    assert socks


def argument(arg):
    if arg.isdigit():
        return int(arg)
    if all(word.isdigit() for word in arg.split(",")):
        return [int(word) for word in arg.split(",")]
    return arg


def main():
    kinds = {kind.__name__: kind
             for kind in (http, sessions, fetch, dns, late, echo, nat, poll, monitor, peers, swarm, ask,
                          hold, crowd, probe)}
    if len(sys.argv) < 3 or sys.argv[1] not in kinds:
        sys.exit(__doc__)
    kinds[sys.argv[1]](sys.argv[2], *map(argument, sys.argv[3:]))


main()
