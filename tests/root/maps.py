#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that programs get from the kernel directly, exactly by range."""
from lib import *

SOURCE = "maps.c"
TWO_WAYS = (("launched", launch), ("attached", attach))
PAGE = 4096


def maps(report):
    return [s for s in report["sites"] if s["kind"] == "map" and s["live_bytes"]]


def mapped(report, what, size):
    """The only site of the program that holds such a mapping of that size."""
    found = [s for s in maps(report) if s["mapping"] == what and s["live_bytes"] == size and s["stack"]
             and not s["stack"][0]["module"].startswith("/usr/lib")]
    equal(len(found), 1, f"the number of sites of {what} with {size} bytes")
    return found[0]


for way, trace in TWO_WAYS:
    with case(f"each case of mmap, munmap, mremap, brk and shmat, {way}"):
        exe = build(SOURCE)
        report, truth = trace([exe])
        for t in truth:
            # The parts that it was split into may count as one mapping or as two.
            if t["func"] == "remap_part":
                t["blocks"] = sum(s["live_blocks"] for s in maps(report) if own_function(s, SOURCE) == "remap_part")
        compare(report, truth, SOURCE, kind="map")

    with case(f"the allocator's own memory is not a site, {way}"):
        process = report["processes"][0]
        true(6000000 <= process["allocator_bytes"] <= 7000000, f"the allocator holds {process['allocator_bytes']}")
        equal([own_function(s, SOURCE) for s in maps(report)].count("grow_allocator"), 0, "the number of sites of its growth")
        equal(sum(s["live_bytes"] for s in maps(report)), process["mapped_bytes"], "the sum of the sites")

    with case(f"thread stacks, {way}"):
        stacks = [s for s in maps(report) if s["mapping"] == "thread stack"]
        equal(sum(s["live_blocks"] for s in stacks), 1, "the number of thread stacks")
        size = sum(s["live_bytes"] for s in stacks)
        true(64 * PAGE <= size <= 66 * PAGE, f"the thread's stack has {size} bytes")

    with case(f"arenas are not sites: four threads, four blocks, {way}"):
        report, truth = trace([build("threads.c"), "arenas"])
        compare(report, truth, "threads.c")
        other = [s for s in maps(report) if s["mapping"] not in ("thread stack", "file")
                 and "ld-linux" not in s["stack"][0]["module"]]
        equal(other, [], "other mappings")

with case("the kinds of mappings"):
    p = Program([build(SOURCE)])
    m = Memtrace("-f", "json", "-t", "0", "-i", "0.3", "-p", p.pid).attached()
    p.go()
    report = wait_for(lambda: [r for r in m.reports() if r["live_blocks"] > 1000], "a report")[-1]
    p.end()
    equal(m.wait(), 0, "the exit status")
    for r in (report, m.final()):
        mapped(r, "anonymous", 7 * PAGE)
        equal(mapped(r, "file", 3 * PAGE)["mapped_file"], build(SOURCE), "the mapped file")
        equal(mapped(r, "shared memory", 3 * PAGE)["api"], "shmat", "the function")

with case("--kind heap leaves out mappings"):
    report, truth = launch([build(SOURCE)], "--kind", "heap")
    equal(maps(report), [], "the mappings")
    equal(sum(s["live_blocks"] for s in report["sites"] if own_function(s, SOURCE) == "grow_allocator"), 1001,
          "the number of sites of grow_allocator")

with case("--kind map leaves out blocks"):
    report, truth = launch([build(SOURCE)], "--kind", "map")
    equal([s for s in report["sites"] if s["kind"] != "map"], [], "sites of the heap")
    equal(mapped(report, "anonymous", 7 * PAGE)["api"], "mmap", "the function")

done()
