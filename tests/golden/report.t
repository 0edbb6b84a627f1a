#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
report.t - pages of captures and of recorded events: whole, safe, and the same
facts in every format. Rendered by a browser and by pdflatex where there are any.
"""
import csv
import filecmp
import html.parser
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SANITIZED = os.path.join(ROOT, "build", "san", "pscan-xdp")
PROGRAM = SANITIZED if os.path.exists(SANITIZED) else os.path.join(ROOT, "build", "pscan-xdp")
MKCAP = os.path.join(ROOT, "build", "tests", "harness", "mkcap")
ENV = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8")
HOSTILE = "<script>&\"'$_%{}~^#\\.pcap"

COUNT = 0
FAILED = 0


def check(name, wrong):
    global COUNT, FAILED
    COUNT += 1
    print("%s %d - %s" % ("not ok" if wrong else "ok", COUNT, name))
    if wrong:
        FAILED += 1
        print("# " + str(wrong).rstrip().replace("\n", "\n# "))


def skip(name, why):
    global COUNT
    COUNT += 1
    print("ok %d - %s # SKIP %s" % (COUNT, name, why))


def run(*args):
    return subprocess.run([PROGRAM] + list(args), capture_output=True, timeout=60, env=ENV,
                          check=False)


class Page(html.parser.HTMLParser):
    """What is open, what is said, and whatever would fetch something."""
    VOID = {"meta", "br", "link", "img", "input"}
    OPTIONAL = {"li", "dt", "dd", "tr", "td", "th", "p", "thead", "tbody"}

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.text, self.uses, self.ids = [], [], "", set(), set()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("script", "link", "img", "iframe", "object"):
            self.wrong.append("a <%s>" % tag)
        if tag == "use":
            self.uses.add(given["href"])
        if "id" in given:
            if given["id"] in self.ids:
                self.wrong.append("id %s twice" % given["id"])
            self.ids.add(given["id"])
        for name in ("src", "href", "action"):
            if name in given and not given[name].startswith("#"):
                self.wrong.append("%s=%s" % (name, given[name]))
        if tag not in self.VOID | self.OPTIONAL:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in self.VOID | self.OPTIONAL:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append("</%s> closes nothing" % tag)

    def handle_data(self, data):
        self.text += data

    def faults(self):
        missing = {use for use in self.uses if use[1:] not in self.ids}
        return self.wrong + ["<%s> is never closed" % tag for tag in self.open] + \
            ["%s does not exist" % use for use in missing]


def page_of(path):
    page = Page()
    with open(path, encoding="utf-8") as text:
        page.feed(text.read())
    page.close()
    return page


def faults_of(path, *words):
    page = page_of(path)
    with open(path, encoding="utf-8") as text:
        raw = text.read()
    wrong = page.faults() + ["'%s' is not said" % word for word in words if word not in page.text]
    wrong += ["it names %s" % word for word in ("http:", "https:", "@import", "url(http")
              if word in raw]
    return "\n".join(wrong)


def render(work, path, width, *options):
    """A screenshot; what is wrong with it."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    shot = os.path.join(work, "shot.png")
    if os.path.exists(shot):
        os.unlink(shot)
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu",
                        "--disable-background-networking", "--user-data-dir=" + profile,
                        "--window-size=%d,1200" % width, "--screenshot=" + shot] + list(options) +
                       ["file://" + path], capture_output=True, timeout=120, check=False)
    # A blank page of this size is below 10 kB.
    if not os.path.exists(shot) or os.path.getsize(shot) < 20000:
        return "no screenshot, or a blank one"
    return None


def pdf(work, path):
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error",
                           "-output-directory=" + work, path], capture_output=True, timeout=120,
                          check=False)
    log = done.stdout.decode(errors="replace")
    if done.returncode or "Overfull \\hbox" in log:
        return log[-2000:]
    return None


def same_facts(one, other):
    keys = ("source", "target", "type", "shape", "score", "detected", "until", "evidence")
    with open(one, encoding="utf-8") as a, open(other, encoding="utf-8") as b:
        left = [{k: s.get(k) for k in keys} for s in json.load(a)["sources"] if "detected" in s]
        right = [{k: s.get(k) for k in keys} for s in json.load(b)["sources"] if "detected" in s]
    for source in left + right:
        source.pop("until")  # renewed later in the capture than the first event says
    return None if left and left == right else "%s\n%s" % (left, right)


