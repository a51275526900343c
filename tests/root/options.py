#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Selection, sorting, and output formats."""
import gzip
import os
import re
import shutil
import subprocess

from lib import *

SOURCE = "sizes.c"


def run(*options, env=None):
    """Attaches to sizes.c and detaches when its work is done; returns the run."""
    p = Program([build(SOURCE)])
    m = Memtrace("-i", "3600", *options, "-p", p.pid, env=env).attached()
    p.go()
    equal(m.interrupt(), 0, f"the exit status ({m.stderr()})")
    true(p.proc.poll() is None, "the program has ended")
    p.end()
    return m


def functions(report):
    return [own_function(s, SOURCE) for s in report["sites"] if s["kind"] == "heap"]


for options, want in (
        ([], {"leak_small", "leak_big", "churn", "leak_late"}),
        (["--min-age", "0.9"], {"leak_small", "leak_big", "churn"}),
        (["--min-size", "100"], {"leak_small", "leak_big"}),
        (["--min-size", "300"], {"leak_small", "leak_big"}),
        (["--min-size", "1k"], {"leak_big"}),
        (["--max-size", "300"], {"leak_small", "churn", "leak_late"}),
        (["--min-size", "11", "--max-size", "64"], {"churn"}),
        (["--min-size", "1m"], set())):
    with case(" ".join(options) or "no selection"):
        report = run("-f", "json", "-t", "0", *options).final()
        live = [own_function(s, SOURCE) for s in report["sites"] if s["kind"] == "heap" and s["live_blocks"]]
        equal(set(live), want, "the functions")
        equal(unsound(report), [], "inconsistencies")

for key, want in (
        ("bytes", ["leak_big", "leak_small", "leak_late", "churn"]),
        ("blocks", ["leak_late", "leak_small", "leak_big", "churn"]),
        ("age", ["leak_small", "leak_big", "churn", "leak_late"]),
        ("rate", ["churn", "leak_late", "leak_small", "leak_big"]),
        ("growth", ["leak_big", "leak_small", "leak_late", "churn"])):
    with case(f"--sort {key}"):
        report = run("-f", "json", "--sort", key, "--kind", "heap").final()
        equal(functions(report), want, "the order")
        equal([s["rank"] for s in report["sites"]], [1, 2, 3, 4], "the ranks")

with case("--top 2"):
    report = run("-f", "json", "--sort", "bytes", "--top", "2", "--kind", "heap").final()
    equal(functions(report), ["leak_big", "leak_small"], "the functions")
    equal((report["total_sites"], report["rest_bytes"], report["rest_blocks"]), (4, 1064, 101), "the sites, and the bytes and blocks of those not shown")
    equal(report["live_bytes"], 19064, "live_bytes")

with case("-i and -n"):
    p = Program([build(SOURCE)])
    m = Memtrace("-f", "json", "-i", "0.3", "-n", "3", "-p", p.pid)
    equal(m.wait(), 0, "the exit status")
    true(p.proc.poll() is None, "the program has ended")
    reports = m.reports()
    equal([r["seq"] for r in reports], [1, 2, 3], "the numbers")
    equal([r["final"] for r in reports], [False, False, True], "final")
    # A report may be late on a busy machine, and then the next one is not.
    elapsed = [r["elapsed_s"] for r in reports]
    true(elapsed == sorted(elapsed) and elapsed[-1] > 0.85, f"the reports were made after {elapsed} s")
    equal(m.lines()[0]["type"], "meta", "the first line")
    equal(m.lines()[0]["interval_s"], 0.3, "interval_s")
    equal([t["pid"] for t in m.lines()[0]["targets"]], [p.pid], "the targets")
    p.kill()

with case("-d"):
    p = Program([build(SOURCE)])
    m = Memtrace("-f", "json", "-d", "0.5", "-p", p.pid)
    equal(m.wait(), 0, "the exit status")
    equal(len(m.reports()), 1, "the number of reports")
    true(0.45 < m.final()["elapsed_s"] < PATIENCE, f"it took {m.final()['elapsed_s']} s")
    p.kill()

