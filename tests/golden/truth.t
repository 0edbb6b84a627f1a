#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
truth.t - other people's captures against the ground truth in truth.csv.

Every scanner that the rule can see must be found by it, with the right type;
what stays below the rule, by the engine that SLOW names, after no more failures
than it names; nobody else may be flagged by any engine; nothing may crash.

The captures are not part of the tree: PSCAN_CAPTURES names their folder.
"""
import csv
import ipaddress
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
CAPTURES = os.environ.get("PSCAN_CAPTURES") or os.path.join(ROOT, "..", "shared", "captures")
SANITIZED = os.path.join(ROOT, "build", "san", "pscan-xdp")
PROGRAM = SANITIZED if os.path.exists(SANITIZED) else os.path.join(ROOT, "build", "pscan-xdp")

TYPES = [("connect()", "SYN"), ("SYN", "SYN"), ("NULL", "NULL"), ("XMAS", "XMAS"),
         ("FIN", "FIN"), ("ACK", "ACK"), ("UDP", "UDP")]

# Where the shape at the crossing probe is another than that of the whole scan, and why.
OTHER_SHAPE = {
    "scan/xmas-cloud-vm-background.pcap": ("block", "the scanner also asks its resolver"),
}

# What the rule is blind to: the engine that finds it, the failed contacts it takes at most,
# and the sources. The walk also finds these two before the rule does.
SLOW = {
    "scan/syn-paced-100ms-29.pcap": ("walk", 11, {"10.100.25.14"}),
    "scan/horizontal-telnet-10hosts.pcap": ("walk", 4, {"10.0.0.1"}),
    "scan/slow-horizontal-multiport-vlan.pcap": ("walk", 4, {"125.27.226.209"}),
    # The four busiest of 1241; the others that are found send SYNs to closed telnet ports, too.
    "scan/distributed-telnet-1241src-vlan.pcap": (
        "walk", 5, {"159.65.89.175", "159.89.32.101", "167.99.1.222", "67.205.186.38"}),
    "scan/syn-ping-sweep-256.pcapng": ("walk", 4, {"10.0.0.128"}),
    "scan/udp-horizontal-96.pcap": ("sweep", 25, {"246.237.45.150"}),
    "scan/nmap-discovery-and-version.pcap": ("walk", 5, {"192.168.1.71"}),
    "packet-logs/syn_scan_1000_1500.log": ("walk", 30, {"192.168.10.55"}),
    "scan/connect-scan-in-browsing.pcap": ("walk", 4, {"192.168.0.4"}),
    "scan/syn-slow-104-arp.pcap": ("walk", 4, {"172.16.222.50"}),
}
# What else the walk may find in a capture with more scanners than truth.csv names: sources that
# do the same, and at no other place.
MANY_SCANNERS = {
    "scan/distributed-telnet-1241src-vlan.pcap": ("SYN", 23, ("128.3.0.0/16", "131.243.0.0/16")),
}

# Its lines tell whole seconds, which is why truth.csv does not say what the rule makes of it: all
# seventeen ports are in one.
ONE_SECOND = {"packet-logs/crowdsec_pf-scan-multi-port.log": {"10.0.2.2"}}

# Found by nothing, and why.
BLIND = {
    "scan/sctp-init-scan.pcap": "SCTP is not looked at",
    "scan/ip-protocol-scan.pcap": "it probes no port",
    "scan/nmap-os-fingerprint.pcapng": "two ports: it looks at the system, not for ports",
    "scan/worm-background-radiation.pcap": (
        "35 sources that try 13 ports of one host in 5.7 h, none more than three closed ones: what "
        "every address on the Internet hears"),
    "packet-logs/mirai_default_credentials_scan.log": "two ports of one host",
}

PF_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")  # by their first letters
FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32}


def type_of(scan_type):
    """The class whose name stands first in the description."""
    found = [(scan_type.index(word), name) for word, name in TYPES if word in scan_type]
    return min(found)[1]


def shape_of(scan_type):
    for word in ("vertical", "horizontal", "block"):
        if word in scan_type:
            return word
    return None


def pf_frame_of(line):
    """The TCP packet over IPv4 that a line of pf's filterlog tells of; its clock ticks seconds."""
    clock = re.search(r"(\d+):(\d+):(\d+) ", line)
    field = line.rpartition("filterlog: ")[2].split(",")
    if not clock or len(field) < 24 or field[8] != "4" or field[16] != "tcp":
        return None
    bits = sum(FLAGS[name] for name in PF_FLAGS if name[0] in field[23])
    l4 = struct.pack("!HHIIBBHHH", int(field[20]), int(field[21]), 0, 0, 5 << 4, bits, 1024, 0, 0)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), 0, 0, 64, 6, 0)
    ip += socket.inet_aton(field[18]) + socket.inet_aton(field[19])
    hours, minutes, seconds = (int(part) for part in clock.groups())
    return (hours * 60 + minutes) * 60 + seconds, 0, ip + l4


