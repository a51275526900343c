#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The stack at an allocation is the one that gdb's bt prints: each function, file and line, inlined calls included."""
from lib import *

FLAGS = ["-O2", "-g", "-Wall", "-Wextra", "-fomit-frame-pointer"]


def gdb_stacks(program):
    """The stacks that bt prints at each call of marked: lists of (function, file, line), without libc."""
    script = path("gdb")
    with open(script, "w") as f:
        f.write("set debuginfod enabled off\nset pagination off\nset width 0\nset confirm off\nset print frame-arguments none\n"
                "break marked\nrun\nwhile 1\n  echo ---\\n\n  bt\n  continue\nend\n")
    r = subprocess.run([tool("gdb"), "-nx", "-batch", "-x", script, program], capture_output=True, text=True, timeout=PATIENCE,
                       stdin=subprocess.DEVNULL)
    stacks = []
    for text in r.stdout.split("---\n")[1:]:
        frames = re.findall(r"^#\d+\s+(?:0x[0-9a-f]+ in )?(.*) \([^()]*\) at (\S+):(\d+)$", text, re.M)
        frames = [(name(func), os.path.basename(file), int(line)) for func, file, line in frames]
        if not frames:  # the program has ended
            break
        true(frames and frames[0][0] == "marked", f"gdb stopped elsewhere: {text[:500]}")
        stacks.append(frames[1:])
    true(stacks, f"gdb did not stop:\n{r.stdout[-2000:]}{r.stderr[-2000:]}")
    return stacks


def name(func):
    """The name without scopes, arguments and template arguments, which the two spell differently."""
    func, before = func.replace("(anonymous namespace)::", ""), None
    while func != before:
        before, func = func, re.sub(r"<[^<>]*>", "", func)
    return "operator()" if "operator()" in func else func.split("(")[0].split("::")[-1].strip()


def compare_with_gdb(cc):
    program = build("inlined.cc", cc=cc, cflags=FLAGS)
    m = Memtrace(*EVERYTHING, "--kind", "heap", "--", program)
    equal(m.wait(), 0, "the exit status")
    report = m.final()
    got = []
    for s in report["sites"]:
        # Without frames of the C library, whose sources gdb may lack, and without marked itself.
        frames = [(name(f["func"] or "?"), os.path.basename(f["file"] or "?"), f["line"]) for f in s["stack"]
                  if f["module"] == program and f["file"]]
        if frames and frames[0][0] == "marked":
            got += [frames[1:]] * s["allocs"]
    want = gdb_stacks(program)
    inlined = sum(f["inlined"] for s in report["sites"] for f in s["stack"] if f["module"] == program)
    for stack in sorted(set(map(tuple, want)) | set(map(tuple, got))):
        n, k = sum(tuple(s) == stack for s in want), sum(tuple(s) == stack for s in got)
        true(n == k, f"gdb has this stack {n} times, memtrace {k} times:\n" + "\n".join(map(str, stack)) +
             "\n--- stacks of memtrace that gdb does not have:\n" + "\n".join(str(s) for s in got if s not in want))
    true(inlined >= 5, f"only {inlined} inlined calls were reported")
    print(f"# {len(want)} stacks with {sum(map(len, want))} frames compared with gdb, {inlined} of them inlined calls")


for compiler in (CXX, "clang++"):
    with case(f"C++ by {compiler} -O2 -g, inlined calls included"):
        compare_with_gdb(compiler)

done()
