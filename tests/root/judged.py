#!/usr/bin/env python3
"""What was not judged is not reported as free of leaks, and does not pass."""

from lib import *
from containers_lib import hierarchies

ENDS = build("ends.c")
LEAVE = r"\d+-ends\[\d+\] ended after \d+ms; "


class Run:
    """A command under memtrace: its status, its last line, and its report in JSON."""

    def __init__(self, *argv, options=(), program=ENDS, record=None):
        out = path("report")
        if record:
            options = (*options, "--record", record)
        r = subprocess.run([MEMTRACE, "-f", "json", "-o", out, "-i", "3600", *options, "--", program, *map(str, argv)],
                           capture_output=True, text=True, timeout=PATIENCE)
        self.status, self.stderr = r.returncode, r.stderr
        self.said = [line.removeprefix("memtrace: ") for line in r.stderr.splitlines()]
        text = open(out).read() if os.path.exists(out) else ""
        self.report = json.loads(text.splitlines()[-1]) if text else None

    def says(self, pattern):
        true(any(re.fullmatch(pattern, line) for line in self.said), f"{pattern} is not in {self.stderr}")


FAIL = ("--error-exitcode", "9")
ALLOWED = r"; NOT PASSED \(--allow-unjudged lets it pass\)"

with case("a command that ends early with blocks outstanding"):
    r = Run("leave", options=FAIL)
    equal(r.status, 4, r.stderr)
    r.says("not judged: " + LEAVE + r"3 blocks \(1\.2 KiB\) in [23] call stacks were outstanding at exit"
           r"(; \d+ suppressed)?" + ALLOWED)
    equal((r.report["judged"], r.report["unjudged"]["live_blocks"]), (False, 3), "the report")
    true("outstanding at exit" in r.report["not_judged"], r.report["not_judged"])
    equal({s["verdict"] for s in r.report["sites"]}, {"unknown"}, "the verdicts")
    for options, status in ((("--allow-unjudged", *FAIL), 0), (("--fail-on", "leak>0"), 4), ((), 0),
                            (("--fail-on", "live>1g"), 0), (("--fail-on", "live>1k"), 3)):
        equal(Run("leave", options=options).status, status, f"the status with {options}")

with case("a command that frees all that it allocated"):
    r = Run("clean", options=FAIL)
    equal(r.status, 0, r.stderr)
    r.says(r"no leak found: nothing is outstanding(, \d+ suppressed)?; passed")
    equal((r.report["judged"], r.report["not_judged"]), (True, None), "the report")

with case("a command that crashes"):
    r = Run("crash", options=FAIL)
    equal(r.status, 128 + signal.SIGSEGV, r.stderr)
    r.says(r"not judged: \d+-ends\[\d+\] was killed by SIGSEGV after \d+ms; 1 block \(200 B\) .*" + ALLOWED)
    p, = r.report["processes"]
    equal((p["state"], p["ended_by"], p["exit_status"]), ("ended", "SIGSEGV", None), "the process")

with case("a command that allocates nothing"):
    r = Run("empty", options=FAIL)
    equal(r.status, 4, r.stderr)
    r.says("not judged: no allocation was seen.*")
    equal(Run("empty", options=("--fail-on", "live>1g")).status, 4, "the status by what is live")

with case("a program whose allocator cannot be found"):
    r = Run("leave", options=FAIL, program=build("ends.c", "-static", "-s"))
    true(r.status in (1, 4), f"the status is {r.status}: {r.stderr}")
    true("no leak" not in r.stderr and "passed" not in r.stderr, r.stderr)

with case("an allocator whose malloc cannot be probed"):
    chosen = build("ifunc_malloc.c", "-shared", "-fPIC", "-fno-builtin", name="libchosen.so")
    r = Run("leave", options=FAIL, program=build("ends.c", "-Wl,--no-as-needed", chosen))
    equal(r.status, 4, r.stderr)
    r.says(r"not judged: .*malloc of \d+-libchosen\.so is not probed.*" + ALLOWED)
    true("libchosen.so" in r.report["processes"][0]["unprobed"], r.report["processes"][0])

