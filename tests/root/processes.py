#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that fork, vfork and exec: each block is counted once, for the process that has it."""
import os

from lib import *

SOURCE = "process.c"
TWO_WAYS = (("launched", launch), ("attached", attach))


def rows(report):
    return {p["pid"]: p for p in report["processes"]}


def named(report):
    return [p["pid"] for p in report["processes"] if p["named"]][0]


def children(report):
    return [p for p in report["processes"] if not p["named"]]


for way, trace in TWO_WAYS:
    with case(f"fork: child and parent, {way}"):
        report, truth = trace([build(SOURCE), "fork"])
        parent = named(report)
        compare(report, truth, SOURCE, pid=parent)
        equal(len(children(report)), 1, "the number of children")
        child = children(report)[0]
        compare(report, [{"func": "in_child", "api": "malloc", "blocks": 3, "bytes": 3000}], SOURCE,
                pid=child["pid"])
        equal((child["live_blocks"], child["live_bytes"], child["exited"]), (3, 3000, True), "the child's row")

    with case(f"fork with --no-children, {way}"):
        report, truth = trace([build(SOURCE), "fork"], "--no-children")
        compare(report, truth, SOURCE)
        equal(len(report["processes"]), 1, "the number of processes")

    with case(f"vfork and posix_spawn, {way}"):
        report, truth = trace([build(SOURCE), "vfork"])
        if trace is attach:
            # Probes of a process are not hit by its vfork child, though that uses the same memory.
            truth = [t for t in truth if t["func"] != "in_vfork_child"]
        compare(report, truth, SOURCE, pid=named(report))

    with case(f"exec in the same process, {way}"):
        report, truth = trace([build(SOURCE), "exec"], env={"SLOWLY": "1"})
        compare(report, truth, SOURCE)
        equal(len(report["processes"]), 1, "the number of processes")

    with case(f"exec of another file in the same process, {way}"):
        report, truth = trace([build(SOURCE), "exec", build(SOURCE, "-static")], env={"SLOWLY": "1"})
        compare(report, truth, SOURCE)

    with case(f"exec in a child, {way}"):
        report, truth = trace([build(SOURCE), "child-exec"], env={"SLOWLY": "1"})
        equal(len(children(report)), 1, "the number of children")
        compare(report, truth, SOURCE, pid=children(report)[0]["pid"])
        compare(report, [{"func": "before_fork", "api": "malloc", "blocks": 10, "bytes": 1000},
                         {"func": "after_fork", "api": "malloc", "blocks": 1, "bytes": 50}],
                SOURCE, pid=named(report))

with case("exec in a short-lived child, launched"):
    # It ends too soon for its names to be found; its numbers are exact.
    report, truth = launch([build(SOURCE), "child-exec"])
    equal([(p["live_blocks"], p["live_bytes"]) for p in children(report)], [(2, 120)], "the child's row")

with case("fifty children at once, launched"):
    report, truth = launch([build(SOURCE), "many"])
    compare(report, truth, SOURCE, pid=named(report))
    equal(len(children(report)), 50, "the number of children")
    for child in children(report):
        equal((child["live_blocks"], child["live_bytes"]), (3, 3000), f"the row of {child['pid']}")

with case("two processes at once"):
    programs = [Program([build("functions.c")]) for _ in range(2)]
    m = Memtrace(*EVERYTHING, "-p", f"{programs[0].pid},{programs[1].pid}").attached()
    for p in programs:
        p.go()
        p.end()
    equal(m.wait(), 0, "the exit status")
    report = m.final()
    for p in programs:
        compare(report, read_truth(p.truth_path), "functions.c", pid=p.pid)
        true(rows(report)[p.pid]["exited"], "the process is not reported as ended")

with case("a process that is not a target is not traced"):
    other, p = Program([build("functions.c")]), Program([build("functions.c")])
    m = Memtrace(*EVERYTHING, "-p", p.pid).attached()
    other.go()
    p.go()
    other.end()
    p.end()
    equal(m.wait(), 0, "the exit status")
    equal([r["pid"] for r in m.final()["processes"]], [p.pid], "the processes")
    compare(m.final(), read_truth(p.truth_path), "functions.c")

with case("workers that exist before their master is attached to"):
    p = Program([build("workers.c")])
    m = Memtrace(*EVERYTHING, "-p", p.pid).attached()
    true(f"attached to {p.pid} and 9 child processes" in m.stderr(), f"the workers are not named: {m.stderr()}")
    p.go()
    p.end()
    equal(m.wait(), 0, "the exit status")
    compare(m.final(), read_truth(p.truth_path), "workers.c")
    equal(sorted((r["live_blocks"], r["live_bytes"]) for r in m.final()["processes"] if r["pid"] != p.pid),
          [(i, i * 1000) for i in range(1, 10)], "the blocks and bytes of the workers")

