# SPDX-License-Identifier: GPL-2.0-or-later
"""Helpers for the root tests: compile a program that knows its own answer, trace it, compare exactly.

A test script is a sequence of `with case("name"):` blocks and ends with done(). Every process that a
script started is killed when the script ends, in whatever way.
"""
import atexit
import concurrent.futures
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "programs")
MEMTRACE = os.path.join(os.path.abspath(os.environ.get("B", "build")), "memtrace")
CC = os.environ.get("CC") or "gcc"
CXX = os.environ.get("CXX") or "g++"
CFLAGS = ["-g", "-O1", "-fno-omit-frame-pointer", "-Wall", "-Wextra", "-pthread"]
TMP = os.path.realpath(tempfile.mkdtemp(prefix="memtrace-root-"))
STALLED = 60  # seconds without progress after which something is considered to hang
PATIENCE = 600  # seconds after which it is considered to hang, whatever it does

_started = []
_failed = 0


class Skip(Exception):
    """The test cannot run on this machine; the text says why."""


def _clean():
    for p in _started:
        if p.poll() is None:
            p.kill()
            p.wait()
    shutil.rmtree(TMP, ignore_errors=True)


atexit.register(_clean)
for _sig in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_sig, lambda number, frame: sys.exit(1))


@contextlib.contextmanager
def case(name):
    """One test: it fails if the block raises an exception."""
    global _failed
    began = time.monotonic()
    try:
        yield
        print(f"ok - {name}", flush=True)
    except Skip as e:
        print(f"skip - {name}: {e}", flush=True)
    except Exception as e:  # the script continues with its next test
        _failed += 1
        text = str(e) or repr(e)
        if not isinstance(e, AssertionError):
            text = f"{type(e).__name__}: {text}"
        for line in text.splitlines():
            print(f"# {line}")
        print(f"not ok - {name}", flush=True)
    if "TIMES" in os.environ:
        print(f"# {time.monotonic() - began:6.2f} s: {name}", flush=True)


def done():
    sys.exit(1 if _failed else 0)


def equal(got, want, what):
    if got != want:
        raise AssertionError(f"{what} is {got!r}, not {want!r}")


def true(condition, what):
    """`what` says what is wrong if the condition does not hold."""
    if not condition:
        raise AssertionError(what)


def _work():
    """Ticks of processor time that this script's descendants have taken."""
    rows = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        rows.setdefault(int(fields[1]), []).append((int(pid), sum(map(int, fields[11:15]))))
    total, todo = 0, [os.getpid()]
    while todo:
        for pid, ticks in rows.get(todo.pop(), []):
            total += ticks
            todo.append(pid)
    return total


def wait_for(condition, what, seconds=STALLED):
    """Waits until `condition` returns something true, and returns that. What the script started may take longer than
    `seconds` on a loaded machine, as long as it works."""
    began = time.monotonic()
    end, work = began + seconds, None
    while True:
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > end:
            before, work = work, _work()
            if now - began > PATIENCE or before is not None and abs(work - before) < os.sysconf("SC_CLK_TCK") // 10:
                raise AssertionError(f"waited {now - began:.0f} s for {what}, in vain")
            end = now + seconds / 4
        time.sleep(0.01)


def seed():
    """Seeds `random`, from $SEED if it is set, and prints the seed: with it a failure can be repeated."""
    number = int(os.environ.get("SEED") or random.randrange(1 << 32))
    print(f"# SEED={number}", flush=True)
    random.seed(number)


def together(*functions):
    """Runs functions that do not disturb each other at the same time; returns their results, in order."""
    with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
        return [future.result() for future in [pool.submit(f) for f in functions]]


_unique = 0


def path(name):
    """A path that was not used before."""
    global _unique
    _unique += 1
    return os.path.join(TMP, f"{_unique}-{name}")


def start(argv, **kw):
    kw.setdefault("stdin", subprocess.DEVNULL)
    p = subprocess.Popen(argv, **kw)
    _started.append(p)
    return p


def tool(name):
    """The name of a program; skips the test if it is not installed."""
    if not shutil.which(name):
        raise Skip(f"{name} is not installed")
    return name