with case("a program that makes no allocation call is reported"):
    p = Program([build(SOURCE)])
    m = Memtrace("-f", "text", "-i", "0.2", "-n", "2", "-p", p.pid)
    equal(m.wait(), 0, "the exit status")
    true("no allocation call has been seen" in m.stdout() + m.stderr(), f"it is not reported: {m.stdout()}")
    p.kill()

FORMATS = {}
for name in ("text", "json", "pprof", "folded"):
    with case(f"-o with -f {name}"):
        out = path(name)
        m = run("-f", name, "-o", out)
        equal(m.stdout(), "", "standard output")
        with open(out, "rb") as f:
            FORMATS[name] = f.read()
        equal(os.stat(out).st_mode & 0o777, 0o644, "the mode of the file")
        equal([f for f in os.listdir(TMP) if f.startswith(os.path.basename(out) + ".")], [], "temporary files left behind")

with case("text is plain, and names functions, files and lines"):
    text = FORMATS["text"].decode()
    true("\x1b" not in text, "there are escape sequences")
    true(re.search(r"leak_big\s+\S*sizes\.c:\d+", text), f"leak_big has no line:\n{text}")

with case("JSON has the keys of the schema"):
    lines = [json.loads(line) for line in FORMATS["json"].decode().splitlines()]
    equal([line["type"] for line in lines], ["meta", "report"], "the types of the lines")
    for key in "schema version time host kernel mode interval_s targets".split():
        true(key in lines[0], f"meta has no {key}")
    for key in ("seq final time elapsed_s live_bytes live_blocks peak_bytes allocs frees alloc_bytes free_bytes "
                "unmatched_frees lost stacks processes sites").split():
        true(key in lines[1], f"a report has no {key}")
    for key in ("pid comm container exited live_bytes live_blocks allocs frees allocator_bytes mapped_bytes "
                "rss_bytes").split():
        true(key in lines[1]["processes"][0], f"a process has no {key}")
    for key in ("rank id pid kind api live_bytes live_blocks allocs frees alloc_bytes growth_bytes oldest_s newest_s "
                "leak_rate_bps survival verdict complete stack").split():
        true(key in lines[1]["sites"][0], f"a site has no {key}")
    for key in "func module offset file line inlined".split():
        true(key in lines[1]["sites"][0]["stack"][0], f"a frame has no {key}")

with case("ids are the same in every run"):
    def ids(report):
        return {own_function(s, SOURCE): s["id"] for s in report["sites"] if own_function(s, SOURCE)}
    a, b = (run("-f", "json", "--kind", "heap").final() for _ in range(2))
    equal(len(ids(a)), 4, "the number of ids")
    equal(ids(a), ids(b), "the ids")

with case("folded stacks"):
    lines = FORMATS["folded"].decode().splitlines()
    true(lines, "there are no lines")
    for line in lines:
        true(re.fullmatch(r"\S.*;.* \d+", line), f"not a line of frames and a number: {line!r}")
    true(any(re.search(r";main;leak_big;malloc 15000$", line) for line in lines), "leak_big is missing, or has other bytes")

with case("pprof reads its file"):
    true(FORMATS["pprof"][:2] == b"\x1f\x8b", "it is not gzip")
    true(len(gzip.decompress(FORMATS["pprof"])) > 100, "it is too short")
    pprof = shutil.which("pprof") or shutil.which("google-pprof")
    if not pprof and shutil.which("go"):
        pprof = "go"
    if not pprof or os.path.basename(pprof) == "google-pprof":
        raise Skip("pprof is not installed")
    p = path("profile.pb.gz")
    with open(p, "wb") as f:
        f.write(FORMATS["pprof"])
    argv = ([pprof] if pprof != "go" else ["go", "tool", "pprof"]) + ["-top", "-sample_index=inuse_space", p]
    r = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "HOME": TMP})
    equal(r.returncode, 0, f"pprof's exit status ({r.stderr})")
    true(re.search(r"leak_big", r.stdout), f"leak_big is missing:\n{r.stdout}")

done()
