#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How memtrace starts a command, how it ends, and that it leaves its target as it was."""
import glob
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

from lib import *


def status(*command, options=(), **kw):
    r = subprocess.run([MEMTRACE, "-o", "/dev/null", *options, "--", *command], capture_output=True, text=True,
                       timeout=PATIENCE, **kw)
    return r.returncode


with case("the command's own exit status"):
    for n in (0, 1, 7, 255):
        equal(status(build("status.c"), "exit", str(n)), n, f"the status after exit({n})")

with case("the signal that ended the command"):
    for n in (signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL):
        equal(status(build("status.c"), "signal", str(int(n))), 128 + n, f"the status after signal {n}")

with case("standard input, output and error are the command's"):
    data = os.urandom(300000)
    r = subprocess.run([MEMTRACE, "-o", "/dev/null", "--", build("status.c"), "cat"], input=data,
                       capture_output=True, timeout=PATIENCE)
    equal(r.returncode, 0, "the exit status")
    true(r.stdout == data, "the output differs from the input")
    true(b"\ndone\n" in b"\n" + r.stderr, "its standard error is not memtrace's")

with case("arguments, environment, working directory and umask"):
    script = 'printf "%s|" "$@"; echo "$MARK|$PWD|$(umask)|$(readlink /proc/$$/fd | sort | uniq -c | wc -l)"'
    argv = ["sh", "-c", script, "sh", "a b", "", "-p", "--", "*"]
    kw = dict(env={**os.environ, "MARK": "here"}, cwd="/usr", capture_output=True, text=True, timeout=PATIENCE,
              stdin=subprocess.DEVNULL, umask=0o27)
    plain = subprocess.run(argv, **kw)
    traced = subprocess.run([MEMTRACE, "-o", "/dev/null", "--", *argv], **kw)
    equal(traced.stdout, plain.stdout, "the command's view")

with case("open files and signal settings are not inherited from memtrace"):
    script = ("import os,signal; "
              "print(sorted(f for f in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + f))); "
              # Signals 32 and 33 belong to the C library.
              "print([(l[:7], int(l[7:], 16) & ~(3 << 31)) for l in open('/proc/self/status')"
              " if l[:3] in ('Sig', 'Shd') and l[:4] != 'SigQ'])")
    argv = ["python3", "-S", "-c", script]
    plain = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    traced = subprocess.run([MEMTRACE, "-o", "/dev/null", "--", *argv], capture_output=True, text=True,
                            stdin=subprocess.DEVNULL)
    equal(traced.stdout, plain.stdout, "the command's descriptors and signals")

with case("--user"):
    r = subprocess.run([MEMTRACE, "-o", "/dev/null", "--user", "nobody", "--", "sh", "-c", "id -un; echo $USER $HOME"],
                       capture_output=True, text=True, timeout=PATIENCE, cwd="/")
    home = os.path.expanduser("~nobody")
    equal(r.stdout, f"nobody\nnobody {home}\n", f"user and home ({r.stderr})")

with case("SIGTERM and SIGINT to memtrace reach the command"):
    for n in (signal.SIGTERM, signal.SIGINT):
        truth_path = path("truth")
        m = Memtrace(*EVERYTHING, "--", build("busy.c"), "catch", env={"TRUTH": truth_path})
        wait_for(lambda: os.path.exists(truth_path), "the command to begin")
        m.proc.send_signal(n)
        equal(m.wait(), 3, f"the status after signal {n}")
        report = m.final()
        equal((report["live_blocks"], report["live_bytes"]), (1, 4000), "the blocks and bytes that it left")


def remaps(mappings):
    """A program with so many mappings that maps code again and again."""
    p = Program([build("remaps.c"), str(mappings), "1000000"])
    p.go(wait=False)
    return p


with case("a target with many mappings that maps code all the time does not delay the end"):
    for mappings in (100, 60000):
        p = remaps(mappings)
        m = Memtrace(*EVERYTHING, "-d", "2", "-p", p.pid)
        equal(m.wait(), 0, f"the exit status with {mappings} mappings ({m.stderr()})")
        sites = [s for s in m.final()["sites"] if s["kind"] == "heap"]
        # Where memtrace itself held the lock of the mappings, the kernel did not answer, and the stack is cut.
        equal({s["stack"][0]["func"] for s in sites}, {"leave_a_block"}, "the functions that hold blocks")
        equal([s["complete"] for s in sites].count(True), 1, "the number of whole stacks")
        true(p.proc.poll() is None, "the target has ended")
        p.kill()

