#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that are made to harm memtrace, and surroundings in which it must not do harm."""
import json
import os
import resource
import signal
import subprocess

from lib import *


def names_of(report):
    """{size of the block: the name of the function that allocated it}"""
    return {s["live_bytes"]: s["stack"][0]["func"] for s in report["sites"] if s["live_blocks"] == 1}


def check_hostile_names(report):
    names = names_of(report)
    equal(names.get(1000), "_RB_", "the name that refers to itself")
    true(names.get(2000, "").startswith("_Z1fIiEvDp1aI"), f"the exponential name is {names.get(2000)}")


for flags in ((), ("-g0", "-O2")):
    with case(f"names that are made to harm a demangler, {'with DWARF' if not flags else 'without'}"):
        report, _ = launch([build("hostile_names.c", *flags)])
        check_hostile_names(report)

with case("the same in a recording"):
    recording = path("recording")
    r = subprocess.run([MEMTRACE, "record", "-o", recording, "--", build("hostile_names.c")],
                       env={**os.environ, "TRUTH": path("truth")}, capture_output=True, text=True, timeout=PATIENCE)
    equal(r.returncode, 0, f"the exit status ({r.stderr})")
    r = subprocess.run([MEMTRACE, "report", "-f", "json", recording], capture_output=True, text=True, timeout=PATIENCE)
    equal(r.returncode, 0, f"the exit status ({r.stderr})")
    check_hostile_names([json.loads(line) for line in r.stdout.splitlines()][-1])

def names_process(m):
    """The ID of the process that reads files for a memtrace."""
    children = f"/proc/{m.proc.pid}/task/{m.proc.pid}/children"

    def found():
        for pid in open(children).read().split():
            if open(f"/proc/{pid}/comm").read() == "memtrace-names\n" and "\nSeccomp:\t2\n" in status_of(pid):
                return int(pid)
        return None
    return wait_for(found, "the names process")


def status_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return f.read()


with case("the process that reads files for names has no privilege, and is not traced"):
    p = Program([build("busy.c")])
    m = Memtrace(*EVERYTHING, "-i", "0.5", "-a").attached()
    pid = names_process(m)
    wait_for(m.reports, "a report")
    status = status_of(pid)
    for line in ("NoNewPrivs:\t1\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
                 "Uid:\t65534\t65534\t65534\t65534\n", "Gid:\t65534\t65534\t65534\t65534\n"):
        true("\n" + line in status, f"{line!r} is not in its status:\n{status}")
    links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    true(not [t for t in links if "anon_inode" in t or "/proc/" in t or t in (m.out_path, m.err_path)], f"it has {links}")
    m.interrupt()
    pids = {pr["pid"] for report in m.reports() for pr in report["processes"]}
    true(p.pid in pids, "the program is not traced")
    true(pid not in pids, "the names process is traced")
    equal(m.final()["names_unavailable"], {"places": 0, "files": 0, "failures": 0, "reason": None}, "lost names")
    true(not os.path.exists(f"/proc/{pid}"), "the names process is still there")
    p.kill()

with case("the process that reads files for names is killed"):
    p = Program([build("busy.c")])
    m = Memtrace(*EVERYTHING, "-p", p.pid).attached()
    os.kill(names_process(m), signal.SIGKILL)
    equal(m.interrupt(), 0, "the exit status")
    equal(m.final()["names_unavailable"]["places"], 0, "lost names")
    p.kill()

with case("memtrace is killed"):
    p = Program([build("busy.c")])
    m = Memtrace(*EVERYTHING, "-p", p.pid).attached()
    pid = names_process(m)
    m.proc.kill()
    wait_for(lambda: not os.path.exists(f"/proc/{pid}") or "State:\tZ" in status_of(pid), "the names process to end")
    p.kill()

with case("standard input, output and error are closed"):
    for closed in ((0, 1, 2), (1,), (2,), (1, 2)):
        out, recording = path("out"), path("recording")
        r = subprocess.run([MEMTRACE, "-f", "json", "-o", out, "--record", recording, "--", build("status.c"), "exit", "5"],
                           timeout=PATIENCE, preexec_fn=lambda: [os.close(fd) for fd in closed])
        equal(r.returncode, 5, f"the exit status without {closed}")
        for line in open(out).read().splitlines():
            json.loads(line)
        r = subprocess.run([MEMTRACE, "report", recording], capture_output=True, text=True, timeout=PATIENCE)
        equal(r.returncode, 0, f"the recording made without {closed} ({r.stderr})")

with case("a report whose standard output is closed"):
    r = subprocess.run([MEMTRACE, "--", build("status.c"), "exit", "0"], stderr=subprocess.PIPE, text=True,
                       timeout=PATIENCE, preexec_fn=lambda: os.close(1))
    equal(r.returncode, 1, "the exit status")
    true("cannot write the report: " + os.strerror(9) in r.stderr, f"the failure is not reported: {r.stderr}")

