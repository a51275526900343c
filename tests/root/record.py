#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings: the same reports later, at any load, for any user, and from a file that was cut off."""
import json
import os
import shutil
import signal
import subprocess
import time

from lib import *

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def run(*args, status=0, **kw):
    r = subprocess.run([MEMTRACE, *map(str, args)], capture_output=True, text=True, timeout=PATIENCE, **kw)
    equal(r.returncode, status, f"the status of memtrace {' '.join(map(str, args))} ({r.stderr})")
    return r


def same(a, b, what):
    """Files are the same, but for what is to be done next: a recording's processes may be gone."""
    with open(a, "rb") as f, open(b, "rb") as g:
        x, y = (re.sub(rb'"next":\[(\{"step":"[^"]*","command":"[^"]*"\}|,)*\]', b"", h.read()) for h in (f, g))
    if x != y:
        at = next((i for i, (p, q) in enumerate(zip(x, y)) if p != q), min(len(x), len(y)))
        raise AssertionError(f"{what} differ from byte {at} of {len(x)} and {len(y)}: "
                             f"{x[max(0, at - 80):at + 80]!r} and {y[max(0, at - 80):at + 80]!r}")


def last_report(text):
    return [json.loads(line) for line in text.splitlines()][-1]


def live_and_replay(name, fmt, argv, *options, interval="0.5"):
    live, again, recording = path(f"live.{fmt}"), path(f"again.{fmt}"), path("run.mt")
    run("-f", fmt, "-i", interval, "-o", live, "--record", recording, *options, "--", *argv,
        env={**os.environ, "TRUTH": path("truth")})
    # The options of a report are given again; --kind and --min-age belong to both.
    run("report", recording, "-f", fmt, "-i", interval, "-o", again, *options)
    same(live, again, f"{name}: the live reports and those of the recording")
    return recording


for fmt in ("json", "text", "folded", "pprof"):
    with case(f"byte for byte: {fmt}"):
        live_and_replay("allocation functions", fmt, [build("functions.c")])
        live_and_replay("mappings", fmt, [build("maps.c")])
        live_and_replay("children", fmt, [build("forks.c")])
        live_and_replay("C++, by age", fmt, [build("cxx.cc")], "--sort", "age", "-t", "3")
        live_and_replay("threads", fmt, [build("load.c"), "2", "2"], "--min-age", "0.3")

with case("byte for byte: a running process, mappings of files, a mark"):
    again, recording = path("again"), path("run.mt")
    p = Program([build("maps.c")])
    m = Memtrace("-f", "json", "-t", "0", "-i", "0.3", "--record", recording, "-p", p.pid).attached()
    live = m.out_path
    p.go()
    wait_for(m.reports, "a report")
    m.proc.send_signal(signal.SIGUSR1)
    wait_for(lambda: m.reports()[-1]["mark_s"], "a report with the mark")
    equal(m.interrupt(), 0, "the exit status")
    p.end()
    run("report", recording, "-f", "json", "-t", "0", "-i", "0.3", "-o", again)
    same(live, again, "the reports")
    with open(live) as f:
        true(last_report(f.read())["mark_s"], "the last report has no mark")

with case("at full load nothing is lost"):
    live, again, recording, calls = path("live"), path("again"), path("run.mt"), path("calls")
    truth_path = path("truth")
    everything = ("-f", "json", "-t", "0", "-i", "1", "--no-default-suppressions")
    run(*everything, "-o", live, "--record", recording, "--", build("load.c"), "2", "6", calls,
        env={**os.environ, "TRUTH": truth_path})
    run("report", recording, *everything, "-o", again)
    same(live, again, "the reports")
    with open(again) as f:
        report = last_report(f.read())
    compare(report, read_truth(truth_path), "load.c")
    with open(calls) as f:
        wanted = int(f.read())
    sites = [s for s in report["sites"] if own_function(s, "load.c") == "load"]
    equal(sum(s["allocs"] for s in sites), wanted, "the calls in the recording")
    size = os.path.getsize(recording)
    print(f"# {2 * wanted / 6 / 1e6:.2f} million events a second, {size / (2 * wanted):.1f} bytes each", flush=True)