def main():
    if not os.path.exists(MKCAP):
        print("1..0 # SKIP build/tests/harness/mkcap is not built")
        return 0
    with tempfile.TemporaryDirectory() as work:
        capture = os.path.join(work, HOSTILE)
        plain = os.path.join(work, "plain.pcap")
        events = os.path.join(work, "events.ndjson")
        subprocess.run([MKCAP, "decoys", capture], check=True)
        subprocess.run([MKCAP, "mixed", plain], check=True)
        out = {kind: os.path.join(work, "out." + kind) for kind in ("html", "tex", "json", "csv")}
        for kind, path in out.items():
            done = run("report", capture, "-o", path)
            check("a %s report" % kind, done.stderr.decode() if done.returncode else None)
        check("the HTML is whole and fetches nothing",
              faults_of(out["html"], "198.51.100.7", "198.51.100.11", "SYN, blocked", "22/tcp",
                        "ssh", "<script>"))
        with open(out["csv"], newline="", encoding="utf-8") as rows:
            rows = list(csv.DictReader(rows))
        check("the CSV has a row per source",
              None if [r["source"] for r in rows] == ["198.51.100.%d" % d for d in range(7, 12)]
              else rows)
        run("replay", "--events", events, capture)
        done = run("report", events, "-o", os.path.join(work, "events.json"))
        check("a report of events", done.stderr.decode() if done.returncode else None)
        check("events tell the same facts as the capture",
              same_facts(out["json"], os.path.join(work, "events.json")))
        with open(events, "a", encoding="utf-8") as more:
            more.write('{"event":"scan","source":"not an address"}\n{"cut sho')
        done = run("report", events, "-o", os.path.join(work, "events.html"))
        check("lines that make no sense are left out",
              None if done.returncode == 0 and b"2 lines" in done.stderr else done)
        check("... and the rest is a whole page",
              faults_of(os.path.join(work, "events.html"), "198.51.100.7"))
        done = run("replay", "-l", os.path.join(work, "log.tex"), plain)
        check("replay -l", done.stderr.decode() if done.returncode else None)
        done = run("report", plain, "-o", os.path.join(work, "out.doc"))
        check("an unknown ending is a usage error", None if done.returncode == 2 else done)
        done = run("report", plain, "-o", os.path.join(work, "absent", "out.html"))
        check("nowhere to write", None if done.returncode == 1 and
              done.stderr.count(b"\n") == 1 else done)
        pipe, kept = os.path.join(work, "pipe.html"), os.path.join(work, "kept.html")
        os.mkfifo(pipe)
        done = run("report", plain, "-o", pipe)
        check("what is no regular file stays what it is", None if done.returncode == 1 and
              done.stderr.count(b"\n") == 1 and stat.S_ISFIFO(os.stat(pipe).st_mode) else done)
        shutil.copy(out["html"], kept)
        done = run("report", os.path.realpath(__file__), "-o", kept)
        check("an old page outlives what cannot be read",
              None if done.returncode == 1 and filecmp.cmp(out["html"], kept) else done)
        check("no temporary file is left",
              [n for n in os.listdir(work) if n.startswith("out.") and n.count(".") > 1])
        if shutil.which("pdflatex"):
            check("pdflatex, report", pdf(work, out["tex"]))
            check("pdflatex, replay -l", pdf(work, os.path.join(work, "log.tex")))
        else:
            skip("pdflatex", "it is not installed")
        if shutil.which("chromium") or shutil.which("chromium-browser"):
            check("rendered wide", render(work, out["html"], 1100))
            check("rendered dark", render(work, out["html"], 1100,
                                          "--blink-settings=preferredColorScheme=0"))
            check("rendered on a phone", render(work, out["html"], 500))
        else:
            skip("rendered", "there is no browser")
    print("1..%d" % COUNT)
    return 1 if FAILED else 0


sys.exit(main())
