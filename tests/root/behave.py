#!/usr/bin/env python3
"""How it starts a command, how it ends, and that it leaves the target as it was."""
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
        equal(status(build("status.c"), "exit", str(n)), n, f"the status of exit {n}")

with case("the signal that ended the command"):
    for n in (signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL):
        equal(status(build("status.c"), "signal", str(int(n))), 128 + n, f"the status after signal {n}")

with case("standard input, output and error are the command's"):
    data = os.urandom(300000)
    r = subprocess.run([MEMTRACE, "-o", "/dev/null", "--", build("status.c"), "cat"], input=data,
                       capture_output=True, timeout=PATIENCE)
    equal(r.returncode, 0, "the exit status")
    true(r.stdout == data, "all of it came through")
    true(b"\ndone\n" in b"\n" + r.stderr, "its standard error is ours")

with case("arguments, environment, folder and umask"):
    script = 'printf "%s|" "$@"; echo "$MARK|$PWD|$(umask)|$(readlink /proc/$$/fd | sort | uniq -c | wc -l)"'
    argv = ["sh", "-c", script, "sh", "a b", "", "-p", "--", "*"]
    kw = dict(env={**os.environ, "MARK": "here"}, cwd="/usr", capture_output=True, text=True, timeout=PATIENCE,
              stdin=subprocess.DEVNULL, umask=0o27)
    plain = subprocess.run(argv, **kw)
    traced = subprocess.run([MEMTRACE, "-o", "/dev/null", "--", *argv], **kw)
    equal(traced.stdout, plain.stdout, "what it saw")

with case("open files and signal settings are not inherited from memtrace"):
    script = ("import os,signal; "
              "print(sorted(f for f in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + f))); "
              # Signals 32 and 33 are the C library's own.
              "print([(l[:7], int(l[7:], 16) & ~(3 << 31)) for l in open('/proc/self/status')"
              " if l[:3] in ('Sig', 'Shd') and l[:4] != 'SigQ'])")
    argv = ["python3", "-S", "-c", script]
    plain = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    traced = subprocess.run([MEMTRACE, "-o", "/dev/null", "--", *argv], capture_output=True, text=True,
                            stdin=subprocess.DEVNULL)
    equal(traced.stdout, plain.stdout, "descriptors and signals")

with case("--user"):
    r = subprocess.run([MEMTRACE, "-o", "/dev/null", "--user", "nobody", "--", "sh", "-c", "id -un; echo $USER $HOME"],
                       capture_output=True, text=True, timeout=PATIENCE, cwd="/")
    home = os.path.expanduser("~nobody")
    equal(r.stdout, f"nobody\nnobody {home}\n", f"who it is ({r.stderr})")

with case("SIGTERM and SIGINT to memtrace reach the command"):
    for n in (signal.SIGTERM, signal.SIGINT):
        truth_path = path("truth")
        m = Memtrace(*EVERYTHING, "--", build("busy.c"), "catch", env={"TRUTH": truth_path})
        wait_for(lambda: os.path.exists(truth_path), "the command to begin")
        m.proc.send_signal(n)
        equal(m.wait(), 3, f"the status after signal {n}")
        report = m.final()
        equal((report["live_blocks"], report["live_bytes"]), (1, 4000), "what it left")

class Terminal:
    """memtrace, alone at a terminal of its own."""

    def __init__(self, *args, **env):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            try:
                os.execve(MEMTRACE, [MEMTRACE, *map(str, args)], {**os.environ, **env})
            finally:
                os._exit(127)
        self.said = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def press(self, keys):
        os.write(self.fd, keys)

    def says(self, text, times=1):
        def heard():
            if select.select([self.fd], [], [], 0)[0]:
                self.said.extend(os.read(self.fd, 4096))
            return self.said.count(text) == times
        wait_for(heard, f"{text} at the terminal, which says {bytes(self.said)}")

    def reads_lines(self):
        return termios.tcgetattr(self.fd)[3] & (termios.ICANON | termios.ECHO) == termios.ICANON | termios.ECHO

    def end(self):
        """Waits for it; the exit status."""
        code = wait_for(lambda: (lambda r: r[0] and r)(os.waitpid(self.pid, os.WNOHANG)), "its end")[1]
        self.pid = 0
        return os.waitstatus_to_exitcode(code)


