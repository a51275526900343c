#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""C++ operators of allocators that fail: the program catches the exception, and each count is exact."""
from lib import *

TWO_WAYS = (("launched", launch), ("attached", attach))
METHODS = ("session", "multi", "perf")


def check(trace, exe, *options, env=None):
    report, truth = trace([exe], *options, env=env)
    compare(report, truth, "bad_alloc.cc")
    equal(report["unmatched_frees"], 0, "unmatched_frees")
    equal([p["unprobed"] for p in report["processes"]], [None], "unprobed")
    # Each thread's end, and a free that is seen twice, may leave frees that are not matched.
    report, truth = trace([exe, "threads"], *options, env=env)
    compare(report, truth, "bad_alloc.cc")


PRELOADED = ("libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libtcmalloc.so.4")

for lib in PRELOADED:
    for method in METHODS if lib in PRELOADED[:2] else METHODS[:1]:
        for way, trace in TWO_WAYS:
            with case(f"bad_alloc of {lib}, {method}, {way}"):
                check(trace, build("bad_alloc.cc"), "--attach", method, env={"LD_PRELOAD": library(lib)})

FORMS = (
    ("jemalloc, linked", ("-l:libjemalloc.so.2",)),
    ("jemalloc, in the program", ("-l:libjemalloc_pic.a", "-lm", "-ldl")),
    ("jemalloc, static", ("-static", "-l:libjemalloc.a", "-lm", "-ldl")),
    ("tcmalloc, linked", ("-l:libtcmalloc.so.4",)),
    ("tcmalloc, in the program", ("-l:libtcmalloc_minimal.a",)),
    ("libstdc++", ()),
    ("libstdc++, static", ("-static",)),
)



def linked(*flags):
    for f in flags:
        if f.startswith("-l:"):
            library(f[3:])
    return build("bad_alloc.cc", *flags)


for name, flags in FORMS:
    for way, trace in TWO_WAYS:
        with case(f"bad_alloc of {name}, {way}"):
            check(trace, linked(*flags))


def others(*flags):
    """How many blocks are outstanding that are not the program's own."""
    report, truth = attach([linked(*flags)])
    equal(report["unmatched_frees"], 0, "unmatched_frees")
    return report["live_blocks"] - sum(t["blocks"] for t in truth)


with case("bad_alloc of tcmalloc, in a stripped program"):
    flags = ("-l:libtcmalloc_minimal.a", "-rdynamic")
    equal(others("-s", *flags), others(*flags), "the number of other blocks")

done()
