#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Frees of blocks that the process was not seen to allocate: each is taken for what it is, and only those of blocks
that are older than the tracing may speak against a leak."""
from containers_lib import cgroup, inside
from lib import *


def grouped(argv, *options, env=None):
    """Like attach(), by a cgroup: the probes are in files, not in processes."""
    p = Program(inside(argv), env=env)
    m = Memtrace(*EVERYTHING, *options, "-g", cgroup()).attached()
    p.go()
    p.end()
    equal(m.interrupt(), 0, f"the exit status (standard error: {m.stderr()})")
    return m.final(), read_truth(p.truth_path)


WAYS = (("launched", launch), ("attached", attach), ("by cgroup", grouped))


# ---- threads that end ----

def unknown(report):
    return report["unmatched_frees"], report["unseen_frees"]


def caches(trace, exe, *options):
    report, truth = trace([exe, "6"], *options)
    compare(report, truth, "caches.c")
    equal(unknown(report), (0, 0), "the frees of unknown blocks")


# A thread that ends gives its cache back to free: neither the cache, nor what is in it, is a block of the program.
for way, trace in WAYS:
    with case(f"caches of threads that end, {way}"):
        caches(trace, build("caches.c"))
    with case(f"caches of threads that end, static, {way}"):
        caches(trace, build("caches.c", "-static"))

for method in ("multi", "perf"):
    with case(f"caches of threads that end, {method} probes"):
        caches(launch, build("caches.c"), "--attach", method)

for name in ("libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2"):
    for way, trace in WAYS[:2]:
        with case(f"caches of threads that end, {name}, {way}"):
            library(name)
            caches(trace, build("caches.c", f"-l:{name}"))

with case("caches of threads that end, musl"):
    caches(launch, build("caches.c", cc="musl-gcc"))


# ---- children ----

def children(report, pid):
    return [p for p in report["processes"] if p["pid"] != pid]


def attach_each(argv, generations):
    """Like attach(), but each child goes on once it is traced."""
    traced = path("traced")
    p = Program(argv, env={"TRACED": traced})
    m = Memtrace(*EVERYTHING, "-i", "0.1", "-p", p.pid).attached()
    p.go(wait=False)
    for i in range(generations):
        wait_for(lambda: any(child["allocs"] for r in m.reports()[-1:] for child in children(r, p.pid)[i:]),
                 f"generation {i + 1} to be traced")
        open(f"{traced}.{i + 1}", "w").close()
    p.finished()
    p.end()
    equal(m.wait(), 0, f"the exit status (standard error: {m.stderr()})")
    return m.final(), read_truth(p.truth_path)


# The blocks by which a child is seen to be traced.
WAITING = {"func": "wait_for_tracer", "api": "malloc", "blocks": -1, "bytes": -1}


def frees(row):
    return row["inherited_frees"], row["unmatched_frees"]


def fork_ways(generations):
    return (("launched", launch), ("attached", lambda argv: attach_each(argv, generations)), ("by cgroup", grouped))


for mode, what in (("fork", "fork"), ("clone", "the system call clone"), ("thread", "fork in a thread")):
    for way, trace in fork_ways(2):
        with case(f"blocks that a child and a grandchild inherit by {what}, {way}"):
            report, truth = trace([build("heirs.c"), mode])
            parent, child, grandchild = report["processes"]
            compare(report, truth, "heirs.c", pid=parent["pid"])
            compare(report, [WAITING, {"func": "in_child", "api": "malloc", "blocks": 1, "bytes": 70},
                             {"func": "grown_in_child", "api": "realloc", "blocks": 1, "bytes": 5000}],
                    "heirs.c", pid=child["pid"])
            equal([frees(p) for p in (parent, child, grandchild)], [(0, 0), (7, 0), (3, 0)],
                  "the frees of inherited and unknown blocks")
            compare(report, [WAITING], "heirs.c", pid=grandchild["pid"])
            equal((report["inherited_frees"], *unknown(report)), (10, 0, 0), "the totals")

for way, trace in fork_ways(7):
    with case(f"blocks of seven generations, {way}"):
        report, truth = trace([build("heirs.c"), "deep"])
        compare(report, truth, "heirs.c", pid=report["processes"][0]["pid"])
        equal([frees(p) for p in report["processes"]], [(i, 0) for i in range(8)], "the frees of each generation")
        for p in report["processes"][1:]:
            compare(report, [WAITING, {"func": "own_blocks", "api": "malloc", "blocks": 10, "bytes": 500}], "heirs.c",
                    pid=p["pid"])

with case("a recording of seven generations"):
    file = path("run.mt")
    report, _ = launch([build("heirs.c"), "deep"], "--record", file)
    m = Memtrace("report", file, "-f", "json")
    equal(m.wait(), 0, f"the exit status (standard error: {m.stderr()})")
    equal([frees(p) for p in m.final()["processes"]], [frees(p) for p in report["processes"]], "the frees of each")
    equal(report["inherited_frees"], 28, "the frees of inherited blocks")

# Probes of a process are not hit by a child that shares its memory.
for mode, what in (("vfork", "vfork"), ("shared", "clone with CLONE_VM")):
    for way, trace in (WAYS[0], WAYS[2]):
        with case(f"a child that shares its parent's memory by {what}, {way}"):
            report, truth = trace([build("heirs.c"), mode])
            compare(report, truth, "heirs.c")
            equal((report["inherited_frees"], *unknown(report)), (0, 0, 0), "the frees of other blocks")

with case("no block is older than the tracing in a shell's processes, launched"):
    script = "for i in 1 2 3 4 5 6; do (x=$i; y=$(echo $x | sed s/1/2/); echo $y) | cat >/dev/null; done"
    m = Memtrace(*EVERYTHING, "--", tool("bash"), "-c", script)
    equal(m.wait(), 0, "the exit status")
    report = m.final()
    equal(unknown(report), (0, 0), "the frees of unknown blocks")
    true(report["inherited_frees"] > 100, f"only {report['inherited_frees']} frees of inherited blocks")


# ---- verdicts ----

def is_leak(m, source):
    sites = [s for r in m.reports()[-1:] for s in r["sites"] if own_function(s, source) == "lose"]
    return any(s["verdict"] == "leak" for s in sites)


def judged_leak(source, mode, way):
    """Runs a program that leaks in `lose` for as long as it takes, traced in one of the ways."""
    argv = [build(source), mode]
    p = None if way == "launched" else Program(inside(argv) if way == "by cgroup" else argv)
    target = {"launched": ("--", *argv), "attached": ("-p", p and p.pid), "by cgroup": ("-g", cgroup())}[way]
    m = Memtrace("-f", "json", "-t", "1000", "-i", "1", *target).attached()
    if p:
        p.go(wait=False)
    wait_for(lambda: is_leak(m, source), f"the verdict leak, {way}")
    equal(unknown(m.reports()[-1]), (0, 0), f"the frees of unknown blocks, {way}")
    m.interrupt()
    if p:
        p.kill()


for source, mode, what in (("caches.c", "forever", "threads that end"),
                           ("heirs.c", "leak", "frees of inherited blocks")):
    with case(f"a leak beside {what}, in each way"):
        together(*[lambda way=way: judged_leak(source, mode, way) for way, _ in WAYS])

done()
