#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors: one clear line on standard error, and the exit status that goes with it."""
import os
import shutil
import subprocess

from lib import *


def fails(status, *args, says=(), argv0=(), **kw):
    r = subprocess.run([*argv0, MEMTRACE, *map(str, args)], capture_output=True, text=True, timeout=PATIENCE,
                       stdin=subprocess.DEVNULL, **kw)
    equal(r.returncode, status, f"the exit status ({r.stderr.strip()})")
    equal(r.stdout, "", "standard output")
    lines = r.stderr.splitlines()
    true(len(lines) == 1 or status == 2 and len(lines) <= 2, f"standard error is not one line:\n{r.stderr}")
    true(lines[0].startswith("memtrace: "), f"it does not begin with memtrace's name: {lines[0]}")
    for text in says:
        true(text in r.stderr, f"{text!r} is not in: {r.stderr}")
    return r


def unused_pid():
    p = subprocess.Popen(["true"])
    p.wait()
    return p.pid


def pids_of(exe):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/exe") == exe:
                found.append(int(pid))
        except OSError:
            pass
    return found


BAD_OPTIONS = (
    [], ["-p"], ["-p", "abc"], ["-p", "0"], ["-p", "-5"], ["-p", "1,"], ["-p", "99999999999999"],
    ["--"], ["-p", "1", "stray"], ["--no-such-option"],
    ["-p", "1", "-i", "abc"], ["-p", "1", "-i", "0"], ["-p", "1", "-i", "-1"], ["-p", "1", "-i", "nan"],
    ["-p", "1", "-d", "x"], ["-p", "1", "-d", "-1"], ["-p", "1", "-n", "-1"], ["-p", "1", "-n", "1.5"],
    ["-p", "1", "-t", "-3"], ["-p", "1", "-t", "x"], ["-p", "1", "--min-age", "old"],
    ["-p", "1", "--min-size", "5x"], ["-p", "1", "--max-size", ""], ["-p", "1", "--min-size", "10", "--max-size", "5"],
    ["-p", "1", "--sort", "size"], ["-p", "1", "--kind", "stack"], ["-p", "1", "-f", "xml"],
    ["-p", "1", "--stack", "magic"], ["-p", "1", "--max-depth", "0"], ["-p", "1", "--max-depth", "1000"],
    ["-p", "1", "--attach", "ptrace"], ["-p", "1", "--ring", "lots"],
)
with case(f"bad command lines ({len(BAD_OPTIONS)} of them)"):
    for args in BAD_OPTIONS:
        try:
            fails(2, *args)
        except AssertionError as e:
            raise AssertionError(f"memtrace {' '.join(args)}: {e}") from None

with case("--help and --version"):
    for option in ("--help", "-h", "--version"):
        r = subprocess.run([MEMTRACE, option], capture_output=True, text=True, timeout=PATIENCE)
        equal((r.returncode, r.stderr), (0, ""), f"status and standard error of {option}")
        true(r.stdout, f"{option} prints nothing")

with case("no such process"):
    pid = unused_pid()
    fails(1, "-p", pid, says=[str(pid), "no such process"])

