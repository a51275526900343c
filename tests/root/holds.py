#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that are held until their new code is probed: nothing is missed, and no process notices."""
import pty

from lib import *

EXACT = ("-f", "json", "-t", "1000000", "-i", "3600", "--no-default-suppressions", "--verbose")
OWN = ("at_birth", "in_main", "in_thread", "in_library")  # the functions that allocate
DIRECTORY = path("fresh")
os.mkdir(DIRECTORY)
seed()


def fresh(source="fresh.c", *flags, count=None, of=None):
    """The path of a file that memtrace has not seen yet, or the paths of `count` of them."""
    original = of or build(source, *flags)
    made = []
    for _ in range(count or 1):
        made.append(os.path.join(DIRECTORY, os.path.basename(path(source.split(".")[0]))))
        shutil.copy(original, made[-1])
    return made if count else made[0]


def libraries(count):
    return fresh("fresh_library.c", "-shared", "-fPIC", count=count)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(c) for c in f.read().split()]


def executable(pid):
    """Its path, or None if the process has ended."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def command(*argv, options=(), status=0, **kw):
    """Traces a command to its end; returns (final report, threads held, threads that could not be held)."""
    m = Memtrace(*EXACT, *options, "--", *argv, **kw)
    got = m.wait()
    true(got == status, f"the exit status is {got}, not {status}:\n{m.stderr()}")
    return (m.final(), *held(m))


def held(m):
    said = re.search(r"threads held until their code was probed: (\d+); could not be held: (\d+)", m.stderr())
    return (int(said[1]), int(said[2])) if said else (0, 0)


def blocks(report, source, pid=None):
    """{function: (blocks, bytes)} of the live blocks."""
    return {f: (sum(s["live_blocks"] for s in sites), sum(s["live_bytes"] for s in sites))
            for f, sites in sites_of(report, source, pid=pid).items() if f in OWN}


def whole(report, at_least, got, cut=0):
    """Checks that nothing was missed, no more than `cut` stacks were cut, and at least so many threads were held."""
    equal(report["late"], 0, "late programs and libraries")
    equal(got[1], 0, "threads that could not be held")
    true(got[0] >= at_least, f"only {got[0]} threads were held")
    true(report["stack_ends"]["no_table"] <= cut, f"{report['stack_ends']} stacks without a table")
    equal(unsound(report), [], "inconsistencies")


def rows(report, program):
    return [p for p in report["processes"] if p["exe"] == program]


with case("new programs in a shell, one after the other"):
    programs = fresh(count=8)
    report, *got = command("sh", "-c", "; ".join(f"{p} keep {i}" for i, p in enumerate(programs)), status=7)
    whole(report, 8, got)
    for i, p in enumerate(programs):
        equal([(r["live_blocks"], r["live_bytes"]) for r in rows(report, p)], [(i + 1, 10 + 100 * i)], f"program {i}")

with case("new programs in a shell, all at once"):
    programs = fresh(count=20)
    report, *got = command("sh", "-c", " & ".join(f"{p} keep 2" for p in programs) + " & wait")
    whole(report, 20, got)
    for i, p in enumerate(programs):
        equal([(r["live_blocks"], r["live_bytes"]) for r in rows(report, p)], [(3, 210)], f"program {i}")

with case("libraries that allocate in their constructors"):
    program = fresh()
    report, *got = command(program, "load", *libraries(6))
    whole(report, 6, got)
    equal(blocks(report, "fresh_library.c"), {"in_library": (18, 900)}, "what is live")
    equal(blocks(report, "fresh.c"), {"at_birth": (1, 10)}, "what is live")

with case("libraries opened by threads while other threads allocate"):
    report, *got = command("sh", "-c", " ".join([fresh(), "threads", *libraries(6)]) + "; true")
    # While another thread changes the mappings, the kernel cannot read them, and stacks are cut until they are
    # read again: a few in a thousand, many more on a busy machine.
    whole(report, 6, got, cut=report["allocs"] // 2)
    equal(blocks(report, "fresh_library.c"), {"in_library": (18, 900)}, "what is live")
    if not report["stack_ends"]["no_table"]:
        equal(blocks(report, "fresh.c"), {"at_birth": (1, 10), "in_thread": (200, 4000)}, "what is live")
    print(f"# {report['stack_ends']['no_table']} of {report['allocs']} stacks were cut")

with case("a private copy of the C library"):
    folder = path("lib")
    os.mkdir(folder)
    shutil.copy(library("libc.so.6"), folder)
    report, *got = command("sh", "-c", f"LD_LIBRARY_PATH={folder} {fresh()} keep 5; true")
    whole(report, 1, got)
    equal(blocks(report, "fresh.c"), {"at_birth": (1, 10), "in_main": (5, 500)}, "what is live")

with case("posix_spawn and vfork"):
    programs = fresh(count=6)
    report, *got = command(fresh(), "spawn", *programs)
    whole(report, 6, got)
    equal([[(r["live_blocks"], r["live_bytes"]) for r in rows(report, p)] for p in programs], [[(4, 310)]] * 6, "what is live")

with case("static programs"):
    programs = fresh("fresh.c", "-static", count=3)
    report, *got = command("sh", "-c", "; ".join(f"{p} keep 4" for p in programs), status=4)
    whole(report, 3, got)
    equal(blocks(report, "fresh.c"), {"at_birth": (3, 30), "in_main": (12, 1200)}, "what is live")

with case("a set-user-ID program"):
    program = fresh()
    os.chmod(DIRECTORY, 0o755)
    os.chmod(TMP, 0o755)
    os.chown(program, 65534, 65534)
    os.chmod(program, 0o4755)
    report, *got = command("sh", "-c", f"{program} user 65534")
    whole(report, 1, got)
    equal(blocks(report, "fresh.c"), {"at_birth": (1, 10)}, "what is live")

with case("a set-user-ID program that another user runs"):
    tool("setpriv")
    program = fresh()
    os.chown(program, 65533, 65533)
    os.chmod(program, 0o4755)
    report, *got = command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "user", "65533")
    whole(report, 1, got)

with case("a PID namespace of its own"):
    tool("unshare")
    programs = fresh(count=2)
    report, *got = command("unshare", "-pf", "--mount-proc", "sh", "-c", "; ".join(f"{p} keep 6" for p in programs), status=6)
    whole(report, 2, got)
    equal(blocks(report, "fresh.c"), {"at_birth": (2, 20), "in_main": (12, 1200)}, "what is live")

with case("a shell with job control"):
    programs, report_path = fresh(count=4), path("report")
    pid, terminal = pty.fork()
    if not pid:
        os.execv(MEMTRACE, [MEMTRACE, *EXACT, "-o", report_path, "--", "bash", "--norc", "--noprofile", "-i"])
    for i, p in enumerate(programs):
        os.write(terminal, f"{p} keep 3{' &' if i % 2 else ''}\n".encode())
    os.write(terminal, b"wait; jobs; exit 9\n")
    shown = b""
    with contextlib.suppress(OSError):  # the terminal was closed
        while True:
            more = os.read(terminal, 4096)
            if not more:
                break
            shown += more
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 9, f"the exit status (the terminal shows {shown})")
    true(b"Stopped" not in shown, f"a job was stopped: {shown}")
    equal(shown.count(b"Exit 3"), 2, f"the number of jobs that ended with status 3 in {shown}")
    with open(report_path) as f:
        report = [r for r in map(json.loads, f) if r["type"] == "report"][-1]
    equal(blocks(report, "fresh.c"), {"at_birth": (4, 40), "in_main": (12, 1200)}, "what is live")

with case("gdb"):
    m = Memtrace(*EXACT, "-o", path("report"), "--", tool("gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "break in_main",
                 "-ex", "run", "-ex", "bt", "-ex", "continue", "--args", fresh(), "keep", "4")
    equal(m.wait(), 0, "the exit status")
    true("in_main (n=4)" in m.stdout(), f"gdb did not stop: {m.stdout()}{m.stderr()}")
    true("exited with code 04" in m.stdout(), f"the program did not end: {m.stdout()}{m.stderr()}")
    true(held(m)[1] > 0, f"every thread could be held: {m.stderr()}")

with case("strace"):
    for options in ((), ("-f",)):
        report, *got = command(tool("strace"), *options, "-o", path("strace"), fresh(), "keep", "4", status=4)
        true(got[1] > 0, "every thread could be held")
        true(report["late"] > 0, "no program was late")

with case("LeakSanitizer"):
    program = fresh("fresh.c", "-fsanitize=leak")
    m = Memtrace(*EXACT, "--", "sh", "-c", f"{program} keep 0")
    equal(m.wait(), 23, f"the exit status ({m.stderr()})")
    true("detected memory leaks" in m.stderr(), f"no leak was found: {m.stderr()}")

with case("held programs that are killed meanwhile"):
    # gdb, because its unwind table takes a while to make.
    gdb = fresh(of=tool(shutil.which("gdb") or "gdb"), count=12)
    script = ("import subprocess, sys, time\n"
              "for p, delay in zip(sys.argv[1::2], sys.argv[2::2]):\n"
              "    c = subprocess.Popen([p, '--version'], stdout=subprocess.DEVNULL)\n"
              "    time.sleep(float(delay))\n"
              "    c.kill()\n"
              "    s = c.wait()\n"
              "    print(s, file=sys.stderr)\n"
              "    if s not in (-9, 0): sys.exit(1)\n")
    command("python3", "-c", script, *(word for p in gdb for word in (p, f"{random.random() * 0.02:.4f}")))

with case("a command that is killed while it is held"):
    for i in range(4):
        m = Memtrace(*EXACT, "--", "sh", "-c", f"exec {gdb[i]} -nx -batch -ex 'shell sleep 5'")
        # memtrace has a process of its own besides the command's.
        child = wait_for(lambda: next((c for c in children(m.proc.pid) if executable(c) == gdb[i]), 0), "the command to exec gdb")
        time.sleep(random.random() * 0.01)
        os.kill(child, signal.SIGKILL)
        equal(m.wait(), 137, f"the exit status ({m.stderr()})")

CHURN = """
i=0
while [ ! -e $D/stop ]; do
    i=$((i + 1))
    cp $P $D/p$i; cp $L $D/l$i.so
    for way in "keep 7" "load $D/l$i.so" "keep 7 &"; do
        eval $D/p$i $way; s=$?
        case "$way.$s" in keep*7.7|load*.0|keep*.0) ;; *) echo "p$i $way: $s" >>$D/wrong ;; esac
    done
    wait $!; [ $? = 7 ] || echo "p$i: in the background" >>$D/wrong
    rm $D/p$i $D/l$i.so
    echo $i >$D/count