def frame_of(line):
    """The packet that a log line tells of, as an IP packet; None if there is none."""
    if "filterlog: " in line:
        return pf_frame_of(line)
    field = dict(re.findall(r"\b(SRC|DST|PROTO|SPT|DPT)=(\S+)", line))
    clock = re.search(r"\[\s*(\d+)\.(\d+)\]", line)
    if not clock or field.get("PROTO") not in ("TCP", "UDP") or "SPT" not in field:
        return None
    src, dst = field["SRC"], field["DST"]
    ports = struct.pack("!HH", int(field["SPT"]), int(field["DPT"]))
    if field["PROTO"] == "TCP":
        bits = sum(bit for name, bit in FLAGS.items() if re.search(r"\b%s\b" % name, line))
        l4, number = ports + struct.pack("!IIBBHHH", 0, 0, 5 << 4, bits, 1024, 0, 0), 6
    else:
        l4, number = ports + struct.pack("!HH", 8, 0), 17
    if ":" in src:
        ip = struct.pack("!IHBB", 6 << 28, len(l4), number, 64)
        ip += socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
    else:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), 0, 0, 64, number, 0)
        ip += socket.inet_aton(src) + socket.inet_aton(dst)
    return int(clock.group(1)), int(clock.group(2)), ip + l4


def capture_of(log, out):
    """Rebuilds the frames of a packet log as a raw-IP capture."""
    out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
    frames = 0
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = frame_of(line)
            if found:
                seconds, micros, data = found
                out.write(struct.pack("<IIII", seconds, micros, len(data), len(data)) + data)
                frames += 1
    out.flush()
    return frames


class Quiet:
    """What came of the captures in which nobody scans: a row of `make coverage`."""

    def __init__(self, name, category):
        self.name, self.category = name, category
        self.captures = self.packets = self.scans = self.blocks = 0

    def add(self, events, packets):
        self.captures += 1
        self.packets += packets
        self.scans += len(events)
        self.blocks += sum(event["action"] == "block" for event in events)

    def row(self):
        return {"table": "loads", "load": "%d captures of %s" % (self.captures, self.name),
                "packets": self.packets, "scans": self.scans, "blocks": self.blocks}


QUIET = [Quiet("ordinary traffic", "benign"), Quiet("what looks like a scan", "lookalike")]


def replay(path, quiet):
    """(events, exit code, what was said) of one capture. Scanners are watched without blocking;
    where nobody scans, nobody may be blocked."""
    run = subprocess.run([PROGRAM, "replay", "--json"] + ([] if quiet else ["--monitor"]) + [path],
                         capture_output=True, timeout=120, check=False)
    events, packets = [], 0
    for line in run.stdout.decode().splitlines():
        found = json.loads(line)
        if found["event"] in ("scan", "crowd"):
            events.append(found)
        packets = found.get("packets", packets) if found["event"] == "summary" else packets
    if quiet:
        quiet.add(events, packets)
    return events, run.returncode, run.stderr.decode(errors="replace")