with case("a name that one process has, and one that two have"):
    exe = shutil.copy("/bin/cat", f"{TMP}/{os.getpid()}-named")
    name = os.path.basename(exe)
    cats = [subprocess.Popen([exe, "-", "a\033b"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)]
    wait_for(lambda: len(pids_of(exe)) == 1, "the process")
    r = subprocess.run([MEMTRACE, "-p", name, "-d", "0.2"], capture_output=True, text=True, timeout=PATIENCE)
    equal(r.returncode, 0, f"the status ({r.stderr})")
    true(f"[{cats[0].pid}]" in r.stdout, f"the process is not in the report: {r.stdout}")
    cats.append(subprocess.Popen([exe, "-"], stdin=subprocess.PIPE))
    wait_for(lambda: len(pids_of(exe)) == 2, "the second process")
    for verb in ((), ("record", "-o", f"{TMP}/named.mt")):
        r = subprocess.run([MEMTRACE, *verb, "-p", name], capture_output=True, text=True, timeout=PATIENCE)
        equal((r.returncode, r.stdout), (2, ""), "status and standard output")
        lines = r.stderr.splitlines()
        equal(lines[0], f"memtrace: --pid: '{name}' is the name of 2 processes; try --pid with the ID of one of them:",
              "the first line")
        equal(sorted(l.split()[1:] for l in lines[1:]),
              sorted([[str(cats[0].pid), "root", exe, "-", "a\\x1bb"], [str(cats[1].pid), "root", exe, "-"]]), "the list")
    for c in cats:
        c.communicate()
    fails(2, "-p", name, says=[name, "neither a process ID nor the name"])

with case("a process whose code is translated"):
    tool("valgrind")
    p = start(["valgrind", "-q", "--tool=none", "/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdin.write(b"a\n")
    p.stdin.flush()
    equal(p.stdout.readline(), b"a\n", "what it prints")
    fails(1, "-p", p.pid, says=[str(p.pid), "runs under valgrind"])
    p.communicate()
    equal(p.returncode, 0, "its status")

with case("the ID of a thread, not of a process"):
    p = Program([build("threads.c"), "arenas"])
    p.go()
    tid = [t for t in os.listdir(f"/proc/{p.pid}/task") if int(t) != p.pid][0]
    fails(1, "-p", tid, says=[tid, f"-p {p.pid}"])
    p.kill()

with case("a zombie"):
    p = start(["true"])
    wait_for(lambda: open(f"/proc/{p.pid}/stat").read().split()[2] == "Z", "the process to be a zombie")
    fails(1, "-p", p.pid, says=["ended"])
    p.wait()

with case("a kernel thread"):
    threads = [pid for pid in filter(str.isdigit, os.listdir("/proc"))
               if os.path.exists(f"/proc/{pid}/stat") and open(f"/proc/{pid}/stat").read().split()[3] == "2"]
    if not threads:
        raise Skip("no kernel thread is visible here")
    fails(1, "-p", threads[0], says=["kernel thread"])

with case("a 32-bit program"):
    exe = build("wait32.S", cflags=["-m32", "-nostdlib", "-static"])
    try:
        p = start([exe])
    except OSError:
        raise Skip("this kernel does not run 32-bit programs") from None
    fails(1, "-p", p.pid, says=[str(p.pid), "32-bit"])
    p.kill()
    fails(1, "--", exe, says=["32-bit"])
    equal(pids_of(exe), [], "the processes left of the command")

with case("a program without allocation functions"):
    exe = build("status.c", "-static", "-s", name="bare")
    p = start([exe, "cat"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    r = fails(1, "-p", p.pid, says=["no allocation function", exe])
    p.stdin.close()
    p.wait()
    fails(1, "--", exe, "cat", says=["no allocation function", exe])
    equal(pids_of(exe), [], "the processes left of the command")
    m = Memtrace("-f", "json", "-d", "0.2", "--kind", "map", "--", exe, "exit", "4")
    equal(m.wait(), 4, "the status with --kind map")

with case("a command that does not exist"):
    fails(1, "--", "/no/such/command", says=["/no/such/command", os.strerror(2)])
    fails(1, "--", "no-such-command-anywhere", says=["no-such-command-anywhere", os.strerror(2)])

with case("a command that is not executable"):
    fails(1, "--", "/etc/passwd", says=["/etc/passwd", os.strerror(13)])
    fails(1, "--", TMP, says=[TMP, os.strerror(13)])

with case("a user that does not exist"):
    fails(1, "--user", "no-such-user", "--", "true", says=["no-such-user"])

with case("an output that cannot be written"):
    p = Program([build("busy.c")])
    fails(1, "-p", p.pid, "-o", "/no/such/folder/file", says=["/no/such/folder/file", os.strerror(2)])
    fails(1, "-p", p.pid, "-o", TMP, says=[TMP])
    p.kill()

with case("a full device"):
    if not os.path.exists("/dev/full"):
        raise Skip("no /dev/full")
    r = subprocess.run([MEMTRACE, "-o", "/dev/full", "--", build("status.c"), "exit", "0"], capture_output=True,
                       text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    equal(r.returncode, 1, f"the exit status ({r.stderr})")
    true(os.strerror(28) in r.stderr, f"the reason is not printed: {r.stderr}")

with case("without privilege"):
    user = "nobody"
    if not shutil.which("setpriv"):
        raise Skip("setpriv is not installed")
    copy = path("memtrace")
    shutil.copy(MEMTRACE, copy)
    os.chmod(TMP, 0o755)
    p = start(["sleep", "100"])
    r = subprocess.run(["setpriv", "--reuid", user, "--clear-groups", copy, "-p", str(p.pid)], capture_output=True,
                       text=True, timeout=PATIENCE)
    equal(r.returncode, 1, "the exit status")
    equal(len(r.stderr.splitlines()), 1, f"the number of lines ({r.stderr})")
    true("root" in r.stderr, f"the remedy is not printed: {r.stderr}")
    p.kill()

done()