with case("workers that exist, with --no-children"):
    p = Program([build("workers.c")])
    m = Memtrace(*EVERYTHING, "--no-children", "-p", p.pid).attached()
    p.go()
    p.end()
    equal(m.wait(), 0, "the exit status")
    equal([r["pid"] for r in m.final()["processes"]], [p.pid], "the processes")

with case("workers of one that is named as well"):
    p = Program([build("workers.c")])
    with open(f"/proc/{p.pid}/task/{p.pid}/children") as f:
        child = f.read().split()[0]
    m = Memtrace(*EVERYTHING, "-p", f"{child},{p.pid}").attached()
    true("attached to 2 processes and 8 child processes" in m.stderr(), f"the workers are not named: {m.stderr()}")
    p.go()
    p.end()
    equal(m.wait(), 0, "the exit status")
    compare(m.final(), read_truth(p.truth_path), "workers.c")

with case("child processes that run under valgrind are left alone"):
    tool("valgrind")
    # One runs already, the other starts later.
    p = start(["/bin/sh", "-c", "valgrind -q --tool=none cat; read line; valgrind -q --tool=none echo line; exit 0"],
              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdin.write(b"first\n")
    p.stdin.flush()
    equal(p.stdout.readline(), b"first\n", "what cat prints")
    m = Memtrace(*EVERYTHING, "-p", p.pid).attached()
    alone = r"process \d+ is not traced: it runs under valgrind"
    equal(len(re.findall(alone, m.stderr())), 1, f"the child processes that are left alone ({m.stderr()})")
    p.stdin.write(b"second\n")
    p.stdin.flush()
    equal(p.stdout.readline(), b"second\n", "what cat prints after memtrace came")
    p.kill()
    p.stdin.close()
    p.wait()
    equal(m.wait(), 0, "the exit status")
    true("a program under valgrind" in m.final()["notice"], f"the notice is {m.final()['notice']}")

for way, trace in TWO_WAYS:
    with case(f"libraries that are opened later, {way}"):
        plugin = build("plugin.c", "-shared", "-fPIC", name="plugin.so")
        report, truth = trace([build("libraries.c"), plugin])
        compare(report, truth, "plugin.c")

with case("a stripped program"):
    exe = build("functions.c", "-s", name="stripped")
    report, truth = launch([exe])
    total = sum(s["live_blocks"] for s in report["sites"] if s["kind"] == "heap" and s["api"] == "calloc")
    equal(total, 2, "the blocks of calloc")
    site = [s for s in report["sites"] if s["api"] == "calloc"][0]
    equal(site["stack"][0]["module"], os.path.realpath(exe), "the module")
    true(int(site["stack"][0]["offset"], 16) > 0, "there is no offset")

BLOCKS = 5  # that a child of young.c leaves


def blocks_left(report):
    return sum(s["live_blocks"] for s in report["sites"] if own_function(s, "young.c") == "leave")


with case("children that end before they can be traced"):
    number = 300
    p = Program([build("young.c"), str(number)])
    m = Memtrace(*EVERYTHING, "--kind", "heap", "--error-exitcode", "9", "-p", p.pid).attached()
    p.go()
    status = m.interrupt()
    equal(p.end(), 0, "the program's status")
    report = m.final()
    born = [row for row in report["processes"] if not row["named"]]
    seen = sum(row["allocs"] >= BLOCKS for row in born)
    equal(len(born), number, "the number of children")
    true(report["children"]["missed"] + report["children"]["late"] >= number - seen,
         f"{seen} of {number} children were seen from the start, and {report['children']} counted")
    equal(report["unjudged"]["processes"], report["children"]["missed"], "the processes that were missed")
    equal((report["judged"], status), (False, 4), m.stderr())
    if report["children"]["missed"]:
        true("ended before" in report["not_judged"], report["not_judged"])

with case("the same with --no-miss: all are traced"):
    number = 100
    p = Program([build("young.c"), str(number)])
    m = Memtrace(*EVERYTHING, "--kind", "heap", "--no-miss", "-p", p.pid).attached()
    p.go()
    m.interrupt()
    equal(p.end(), 0, "the program's status")
    report = m.final()
    equal(report["children"], {"missed": 0, "late": 0}, "children")
    equal(blocks_left(report), BLOCKS * number, "blocks")

done()
