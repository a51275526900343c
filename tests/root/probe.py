#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A program's own allocators, named with --probe."""
import re
import shutil
import subprocess

from lib import *

LIBRARY = ("libpool.so*:pool_alloc(size=2)", "pool_free(ptr=2)", "libpool.so*:pool_resize(ptr=2,size=3)",
           "pool_get(out=1,size=3)", "pool_node(bytes=48)", "handle_open(size=1,int)", "handle_close(ptr=1,int)")
PROGRAM = ("*-pools:mine_calloc(size=2,count=1)", "mine_free(ptr=1)", "must_malloc(size=1)",
           "Arena::get(unsigned long)(size=2)", "Arena::get(unsigned long, unsigned long)(size=2,count=3)",
           "Arena::put(ptr=2)")
TWO_WAYS = (("launched", launch), ("attached", attach))
METHODS = ("session", "multi", "perf")

folder = path("lib")
os.mkdir(folder)
library_path = os.path.join(folder, "libpool.so.1.0")


def make():
    """Builds the program and its library, which is found by a symbolic link; returns the program."""
    lib = build("pool_library.c", "-shared", "-fPIC", "-Wl,-soname,libpool.so.1")
    if not os.path.exists(library_path):
        shutil.copy(lib, library_path)
        os.symlink(library_path, os.path.join(folder, "libpool.so.1"))
    return build("pools.cc", f"-L{folder}", f"-Wl,-rpath,{folder}", "-l:libpool.so.1.0")


def check(report, truth):
    compare(report, truth, "pools.cc")
    # Pools are freed outside of the named functions, but what they consist of was allocated inside of them.
    equal(report["unmatched_frees"], 3, "unmatched_frees")
    equal(left_by(report, "dropped"), [], "what dropped() left")


def left_by(report, function):
    """The sites with this function in their stacks that hold blocks."""
    return [s for s in report["sites"] if s["live_blocks"] and s["kind"] == "heap" and
            any((f["func"] or "").split("(")[0] == function for f in s["stack"])]


ALL = ("--probe", " ".join(LIBRARY), "--probe", ",".join(PROGRAM))

for way, trace in TWO_WAYS:
    with case(f"pools, {way}"):
        check(*trace([make()], *ALL))

for method in METHODS:
    with case(f"pools, by {method} links"):
        check(*launch([make()], "--attach", method, *ALL))

with case("a file named by a path that is a symbolic link"):
    exe = make()
    check(*launch([exe], "--probe", f"{folder}/libpool.so.1:pool_alloc(size=2)", "--probe",
                  " ".join(LIBRARY[1:] + PROGRAM)))

with case("a pool that is freed as a whole counts as one block"):
    report, truth = launch([make()], "--probe", "pool_make(bytes=100) pool_drop(ptr=1)")
    made = [s for s in report["sites"] if s["api"] == "pool_make"]
    equal([(s["live_blocks"], s["live_bytes"]) for s in made], [(1, 100)], "the blocks and bytes of pool_make")
    # What pool_make gets from malloc belongs to the pool; what the pool gets later counts for the program.
    malloced = [s for s in report["sites"] if s["stack"][0]["func"] == "pool_make"]
    equal(malloced, [], "sites of malloc inside pool_make")
    equal(left_by(report, "dropped"), [], "what dropped() left")
    # The list of each of the two pools, which was made inside of pool_make and freed outside.
    equal(report["unmatched_frees"], 2, "unmatched_frees")


def offsets(exe):
    """{symbol: file offset}"""
    loads = []
    for line in subprocess.run(["readelf", "-lW", exe], capture_output=True, text=True, check=True).stdout.splitlines():
        f = line.split()
        if f and f[0] == "LOAD":
            loads.append((int(f[2], 16), int(f[1], 16), int(f[4], 16)))
    found = {}
    for line in subprocess.run(["nm", "-C", exe], capture_output=True, text=True, check=True).stdout.splitlines():
        m = re.match(r"([0-9a-f]+) [tTW] (.*)", line)
        at = int(m.group(1), 16) if m else 0
        for vaddr, offset, size in loads:
            if m and vaddr <= at < vaddr + size:
                found[m.group(2)] = at - vaddr + offset
    return found


def stripped(exe, name):
    out = path(name)
    subprocess.run(["strip", "-s", "-o", out, exe], check=True)
    return out