with case("Ctrl-C at a terminal is the command's too, once"):
    truth_path, out = path("truth"), path("out")
    with Terminal("-f", "json", "-o", out, "--", build("busy.c"), "catch", TRUTH=truth_path) as t:
        wait_for(lambda: os.path.exists(truth_path), "the command to begin")
        t.press(b"\x03")
        equal(t.end(), 3, "the exit status")
    true(os.path.exists(out), "the report was written")

with case("the key m sets a mark, and the terminal is as it was afterwards"):
    target, out = start(["sleep", "1000"]), path("out")
    with Terminal("-p", target.pid, "-f", "json", "-o", out) as t:
        true(t.reads_lines(), "a terminal reads lines at first")
        t.says(b"m sets a mark")
        true(not t.reads_lines(), "it reads lines still")
        t.press(b"xm")
        t.says(b"mark set after ")
        t.press(b"m")
        t.says(b"mark set after ", 2)
        t.press(b"\x03")
        t.says(b"no leak found")
        wait_for(t.reads_lines, "the terminal to be as it was")
        equal(t.end(), 0, "the exit status")
        true(b"xm" not in t.said, "what is typed is shown")
    target.kill()
    with open(out) as f:
        true(json.loads(f.read().splitlines()[-1])["mark_s"] > 0, "the mark is in the report")

with case("Ctrl-C ends within half a second, with a final report"):
    p = Program([build("busy.c")])
    m = Memtrace("-f", "json", "-i", "3600", "-p", p.pid).attached()
    p.go()
    time.sleep(1)
    began = time.monotonic()
    equal(m.interrupt(), 0, "the exit status")
    took = time.monotonic() - began
    true(took < 1, f"it took {took:.2f} s")
    report = m.final()
    equal(unsound(report), [], "what is wrong")
    true(report["allocs"] > 1000, f"it saw {report['allocs']} allocations")
    true(p.proc.poll() is None, "the program goes on")
    p.kill()

with case("the target's end ends the run"):
    p = Program([build("busy.c")])
    m = Memtrace("-f", "json", "-i", "3600", "-p", p.pid).attached()
    p.go()
    p.kill()
    equal(m.wait(5), 0, "the exit status")
    true(m.final()["processes"][0]["exited"], "it is told that it ended")


def probe_point(pid, exe):
    """(address in the process, its byte in the file) of the probe of malloc in the program itself."""
    m = Memtrace("-f", "json", "-d", "0.1", "--explain-probes", "-p", pid)
    equal(m.wait(), 0, "the exit status")
    row = re.search(r"^ +malloc +0x([0-9a-f]+)(?:\+(\d+))? ", m.stderr(), re.M)
    true(row, f"malloc's probe is told of:\n{m.stderr()}")
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
        exe = build("busy.c", "-static")  # nobody else probes this file
        p = Program([exe])
        address, original = probe_point(p.pid, exe)
        wait_for(lambda: byte_at(p.pid, address) == original, "the first run's probe to be gone", 10)
        m = Memtrace("-f", "json", "-i", "3600", "-p", p.pid).attached()
        equal(byte_at(p.pid, address), b"\xcc", "the byte while it is traced")
        p.go()
        time.sleep(0.2)
        end(m)
        m.wait()
        wait_for(lambda: byte_at(p.pid, address) == original, "the probe to be gone", 10)
        true(p.proc.poll() is None, "the program goes on")
        p.kill()

with case("a child that is not traced keeps no probe"):
    exe = build("forks.c", "-static")
    p = Program([exe])
    address, original = probe_point(p.pid, exe)
    m = Memtrace("-f", "json", "-i", "3600", "--no-children", "-p", p.pid).attached()
    p.go()
    children = f"/proc/{p.pid}/task/{p.pid}/children"
    wait_for(lambda: open(children).read().split(), "the child", 10)
    child = int(open(children).read().split()[0])
    wait_for(lambda: byte_at(child, address) == original, "the child's breakpoint to be gone", 10)
    equal(byte_at(p.pid, address), b"\xcc", "the byte of the parent, which is traced")
    p.end()
    equal(m.wait(), 0, "the exit status")

with case("a reader that goes away"):
    p = Program([build("busy.c")])
    r = subprocess.run(f"{MEMTRACE} -f text -i 0.1 -p {p.pid} | head -n 1", shell=True, capture_output=True, text=True,
                       timeout=PATIENCE)
    true(r.stdout, "a line was read")
    true("Broken pipe" in r.stderr, f"it says why it ended: {r.stderr}")
    p.kill()

done()
