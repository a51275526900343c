#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks memtrace's verdicts on real programs.

    make && tests/bench/real.py [--minutes 4] [--only redis,nginx] [--phases healthy,slow,fast] [--keep DIR]

Runs servers from Debian packages (redis-server, nginx-light with apache2-utils, postgresql, memcached, python3, perl)
under load, all at the same time, each traced by a memtrace of its own. First as they are: no call site may be called a
leak, in any report. Then with a leak, slow (one in some hundred blocks of a busy call site is lost) and fast: it must
come first. C programs leak by real_leak.c, which is preloaded; others by a few lines of their script; redis also by a
client that sends a new Lua script with every request, each of which redis 7.0 keeps.

Prints tables in Markdown, and details below them. Exits with 1 if a verdict is wrong. Needs root. Each phase takes
--minutes, therefore this is not part of the tests. Every server has a private directory and socket or port; no
installed service and no file outside a temporary directory is used. With --keep DIR, the reports and a recording of
each run stay in DIR, and --again DIR judges these runs again.

Before the tracing, the servers' caches are filled: one that fills meanwhile cannot be told from a leak until it begins to
be hit or to drop blocks. The longer the load runs (--warm), the more of their blocks memtrace does not know. While
these are replaced, a leak of the same call site is called growing: the new blocks might only replace old ones.
"""
import argparse
import collections
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "root"))
from lib import Memtrace, TMP  # noqa: E402
from real_servers import SERVERS  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
REPORTS = ("-t", 0, "-f", "json")
VERDICTS = ("leak", "growing", "plateau", "startup", "churn", "unknown")


def title(site):
    """One line for a site: its id, its API, and the innermost functions."""
    names = [f["func"] or f"{f['module']}+{f['offset']}" for f in site["stack"]]
    return f"{site['id']} {site['api']} {' < '.join(names[:6])}"


class Run:
    """A server, traced for a while."""

    def __init__(self, kind, phase, args, library):
        self.server, self.phase = kind(phase, library), phase
        self.args = args

    def kept(self, suffix):
        """A path in the directory that --keep or --again named."""
        return os.path.join(self.args.keep or self.args.again, f"{self.server.name}-{self.phase}{suffix}")

    def trace(self):
        record = ["--record", self.kept(".mt")] if self.args.keep else []
        self.memtrace = Memtrace("-i", self.args.interval, *REPORTS, *record,
                                 *(a for pid in self.server.pids() for a in ("-p", pid)))

    def end(self):
        self.memtrace.proc.send_signal(signal.SIGINT)
        self.memtrace.wait(120)
        self.server.stop()
        self.read()
        if self.args.keep:
            shutil.copy(self.memtrace.out_path, self.kept(".json"))
            shutil.copy(self.memtrace.err_path, self.kept(".err"))

    def again(self):
        """Judges what an earlier run recorded."""
        self.memtrace = Memtrace("report", self.kept(".mt"), "-i", self.args.interval, *REPORTS)
        self.memtrace.wait(300)
        self.read()

    def read(self):
        self.reports = self.memtrace.reports()
        self.last = self.memtrace.final()

    def key(self, site):
        return site["id"], site["pid"]

    def false_leaks(self):
        """{site: the number of reports that called it a leak, but it is none}"""
        found = collections.Counter()
        for r in self.reports:
            for s in r["sites"]:
                if s["verdict"] == "leak" and not (self.phase != "healthy" and self.server.is_leak(s)):
                    found[self.key(s)] += 1
        return found

    def verdicts(self):
        n = collections.Counter(s["verdict"] for s in self.last["sites"])
        return [n[v] for v in VERDICTS]

    def rank(self, value):
        """The best rank of a leaking site by `value`; 0 if there is no such site."""
        order = sorted(self.last["sites"], key=value, reverse=True)
        return next((i + 1 for i, s in enumerate(order) if self.server.is_leak(s)), 0)

    def growth(self):
        """A function: how much more a site holds than in the middle of the run."""
        middle = min(self.reports, key=lambda r: abs(r["elapsed_s"] - self.last["elapsed_s"] / 2))
        before = {self.key(s): s["live_bytes"] for s in middle["sites"]}
        return lambda s: s["live_bytes"] - before.get(self.key(s), 0)

    def found_after(self):
        """Seconds until a real leak came first with the verdict leak, and remained so."""
        since = None
        for r in self.reports:
            first = min(r["sites"], key=lambda s: s["rank"], default=None)
            if first and first["verdict"] == "leak" and self.server.is_leak(first):
                since = r["elapsed_s"] if since is None else since
            else:
                since = None
        return since


def healthy_row(run):
    r = run.last
    return [run.server.name, run.server.traffic, f"{r['allocs'] / r['elapsed_s']:,.0f}", len(r["sites"]),
            *run.verdicts(), len(run.false_leaks())]


def leak_row(run):
    leaks = [s for s in run.last["sites"] if run.server.is_leak(s)]
    best = min(leaks, key=lambda s: s["rank"], default=None)
    after = run.found_after()
    return [run.server.name, run.phase, f"{sum(s['live_blocks'] for s in leaks) / run.last['elapsed_s']:.2g}",
            run.rank(lambda s: s["live_bytes"]), run.rank(run.growth()), best["rank"] if best else "-",
            best["verdict"] if best else "-", f"{after:.0f} s" if after is not None else "-"]


def table(head, rows):
    for cells in [head, ["---"] * len(head), *rows]:
        print("| " + " | ".join(map(str, cells)) + " |")
    print()


def notes(run):
    """Prints details of a run; returns whether a verdict is wrong."""
    false_leaks, wrong = run.false_leaks(), False
    print(f"* {run.server.name}, {run.phase}: {run.last['elapsed_s']:.0f} s, "
          f"{run.last['live_bytes']:,} bytes live, lost {run.last['lost']}, "
          f"outsiders {run.last['outsiders']}; client errors: {'; '.join(run.server.errors) or 'none'}")
    for s in run.last["sites"]:
        if s["verdict"] in ("leak", "growing"):
            print(f"    {s['rank']:3} {s['verdict']:7} {s['live_bytes']:9,} bytes {s['live_blocks']:6} blocks "
                  f"{s['survival']:.3f} {s['leak_rate_bps']:.0f} B/s {title(s)}"
                  f"{' (the leak)' if run.phase != 'healthy' and run.server.is_leak(s) else ''}")
    final = {run.key(s): s for s in run.last["sites"]}
    for key, n in false_leaks.items():
        print(f"    called a leak in {n} of {len(run.reports)} reports: "
              f"{title(final[key]) if key in final else key}")
    if run.phase == "healthy":
        wrong = bool(false_leaks)
    else:
        wrong = run.found_after() is None
        if wrong:
            print("    the leak does not come first")
            for s in run.last["sites"]:
                if run.server.is_leak(s):
                    print(f"    {s['rank']:3} {s['verdict']:7} {s['live_bytes']:9,} bytes {s['live_blocks']} of "
                          f"{s['allocs']} blocks {title(s)}")
    return wrong


def run_phase(phase, kinds, args, library):
    runs = [Run(k, phase, args, library) for k in kinds]
    if args.again:
        runs = [r for r in runs if os.path.exists(r.kept(".mt"))]
        for r in runs:
            r.again()
        return runs
    for r in runs:
        r.server.run()
        r.server.fill()
    for r in runs:
        r.server.go_on()
    time.sleep(args.warm)
    for r in runs:
        r.trace()
    for r in runs:
        r.memtrace.attached()
    time.sleep(args.minutes * 60)
    for r in runs:
        r.end()
    return runs


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--minutes", type=float, default=4, help="of each phase (default 4)")
    p.add_argument("--warm", type=float, default=1, help="seconds of load before the tracing (default 1)")
    p.add_argument("--interval", default="10", help="seconds between reports (default 10)")
    p.add_argument("--only", default="", help="programs whose names begin with one of these, separated by commas")
    p.add_argument("--phases", default="healthy,slow,fast")
    p.add_argument("--keep", help="a directory for reports and recordings")
    p.add_argument("--again", metavar="DIR", help="run nothing; judge the recordings in DIR")
    args = p.parse_args()
    only = tuple(filter(None, args.only.split(",")))
    kinds = [k for k in SERVERS if not only or k.name.startswith(only)]
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    library = os.path.join(TMP, "real_leak.so")
    subprocess.run(["gcc", "-g", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", library,
                    os.path.join(HERE, "real_leak.c")], check=True)
    os.chmod(TMP, 0o755)
    runs = [r for phase in args.phases.split(",") for r in run_phase(phase, kinds, args, library)]
    table(["program", "traffic", "allocs/s", "sites", *VERDICTS, "ever called leak"],
          [healthy_row(r) for r in runs if r.phase == "healthy"])
    table(["program", "leak", "blocks/s", "rank by bytes", "by growth", "by memtrace", "verdict", "first after"],
          [leak_row(r) for r in runs if r.phase != "healthy"])
    wrong = [notes(r) for r in runs]
    sys.exit(1 if any(wrong) else 0)


if __name__ == "__main__":
    main()
