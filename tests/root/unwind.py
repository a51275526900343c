#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole stacks: those of the unwinder in BPF are those of libgcc's _Unwind_Backtrace at the same call."""
import re

from lib import *

PARTS = os.path.join(os.path.abspath(os.environ.get("B", "build")), "root", "unwind")
SOURCES = os.path.join(HERE, "unwind")
DRIVER, WALK, ORACLE = (os.path.join(PARTS, p) for p in ("driver", "walk.bpf.o", "oracle.so"))
total = 0


def compile_c(source, *flags, cc=CC):
    out = path(source.split(".")[0])
    tool(cc.split()[0])
    r = subprocess.run([*cc.split(), "-D_GNU_SOURCE", "-g", "-O2", "-fomit-frame-pointer", "-pthread", *flags, "-o", out,
                        os.path.join(SOURCES, source), "-Wl,-z,lazy"], capture_output=True, text=True)
    true(r.returncode == 0, f"{source} does not compile with {cc}:\n{r.stderr}")
    return out


def run(argv, *options):
    """Runs the driver and returns its counts; fails if a stack differs."""
    p = start([DRIVER, WALK, ORACLE, *options, "--", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
              cwd=TMP)
    out, errors = p.communicate(timeout=PATIENCE)
    lines = [line for line in out.splitlines() if line.startswith("compared ")]
    true(lines, f"the driver printed no counts:\n{out[-500:]}{errors[-500:]}")
    counts = {k: int(v) for k, v in re.findall(r"(compared|identical|lost|guessed|status) (\d+)", lines[0])}
    counts.update((k, int(v)) for k, v in re.findall(r"(complete|limit|no \w+|unreadable|bad sp) (\d+)",
                                                     lines[0].split("|")[1]))
    counts["line"], counts["errors"] = lines[0], errors
    differences = "\n".join(line for line in out.splitlines() if line.startswith("# "))
    equal(counts["lost"], 0, "records lost")
    equal(counts["identical"], counts["compared"], f"{differences}\nidentical stacks")
    return counts


def compare(name, argv, at_least, *options):
    """Checks that all stacks are the same, that there are enough of them, and that they are complete."""
    global total
    with case(f"stacks of {name}"):
        counts = run(argv() if callable(argv) else argv, *options)
        equal(counts["status"], 0, "the program's exit status")
        true(counts["compared"] >= at_least, f"only {counts['compared']} stacks were compared")
        equal(counts.get("complete", 0) + counts.get("limit", 0), counts["compared"], "complete or cut stacks")
        equal(counts["guessed"], 0, "stacks that rest on a guessed frame pointer")
        print(f"# {name}: {counts['line']}")
        total += counts["compared"]


def shared(source):
    return compile_c(source, "-shared", "-fPIC")


PYTHON = """
import ctypes, decimal, json, re, sqlite3, threading, zlib
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))(
    lambda a, b: len([0] * 100) and a[0] - b[0])
def work(n):
    db = sqlite3.connect(":memory:")
    db.create_function("twice", 1, lambda x: json.dumps([x] * 2))
    db.execute("create table t (a, b)")
    db.executemany("insert into t values (?, ?)", [(i, str(i) * 9) for i in range(n)])
    rows = db.execute("select twice(a), b from t order by b").fetchall()
    text = json.dumps([json.loads(a) for a, b in rows])
    zlib.decompress(zlib.compress(re.sub("[0-9]+", lambda m: m.group() * 2, text).encode()))
    numbers = (ctypes.c_int * 20)(*range(20, 0, -1))
    ctypes.CDLL(None).qsort(numbers, 20, 4, compare)
    sum(decimal.Decimal(i) / 7 for i in range(n))
    try:
        (lambda f: f(f))(lambda f: f(f))
    except RecursionError:
        pass
threads = [threading.Thread(target=work, args=(60,)) for i in range(3)]
[t.start() for t in threads]; work(80); [t.join() for t in threads]
"""

PERL = """
use strict; use POSIX; use Data::Dumper; use List::Util qw(sum first);
my %h; $h{$_} = [map { $_ * 2 } 1 .. 20] for 1 .. 500;
my $s = Dumper(\\%h); $s =~ s/(\\d+)/"<" . reverse($1) . ">"/ge;
my @x = sort { sum(@{$h{$a}}) <=> sum(@{$h{$b}}) || $a cmp $b } keys %h;
eval { die { code => $_ } } for 1 .. 50;
sub deep { my ($n) = @_; return $n ? deep($n - 1) . "x" : join ",", @x } deep(60);
"""

if not os.path.exists(DRIVER):
    raise SystemExit("not ok - the driver is not built: make check-root")

for cc in ("gcc", "clang"):
    compare(f"C by {cc}", lambda: [compile_c("c.c", cc=cc), shared("lib.c")], 20000)

    with case(f"stacks of C by {cc} with return probes on them"):
        exe, lib, before = compile_c("c.c", cc=cc), shared("lib.c"), path("before")
        probed = [f"{exe}:{f}" for f in ("step0", "step3", "step5", "point", "grown", "tail1", "tail2", "never_back",
                                         "leave", "raise_deep", "handler", "aligned_and_grown")]
        run([exe, lib, "same"], "-w", before)
        counts = run([exe, lib, "same"], "-a", before, *(o for p in probed for o in ("-r", p)))
        true(counts["compared"] >= 1000, f"only {counts['compared']} stacks were compared")
        total += counts["compared"]

compare("C++", lambda: [compile_c("cxx.cc", cc=CXX)], 4000)
compare("python3", lambda: [tool("python3"), "-c", PYTHON], 5000)
compare("perl", lambda: [tool("perl"), "-e", PERL], 4000, "-e", "3")
compare("gdb", lambda: [tool("gdb"), "-nx", "-batch", "-ex", "info functions driver", "-ex", "info line main", DRIVER], 2000,
        "-e", "10")
compare("clang", lambda: [tool("clang"), "-O2", "-c", os.path.join(SOURCES, "c.c"), "-D_GNU_SOURCE", "-o", "/dev/null"], 4000,
        "-e", "5")

for how, option in (("of a process that was not announced", "-k"), ("while the files change", "-s")):
    with case(f"stacks {how}, with known files"):
        exe, lib = compile_c("c.c"), shared("lib.c")
        counts = run([exe, lib], option)
        # The kernel cannot read the mappings while another thread changes them.
        cut = counts.get("no table", 0)
        true(cut * 50 < counts["compared"], f"{cut} of {counts['compared']} stacks were cut")
        equal(counts["complete"] + counts["limit"] + cut, counts["compared"], "complete or cut stacks")
        total += counts["compared"] - cut

with case("stacks without room for their tables are cut, and counted"):
    counts = run([tool("clang"), "--version"], "-m", "8")
    true("no room for the unwind table of libLLVM" in counts["errors"], f"it was not reported:\n{counts['errors']}")
    true(counts.get("no table", 0) > 0, "no stack ended for lack of a table")
    equal(counts["no table"] + counts["complete"], counts["compared"], "complete or cut stacks")

print(f"# {total} stacks compared")
done()