with case("a second signal ends memtrace at once, and leaves no file and no harm"):
    for n in (signal.SIGINT, signal.SIGTERM):
        p, out = remaps(10), path("out")
        # Nothing reads its reports, so that it cannot end in order.
        reader, writer = os.pipe()
        m = start([MEMTRACE, "-p", str(p.pid), "-f", "json", "-i", "0.05"], stdout=writer, stderr=subprocess.PIPE)
        document = start([MEMTRACE, "-p", str(p.pid), "-f", "folded", "-o", out], stderr=subprocess.PIPE)
        wait_for(lambda: not select.select([], [writer], [], 0)[1], "the pipe to be full")
        m.send_signal(n)
        def again():
            if m.poll() is None:
                m.send_signal(n)
            return m.poll() is not None
        wait_for(again, "memtrace to end")
        equal(m.returncode, 128 + n, "the exit status")
        true(b"ended by a second signal" in m.stderr.read(), "it does not say that there is no report")
        os.close(reader)
        os.close(writer)
        document.send_signal(n)
        equal(document.wait(PATIENCE), 0, "the exit status of another, which got one signal")
        true(p.proc.poll() is None, "the target has ended")
        p.kill()
    equal(glob.glob(path("out").rsplit("/", 1)[0] + "/*out.??????"), [], "files left over")


class Terminal:
    """memtrace at a terminal of its own."""

    def __init__(self, *args, **env):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            try:
                os.execve(MEMTRACE, [MEMTRACE, *map(str, args)], {**os.environ, **env})
            finally:
                os._exit(127)
        self.output = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def press(self, keys):
        os.write(self.fd, keys)

    def shows(self, text, times=1):
        """Waits for a text."""
        def shown():
            if select.select([self.fd], [], [], 0)[0]:
                self.output.extend(os.read(self.fd, 4096))
            return self.output.count(text) == times
        wait_for(shown, f"{text} at the terminal, which shows {bytes(self.output)}")

    def reads_lines(self):
        """Whether the terminal is in its usual mode."""
        return termios.tcgetattr(self.fd)[3] & (termios.ICANON | termios.ECHO) == termios.ICANON | termios.ECHO

    def end(self):
        """Waits for memtrace to end; returns its exit status."""
        code = wait_for(lambda: (lambda r: r[0] and r)(os.waitpid(self.pid, os.WNOHANG)), "memtrace to end")[1]
        self.pid = 0
        return os.waitstatus_to_exitcode(code)


with case("Ctrl-C at a terminal reaches the command, once"):
    truth_path, out = path("truth"), path("out")
    with Terminal("-f", "json", "-o", out, "--", build("busy.c"), "catch", TRUTH=truth_path) as t:
        wait_for(lambda: os.path.exists(truth_path), "the command to begin")
        t.press(b"\x03")
        equal(t.end(), 3, "the exit status")
    true(os.path.exists(out), "no report was written")

with case("the key m sets a mark, and the terminal is as it was afterwards"):
    target, out = start(["sleep", "1000"]), path("out")
    with Terminal("-p", target.pid, "-f", "json", "-o", out) as t:
        true(t.reads_lines(), "a new terminal does not read lines")
        t.shows(b"m sets a mark")
        true(not t.reads_lines(), "it still reads lines")
        t.press(b"xm")
        t.shows(b"mark set after ")
        t.press(b"m")
        t.shows(b"mark set after ", 2)
        t.press(b"\x03")
        t.shows(b"not judged: no allocation was seen")
        wait_for(t.reads_lines, "the terminal's mode to be restored")
        equal(t.end(), 0, "the exit status")
        true(b"xm" not in t.output, "the keys are echoed")
    target.kill()
    with open(out) as f:
        true(json.loads(f.read().splitlines()[-1])["mark_s"] > 0, "the report has no mark")