with case("a stripped program, by offsets"):
    exe = make()
    bare = stripped(exe, "bare")
    at = offsets(exe)
    probes, names = [], {}
    for p in PROGRAM:
        symbol, arguments = re.match(r"(?:.*-pools:)?(.*)(\([^()]*=.*\))$", p).groups()
        full = [s for s in at if s == symbol or s.startswith(symbol + "(")][0]
        probes.append(f"{bare}:{at[full]:#x}{arguments}")
        names[f"{bare}+{at[full]:#x}"] = full
    report, truth = launch([bare], "--probe", " ".join(probes), "--probe", " ".join(LIBRARY))
    want = {"own": (3, 63), "wrapped": (1, 40), "members": (2, 340)}
    got = {}
    for s in report["sites"]:
        name = names.get(s["api"])
        if name and s["live_blocks"]:
            key = "own" if "calloc" in name else "wrapped" if "must" in name else "members"
            blocks, size = got.get(key, (0, 0))
            got[key] = (blocks + s["live_blocks"], size + s["live_bytes"])
    equal(got, want, "the blocks and bytes of each function")
    equal(report["unmatched_frees"], 3, "unmatched_frees")

with case("an offset that is not the start of a function"):
    exe = make()
    at = offsets(exe)["mine_calloc(unsigned long, unsigned long)"]
    p = Program([exe])
    m = Memtrace(*EVERYTHING, "-p", p.pid, "--probe", f"{exe}:{at + 0x10:#x}(size=1) {exe}:0x7000000(size=1)").attached()
    m.interrupt()
    p.kill()
    text = m.stderr()
    true("0 of 2 of --probe" in text, text)
    true("no function begins there" in text, text)
    true("the file has no code there" in text, text)

LATER = """
import ctypes, sys
sys.stdin.readline()
lib = ctypes.CDLL(sys.argv[1])
sys.stdin.readline()
lib.pool_make.restype = lib.pool_alloc.restype = ctypes.c_void_p
lib.pool_alloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
pool = lib.pool_make()
for i in range(7):
    lib.pool_alloc(pool, 123)
"""

with case("a library that is opened later"):
    make()
    p = start(["python3", "-c", LATER, library_path], stdin=subprocess.PIPE, text=True)
    m = Memtrace(*EVERYTHING, "-v", "-p", p.pid, "--probe", " ".join(LIBRARY)).attached()
    true("no such file is mapped yet" in m.stderr(), m.stderr())
    p.stdin.write("open it\n")
    p.stdin.flush()
    wait_for(lambda: re.search(r"probed \d+ functions? in \S*libpool", m.stderr()), "the library to be probed")
    p.communicate("use it\n", PATIENCE)
    equal(m.wait(), 0, "the exit status")
    equal([(s["live_blocks"], s["live_bytes"]) for s in m.final()["sites"] if s["api"] == "pool_alloc"], [(7, 861)],
          "the blocks and bytes of pool_alloc")

with case("functions that were not found are reported"):
    exe = make()
    p = Program([exe])
    m = Memtrace(*EVERYTHING, "-p", p.pid, "--explain-probes", "--probe",
                 f"pool_alloc(size=2) no_such_function(size=1) {exe}:pool_alloc(size=2) libabsent.so:f(ptr=1)").attached()
    m.interrupt()
    p.kill()
    text = m.stderr()
    for wanted in (r"attached to \d+, \d+ functions in \d files, 1 of 4 of --probe",
                   r"^  pool_alloc +0x[0-9a-f]+(\+\d+)? ",
                   r"--probe no_such_function\(size=1\): not defined in \d+ mapped files? ",
                   r"--probe \S+pools:pool_alloc\(size=2\): \S+pools does not define it",
                   r"--probe libabsent.so:f\(ptr=1\): no such file is mapped yet"):
        true(re.search(wanted, text, re.M), f"{wanted!r} is not in:\n{text}")

with case("--probe that is not valid"):
    for probe, wanted in (("pool_alloc", "does not say which argument is which"),
                          ("pool_alloc(siez=1)", "'siez=1' at character 12 is not one of size=N"),
                          ("0x10(size=1)", "needs its file")):
        m = Memtrace("-p", 1, "--probe", probe)
        equal(m.wait(), 2, "the exit status")
        true(wanted in m.stderr() and "; try --probe 'lib" in m.stderr(), m.stderr())
        equal(m.stderr().count("\n"), 1, "the number of lines on standard error")

done()
