#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""--memory-limit: memtrace stays within it, and says what it left out."""
from lib import *

ALONE = "it traces the whole host"
LIMIT = 32 << 20
MARGIN = 16 << 20  # above the limit, as README has it
BLOCK = 16


def own_memory(m):
    """What memtrace has in memory besides pages of files, in bytes."""
    with open(f"/proc/{m.proc.pid}/status") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("RssAnon:"))


def hoard(what, number, *options):
    """What memtrace reports on a program that keeps too much. Its own memory stays within the limit meanwhile."""
    p = Program([build("hoard.c"), what, str(number)])
    target = ("-a",) if "-a" in options else ("-p", p.pid)
    m = Memtrace("-f", "json", "-i", "1", "--kind", "heap", "--memory-limit", "32m", "--ring", "128m",
                 *target, *(o for o in options if o != "-a")).attached()
    most = 0
    p.go(wait=False)

    def finished():
        nonlocal most
        most = max(most, own_memory(m))
        return p._there()
    wait_for(finished, "the program to finish")
    for _ in range(2):  # a report or two with all of it
        before = len(m.reports())
        wait_for(lambda: len(m.reports()) > before, "a report")
        most = max(most, own_memory(m))
    truth, = p.finished()
    status = m.interrupt()
    equal(p.end(), 0, "the program's status")
    print(f"# {what} {' '.join(options)}: {most >> 20} MiB at most")
    true(most < LIMIT + MARGIN, f"memtrace had {most >> 20} MiB")
    report = m.final()
    row, = [row for row in report["processes"] if row["pid"] == p.pid]
    return report, row, truth, status, m.stderr()


for target in ((), ("-a",)):
    with case(f"more blocks than there is memory for {' '.join(target)}"):
        report, row, truth, status, said = hoard("blocks", 700000, "--fail-on", "leak>1000g", *target)
        lost = report["lost"]
        true(lost["memory_limit"] > 50000, f"{lost['memory_limit']} blocks were left out")
        equal(lost["table"], lost["memory_limit"], "blocks that were lost")
        if not target:
            equal(row["live_blocks"] + lost["memory_limit"] + lost["events"], truth["blocks"], "blocks")
        equal((report["judged"], status), (False, 4), said)
        true("the memory limit of 32.0 MiB was reached: " in report["not_judged"], report["not_judged"])
        true("the memory limit of 32.0 MiB" in said, said)

    with case(f"more call stacks than there is memory for {' '.join(target)}"):
        report, row, truth, status, said = hoard("stacks", 100000, *target)
        lost = report["stacks_lost"]
        true(lost["memory_limit"] > 20000, f"{lost['memory_limit']} call stacks were left out")
        equal(report["lost"]["stacks"], lost["unknown"] + lost["no_buffer"] + lost["memory_limit"], "lost stacks")
        if not target:
            equal(row["live_blocks"] + report["lost"]["memory_limit"] + report["lost"]["events"], truth["blocks"],
                  "blocks")
        equal(report["judged"], False, "judged")

with case("frees of blocks that were left out are no frees of older ones"):
    report, row, truth, status, said = hoard("freed", 700000)
    true(report["lost"]["memory_limit"] > 50000, f"{report['lost']}")
    equal(row["live_blocks"], 0, "live blocks")
    equal(report["unmatched_frees"], report["unseen_frees"], "frees of blocks that may be older")
    true(report["unseen_frees"] > 0, "no free was unseen")

done()