def trace_busily(p):
    """Attaches to busy.c and lets it run until its allocations are reported."""
    m = Memtrace("-f", "json", "-i", "0.2", "-p", p.pid).attached()
    p.go()
    wait_for(lambda: any(r["allocs"] > 1000 for r in m.reports()), "a report with allocations")
    return m


with case("Ctrl-C ends memtrace soon, with a final report"):
    p = Program([build("busy.c")])
    m = trace_busily(p)
    began = time.monotonic()
    equal(m.interrupt(), 0, "the exit status")
    took = time.monotonic() - began
    print(f"# it took {took:.2f} s")
    true(took < 5, f"it took {took:.2f} s")
    report = m.final()
    equal(unsound(report), [], "what is wrong")
    true(report["allocs"] > 1000, f"it saw {report['allocs']} allocations only")
    true(p.proc.poll() is None, "the program has ended")
    p.kill()

with case("the target's end ends the run"):
    p = Program([build("busy.c")])
    m = Memtrace("-f", "json", "-i", "3600", "-p", p.pid).attached()
    p.go()
    p.kill()
    equal(m.wait(), 0, "the exit status")
    true(m.final()["processes"][0]["exited"], "the process is not reported as ended")


def probe_point(pid, exe):
    """The probe of malloc in the program itself: (its address in the process, the original byte there)."""
    m = Memtrace("-f", "json", "-d", "0.1", "--explain-probes", "-p", pid)
    equal(m.wait(), 0, "the exit status")
    row = re.search(r"^ +malloc +0x([0-9a-f]+)(?:\+(\d+))? ", m.stderr(), re.M)
    true(row, f"malloc's probe is not listed:\n{m.stderr()}")
    at = int(row[1], 16) + int(row[2] or 0)
    with open(exe, "rb") as f:
        f.seek(at)
        original = f.read(1)
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            r = line.split()
            first, end = (int(x, 16) for x in r[0].split("-"))
            offset = int(r[2], 16)
            if len(r) > 5 and r[5] == exe and offset <= at < offset + end - first:
                return first + at - offset, original
    raise AssertionError(f"{exe} is not mapped at {at:#x}")


def byte_at(pid, address):
    with open(f"/proc/{pid}/mem", "rb") as f:
        f.seek(address)
        return f.read(1)


for how, end in (("SIGKILL", lambda m: m.proc.kill()), ("Ctrl-C", lambda m: m.interrupt())):
    with case(f"no probe is left after {how}"):
        exe = build("busy.c", "-static")  # no other tracer probes this file
        p = Program([exe])
        address, original = probe_point(p.pid, exe)
        wait_for(lambda: byte_at(p.pid, address) == original, "the first run's probe to be removed")
        m = trace_busily(p)
        equal(byte_at(p.pid, address), b"\xcc", "the byte while the program is traced")
        end(m)
        m.wait()
        wait_for(lambda: byte_at(p.pid, address) == original, "the probe to be removed")
        true(p.proc.poll() is None, "the program has ended")
        p.kill()

with case("a child that is not traced keeps no probe"):
    exe = build("forks.c", "-static")
    p = Program([exe])
    address, original = probe_point(p.pid, exe)
    m = Memtrace("-f", "json", "-i", "3600", "--no-children", "-p", p.pid).attached()
    p.go()
    children = f"/proc/{p.pid}/task/{p.pid}/children"
    wait_for(lambda: open(children).read().split(), "the child")
    child = int(open(children).read().split()[0])
    wait_for(lambda: byte_at(child, address) == original, "the child's breakpoint to be removed")
    equal(byte_at(p.pid, address), b"\xcc", "the byte in the parent, which is traced")
    p.end()
    equal(m.wait(), 0, "the exit status")

with case("a reader that closes the pipe"):
    p = Program([build("busy.c")])
    r = subprocess.run(f"{MEMTRACE} -f text -i 0.1 -p {p.pid} | head -n 1", shell=True, capture_output=True, text=True,
                       timeout=PATIENCE)
    true(r.stdout, "no line was read")
    true("Broken pipe" in r.stderr, f"the reason is not printed: {r.stderr}")
    p.kill()

done()
