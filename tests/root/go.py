#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Go programs that use C (cgo): what C allocates is reported with its callers in Go, also from stripped files."""
from lib import *

ROUNDS = 20
SOURCE = "cgo.go"
GO = os.environ.get("GO_PROGRAM") or "go"


def go_build(*options):
    """Builds the program in a module of its own."""
    tool(GO)
    folder, out = path("go"), path("cgo")
    os.mkdir(folder)
    shutil.copy(os.path.join(PROGRAMS, SOURCE), folder)
    with open(os.path.join(folder, "go.mod"), "w") as f:
        f.write("module cgo\n\ngo 1.18\n")
    env = {"GOCACHE": os.path.join(TMP, "go-cache"), **os.environ, "CGO_ENABLED": "1", "CC": CC}
    r = subprocess.run([GO, "build", *options, "-o", out, "."], cwd=folder, env=env, capture_output=True, text=True)
    true(r.returncode == 0, f"go build failed:\n{r.stderr}")
    return out


def strip(program):
    out = path("stripped")
    subprocess.run([tool("strip"), "-o", out, program], check=True)
    return out


def line_of(text):
    with open(os.path.join(PROGRAMS, SOURCE)) as f:
        return [i for i, line in enumerate(f, 1) if text in line][0]


def own(site):
    """The program's own functions in a stack, from the inside out."""
    names = [f["func"][5:] for f in site["stack"] if (f["func"] or "").startswith("main.")]
    return [n for n in names if not re.search("^_C|^_cgo|^called_by_c", n)]


CALLERS = (["work", "main"], ["work", *["deep"] * 31, "main.func1"])
WANTED = {  # function: how many blocks each call of work() leaves, the bytes of one
    "keep_string": (ROUNDS, 7),
    "keep_in_c": (ROUNDS, 1000),
    "keep_in_callback": (2 * ROUNDS, 9),
}


def check_sites(report, function, callers, blocks, size):
    # The second callback comes from C that the first one called.
    mine = [s for s in report["sites"] if own(s) == [function, *callers]]
    what = f"{function} called by {callers[-1]}"
    equal(sum(s["live_blocks"] for s in mine), blocks, f"blocks of {what}, of {[own(s) for s in report['sites']]}")
    equal(sum(s["live_bytes"] for s in mine), blocks * size, f"bytes of {what}")
    for s in mine:
        equal((s["complete"], s["stack"][-1]["func"]), (True, "runtime.goexit"), f"the end of the stack of {what}")
        frame = [f for f in s["stack"] if f["func"] == f"main.{function}"][0]
        equal((os.path.basename(frame["file"] or ""), frame["line"]), (SOURCE, line_of(f"func {function}()")),
              f"the line of {what}")
        # The C function is inlined into one that cgo made: only DWARF has its name.
        if function != "keep_in_c":
            equal(s["title"], f"main.{function}", f"the title of {what}")
    if function == "keep_in_callback":
        depths = sorted(sum(f["func"] == "crosscall2" for f in s["stack"]) for s in mine)
        equal(depths, [1, 2], f"how often C called Go in {what}")


def check(report):
    true(not any(report["lost"].values()), f"lost: {report['lost']}")
    equal(report["stacks"]["truncated"], 0, f"incomplete stacks ({report['stack_ends']})")
    for function, (blocks, size) in WANTED.items():
        for callers in CALLERS:
            check_sites(report, function, callers, blocks, size)
    true(not [s for s in report["sites"] if "keep_nothing" in own(s) and s["live_blocks"]], "a freed block is live")


def launched(program):
    m = Memtrace(*EVERYTHING, "--kind", "heap", "--", program)
    equal(m.wait(), 0, f"the exit status ({m.stderr()})")
    return m.final()


with case("stacks through C and Go"):
    check(launched(go_build()))

with case("stacks through C and Go, stripped, attached"):
    p = start([strip(go_build()), "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    equal(p.stdout.readline(), "ready\n", "the program's output")
    m = Memtrace(*EVERYTHING, "--kind", "heap", "-p", p.pid).attached()
    p.stdin.close()
    equal(m.wait(), 0, f"the exit status ({m.stderr()})")
    check(m.final())

with case("stacks through C and Go, stripped, position-independent"):
    check(launched(strip(go_build("-buildmode=pie"))))

with case("frame pointers in a circle end the walk"):
    report = launched(build("forged_go.S", "-no-pie", cflags=()))
    site = [s for s in report["sites"] if "main.forged" in [f["func"] for f in s["stack"]]][0]
    equal((site["live_blocks"], site["live_bytes"], site["complete"]), (10, 1000, False), "what it allocated")
    true(10 < len(site["stack"]) < 30, f"{len(site['stack'])} frames")
    equal(report["stack_ends"]["bad_sp"], 10, f"the ends of stacks, {report['stack_ends']}")

done()