with case("a command whose events are lost"):
    r = Run("storm", options=(*FAIL, "--ring", "64k"))
    if not r.report["lost"]["events"] * 99 > r.report["allocs"] + r.report["frees"]:
        raise Skip("nothing was lost")
    equal(r.status, 4, r.stderr)
    r.says(r"not judged: [0-9.]+% of the events were lost.*")
    equal(Run("storm", options=("--fail-on", "lost>0", "--ring", "64k")).status, 3, "the status by what was lost")

with case("a recording says the same"):
    for argv in (("leave",), ("crash",), ("clean",)):
        file = path("run.mt")
        r = Run(*argv, record=file, options=FAIL)
        again = subprocess.run([MEMTRACE, "report", file, "-f", "json", *FAIL], capture_output=True, text=True)
        report = json.loads(again.stdout.splitlines()[-1])
        for key in ("judged", "not_judged", "unjudged", "processes"):
            equal(report[key], r.report[key], f"{key} of {argv}")
        equal(again.returncode, 0 if argv[0] == "clean" else 4, f"the status of {argv}")
        if argv[0] == "leave":
            both = subprocess.run([MEMTRACE, "diff", file, file], capture_output=True, text=True)
            equal(both.stdout.count("not judged: "), 2, "how often a comparison says so")


def write(file, text):
    with open(file, "w") as f:
        f.write(str(text))


def replay(file):
    r = subprocess.run([MEMTRACE, "report", file], capture_output=True, text=True, timeout=PATIENCE)
    return r.stdout + r.stderr


def attached(proc, seconds, *options):
    m = Memtrace(*EVERYTHING, *FAIL, "-d", seconds, *options, "-p", proc.pid)
    return m, m.wait(), m.stderr()


def grown(how, *options, record=None):
    """The final report on a program that grows (unseen.c), the status and the last line."""
    p = Program([build("unseen.c"), how])
    options = (*options, "--record", record) if record else options
    m = Memtrace(*EVERYTHING, *FAIL, *options, "-p", p.pid).attached()
    p.go()
    status = m.interrupt()
    p.end()
    return m.final(), status, m.stderr()


with case("a program that grows by memory that no probe sees"):
    for how, options in (("old", ()), ("array", ()), ("map", ("--kind", "heap"))):
        file = path("grown.mt")
        report, status, said = grown(how, *options, record=file)
        equal(status, 4, said)
        true(re.search(r"not judged: .*RSS \+2\d\.\d MiB, none of it seen by a probe", said), f"{how}: {said}")
        true("no leak" not in said, said)
        p, = report["processes"]
        for figure in (p["unseen_bytes"], report["unjudged"]["unseen_bytes"]):
            true(16 << 20 < figure <= p["anonymous_growth_bytes"] < 32 << 20, f"{how}: {figure} of {p}")
        again = subprocess.run([MEMTRACE, "report", file, "-f", "json", *options, *FAIL], capture_output=True, text=True)
        replayed = json.loads(again.stdout.splitlines()[-1])
        equal(replayed["not_judged"], report["not_judged"], "the reason in the recording")
        equal(again.returncode, 4, "its status")

with case("a program that grows by what probes see, by its stack or by pages of files"):
    for how, options in (("heap", ()), ("freed", ()), ("heap", ("--kind", "heap")), ("freed", ("--kind", "heap")),
                         ("map", ()), ("file", ()), ("stack", ())):
        report, status, said = grown(how, *options)
        true("seen by a probe" not in said, f"{how} {options}: {said}")
        equal(report["processes"][0]["unseen_bytes"], 0, f"what was not seen of {how} {options}")

with case("a target that stands stopped"):
    target = start([ENDS, "churn", "60"])
    wait_for(lambda: "libc.so" in open(f"/proc/{target.pid}/maps").read(), "it to begin")
    target.send_signal(signal.SIGSTOP)
    m, status, said = attached(target, 1)
    equal(status, 4, said)
    true(re.search(rf"not judged: \d+-ends\[{target.pid}\] is stopped; no allocation was seen", said), said)
    equal(m.final()["processes"][0]["state"], "stopped", "its state")
    target.kill()

