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


def linked(*flags, source="bad_alloc.cc"):
    for f in flags:
        if f.startswith("-l:"):
            library(f[3:])
    return build(source, *flags)


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

MIMALLOC = "libmimalloc.so.2.0"
NOTHROW = (
    ("libstdc++", (), None),
    ("jemalloc", (), "libjemalloc.so.2"),
    ("tcmalloc", (), "libtcmalloc.so.4"),
    ("mimalloc", (), MIMALLOC),
    ("mimalloc, linked", ("-l:" + MIMALLOC,), None),
)


def nothrow(trace, exe, *options, env=None):
    report, truth = trace([exe], *options, env=env)
    compare(report, truth, "nothrow.cc")
    equal(report["unmatched_frees"], 0, "unmatched_frees")
    equal([p["unprobed"] for p in report["processes"]], [None], "unprobed")


for name, flags, preload in NOTHROW:
    for way, trace in TWO_WAYS:
        with case(f"operators that return NULL, and constructors that throw: {name}, {way}"):
            env = {"LD_PRELOAD": library(preload)} if preload else None
            nothrow(trace, linked(*flags, source="nothrow.cc"), env=env)

for method in METHODS[1:]:
    with case(f"operators that return NULL, and constructors that throw: mimalloc, {method}"):
        nothrow(attach, build("nothrow.cc"), "--attach", method, env={"LD_PRELOAD": library(MIMALLOC)})

with case("operator new that ends the program, as without memtrace"):
    env = {"LD_PRELOAD": library(MIMALLOC)}
    alone = start([build("nothrow.cc"), "abort"], env={**os.environ, **env}, stderr=subprocess.DEVNULL)
    equal(alone.wait(PATIENCE), -signal.SIGABRT, "the status without memtrace")
    m = Memtrace(*EVERYTHING, "--", build("nothrow.cc"), "abort", env=env)
    equal(m.wait(), 128 + signal.SIGABRT, f"the status ({m.stderr()})")


# ---- what is left in the program ----

def changed(pid, exe):
    """The file offsets at which the code of a program differs from its file."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory, open(exe, "rb") as file:
        for line in maps:
            r = line.split()
            if len(r) > 5 and r[5] == exe and "x" in r[1]:
                first, end = (int(x, 16) for x in r[0].split("-"))
                offset = int(r[2], 16)
                memory.seek(first)
                file.seek(offset)
                there, original = memory.read(end - first), file.read(end - first)
                found += [offset + i for i, b in enumerate(original) if there[i] != b]
    return found


ENDS = (("SIGKILL", lambda m: m.proc.kill()), ("Ctrl-C", lambda m: m.interrupt()))

for name, flags in (("jemalloc", FORMS[1][1]), ("tcmalloc", FORMS[4][1])):
    with case(f"no probe is left in a program that throws all the time, {name}"):
        exe = linked(*flags)  # no other tracer probes this file
        p = Program([exe, "ever"])
        p.go(wait=False)
        for how, end in ENDS * 2:
            m = Memtrace(*EVERYTHING, "--explain-probes", "-p", p.pid).attached()
            rows = re.findall(r"^ +exit +0x([0-9a-f]+) +ret ", m.stderr(), re.M)
            true(rows, m.stderr())
            equal({int(r, 16) for r in rows} - set(changed(p.pid, exe)), set(), "exits without a probe")
            end(m)
            m.wait()
            wait_for(lambda: not changed(p.pid, exe), f"the probes to be removed after {how}")
            true(p.proc.poll() is None, f"the program ended with {p.proc.returncode} after {how}")
        p.kill()


# ---- where the exits cannot be found ----

HOOKED = ("-O2", "-Wno-mismatched-new-delete")

for way, trace in TWO_WAYS:
    with case(f"operator new whose returns are not known, {way}"):
        exe = build("hooked.cc", *HOOKED)
        report, truth = trace([exe])
        compare(report, truth, "hooked.cc")
        name = f"operator new of {os.path.basename(exe)}"
        equal([p["unprobed"] for p in report["processes"]], [name], "unprobed")
        true(report["notice"].startswith(f"{name}: not traced"), report["notice"])
        equal(report["judged"], False, "judged")
        true(name in report["not_judged"], report["not_judged"])

with case("operator new whose returns are not known, in each report"):
    exe = build("hooked.cc", *HOOKED)
    name = f"operator new of {os.path.basename(exe)}"
    p = Program([exe, "3"])
    m = Memtrace("-f", "text", "-i", "1", "--error-exitcode", "9", "-p", p.pid).attached()
    p.go()
    p.end()
    equal(m.wait(), 4, m.stderr())
    pages = re.split(r"(?m)^(?=\d\d:\d\d:\d\d  )", m.stdout())[1:]
    true(len(pages) >= 3, m.stdout())
    for page in pages:
        true(f"{name}: not traced" in page, page)
        true("no leak" not in page and "before tracing" not in page, page)
    true("no leak" not in m.stderr() and f"{name} is not probed" in m.stderr(), m.stderr())

with case("operator new whose returns are not known, --probe-throwing"):
    m = Memtrace(*EVERYTHING, "--probe-throwing", "-d", "0.5", "-p", Program([build("hooked.cc", *HOOKED)]).pid)
    equal(m.wait(), 0, m.stderr())
    equal([p["unprobed"] for p in m.final()["processes"]], [None], "unprobed")

done()
