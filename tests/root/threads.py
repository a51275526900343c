#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads and signals: the live blocks stay exact, whatever happens during a call."""
from lib import *

TWO_WAYS = (("launched", launch), ("attached", attach))
THREADS = (
    ("cross", "blocks freed by other threads"),
    ("realloc", "threads that reuse each other's addresses in realloc"),
    ("cancel", "cancelled threads"),
    ("exit", "threads that end inside a call"),
)
SIGNALS = (
    ("longjmp", "jumps out of a call"),
    ("handler", "a handler that allocates"),
    ("handler-altstack", "a handler that allocates, on its own stack"),
    ("inside", "a handler inside a call"),
    ("inside-altstack", "a handler inside a call, on its own stack"),
)

for source, modes in (("threads.c", THREADS), ("signals.c", SIGNALS)):
    for mode, what in modes:
        for way, trace in TWO_WAYS:
            with case(f"{what}, {way}"):
                report, truth = trace([build(source), mode])
                compare(report, truth, source)

for method in ("multi", "perf"):
    with case(f"blocks freed by other threads, {method} probes"):
        report, truth = launch([build("threads.c"), "cross"], "--attach", method)
        compare(report, truth, "threads.c")

done()
