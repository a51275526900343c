#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""memtrace is killed at random moments, in every mode, and so are its targets.

Whatever happens to memtrace, its target lives, is not stopped, has no breakpoint left in it, and runs on; and nothing
is left behind. KILLS=200 kills so often in each mode (default 2).
"""
import collections
import ctypes
import struct

from lib import *
from lib import _started as started
from containers_lib import cgroup, cgroup_dirs

KILLS = int(os.environ.get("KILLS", "2"))
PR_SET_CHILD_SUBREAPER = 36

seed()
# What a killed memtrace leaves running becomes a child of this process.
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


# ---- what is looked at ----

def children(pid="self"):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/children") as f:
            found += map(int, f.read().split())
    return found


def orphans():
    """Children of this process that it did not start."""
    own = {p.pid for p in started}
    return [pid for pid in children() if pid not in own]


def exe_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def threads(pid):
    """[(state, ID of its tracer)] of each thread; None: the process is gone."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/status") as f:
                text = f.read()
                state = re.search(r"^State:\t(\S)", text, re.M)[1]
                found.append((state, int(re.search(r"^TracerPid:\t(\d+)", text, re.M)[1])))
    except FileNotFoundError:
        return None
    return found


class Steady:
    """A program that allocates all the time. It is a static one, so that nothing but its tracer probes its file."""

    def __init__(self, threads=3):
        self.exe = build("steady.c", "-static")
        self.counters = path("counters")
        with open(self.counters, "wb") as f:
            f.write(bytes(4096))
        self.argv = [self.exe, self.counters, str(threads)]
        self.pid = None
        with open(self.exe, "rb") as f:
            self.file = f.read()

    def start(self):
        self.proc = start(self.argv)
        self.pid = self.proc.pid
        wait_for(self.rounds, "the program to run")
        return self

    def rounds(self):
        with open(self.counters, "rb") as f:
            return sum(struct.unpack("<512Q", f.read()))

    def changed(self):
        """Where its code differs from the file's."""
        with open(f"/proc/{self.pid}/maps") as maps, open(f"/proc/{self.pid}/mem", "rb") as memory:
            for line in maps:
                r = line.split()
                if len(r) < 6 or r[5] != self.exe or "x" not in r[1]:
                    continue
                first, end = (int(x, 16) for x in r[0].split("-"))
                offset = int(r[2], 16)
                memory.seek(first)
                code = memory.read(end - first)
                want = self.file[offset:offset + end - first].ljust(end - first, b"\0")
                if code != want:
                    return [hex(offset + i) for i, (a, b) in enumerate(zip(code, want)) if a != b]
        return []

    def unharmed(self, what):
        """Checks that it lives, is not traced or stopped, has its own code, and goes on."""
        def free():
            state = threads(self.pid)
            true(state, f"{what}: the target has ended")
            return all(s not in "Tt" and not tracer for s, tracer in state)
        wait_for(free, f"{what}: the target's threads to run untraced ({threads(self.pid)})")
        wait_for(lambda: not self.changed(), f"{what}: breakpoints to be gone")
        before = self.rounds()
        wait_for(lambda: self.rounds() > before, f"{what}: the target to go on")


def nothing_left(what):
    """Checks that no process of memtrace's is left."""
    def gone():
        for pid in orphans():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return not [pid for pid in orphans() if exe_of(pid) == os.path.realpath(MEMTRACE)]
    wait_for(gone, f"{what}: memtrace's own processes to end ({orphans()})")


def end_orphans():
    def ended():
        for pid in orphans():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return not orphans()
    wait_for(ended, "the command's processes to end")


def traces():
    """What memtrace could leave on the host."""
    groups = {d for d in cgroup_dirs() if "memtrace" in d and "memtrace-test" not in d}
    files = {f for f in os.listdir("/tmp") if "memtrace" in f and not f.startswith(("memtrace-root-", "memtrace-test-"))}
    return groups, files


# ---- the modes ----

