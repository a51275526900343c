#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Allocators that are linked, linked statically, prefixed, or side by side; and all functions that they offer."""
import os
import shutil
import subprocess

from lib import *

TWO_WAYS = (("launched", launch), ("attached", attach))


def check(trace, exe, source, *options, env=None, unmatched=0):
    report, truth = trace([exe], *options, env=env)
    compare(report, truth, source)
    equal(report["unmatched_frees"], unmatched, "unmatched_frees")


def prefixed(prefix):
    """jemalloc with a prefix to its functions, as programs have it that bundle it."""
    public = ("malloc calloc realloc free posix_memalign aligned_alloc memalign valloc mallocx rallocx xallocx "
              "sallocx dallocx sdallocx nallocx mallctl mallctlnametomib mallctlbymib malloc_stats_print "
              "malloc_usable_size").split()
    out = path("libprefixed.a")
    names = [a for f in public for a in ("--redefine-sym", f"{f}={prefix}{f}")]
    subprocess.run(["objcopy", *names, library("libjemalloc.a"), out], check=True)
    return out


def linked_to(source, *flags):
    """Builds a program with libraries; skips the test if one is not installed."""
    for f in flags:
        if f.startswith("-l:"):
            library(f[3:])
    return build(source, *flags)


# functions.py preloads them. Dynamic programs call cfree, which these allocators do not define, unless built with:
NO_CFREE = "-DSTATIC"
JEMALLOC = ("-l:libjemalloc.a", "-lstdc++", "-lm", "-ldl")
FORMS = (
    ("jemalloc, linked", "functions.c", (NO_CFREE, "-l:libjemalloc.so.2")),
    ("jemalloc, in the program", "functions.c", (NO_CFREE, *JEMALLOC)),
    ("jemalloc, in a C++ program", "cxx.cc", JEMALLOC),
    ("jemalloc, in a static program", "cxx.cc", ("-static", *JEMALLOC)),
    ("tcmalloc, linked", "functions.c", (NO_CFREE, "-l:libtcmalloc.so.4")),
    ("tcmalloc, in the program", "functions.c", (NO_CFREE, "-l:libtcmalloc_minimal.a", "-lstdc++", "-lm")),
    ("tcmalloc, in a C++ program", "cxx.cc", ("-l:libtcmalloc_minimal.a",)),
    ("tcmalloc, in a static program", "cxx.cc", ("-static", "-l:libtcmalloc_minimal.a")),
    ("mimalloc, linked", "functions.c", (NO_CFREE, "-l:libmimalloc.so.2")),
    ("mimalloc, linked to C++", "cxx.cc", ("-l:libmimalloc.so.2",)),
    ("AddressSanitizer's", "functions.c", (NO_CFREE, "-fsanitize=address")),
    ("AddressSanitizer's of C++", "cxx.cc", ("-fsanitize=address",)),
    ("ThreadSanitizer's of C++", "cxx.cc", ("-fsanitize=thread",)),
)
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1", "TSAN_OPTIONS": "allocator_may_return_null=1"}

for name, source, flags in FORMS:
    for way, trace in TWO_WAYS:
        with case(f"{name}, {way}"):
            check(trace, linked_to(source, *flags), source, env=SANITIZERS)

EXTRAS = (
    ("jemalloc", ("-DJEMALLOC", "-l:libjemalloc.so.2")),
    ("jemalloc in the program", ("-DJEMALLOC", *JEMALLOC)),
    ("tcmalloc", ("-DTCMALLOC", "-l:libtcmalloc_minimal.so.4")),
    ("tcmalloc in the program", ("-DTCMALLOC", "-l:libtcmalloc_minimal.a", "-lstdc++", "-lm")),
    ("mimalloc", ("-DMIMALLOC", "-l:libmimalloc.so.2")),
)

for name, flags in EXTRAS:
    for way, trace in TWO_WAYS:
        with case(f"all functions of {name}, {way}"):
            check(trace, linked_to("extras.c", *flags), "extras.c", unmatched=1 if "mimalloc" in name else 0)

for prefix in ("je_", "_rjem_"):
    for way, trace in TWO_WAYS:
        with case(f"jemalloc as {prefix}malloc, {way}"):
            lib = prefixed(prefix)
            exe = build("extras.c", "-DJEMALLOC", f"-DPREFIX={prefix}", "-Wl,--whole-archive", lib,
                        "-Wl,--no-whole-archive", "-lstdc++", "-lm", "-ldl", name=f"extras{prefix}")
            check(trace, exe, "extras.c")

with case("a heap of mimalloc, by --probe"):
    exe = linked_to("extras.c", "-DMIMALLOC", "-l:libmimalloc.so.2")
    check(launch, exe, "extras.c", "--probe", "libmimalloc*:mi_heap_malloc(size=2)", env={"HEAP": "1"})

own_copy = path("copy")
os.mkdir(own_copy)
LIBC = os.path.join(own_copy, "libc.so.6")
HARD, SOFT = os.path.join(own_copy, "hard.so"), os.path.join(own_copy, "soft.so")


def copies(trace, *files):
    if not os.path.exists(LIBC):
        shutil.copy(library("libc.so.6"), LIBC)
        os.link(LIBC, HARD)
        os.symlink(LIBC, SOFT)
    report, _ = trace([build("copies.c"), *files])
    here = {s["live_bytes"]: s["live_blocks"] for s in report["sites"] if s["stack"][0]["func"] == "leak_here"}
    there = {s["live_bytes"]: s["live_blocks"] for s in report["sites"] if s["stack"][0]["func"] == "leak_there"}
    equal((here, there), ({400: 1}, {501 * len(files): len(files)}), "the blocks left by malloc of each C library")
    equal(report["unmatched_frees"], 0, "unmatched_frees")


for way, trace in TWO_WAYS:
    with case(f"one C library loaded twice, {way}"):
        copies(trace, library("libc.so.6"))
    with case(f"two C libraries, {way}"):
        copies(trace, LIBC)
    with case(f"one C library under three names, {way}"):
        copies(trace, LIBC, HARD, SOFT)
    with case(f"six C libraries, {way}"):
        copies(trace, *[library("libc.so.6")] * 3, LIBC, HARD)

done()