with case("memtrace record, and reports by another user in other namespaces"):
    recording = path("run.mt")
    r = run("record", "-i", "0.5", "-o", recording, "--", build("functions.c"), env={**os.environ, "TRUTH": path("t")})
    equal(r.stdout, "", "standard output")
    true("memtrace: recorded " in r.stderr, f"what was recorded is told ({r.stderr})")
    os.chmod(TMP, 0o755)
    os.chmod(recording, 0o644)
    here = run("report", recording, "-f", "json", "-i", "0.5")
    # Another user, who sees neither the processes nor the debug files.
    copy = shutil.copy(MEMTRACE, TMP)
    hidden = ["unshare", "-mpf", "--mount-proc", "sh", "-c",
              'mount -t tmpfs none /usr/lib/debug; exec "$@"', "sh", *NOBODY]
    there = subprocess.run([*hidden, copy, "report", recording, "-f", "json", "-i", "0.5"], capture_output=True,
                           text=True, timeout=PATIENCE)
    equal(there.returncode, 0, f"the status ({there.stderr})")
    equal(there.stdout, here.stdout, "the reports")
    true("functions.c" in there.stdout and "libc.so" in there.stdout, "the reports have no names")

with case("a recording that was cut off because memtrace was killed"):
    recording = path("run.mt")
    p = Program([build("busy.c")])
    m = Memtrace("record", "-i", "1", "-o", recording, "-p", p.pid).attached()
    p.go(wait=False)

    def recorded():
        r = subprocess.run([MEMTRACE, "report", recording, "-f", "json"], capture_output=True, text=True, timeout=PATIENCE)
        return r.returncode == 0 and last_report(r.stdout)["elapsed_s"] > 2
    wait_for(recorded, "two seconds to be in the file")
    m.proc.kill()
    m.proc.wait()
    p.kill()
    r = run("report", recording, "-f", "json", "-t", "0")
    true("the recording was cut off: it is complete up to " in r.stderr, f"that is told ({r.stderr})")
    report = last_report(r.stdout)
    true(report["final"] and report["notice"].startswith("the recording was cut off"), "in the report too")
    true(report["elapsed_s"] > 2, f"the report ends after {report['elapsed_s']} s")
    true(any(own_function(s, "busy.c") == "spin" for s in report["sites"]), "the report has no names")

with case("a limit of its size"):
    live, again, recording = path("live"), path("again"), path("run.mt")
    run("-f", "json", "-t", "0", "-i", "1", "-o", live, "--record", recording, "--record-size", "6m", "--",
        build("load.c"), "2", "8", env={**os.environ, "TRUTH": path("truth")})
    true(os.path.getsize(recording) <= 8 << 20, f"the recording has {os.path.getsize(recording)} bytes")
    true(not os.path.exists(recording + ".next"), "the second file was not removed")
    run("report", recording, "-f", "json", "-t", "0", "-o", again)
    with open(live) as f, open(again) as g:
        equal(g.read().splitlines()[-1], f.read().splitlines()[-1], "the last report")

with case("the difference of two recordings"):
    a, b = path("a.mt"), path("b.mt")
    for name, letters in ((a, "lkk"), (b, "lllloo")):
        run("record", "-o", name, "--", build("leaks.c"), input=letters)
    r = run("diff", a, b, "-f", "json", "-t", "0")
    lines = [json.loads(line) for line in r.stdout.splitlines()]
    equal(lines[0]["type"], "diff", "the first line")
    equal(lines[0]["change_bytes"], sum(s["change_bytes"] for s in lines[1:]), "the sum of all changes")
    changes = {own_function(s, "leaks.c"): (s["change_bytes"], s["change_blocks"]) for s in lines[1:]}
    equal(changes, {"session_new": (300000, 300), "other_leak": (2000, 20), "known_leak": (-3200, -100)}, "the changes")
    r = run("diff", a, a)
    true("change  0 B in 0 blocks" in r.stdout, f"a recording differs from itself: {r.stdout}")

