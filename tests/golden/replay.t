#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
replay.t - captures give exactly the report that is kept in expect/.

The captures are stories that tests/harness/mkcap.c tells; the same story must
be told the same whatever the capture's format, and a damaged one as far as it
goes. UPDATE=1 writes what is told now to expect/: read the difference before
keeping it.
"""
import difflib
import gzip
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SANITIZED = os.path.join(ROOT, "build", "san", "pscan-xdp")
PROGRAM = SANITIZED if os.path.exists(SANITIZED) else os.path.join(ROOT, "build", "pscan-xdp")
MKCAP = os.path.join(ROOT, "build", "tests", "harness", "mkcap")
ENV = dict(os.environ, TZ="UTC", LC_ALL="C")

# Stories told with options: name in expect/, story, options.
VARIANTS = [
    ("again-packets", "again", ["--count", "packets", "-s"]),
    ("life-10s", "life", ["--block-time", "10s", "-s"]),
    ("syn-monitor", "syn", ["--monitor", "-m", "5"]),
    ("syn-psd", "syn", ["--profile", "psd", "--block", "hard"]),
    ("slow-psd", "slow", ["--profile", "psd"]),
    ("syn-types", "syn", ["--types", "fin,null"]),
    ("syn-dst", "syn", ["-i", "203.0.113.6"]),
    ("syn-allow", "syn", ["--allow", "198.51.100.0/24"]),
    ("syn-deny", "syn", ["--deny", "198.51.100.0/24"]),
    ("syn-filter", "syn", ["--filter", "tcp port 22"]),
    ("backscatter-reply", "backscatter", ["--types", "reply"]),
    ("decoys-top", "decoys", ["--top", "2", "--sort", "addr"]),
    ("mixed-json", "mixed", ["--json", "-s"]),
]

COUNT = 0
FAILED = 0


def check(name, wrong):
    """One TAP line; @wrong is None or what is wrong."""
    global COUNT, FAILED
    COUNT += 1
    print("%s %d - %s" % ("not ok" if wrong else "ok", COUNT, name))
    if wrong:
        FAILED += 1
        print("# " + wrong.rstrip().replace("\n", "\n# "))


def replay(args, stdin=None):
    """(exit code, stdout, stderr)"""
    run = subprocess.run([PROGRAM, "replay"] + args, capture_output=True, timeout=60, env=ENV,
                         stdin=stdin, check=False)
    return run.returncode, run.stdout.decode(), run.stderr.decode()


def against_kept(name, args):
    kept = os.path.join(HERE, "expect", name + ".txt")
    code, told, said = replay(args)
    told += said
    if code:
        return "exit %d\n%s" % (code, told)
    if os.environ.get("UPDATE"):
        with open(kept, "w", encoding="utf-8") as out:
            out.write(told)
    if not os.path.exists(kept):
        return "there is no " + kept
    with open(kept, encoding="utf-8") as lines:
        want = lines.read()
    return None if told == want else "\n".join(difflib.unified_diff(
        want.splitlines(), told.splitlines(), "kept", "told", lineterm=""))


# ---- other formats of the same capture --------------------------------------

def records(path):
    """(seconds, nanoseconds, frame) of a nanosecond pcap file."""
    with open(path, "rb") as capture:
        data = capture.read()
    at = 24
    while at < len(data):
        seconds, nanos, captured, _ = struct.unpack_from("<IIII", data, at)
        yield seconds, nanos, data[at + 16:at + 16 + captured]
        at += 16 + captured


def write_pcap(path, frames, dlt, order="<", nano=False):
    magic = 0xa1b23c4d if nano else 0xa1b2c3d4
    with open(path, "wb") as out:
        out.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, dlt))
        for seconds, nanos, data in frames:
            out.write(struct.pack(order + "IIII", seconds, nanos if nano else nanos // 1000,
                                  len(data), len(data)) + data)


def write_pcapng(path, frames, dlt):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    with open(path, "wb") as out:
        out.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        # if_tsresol 9: nanoseconds
        out.write(block(1, struct.pack("<HHI", dlt, 0, 65535) +
                        struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)))
        for seconds, nanos, data in frames:
            stamp = seconds * 10**9 + nanos
            out.write(block(6, struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xffffffff,
                                           len(data), len(data)) + data))


def relink(frames, header):
    """The frames with another link header in front of the IP packet."""
    return [(s, n, header + data[14:]) for s, n, data in frames]


def formats(work, capture):
    """Writes the capture in every format; yields name and path."""
    frames = list(records(capture))
    v4 = b"\x08\x00"
    sll = struct.pack("!HHH8s", 0, 1, 6, b"\2\0\0\0\0\1\0\0") + v4
    sll2 = v4 + struct.pack("!HIHBB8s", 0, 2, 1, 0, 6, b"\2\0\0\0\0\1\0\0")
    tagged = struct.pack("!HHH8s", 0, 1, 6, b"\2\0\0\0\0\1\0\0") + b"\x81\x00\x00\x07" + v4
    links = [("raw IP", 101, b""), ("IPv4 only", 228, b""), ("cooked v1", 113, sll),
             ("cooked v2", 276, sll2), ("cooked v1 with a VLAN tag", 113, tagged),
             ("BSD loopback", 0, struct.pack("<I", 2)), ("OpenBSD loopback", 108, struct.pack(">I", 2))]
    for number, (name, dlt, header) in enumerate(links):
        path = os.path.join(work, "link%d.pcap" % number)
        write_pcap(path, relink(frames, header), dlt)
        yield name, path
    path = os.path.join(work, "big.pcap")
    write_pcap(path, frames, 1, ">")
    yield "microseconds, big-endian", path
    path = os.path.join(work, "ng.pcapng")
    write_pcapng(path, frames, 1)
    yield "pcapng", path
    for source in (capture, path):
        with open(source, "rb") as plain, gzip.open(source + ".gz", "wb") as packed:
            packed.write(plain.read())
        yield os.path.basename(source) + " in gzip", source + ".gz"


def same_story(path, want, stdin=None):
    code, told, said = replay(["-"] if stdin else [path], stdin)
    if code or told != want:
        return "exit %d\n%s%s" % (code, told, said)
    return None


# ---- damage -------------------------------------------------------------------

def damaged(path, events, *words):
    """Exit 1, one line that has the words, and so many scans told before it."""
    code, told, said = replay([path])
    if code != 1 or said.count("\n") != 1 or told.count(" SCAN ") != events or \
            not all(word in said for word in words):
        return "exit %d\n%s%s" % (code, told, said)
    return None


def write(path, data):
    with open(path, "wb") as out:
        out.write(data)
    return path


def damage(work, capture):
    with open(capture, "rb") as whole:
        whole = whole.read()
    cut = os.path.join(work, "cut.pcap")
    check("a file cut in its last record", damaged(write(cut, whole[:-1]), 0, cut, "truncated"))
    check("a file cut behind the scan", damaged(write(cut, whole + b"\1\2\3"), 1, "truncated"))
    packed = gzip.compress(whole)
    check("a gzip file cut short", damaged(write(cut + ".gz", packed[:-20]), 0, "cut.pcap.gz"))
    check("no capture at all", damaged(write(cut, b"hello, world, this is no capture\n"), 0, cut))
    check("an empty file", damaged(write(cut, b""), 0, cut))
    check("no file", damaged(os.path.join(work, "absent"), 0, "absent", "No such file"))
    check("a directory", damaged(work, 0, "directory"))
    write_pcap(cut, list(records(capture)), 105)
    check("802.11 is refused", damaged(cut, 0, "802.11"))
    write_pcap(cut, list(records(capture)), 147)
    check("an unknown link type is refused", damaged(cut, 0, "not supported"))
    short = os.path.join(work, "short.pcap")
    write_pcap(short, [(s, n, d[:48]) for s, n, d in records(capture)], 1)
    check("a snap length inside the TCP header",
          None if "7 short_l4" in replay([short])[1] else replay([short])[1])
    code, _, said = replay(["--filter", "port (", capture])
    check("a wrong filter", None if code == 1 and "--filter" in said else said)
    code, told, said = replay([cut, capture])
    check("a bad file does not keep the next from being read",
          None if code == 1 and told.count(" SCAN ") == 1 else told + said)


def main():
    if not os.path.exists(MKCAP):
        print("1..0 # SKIP build/tests/harness/mkcap is not built")
        return 0
    stories = subprocess.run([MKCAP], capture_output=True, check=True).stdout.decode().split()
    with tempfile.TemporaryDirectory() as work:
        path = {}
        for story in stories:
            path[story] = os.path.join(work, story + ".pcap")
            subprocess.run([MKCAP, story, path[story]], check=True)
            check(story, against_kept(story, [path[story]]))
        for name, story, options in VARIANTS:
            check(name, against_kept(name, options + [path[story]]))
        want = replay([path["syn"]])[1]
        for name, other in formats(work, path["syn"]):
            check(name, same_story(other, want))
        for name in (path["syn"], path["syn"] + ".gz"):
            with open(name, "rb") as stdin:
                check("standard input, " + os.path.basename(name), same_story(None, want, stdin))
        damage(work, path["syn"])
    print("1..%d" % COUNT)
    return 1 if FAILED else 0


sys.exit(main())