def is_another(name, event, most):
    """Does this event tell of one more scanner of a capture that holds many?"""
    kind, port, networks = MANY_SCANNERS.get(name, ("", 0, ()))
    target = ipaddress.ip_address(event["target"])
    return (event["engine"] == "walk" and event["type"] == kind and event["score"] <= most and
            all(piece["port"] == port for piece in event["evidence"]) and
            any(target in ipaddress.ip_network(network) for network in networks))


def judge_slow(row, events):
    """The same for the engines beside the rule: None, or what is wrong."""
    engine, most, sources = SLOW.get(row["file"], ("", 0, set()))
    for event in events:
        if event["event"] == "crowd":
            return "a crowd at %s" % event["target"]
        if event["source"] not in sources:
            if is_another(row["file"], event, most):
                continue
            return "%s is flagged by the %s" % (event["source"], event["engine"])
        if event["engine"] != engine or event["score"] > most:
            return "%s: %s after %d, it was %s after %d" % (
                event["source"], event["engine"], event["score"], engine, most)
    missed = sources - {event["source"] for event in events}
    return "the %s misses %s" % (engine, sorted(missed)) if missed else None


def judge(row, path):
    """(None when the capture is told as the truth has it, else what is wrong; its engines)."""
    quiet = [q for q in QUIET if q.category == row["category"]]
    events, code, said = replay(path, quiet[0] if quiet else None)
    engines = sorted({event["engine"] for event in events})
    if code not in (0, 1) or "Sanitizer" in said or "runtime error" in said:
        return "exit %d: %s" % (code, said[-300:]), engines
    if code == 1 and not said:
        return "failed without a word", engines
    wrong = judge_burst(row, [event for event in events if event["engine"] == "burst"])
    return wrong or judge_slow(row, [e for e in events if e["engine"] != "burst"]), engines


def judge_burst(row, events):
    """The rule's own scans: None, or what is wrong."""
    want = ONE_SECOND.get(row["file"], set(row["fires_P_sources"].split()))
    got = {event["source"] for event in events}
    if got != want:
        return "flagged %s, the truth is %s" % (sorted(got), sorted(want))
    for event in events:
        if event["type"] != type_of(row["scan_type"]):
            return "%s is %s, the truth is %s" % (event["source"], event["type"], row["scan_type"])
        shape = OTHER_SHAPE.get(row["file"], (shape_of(row["scan_type"]), ""))[0]
        if event["shape"] != shape:
            return "%s is %s, the truth is %s" % (event["source"], event["shape"],
                                                  row["scan_type"])
    return None


def main():
    table = os.path.join(CAPTURES, "truth.csv")
    if not os.path.exists(table):
        print("1..0 # SKIP no captures in %s; PSCAN_CAPTURES names their folder" % CAPTURES)
        return 0
    with open(table, newline="", encoding="utf-8") as rows:
        rows = list(csv.DictReader(rows))
    print("1..%d" % len(rows))
    failed = 0
    for number, row in enumerate(rows, 1):
        path = os.path.join(CAPTURES, row["file"])
        with tempfile.NamedTemporaryFile(suffix=".pcap") as rebuilt:
            if path.endswith(".log"):
                if not capture_of(path, rebuilt):
                    print("not ok %d - %s" % (number, row["file"]))
                    print("# no packet can be rebuilt from this log format")
                    failed += 1
                    continue
                path = rebuilt.name
            wrong, engines = judge(row, path)
        if not wrong and not engines and row["category"] in ("scan", "packet-log"):
            wrong = None if row["file"] in BLIND else "nothing finds it"
        failed += wrong is not None
        how = BLIND.get(row["file"], ", ".join(engines))
        print("%s %d - %s%s" % ("not ok" if wrong else "ok", number, row["file"],
                                " (%s)" % how if how else ""))
        if wrong:
            print("# " + wrong.replace("\n", "\n# "))
    if os.environ.get("PSCAN_COVERAGE"):
        with open(os.environ["PSCAN_COVERAGE"], "a", encoding="utf-8") as cells:
            cells.writelines(json.dumps(quiet.row()) + "\n" for quiet in QUIET)
    return 1 if failed else 0


sys.exit(main())
