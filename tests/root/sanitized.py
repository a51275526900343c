#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of each kind with a memtrace that was built with sanitizers: they must find nothing.

    make B=build-asan SAN="-fsanitize=address,undefined" all && B=build-asan tests/run root sanitized

With any other build this is skipped: the other tests do the same things, and more.
"""
from lib import *

FINDING = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:")
EVERY_WAY = {"ASAN_OPTIONS": "abort_on_error=0:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1",
             "TSAN_OPTIONS": "exitcode=99:second_deadlock_stack=1"}
FORMATS = ("text", "json", "folded", "pprof")


def sanitizers():
    with open(MEMTRACE, "rb") as f:
        binary = f.read()
    return [name for name in ("asan", "ubsan", "tsan") if f"__{name}_".encode() in binary]


def clean(status, m, what):
    """Checks the end of a run."""
    text = m.stderr()
    true(not FINDING.search(text), f"{what}:\n{text}")
    equal(m.wait(), status, f"the exit status of {what} ({text})")


def run(status, *args):
    m = Memtrace(*args, env=EVERY_WAY)
    m.wait()
    clean(status, m, f"memtrace {' '.join(map(str, args))}")
    return m


if not sanitizers():
    with case("memtrace under sanitizers"):
        raise Skip("this build of memtrace has no sanitizers")
    done()

recording, other = path("run.mt"), path("other.mt")
rules = path("rules.supp")
with open(rules, "w") as f:
    f.write("leak:^nothing_of_this_name$\n")

with case("attach, with intervals, a mark and a recording"):
    p = Program([build("busy.c")])
    m = Memtrace("-i", "0.5", "-f", "json", "--since-mark", "--suppressions", rules, "--fail-on", "lost>1000000000",
                 "--record", recording, "-p", p.pid, env=EVERY_WAY).attached()
    p.go()
    wait_for(m.reports, "a report")
    m.proc.send_signal(signal.SIGUSR1)
    wait_for(lambda: m.reports()[-1]["mark_s"], "a report with the mark")
    m.interrupt()
    clean(0, m, "the run")
    p.kill()

with case("a command with children"):
    run(0, "-v", "--explain-probes", "-i", "0.3", "-t", "0", "--by", "stack", "--", build("process.c"), "many")

with case("C++, by frame pointers and with perf events"):
    run(0, "--stack", "fp", "--attach", "perf", "--kind", "heap", "--probe", "main(size=1)", "--", build("cxx.cc"))

with case("new programs and libraries"):
    library = build("fresh_library.c", "-shared", "-fPIC")
    run(0, "--", "sh", "-c", f"{build('fresh.c')} load {library}; true")

with case("a PID namespace"):
    tool("unshare")
    inside = start(["unshare", "-pf", "--kill-child", "sleep", "1000"])
    children = f"/proc/{inside.pid}/task/{inside.pid}/children"
    pid = wait_for(lambda: open(children).read().split(), "the process in the namespace")[0]
    wait_for(lambda: "sleep" in os.readlink(f"/proc/{pid}/exe"), "the process to exec")
    run(0, "-d", "0.5", "-c", f"pid:{pid}")
    inside.kill()

with case("memtrace record"):
    run(0, "record", "-i", "0.3", "-o", other, "--", build("maps.c"))

for form in FORMATS:
    with case(f"memtrace report -f {form}"):
        run(0, "report", recording, "-f", form, "-i", "0.5", "-o", path(form))

with case("memtrace diff"):
    for form in ("text", "json"):
        run(0, "diff", recording, other, "-f", form)

with case("errors"):
    run(2, "-p", "x")
    run(1, "-c", "no-such-container")
    run(1, "report", rules)
    run(1, "--", "/no/such/command")

done()
