#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Things fail under memtrace: memory, disks, signals, limits, clocks, files.

It ends with a message and a status that is not 0, or with a report that is right or that says what it lacks; never
by a signal, and never with half a report. FAULTS=all refuses the memory of every call stack, and tries every limit;
a number (default 6): so many of them, at random.
"""
import collections
import resource

from lib import *

FAULTS = os.environ.get("FAULTS", "6")
FORMATS = ("text", "json", "folded", "pprof")
seed()


def some(choices):
    choices = sorted(choices)
    return choices if FAULTS == "all" else random.sample(choices, min(int(FAULTS), len(choices)))


def shim():
    return build("faults.c", "-shared", "-fPIC", "-O2", name="faults.so")


def lines_are_messages(text):
    return text and all(line.startswith("memtrace: ") or line.startswith("  ") for line in text.splitlines())


def attached_or_ended(m):
    def ready():
        return m.proc.poll() is not None or re.search(r"^memtrace: (attached to|tracing) ", m.stderr(), re.M)
    wait_for(ready, "memtrace to attach or to end")


def admits(report):
    """What a report says that it lacks."""
    lost = [name for name, value in report["lost"].items() if value]
    return lost or report["names_unavailable"]["places"] or report["names_unavailable"]["reason"] or \
        any(not s["complete"] for s in report["sites"])


def outcome(what, env=None, meanwhile=lambda m: None, **kw):
    """Traces a program that knows its answer under some fault; returns in a word how that ended."""
    out = path("out.json")
    p = Program([build("sizes.c")])
    m = Memtrace(*EVERYTHING, "-o", out, "-p", p.pid, env=env, **kw)
    attached_or_ended(m)
    meanwhile(m)
    p.go()
    p.end()
    status, text = m.wait(), m.stderr()
    true(status >= 0, f"{what}: memtrace was ended by signal {-status}:\n{text}")
    true(status in (0, 1), f"{what}: the exit status is {status}:\n{text}")
    if status:
        true(lines_are_messages(text), f"{what}: no clear message:\n{text!r}")
        true(not os.path.exists(out), f"{what}: memtrace failed, and there is a report:\n{text}")
        return "a message"
    with open(out) as f:
        report = [json.loads(line) for line in f if '"report"' in line][-1]
    true(report["final"], f"{what}: the last report is not the final one")
    try:
        compare(report, read_truth(p.truth_path), "sizes.c")
    except AssertionError as e:
        true(admits(report), f"{what}: the report is wrong and does not say so: {e}\n{text}")
        return "a report that says what it lacks"
    return "a right report"


def print_outcomes(outcomes):
    print("# " + ", ".join(f"{n} times {what}" for what, n in outcomes.most_common()), flush=True)


# ---- memory ----

with case("memory is refused"):
    places = path("places")
    equal(outcome("nothing", {"LD_PRELOAD": shim(), "FAULT_LIST": places}), "a right report", "without a fault")
    with open(places) as f:
        numbers = {line.strip() for line in f}
    true(len(numbers) > 100, f"only {len(numbers)} call stacks ask for memory")
    for way in ("FAULT_AT", "FAULT_FROM"):
        outcomes, wrong = collections.Counter(), []
        for number in some(numbers):
            try:
                outcomes[outcome(f"{way}={number}", {"LD_PRELOAD": shim(), way: number})] += 1
            except AssertionError as e:
                wrong.append(str(e))
        print(f"# {way}, of {len(numbers)} call stacks:")
        print_outcomes(outcomes)
        true(not wrong, "\n".join(wrong))

# ---- disks ----


@contextlib.contextmanager
def small_disk(size):
    folder = path("disk")
    os.mkdir(folder)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], capture_output=True).returncode:
        raise Skip("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fails_for_want_of_room(what, *args, **kw):
    m = Memtrace(*args, "--", build("sizes.c"), env={"TRUTH": path("truth")}, **kw)
    equal(m.wait(), 1, f"{what}: the exit status ({m.stderr()})")
    true(os.strerror(28) in m.stderr(), f"{what}: the reason is not printed: {m.stderr()}")


with case("the disk is full"):
    for form in FORMATS:
        with small_disk("8k") as disk:
            with open(f"{disk}/filler", "wb") as f:
                f.write(bytes(4096))  # a page is left: what is written is cut short
            out = f"{disk}/out"
            m = Memtrace("-f", form, "-t", "1000000", "--no-default-suppressions", "-o", out, "--", build("sizes.c"))
            if m.wait():
                equal(m.proc.returncode, 1, f"{form}: the exit status ({m.stderr()})")
                true(os.strerror(28) in m.stderr(), f"{form}: the reason is not printed: {m.stderr()}")
                equal(os.listdir(disk), ["filler"], f"{form}: the files on the disk")
            else:
                true(form != "json", f"{form}: a report fitted into 4 KiB")
        with open("/dev/full", "w") as full:
            m = start([MEMTRACE, "-f", form, "--", build("status.c"), "exit", "0"], stdout=full, stderr=subprocess.PIPE)
            text = m.communicate(timeout=PATIENCE)[1].decode()
            equal(m.returncode, 1, f"{form} to /dev/full: the exit status ({text})")
            true(os.strerror(28) in text, f"{form}: the reason is not printed: {text}")

with case("the disk is full of a recording"):
    for size in ("4k", "12k"):
        with small_disk(size) as disk:
            with open(f"{disk}/filler", "wb") as f:
                f.write(bytes(4096))
            fails_for_want_of_room(size, "-o", "/dev/null", "--record", f"{disk}/run.mt")
            if os.path.exists(f"{disk}/run.mt"):
                r = subprocess.run([MEMTRACE, "report", "-f", "json", f"{disk}/run.mt"], capture_output=True, text=True,
                                   timeout=PATIENCE)
                true(r.returncode >= 0 and (r.returncode == 0 or lines_are_messages(r.stderr)),
                     f"{size}: a recording that was cut off: {r.returncode} {r.stderr}")
                true("cut off" in r.stderr or "ended early" in r.stderr, f"{size}: it is not reported as cut off: {r.stderr}")

# ---- signals, clocks ----

with case("signals come without end"):
    def storm(m):
        for i in range(500):
            with contextlib.suppress(ProcessLookupError):
                for number in (signal.SIGWINCH, signal.SIGCHLD, signal.SIGURG, signal.SIGSTOP, signal.SIGCONT):
                    os.kill(m.proc.pid, number)
            if i % 50 == 0:
                time.sleep(0.001)
    equal(outcome("signals", meanwhile=storm), "a right report", "the outcome")

with case("the wall clock jumps"):
    equal(outcome("clock", {"LD_PRELOAD": shim(), "FAULT_CLOCK": "1"}), "a right report", "the outcome")

# ---- limits ----

LIMITS = [(resource.RLIMIT_NOFILE, "NOFILE", n) for n in (3, 6, 9, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128)] + \
    [(resource.RLIMIT_AS, "AS", n << 20) for n in (16, 24, 32, 48, 64, 96, 128, 160, 200, 256, 300, 400, 600)] + \
    [(resource.RLIMIT_DATA, "DATA", n << 20) for n in (1, 4, 8, 16, 32, 48, 64, 96, 128)] + \
    [(resource.RLIMIT_STACK, "STACK", n << 10) for n in (64, 128, 256, 1024)] + \
    [(resource.RLIMIT_FSIZE, "FSIZE", n) for n in (0, 1, 100, 4096, 65536)] + \
    [(resource.RLIMIT_NPROC, "NPROC", n) for n in (0, 1)] + \
    [(resource.RLIMIT_MEMLOCK, "MEMLOCK", n) for n in (0, 65536)] + \
    [(resource.RLIMIT_CORE, "CORE", 0)]

with case("limits are low"):
    outcomes, wrong = collections.Counter(), []
    for which, name, value in some(LIMITS):
        try:
            how = outcome(f"{name} {value}", preexec_fn=lambda: resource.setrlimit(which, (value, value)))
            outcomes[f"{name} {how}"] += 1
        except AssertionError as e:
            wrong.append(str(e))
    print_outcomes(outcomes)
    true(not wrong, "\n".join(wrong))

# ---- too much ----

with case("a ring of 64 KiB at full speed"):
    p = start([build("steady.c", "-static"), path("counters"), "4", "0"])
    m = Memtrace("-f", "json", "-i", "3600", "--ring", "64k", "-p", p.pid).attached()
    time.sleep(1)
    equal(m.interrupt(), 0, f"the exit status ({m.stderr()})")
    report = m.final()
    leaks = [s for s in report["sites"] if s["verdict"] == "leak"]
    true(report["lost"]["events"], "nothing was lost")
    true(not report["judged"] and not leaks, f"a verdict in spite of what was lost: {report['lost']}")
    p.kill()
    print(f"# lost: {report['lost']}, not judged: {report['not_judged']}")

# ---- files that do not answer ----

with case("a debug link to a FIFO"):
    tool("objcopy")
    exe = path("linked")
    debug = exe + ".debug"
    shutil.copy(build("sizes.c"), exe)
    subprocess.run(["objcopy", "--only-keep-debug", exe, debug], check=True)
    subprocess.run(["strip", exe], check=True)
    subprocess.run(["objcopy", "--remove-section=.note.gnu.build-id", "--add-gnu-debuglink", debug, exe], check=True)
    os.unlink(debug)
    os.mkfifo(debug)
    report, truth = launch([exe])
    equal(report["live_blocks"] >= sum(t["blocks"] for t in truth), True, "whether the blocks are there")

done()