def in_time(run, moment, prepare=lambda m: None):
    """Runs memtrace once undisturbed, and returns how long it took from `prepare` to a moment."""
    began = time.monotonic()
    m = run()
    if prepare(m):
        began = time.monotonic()
    moment(m)
    took = time.monotonic() - began
    m.proc.kill()
    m.wait()
    return took


def kill_after(m, seconds):
    with contextlib.suppress(subprocess.TimeoutExpired):
        m.proc.wait(seconds)
    m.proc.kill()
    m.wait()


def killed_while(name, run, moment, target, prepare=lambda m: None):
    """Kills memtrace at random moments between `prepare` and `moment`."""
    outcomes = collections.Counter()
    longest = in_time(run, moment, prepare)
    for i in range(KILLS):
        m = run()
        prepare(m)
        kill_after(m, random.random() * longest)
        target.unharmed(f"kill {i} of {KILLS}")
        nothing_left(f"kill {i} of {KILLS}")
        outcomes["killed" if m.proc.returncode == -signal.SIGKILL else f"ended with {m.proc.returncode}"] += 1
    print(f"# {name}: {dict(outcomes)}, within {longest:.2f} s")


def attached(m):
    return m.attached()


def ended(m):
    m.wait()


def interrupted(m):
    m.attached()
    wait_for(m.reports, "a report")
    m.proc.send_signal(signal.SIGINT)
    return True


before = traces()

with case(f"memtrace is killed while it attaches, {KILLS} times in each way"):
    t = Steady().start()
    killed_while("attaching", lambda: Memtrace("-d", "60", "-p", t.pid), attached, t)
    killed_while("attaching with --no-miss", lambda: Memtrace("-d", "60", "--no-miss", "-p", t.pid), attached, t)
    t.proc.kill()

with case(f"memtrace is killed while it traces and reports, {KILLS} times in each way"):
    t = Steady().start()
    killed_while("tracing", lambda: Memtrace("-i", "0.2", "-d", "1", "-p", t.pid), ended, t, attached)
    killed_while("recording", lambda: Memtrace("record", "-d", "1", "-o", path("run.mt"), "-p", t.pid), ended, t, attached)
    t.proc.kill()

with case(f"memtrace is killed while it detaches, {KILLS} times"):
    t = Steady().start()
    killed_while("detaching", lambda: Memtrace("-f", "json", "-i", "0.1", "-p", t.pid), ended, t, interrupted)
    t.proc.kill()

with case(f"one of two memtraces is killed, and then the other, {KILLS} times"):
    t = Steady().start()
    for i in range(KILLS):
        first, second = (Memtrace("-d", "60", "-p", t.pid) for _ in range(2))
        kill_after(first, random.random())
        kill_after(second, random.random())
        t.unharmed(f"pair {i}")
        nothing_left(f"pair {i}")
    t.proc.kill()

with case(f"memtrace is killed while it traces a cgroup, whose probes are in files, {KILLS} times"):
    t = Steady().start()
    with open(f"{cgroup()}/cgroup.procs", "w") as f:
        f.write(str(t.pid))
    killed_while("a cgroup", lambda: Memtrace("-d", "1", "-g", cgroup()), ended, t)
    t.proc.kill()

with case(f"the process that reads names is killed alone, {KILLS} times"):
    t = Steady().start()
    outcomes = collections.Counter()
    for i in range(KILLS):
        m = Memtrace("-f", "json", "-i", "0.2", "-d", "1", "-p", t.pid)
        names = wait_for(lambda: children(m.proc.pid), "the names process")[0]
        with contextlib.suppress(subprocess.TimeoutExpired):
            m.proc.wait(random.random() * 2)
        with contextlib.suppress(ProcessLookupError):
            os.kill(names, signal.SIGKILL)
        equal(m.wait(), 0, f"kill {i}: the exit status ({m.stderr()})")
        unavailable = m.final()["names_unavailable"]
        equal(unavailable["places"], 0, f"kill {i}: places without names")
        outcomes[f"{unavailable['failures']} failures"] += 1
        t.unharmed(f"kill {i}")
        nothing_left(f"kill {i}")
    print(f"# names processes: {dict(outcomes)}")
    t.proc.kill()