with case("a command gets closed descriptors closed"):
    script = "import os, sys; sys.exit(sum(1 << fd for fd in (0, 1, 2) if not os.path.exists(f'/proc/self/fd/{fd}')))"
    r = subprocess.run([MEMTRACE, "-o", "/dev/null", "--", "python3", "-S", "-c", script], timeout=PATIENCE,
                       preexec_fn=lambda: [os.close(fd) for fd in (0, 2)])
    equal(r.returncode, 1 | 4, "the descriptors that are closed in the command")

with case("a limit of the size of files"):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    out = path("out")
    r = subprocess.run([MEMTRACE, "-f", "json", "-o", out, "--", build("status.c"), "exit", "0"], capture_output=True,
                       text=True, timeout=PATIENCE, preexec_fn=limit)
    equal(r.returncode, 1, f"the exit status ({r.stderr})")
    true(os.strerror(27) in r.stderr, f"the reason is not printed: {r.stderr}")
    true(not os.path.exists(out), "there is a report")
    r = subprocess.run([MEMTRACE, "-o", "/dev/null", "--record", out, "--", build("status.c"), "exit", "0"],
                       capture_output=True, text=True, timeout=PATIENCE, preexec_fn=limit)
    equal(r.returncode, 1, f"the exit status of a recording ({r.stderr})")
    true(os.strerror(27) in r.stderr, f"the reason is not printed: {r.stderr}")

with case("a command gets the signal for files that are too large as before"):
    argv = ["sh", "-c", "head -c 4096 /dev/zero > " + path("large")]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    r = subprocess.run([MEMTRACE, "-o", "/dev/null", "--", *argv], capture_output=True, text=True, timeout=PATIENCE,
                       preexec_fn=limit)
    equal(r.returncode, 128 + 25, f"the exit status ({r.stderr})")

with case("few descriptors"):
    for n in (12, 30):
        r = subprocess.run([MEMTRACE, "-o", "/dev/null", "--", build("status.c"), "exit", "0"], capture_output=True,
                           text=True, timeout=PATIENCE,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))
        equal(r.returncode, 1, f"the exit status ({r.stderr})")
        true(f"limit of open files (ulimit -Hn), which is {n}, is too low" in r.stderr, r.stderr)
        true("Linux 5.15" not in r.stderr, f"the kernel is blamed: {r.stderr}")

class Served:
    """A FUSE file system with a copy of a file as `program`."""

    def __init__(self, folder, file):
        os.mkdir(folder)
        self.folder = folder
        self.server = start([build("serve.c"), folder, file], stderr=subprocess.PIPE)
        wait_for(lambda: os.path.ismount(folder) or self.server.poll() is not None, "the file system to be mounted")
        if self.server.poll() == 77:
            raise Skip(f"no FUSE file system can be mounted here: {self.server.stderr.read().decode()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.folder], stderr=subprocess.DEVNULL)
        self.server.kill()

    def fall_silent(self):
        self.server.send_signal(signal.SIGUSR1)


with case("a program on a FUSE file system whose server does not answer any more"), \
        Served(path("fuse"), build("functions.c")) as served:
    program = os.path.join(served.folder, "program")
    report, truth = attach([program], "--read-fuse")
    compare(report, truth, "functions.c")
    p = Program([program])
    served.fall_silent()
    for target in (("-p", p.pid), ("--no-miss", "-p", p.pid)):
        m = Memtrace(*EVERYTHING, "-d", "0.5", *target)
        equal(m.wait(), 0, f"the exit status ({m.stderr()})")
        true("cannot read mapped files on FUSE file systems" in m.stderr(), f"it is not reported: {m.stderr()}")
        row, = [row for row in m.final()["processes"] if row["pid"] == p.pid]
        true("code of files on FUSE" in row["unprobed"], f"what is not probed is {row['unprobed']}")
        equal(m.final()["judged"], False, "whether it is judged")
    true(p.proc.poll() is None, "the target has ended")
    p.kill()

with case("debug information on a FUSE file system whose server does not answer any more"):
    program, debug = build("functions.c", name="linked"), path("linked.debug")
    subprocess.run([tool("objcopy"), "--only-keep-debug", program, debug], check=True)
    subprocess.run([tool("objcopy"), "--strip-debug", f"--add-gnu-debuglink={debug}", program], check=True)
    os.remove(debug)
    with Served(os.path.join(os.path.dirname(program), ".debug"), program) as served:
        p = Program([program])
        m = Memtrace(*EVERYTHING, "-p", p.pid).attached()
        served.fall_silent()
        p.go()
        equal(m.interrupt(), 0, f"the exit status ({m.stderr()})")
        blocks = sum(s["live_blocks"] for s in m.final()["sites"] if s["kind"] == "heap" and s["api"] == "calloc")
        equal(blocks, 2, "the blocks of calloc")
        p.end()

done()
