#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdicts on call sites of a real program, of which some leak and others do not."""
from lib import *

SOURCE = "judged.c"
SECONDS = 17
LEAKS = ["leak_late", "leak_mappings", "leak_slowly", "leak_steadily"]
HEALTHY = ["batch_job", "connect", "fill_cache", "grow_vector", "load_at_startup", "lru_cache", "sawtooth"]


def function(site):
    """The name of the program's function, if it is one of those that are judged."""
    f = own_function(site, SOURCE)
    return f if f in LEAKS or f in HEALTHY else None


p = Program([build(SOURCE, "-lm"), str(SECONDS)])
m = Memtrace("-f", "json", "-t", "0", "-i", "1", "-p", p.pid).attached()
p.go()
equal(m.interrupt(), 0, f"the exit status ({m.stderr()})")
p.end()
reports = m.reports()
last = m.final()
sites = {function(s): s for s in last["sites"] if function(s)}

with case("leaks get the verdict leak, and come first"):
    shown = [(s["rank"], function(s), s["verdict"]) for s in last["sites"] if function(s)]
    equal(sorted(f for _, f, v in shown if v == "leak"), LEAKS, f"the leaks in {shown}")
    equal(sorted(s["rank"] for s in last["sites"] if function(s) in LEAKS), [1, 2, 3, 4],
          f"the leaks' ranks in {shown}")

with case("no other site gets it after 10 s"):
    wrong = [(r["seq"], function(s)) for r in reports if r["window_s"] >= 10
             for s in r["sites"] if s["verdict"] == "leak" and function(s) not in LEAKS]
    equal(wrong, [], "the reports and functions with a wrong verdict")

with case("rates and shares are those of the program"):
    # Its own clock counts steps, and each takes longer on a loaded machine.
    slower = max(1, last["elapsed_s"] / SECONDS)
    for name, rate, share in (("leak_steadily", 30 * 64, 0.3), ("leak_slowly", 3 * 100, 0.001),
                              ("leak_mappings", 8 * 3 * 4096, 1)):
        s = sites[name]
        rate /= slower
        true(0.5 * rate < s["leak_rate_bps"] < 1.6 * rate, f"{name} leaks {s['leak_rate_bps']}, not {rate} B/s")
        true(0.5 * share < s["survival"] < 2 * share, f"of {name} {s['survival']} survive, not {share}")
    since = sites["leak_late"]["leaking_s"]
    true(6 < since / slower < 13, f"leak_late since {since} s, {slower} times slower")

with case("verdicts on the others"):
    for name, verdicts in (("lru_cache", {"churn", "plateau"}), ("load_at_startup", {"startup"}),
                           ("batch_job", {"churn"}), ("fill_cache", {"plateau", "startup", "growing"}),
                           ("grow_vector", {"growing"}), ("sawtooth", {"churn"}), ("connect", {"churn"})):
        if name in sites:
            true(sites[name]["verdict"] in verdicts, f"the verdict on {name} is {sites[name]['verdict']}")

with case("no verdict in the first seconds"):
    early = [s["verdict"] for r in reports if r["window_s"] < 4 for s in r["sites"]]
    true(early, "there is no early report")
    equal(set(early), {"unknown"}, "early verdicts")

with case("the findings are the sums of the sites"):
    for verdict in ("leak", "growing"):
        found = [s for s in last["sites"] if s["verdict"] == verdict]
        equal(last["findings"][verdict]["sites"], len(found), f"{verdict} sites")
        equal(last["findings"][verdict]["live_bytes"], sum(s["live_bytes"] for s in found), f"{verdict} bytes")

done()