FREEZERS = {"": ("cgroup.freeze", "1", "0", "cgroup.events", "frozen 1"),
            "freezer": ("freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN")}

with case("a target whose cgroup is frozen"):
    tried = 0
    for controllers, mount in hierarchies().items():
        if controllers and "freezer" not in controllers.split(","):
            continue
        switch, on, off, state, word = FREEZERS["freezer" if controllers else ""]
        above = os.path.join(mount, f"memtrace-test-frozen-{os.getpid()}")
        group = os.path.join(above, "below")  # frozen by the one above it
        target = start([ENDS, "churn", "60"])
        try:
            os.makedirs(group)
            if not os.path.exists(os.path.join(above, switch)):
                continue
            write(os.path.join(group, "cgroup.procs"), target.pid)
            wait_for(lambda: "libc.so" in open(f"/proc/{target.pid}/maps").read(), "it to begin")
            write(os.path.join(above, switch), on)
            wait_for(lambda: word in open(os.path.join(group, state)).read(), "it to be frozen")
            file = path("frozen.mt")
            m, status, said = attached(target, 1, "--record", file)
            equal(status, 4, said)
            true(re.search(rf"not judged: \d+-ends\[{target.pid}\] is stopped; no allocation was seen", said), said)
            equal(m.final()["processes"][0]["state"], "stopped", "its state")
            text = Memtrace("-d", 1, "-p", target.pid)
            text.wait()
            true("its cgroup is frozen" in text.stdout(), text.stdout())
            true("its cgroup is frozen" not in replay(file) and "is stopped" in replay(file), replay(file))
            write(os.path.join(above, switch), off)
            m, status, said = attached(target, 1)
            true("is stopped" not in said, said)
            tried += 1
        finally:
            if os.path.exists(os.path.join(above, switch)):
                write(os.path.join(above, switch), off)
            target.kill()
            target.wait()
            for directory in (group, above):
                if os.path.isdir(directory):
                    os.rmdir(directory)
    if not tried:
        raise Skip("no cgroups can be frozen here")

with case("a target that is killed"):
    target = start([ENDS, "churn", "60"])
    m = Memtrace(*EVERYTHING, *FAIL, "-p", target.pid).attached()
    target.kill()
    equal(m.wait(), 4, m.stderr())
    true(re.search(rf"\[{target.pid}\] was killed by SIGKILL", m.stderr()), m.stderr())

with case("a target that is observed too briefly"):
    target = start([ENDS, "churn", "60"])
    m, status, said = attached(target, 1)
    equal(status, 4, said)
    true("not judged: observed for" in said, said)
    target.kill()

with case("children that end before they are probed"):
    target = start([ENDS, "forks", "300"], stdin=subprocess.PIPE)
    m = Memtrace(*EVERYTHING, *FAIL, "-p", target.pid).attached()
    target.communicate(b"x")
    equal(m.wait(), 4, m.stderr())
    true("no leak" not in m.stderr(), m.stderr())

with case("long runs: a healthy one passes, one that leaks fails, one that is killed is named"):
    def killed():
        target = start([ENDS, "churn", "60"])
        m = Memtrace(*EVERYTHING, *FAIL, "-p", target.pid).attached()
        time.sleep(12)  # as long as the others, which are judged by then
        target.kill()
        return m.wait(), m.stderr()

    healthy, leaking, (status, said) = together(lambda: Run("churn", 12, options=FAIL),
                                                lambda: Run("leak", 14, options=FAIL), killed)
    equal(healthy.status, 0, healthy.stderr)
    equal(healthy.report["judged"], True, healthy.stderr)
    equal(leaking.status, 9, leaking.stderr)
    equal(status, 0, said)
    true(re.search(r"no leak found.*; \d+-ends\[\d+\] was killed by SIGKILL; passed", said), said)

done()