# Runs a program that is new to memtrace every time. $1: the program, $2: a directory
PROGRAMS_ONE_BY_ONE = """
i=0
while :; do
	i=$((i + 1)); p=$2/f$((i % 50))
	cp "$1" "$p.new" && mv "$p.new" "$p"
	"$p" keep 2; [ $? = 2 ] || echo $i >>"$2/failed"
	echo $i >"$2/count.new"; mv "$2/count.new" "$2/count"
done
"""

for option in ("--no-miss", "--verbose"):
    with case(f"memtrace is killed while programs and their files come and go, with {option}, {KILLS} times"):
        folder = path("programs")
        os.mkdir(folder)
        shell = start(["sh", "-c", PROGRAMS_ONE_BY_ONE, "sh", build("fresh.c"), folder])

        def count():
            with contextlib.suppress(OSError, ValueError), open(f"{folder}/count") as f:
                return int(f.read())
            return 0

        def runs_free(pid):
            return all(s not in "Tt" and not tracer for s, tracer in threads(pid) or [])
        wait_for(count, "the shell to run programs")
        for i in range(KILLS):
            m = Memtrace("-d", "60", option, "-p", shell.pid)
            m.attached()
            kill_after(m, random.random())
            ran = count()
            wait_for(lambda: count() > ran + 1, f"kill {i}: the shell to run its next programs")
            for pid in [shell.pid, *children(shell.pid)]:
                wait_for(lambda: runs_free(pid), f"kill {i}: the program to run")
            nothing_left(f"kill {i}")
        true(shell.poll() is None, "the shell has ended")
        true(not os.path.exists(f"{folder}/failed"), "a program failed")
        print(f"# {count()} programs ran")
        shell.kill()

with case(f"memtrace is killed while it runs a command, {KILLS} times in each way"):
    for option in ("--verbose", "--record=" + path("run.mt")):
        outcomes = collections.Counter()
        for i in range(KILLS):
            t = Steady()
            m = Memtrace("-d", "60", option, "--", *t.argv)
            if i % 2:
                wait_for(t.rounds, "the command to run")
            kill_after(m, random.random())
            nothing_left(f"kill {i}")
            alive = [pid for pid in orphans() if exe_of(pid) == t.exe]
            if alive:
                t.pid = alive[0]
                t.unharmed(f"kill {i}")
                outcomes["goes on"] += 1
            else:
                true(not i % 2 and not t.rounds(), f"kill {i}: the command ended after {t.rounds()} rounds")
                outcomes["was not started"] += 1
            end_orphans()
        print(f"# {option}: the command {dict(outcomes)}")

ENDS = re.compile(r"ended|no such process|not judged|no allocation|cannot")

with case(f"the target is killed, {KILLS} times"):
    outcomes = collections.Counter()
    t = Steady().start()
    longest = in_time(lambda: Memtrace("-d", "0.5", "-p", t.pid), ended)
    t.proc.kill()
    for i in range(KILLS):
        t = Steady().start()
        m = Memtrace("-f", "json", "-i", "0.3", "-d", "5", *(["--no-miss"] if i % 2 else []), "-p", t.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            m.proc.wait(random.random() * longest)
        t.proc.kill()
        t.proc.wait()
        status = m.wait()
        text = m.stderr()
        true(status in (0, 1), f"kill {i}: memtrace ended with {status}:\n{text}")
        if status:
            true(ENDS.search(text) and all(line.startswith("memtrace: ") for line in text.splitlines()), f"kill {i}: the message is {text}")
        else:
            true(m.final()["processes"][0]["exited"], f"kill {i}: the process is not reported as ended")
        outcomes["a report" if not status else re.sub(r"\d+", "N", text.splitlines()[-1])] += 1
    for what, n in outcomes.most_common():
        print(f"# {n} times: {what}")

with case("nothing is left in cgroups and in /tmp"):
    after = traces()
    equal(after[0] - before[0], set(), "the new cgroups")
    equal(after[1] - before[1], set(), "the new files")

done()