_compiled = {}


def build(source, *flags, cc=None, name=None, cflags=CFLAGS):
    """Compiles programs/SOURCE, once for each set of flags; returns the path of the result."""
    cc = cc or (CXX if source.endswith(".cc") else CC)
    key = (source, flags, cc, tuple(cflags))
    if key not in _compiled:
        tool(cc.split()[0])
        out = os.path.join(TMP, f"{len(_compiled)}-{name or source.split('.')[0]}")
        before = [f for f in flags if not f.startswith("-l")]
        after = [f for f in flags if f.startswith("-l")]
        r = subprocess.run(
            [*cc.split(), *cflags, *before, "-o", out, os.path.join(PROGRAMS, source), *after],
            capture_output=True, text=True)
        _compiled[key] = (out, r)
    out, r = _compiled[key]
    if r.returncode:
        raise AssertionError(f"{source} does not compile with {cc}:\n{r.stderr}")
    return out


def library(name):
    """The path of a library; skips the test if it is not installed."""
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"):
        p = os.path.join(folder, name)
        if os.path.exists(p):
            return p
    raise Skip(f"{name} is not installed")


class Program:
    """A program under test. It waits for go() before it does its work, and for end() after it."""

    def __init__(self, argv, env=None, **kw):
        self.truth_path, self.go_path = path("truth"), path("go")
        os.mkfifo(self.go_path)
        self.go_fd = None
        env = {**os.environ, **(env or {}), "TRUTH": self.truth_path, "GO": self.go_path}
        self.proc = start(argv, env=env, **kw)
        self.pid = self.proc.pid
        wait_for(lambda: self._there(".ready"), f"{argv[0]} to start")

    def _there(self, suffix=""):
        if os.path.exists(self.truth_path + suffix):
            return True
        true(self.proc.poll() is None, f"the program ended with {self.proc.returncode}")
        return False

    def go(self, wait=True):
        def open_fifo():
            try:
                return os.open(self.go_path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                return None
        self.go_fd = wait_for(open_fifo, "the program to open its FIFO")
        if wait:
            self.finished()

    def finished(self):
        """Waits until its work is done, and returns its truth."""
        wait_for(self._there, "the program to finish")
        return read_truth(self.truth_path)

    def kill(self):
        self.proc.kill()
        self.proc.wait(PATIENCE)

    def end(self):
        if self.go_fd is not None:
            os.close(self.go_fd)
            self.go_fd = None
        wait_for(lambda: self.proc.poll() is not None, "the program to end")
        return self.proc.returncode


def read_truth(name):
    with open(name) as f:
        return json.load(f)["sites"]


class Memtrace:
    """A run of memtrace. Its output goes to files, so that it never waits for a reader."""

    def __init__(self, *args, env=None, stdin=subprocess.DEVNULL, **kw):
        self.out_path, self.err_path = path("out"), path("err")
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.proc = start([MEMTRACE, *map(str, args)], env={**os.environ, **(env or {})},
                              stdin=stdin, stdout=out, stderr=err, **kw)

    def stderr(self):
        with open(self.err_path, errors="replace") as f:
            return f.read()

    def stdout(self):
        with open(self.out_path, errors="replace") as f:
            return f.read()

    def attached(self):
        """Waits until its probes are attached."""
        def ready():
            text = self.stderr()
            if re.search(r"^memtrace: (attached to|tracing) ", text, re.M):
                return True
            true(self.proc.poll() is None, f"memtrace ended with {self.proc.returncode}:\n{text}")
            return False
        wait_for(ready, "memtrace to attach")
        return self

    def wait(self, seconds=STALLED):
        try:
            wait_for(lambda: self.proc.poll() is not None, "memtrace to end", seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.stderr()}") from None
        return self.proc.returncode

    def interrupt(self):
        self.proc.send_signal(signal.SIGINT)
        return self.wait()

    def lines(self):
        """The JSON lines of its output so far. While it runs, the last one may be incomplete and is left out."""
        running, text = self.proc.poll() is None, self.stdout()
        found = []
        for line in (text[:text.rfind("\n") + 1] if running else text).splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                raise AssertionError(f"not JSON: {line[:200]}\n{self.stderr()}") from None
        return found

    def reports(self):
        return [r for r in self.lines() if r["type"] == "report"]

    def final(self):
        """The last report of a run that has ended."""
        reports = self.reports()
        true(reports, f"there is no report\n{self.stderr()}")
        equal([r["final"] for r in reports], [False] * (len(reports) - 1) + [True], "final")
        return reports[-1]


EVERYTHING = ("-f", "json", "-t", "1000000", "-i", "3600", "--no-default-suppressions")


def launch(argv, *options, env=None, status=0):
    """Traces a command from start to end; returns (final report, truth)."""
    truth_path = path("truth")
    m = Memtrace(*EVERYTHING, *options, "--", *argv, env={**(env or {}), "TRUTH": truth_path})
    equal(m.wait(), status, f"the exit status (standard error: {m.stderr()})")
    return m.final(), read_truth(truth_path)


def attach(argv, *options, env=None):
    """Attaches to a command that waits, lets it do its work and end; returns (final report, truth)."""
    p = Program(argv, env=env)
    m = Memtrace(*EVERYTHING, *options, "-p", p.pid).attached()
    p.go()
    p.end()
    equal(m.wait(), 0, f"the exit status (standard error: {m.stderr()})")
    return m.final(), read_truth(p.truth_path)


def own_frame(site, source):
    """The innermost frame that is in the program's own source file and not inlined."""
    for f in site["stack"]:
        if not f["inlined"] and f["file"] and os.path.basename(f["file"]) == source:
            return f
    return None


def own_function(site, source):
    """The name of that frame's function, without arguments."""
    f = own_frame(site, source)
    return (f["func"] or "?").split("(")[0] if f else None


def sites_of(report, source, kind="heap", pid=None):
    """{function: its sites}, of those that hold blocks"""
    found = {}
    for s in report["sites"]:
        if s["kind"] == kind and (not pid or s["pid"] == pid) and s["live_blocks"]:
            found.setdefault(own_function(s, source), []).append(s)
    return found


def compare(report, truth, source, kind="heap", pid=None):
    """Checks that each function has the blocks, bytes and API that the program says, and that no other function has any."""
    found = sites_of(report, source, kind, pid)
    # Sites without a frame of the program: allocations that libraries made for themselves, which are not compared;
    # and stacks that end before the program because a library has no unwind tables, as musl's.
    short = [s for s in found.pop(None, []) if not s["complete"]]
    wrong = []
    for t in truth:
        sites = found.pop(t["func"], [])
        if t["blocks"] < 0:
            continue
        if not sites and t["blocks"] <= sum(s["live_blocks"] for s in short) and \
                t["bytes"] <= sum(s["live_bytes"] for s in short):
            continue
        blocks, size = sum(s["live_blocks"] for s in sites), sum(s["live_bytes"] for s in sites)
        if blocks != t["blocks"] or size != t["bytes"] and t["bytes"] >= 0:
            wrong.append(f"{t['func']}: {blocks} blocks, {size} bytes, not {t['blocks']}, {t['bytes']}")
        for s in sites:
            if t["api"] != "*" and s["api"] not in t["api"].split("|"):
                wrong.append(f"{t['func']}: {s['api']}, not {t['api']}")
    for func, sites in found.items():
        for s in sites:
            # A library function that it called may keep a block: pthread_create does.
            if s["stack"][0]["module"] == own_frame(s, source)["module"]:
                wrong.append(f"{func}: {s['api']} {s['live_blocks']}, {s['live_bytes']}, but it left nothing")
    wrong += unsound(report)
    true(not wrong, "\n".join(wrong))


def unsound(report):
    """What is inconsistent in a report with all call stacks: nothing, if all is well."""
    wrong = []
    for name, value in report["lost"].items():
        if value:
            wrong.append(f"lost {name}: {value}")
    for key in ("live_bytes", "live_blocks"):
        total = sum(s[key] for s in report["sites"] if s["kind"] == "heap")
        if total != report[key]:
            wrong.append(f"{key} is {total} over all sites, but {report[key]} in the report")
    return wrong
