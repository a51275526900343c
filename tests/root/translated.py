#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs under valgrind live while files that they map are probed for all processes."""
from lib import *
from containers_lib import cgroup

ALONE = "it holds and probes programs of the whole machine"

# Reads lines, executes each, and answers. Most of its code is translated only then.
READER = "$| = 1; while (<STDIN>) { chomp; eval; print $@ || 'done', qq{\\n} }"
COMMANDS = ("my @x = map { 'x' x $_ } 1 .. 500; @x = ()", "use POSIX; POSIX::floor(1.5)",
            "use Data::Dumper; Dumper({ map { $_ => [1 .. $_] } 1 .. 50 })", "require Socket; sort { $b <=> $a } 1 .. 100")
NAMED = r"process (\d+) is not traced: it runs under valgrind"
TOOLS = ("none", "memcheck", "lackey", "massif")


class Translated:
    def __init__(self, valgrind="none"):
        self.log = path("valgrind.log")
        self.proc = start([tool("valgrind"), "-q", f"--tool={valgrind}", "--log-file=" + self.log,
                           *(["--massif-out-file=/dev/null"] if valgrind == "massif" else []), tool("perl"), "-e", READER],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.proc.pid

    def run(self, command):
        self.proc.stdin.write(command.encode() + b"\n")
        self.proc.stdin.flush()
        equal(self.proc.stdout.readline(), b"done\n", f"the answer to {command}")
        return self

    def end(self):
        self.proc.stdin.close()
        equal(self.proc.wait(), 0, "the exit status under valgrind")
        with open(self.log) as f:
            true("trap" not in f.read().lower(), "valgrind reports a trap")

    def breakpoints(self):
        """How many of the bytes of mapped code are not the file's."""
        n = 0
        with open(f"/proc/{self.pid}/maps") as maps, open(f"/proc/{self.pid}/mem", "rb") as memory:
            for line in maps:
                r = line.split()
                if len(r) < 6 or "x" not in r[1] or not r[5].startswith("/"):
                    continue
                first, end = (int(x, 16) for x in r[0].split("-"))
                with open(f"/proc/{self.pid}/root{r[5]}", "rb") as f:
                    f.seek(int(r[2], 16))
                    own = f.read(end - first)
                memory.seek(first)
                n += sum(a == 0xcc != b for a, b in zip(memory.read(len(own)), own))
        return n


def move(pid):
    with open(f"{cgroup()}/cgroup.procs", "w") as f:
        f.write(str(pid))


def ended(m):
    m.proc.send_signal(signal.SIGINT)
    equal(m.wait(), 0, f"the exit status ({m.stderr()})")
    return m


def left_alone(m, t):
    wait_for(lambda: str(t.pid) in re.findall(NAMED, m.stderr()), f"a message that process {t.pid} is left alone")


for name, options, kinds in (("-a", ["-a"], TOOLS), ("-a --no-miss", ["-a", "--no-miss"], TOOLS[:1]),
                             ("-a --kind heap", ["-a", "--kind", "heap"], TOOLS[1:2])):
    with case(f"{name}: one that ran before, and those that start later"):
        first = Translated().run("1")
        m = Memtrace(*EVERYTHING, *options).attached()
        left_alone(m, first)
        equal(first.breakpoints(), 0, "breakpoints in the first")
        for c in COMMANDS:
            first.run(c)
        for kind in kinds:
            t = Translated(kind)
            for c in COMMANDS:
                t.run(c)
            left_alone(m, t)
            equal(t.breakpoints(), 0, f"breakpoints under {kind}")
            t.end()
        ended(m)
        true("a program under valgrind" in m.final()["notice"], f"the notice is {m.final()['notice']}")
        equal(first.breakpoints(), 0, "breakpoints in the first after memtrace")
        first.run(COMMANDS[0]).end()

with case("-g: in the cgroup, and outside of it, before and later"):
    ordinary = start([tool("perl"), "-e", READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    inside, outside = Translated().run("1"), Translated().run("1")
    move(ordinary.pid)
    move(inside.pid)
    m = Memtrace(*EVERYTHING, "-g", cgroup()).attached()
    left_alone(m, inside)
    left_alone(m, outside)
    later = Translated().run("1")
    left_alone(m, later)
    for t in (inside, outside, later):
        for c in COMMANDS:
            t.run(c)
        equal(t.breakpoints(), 0, "breakpoints")
        t.end()
    ordinary.stdin.close()
    ordinary.wait()
    ended(m)

with case("--: a command that starts valgrind, and one that is valgrind"):
    command = [tool("valgrind"), "-q", "--tool=none", tool("perl"), "-e", "; ".join(COMMANDS) + "; print 'done'"]
    for argv in (command, ["/bin/sh", "-c", '"$@"; exit $?', "sh", *command]):
        m = Memtrace(*EVERYTHING, "--", *argv)
        equal(m.wait(), 0, f"the exit status ({m.stderr()})")
        true(re.search(NAMED, m.stderr()), f"it is not named: {m.stderr()}")

with case("a child that a program under valgrind forks"):
    m = Memtrace(*EVERYTHING, "-a").attached()
    t = Translated().run("my $pid = fork; if (!$pid) { " + "; ".join(COMMANDS) + "; POSIX::_exit(0) } waitpid $pid, 0; die $? if $?")
    left_alone(m, t)
    t.end()
    ended(m)

with case("a program that replaces one under valgrind is traced"):
    m = Memtrace(*EVERYTHING, "-a", "--no-miss").attached()
    p = Program([tool("valgrind"), "-q", "--tool=none", "/bin/sh", "-c", 'exec "$@"', "sh", build("process.c"), "exec"],
                env={"SLOWLY": "1"})
    left_alone(m, p)
    p.go()
    equal(p.end(), 0, "the exit status of the program")
    ended(m)
    compare(m.final(), read_truth(p.truth_path), "process.c", pid=p.pid)

done()