done
"""


def cgroup_mount():
    with open("/proc/self/mounts") as f:
        mounts = [line.split() for line in f]
    for where, kind, options in ((m[1], m[2], m[3].split(",")) for m in mounts):
        if kind == "cgroup2" or kind == "cgroup" and "memory" in options:
            return where
    raise Skip("no cgroups are mounted")


def stopped(group):
    """The threads of a cgroup that are stopped or being traced."""
    found = []
    with open(os.path.join(group, "cgroup.procs")) as f:
        pids = f.read().split()
    for pid in pids:
        tids = []
        with contextlib.suppress(OSError):  # it has ended
            tids = os.listdir(f"/proc/{pid}/task")
        for tid in tids:
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{tid}/status") as f:
                text = f.read()
                state, tracer = re.search(r"^State:\t(.)", text, re.M)[1], re.search(r"^TracerPid:\t(\d+)", text, re.M)[1]
                if state in "tT" or tracer != "0":
                    found.append((pid, tid, state, tracer))
    return found


with case("memtrace is killed at random moments while it holds programs"):
    group = os.path.join(cgroup_mount(), f"memtrace-test-holds-{os.getpid()}")
    os.mkdir(group)
    place = path("churn")
    os.mkdir(place)
    env = {**os.environ, "D": place, "P": build("fresh.c"), "L": build("fresh_library.c", "-shared", "-fPIC")}
    try:
        churn = start(["sh", "-c", f"echo $$ >{group}/cgroup.procs; {CHURN}"], env=env, stderr=subprocess.DEVNULL)
        count = lambda: int(open(f"{place}/count").read() or 0) if os.path.exists(f"{place}/count") else 0
        wait_for(count, "the first round of programs")
        KILLS = int(os.environ.get("KILLS", "12"))
        for i in range(KILLS):
            m = Memtrace("-g", group, "--no-miss", "-i", "3600", "--verbose")
            if i % 4:
                m.attached()
            time.sleep(random.random() * 0.3)
            m.proc.kill()
            m.proc.wait()
            before = count()
            wait_for(lambda: not stopped(group), f"all threads to run after kill {i}, but {stopped(group)}")
            wait_for(lambda: count() > before + 1, f"more rounds of programs after kill {i}")
        open(f"{place}/stop", "w").close()
        equal(churn.wait(PATIENCE), 0, "the exit status of the shell")
        wrong = open(f"{place}/wrong").read() if os.path.exists(f"{place}/wrong") else ""
        equal(wrong, "", "the list of programs with a wrong result")
        print(f"# {count()} rounds of programs went on through {KILLS} kills")
    finally:
        open(f"{place}/stop", "w").close()
        with contextlib.suppress(NameError):
            churn.kill()
            churn.wait()
        wait_for(lambda: not open(f"{group}/cgroup.procs").read(), "the cgroup to be empty")
        os.rmdir(group)

with case("the cost of a hold"):
    programs = fresh(count=30)
    for name, which in (("known", programs[:1] * 60), ("unknown", programs[:30])):
        times = []
        for trace in (False, True):
            argv = [build("fresh.c"), "spawn", *which]
            if trace:
                m = Memtrace(*EXACT, "--", *argv)
                equal(m.wait(), 0, "the exit status")
                said = m.stderr()
            else:
                said = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE).stderr
            times.append(int(re.search(r"(\d+) us$", said, re.M)[1]))
        print(f"# a {name} program takes {times[0]} us untraced, {times[1]} us traced")

done()
