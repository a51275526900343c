#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every allocation function, in every C library and allocator: exactly what the program did."""
import os

from lib import *

TWO_WAYS = (("launched", launch), ("attached", attach))


def check(trace, source, exe, env=None):
    report, truth = trace([exe], env=env)
    compare(report, truth, source)
    equal(report["unmatched_frees"], 0, "unmatched_frees")
    for s in report["sites"]:
        # Called directly by the program: the innermost frame is the caller, and the function itself is the API.
        if own_function(s, source) in ("leak_malloc", "leak_calloc", "realloc_grow"):
            equal(s["stack"][0]["module"], os.path.realpath(exe), "the module of the innermost frame")


BUILDS = (
    ("glibc", dict()),
    ("static glibc", dict(flags=("-static", "-DSTATIC"))),
    ("musl", dict(cc="musl-gcc")),
    ("static musl", dict(cc="musl-gcc", flags=("-static",))),
    ("no frame pointers", dict(cflags=["-g", "-O2", "-fomit-frame-pointer"])),
    ("built for CET", dict(flags=("-fcf-protection=full",))),
)

for name, how in BUILDS:
    for way, trace in TWO_WAYS:
        with case(f"functions of {name}, {way}"):
            how = dict(how)
            check(trace, "functions.c", build("functions.c", *how.pop("flags", ()), **how))

for lib in ("libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2"):
    for way, trace in TWO_WAYS:
        with case(f"functions of {lib}, {way}"):
            check(trace, "functions.c", build("functions.c"), {"LD_PRELOAD": library(lib)})
        with case(f"C++ operators of {lib}, {way}"):
            check(trace, "cxx.cc", build("cxx.cc"), {"LD_PRELOAD": library(lib)})

for way, trace in TWO_WAYS:
    with case(f"C++ operators of libstdc++, {way}"):
        check(trace, "cxx.cc", build("cxx.cc"))
    with case(f"C++ operators, static, {way}"):
        check(trace, "cxx.cc", build("cxx.cc", "-static"))


def throwing(mode, exe, *options, env=None):
    truth_path = path("truth")
    m = Memtrace(*EVERYTHING, *options, "--", exe, mode, env={**(env or {}), "TRUTH": truth_path})
    status = m.wait()
    equal(status, 0, f"the exit status ({m.stderr()})")
    compare(m.final(), read_truth(truth_path), "throws.cc")


for mode in ("huge", "limited"):
    with case(f"exceptions of libstdc++'s operator new, {mode}"):
        throwing(mode, build("throws.cc"))
        throwing(mode, build("throws.cc", "-static"))
    for lib in ("libjemalloc.so.2", "libtcmalloc_minimal.so.4"):
        with case(f"exceptions of {lib}, {mode}"):
            throwing(mode, build("throws.cc"), env={"LD_PRELOAD": library(lib)})

done()