with case("recordings of unequal length are compared by rate"):
    paced = [(1, 30, "long"), (1, 14, "short"), (2, 14, "faster")]
    file = {name: path(name) for _, _, name in paced}
    programs = [start([build("pace.c"), str(factor)]) for factor, _, _ in paced]
    recorders = [subprocess.Popen([MEMTRACE, "record", "-p", str(p.pid), "-d", str(seconds), "-o", file[name]],
                                  stderr=subprocess.PIPE)
                 for p, (_, seconds, name) in zip(programs, paced)]
    for m in recorders:
        equal((m.communicate(timeout=PATIENCE), m.returncode)[1], 0, "the status of memtrace record")
    for p in programs:
        p.kill()
        p.wait()

    def compared(a, b, condition, status):
        text = run("diff", file[a], file[b], "--fail-on", condition, status=status)
        true("\nrates   what grows is compared with" in text.stdout, text.stdout)
        true("by rate" in text.stderr, text.stderr)
        first, *sites = [json.loads(line) for line in run("diff", file[a], file[b], "-f", "json").stdout.splitlines()]
        equal(first["by_rate"], True, "the comparison")
        return {own_function(s, "pace.c"): s["change_bytes"] for s in sites}

    equal(compared("long", "short", "growth>0", 0), {}, "a leak at the same rate, and less time")
    equal(compared("short", "long", "growth>0", 0), {}, "a leak at the same rate, and more time")
    changes = compared("long", "faster", "growth>700k", 3)
    equal(set(changes), {"other_pace"}, "what is faster")
    true(1_000_000 < changes["other_pace"] < 1_800_000, f"faster by {changes}")
    changes = compared("faster", "long", "growth>0", 0)
    # If the short run is not enough to call it a leak, it may as well have ended: no change.
    true(all(change < 0 for change in changes.values()), f"what is slower: {changes}")

with case("files that cannot be read or written"):
    bad, good = path("bad.mt"), path("good.mt")
    run("record", "-o", good, "--", "true")
    with open(good, "rb") as f:
        data = f.read()

    def refused(content, reason):
        with open(bad, "wb") as f:
            f.write(content)
        r = run("report", bad, status=1)
        equal((r.stdout, len(r.stderr.splitlines())), ("", 1), "standard output, and the lines of standard error")
        true(reason in r.stderr, f"{reason!r}, not {r.stderr!r}")

    refused(b"", "cut off before anything was recorded")
    refused(b"hello\n", "it is not a memtrace recording")
    refused(data[:40] + bytes([data[40] ^ 1]) + data[41:], "it is damaged after its first 16 bytes")
    refused(data[:8] + bytes([data[8] + 1]) + data[9:], "it is damaged in its first 16 bytes")
    r = run("report", "/nonexistent.mt", status=1)
    true("cannot read /nonexistent.mt: No such file or directory" in r.stderr, r.stderr)
    r = run("record", "-o", "/nonexistent/x.mt", "--", "true", status=1)
    true("cannot write /nonexistent/x.mt: No such file" in r.stderr, r.stderr)
    r = run("record", "-p", "1", status=2)
    true("record needs an output file; try -o run.mt" in r.stderr, r.stderr)
    r = run("report", good, "-p", "1", status=2)
    true("--pid cannot be used with report" in r.stderr, r.stderr)

with case("a full disk"):
    small = path("small")
    os.mkdir(small)
    script = f'mount -t tmpfs -o size=1m none {small} && exec "$@"'
    began = time.monotonic()
    r = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", MEMTRACE, "record", "-o", f"{small}/run.mt", "-i",
                        "1", "--", build("load.c"), "1", "20"], capture_output=True, text=True, timeout=PATIENCE)
    equal(r.returncode, 1, f"the exit status ({r.stderr})")
    true(f"cannot write {small}/run.mt: No space left on device" in r.stderr, r.stderr)

done()
