#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Language runtimes: their own allocators (--runtime), and code that they compile at run time."""
from lib import *

OBJECTS = 5000


def kept(report, prefix):
    """The blocks that functions with such names left."""
    return sum(s["live_blocks"] for s in report["sites"] if s["api"].startswith(prefix))


def launched(*command, options=()):
    m = Memtrace(*EVERYTHING, "--kind", "heap", *options, "--", *command)
    equal(m.wait(), 0, f"the exit status ({m.stderr()})")
    return m.final()


def attached(*command, options=()):
    """Attaches to a program that prints a line and runs on; returns (final report, standard error)."""
    p = start([*command], stdout=subprocess.PIPE, text=True, cwd=TMP)
    equal(p.stdout.readline(), "ready\n", "the program's output")
    m = Memtrace(*EVERYTHING, *options, "-i", "1", "-p", p.pid).attached()
    wait_for(lambda: any(r["allocs"] for r in m.reports()), "an allocation")
    equal(m.interrupt(), 0, f"the exit status ({m.stderr()})")
    p.kill()
    return m.final(), m.stderr(), p.pid


PYTHON = f"import os; kept = [[i] for i in range({OBJECTS})]; os._exit(0)"
CHURN = (f"import os\nfor i in range({OBJECTS}):\n a = [[i], str(i), b'x' * i, {{i: i}}, bytearray(i), (i, i), {{i}}]\n"
         "a = None; os._exit(0)")
PYTHON_LOOP = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(0.01); b = bytearray(100000)"

with case("python: objects are seen with --runtime"):
    python = tool("/usr/bin/python3")
    equal(kept(launched(python, "-S", "-c", PYTHON), "Py"), 0, "blocks without --runtime")
    report = launched(python, "-S", "-c", PYTHON, options=("--runtime", "python"))
    true(kept(report, "Py") >= OBJECTS, f"{kept(report, 'Py')} blocks")
    # Functions that the compiler inlined in one place and not in another would leave what was freed.
    report = launched(python, "-S", "-c", CHURN, options=("--runtime", "python"))
    true(kept(report, "Py") < OBJECTS // 4, f"{kept(report, 'Py')} blocks, although all were freed")

with case("python: a report says how to see objects"):
    report, err, pid = attached("/usr/bin/python3", "-c", PYTHON_LOOP)
    hint = "python keeps small objects in arenas, where they are not seen; --runtime python"
    true(f"memtrace: {hint}" in err, f"no hint in {err}")
    steps = [s for s in report["next"] if "arenas" in s["step"]]
    equal([s["command"] for s in steps], [f"memtrace -p {pid} --runtime python"], "the next step")
    true("PYTHONMALLOC=malloc" in steps[0]["step"], "it has no variable")
    report, err, pid = attached("/usr/bin/python3", "-c", PYTHON_LOOP, options=("--runtime", "python"))
    true(not [s for s in report["next"] if "arenas" in s["step"]], "it says so although they are seen")
    true("warning" not in err and "arenas" not in err, f"a warning or hint: {err}")

with case("a runtime that is not there is one line"):
    report, err, pid = attached("/usr/bin/python3", "-c", PYTHON_LOOP, options=("--runtime", "php"))
    equal(err.count("warning"), 1, f"warnings in:\n{err}")
    true("--runtime php: no mapped file has its functions" in err, err)

with case("php: objects are seen with --runtime"):
    report = launched(tool("php"), "-n", "-r", f"$k = []; for ($i = 0; $i < {OBJECTS}; $i++) $k[] = str_repeat('x', 50 + $i % 9);"
                      " $GLOBALS['kept'] = $k;", options=("--runtime", "php"))
    made = sum(s["allocs"] for s in report["sites"] if s["api"].startswith("_emalloc"))
    true(made >= OBJECTS, f"{made} allocations by _emalloc")
    true(report["frees"] >= OBJECTS, f"{report['frees']} frees")

NODE = "console.log('ready'); const k = []; setInterval(() => { k.push(Buffer.allocUnsafeSlow(1000)); }, 5);"

with case("node: a note says what names its code, until it does"):
    report, _, _ = attached(tool("node"), "-e", NODE)
    true("--perf-basic-prof" in (report["notice"] or ""), f"the notice is {report['notice']}")
    # Frames of its interpreter have names of their own then.
    report, _, pid = attached("node", "--perf-basic-prof", "-e", NODE)
    os.unlink(f"/tmp/perf-{pid}.map")
    true("--perf-basic-prof" not in (report["notice"] or ""), f"the notice is {report['notice']}")

done()
