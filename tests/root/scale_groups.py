#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many processes, each counted exactly; and memtrace's own resources do not grow with their number."""
from containers_lib import *
from lib import *

ALONE = "traces the whole host, and measures what memtrace takes"
SOURCE = "crowd.c"
STAYING, SHORT, THREADS = 200, 5000, 64
BLOCKS = 202  # that a short process allocates
# Bytes that memtrace may keep for each.
PER_ENDED, PER_SITE, PER_BLOCK = 4 << 10, 1 << 10, 200


# ---- what memtrace takes ----

class Taken:
    """Memory, descriptors, BPF links and processor time of a running memtrace."""

    def __init__(self, m):
        proc = f"/proc/{m.proc.pid}"
        with open(f"{proc}/status") as f:
            text = f.read()
        self.rss, self.own = (int(re.search(rf"{key}:\s+(\d+)", text).group(1)) << 10 for key in ("VmRSS", "RssAnon"))
        targets = []
        for fd in os.listdir(f"{proc}/fd"):
            try:
                targets.append(os.readlink(f"{proc}/fd/{fd}"))
            except FileNotFoundError:
                pass
        self.files = sum(t.startswith("/") for t in targets)
        self.fds = len(targets) - self.files
        self.links = sum("bpf_link" in t for t in targets)
        with open(f"{proc}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        self.cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __str__(self):
        return (f"{self.rss >> 10} KiB resident, {self.own >> 10} KiB of them own, {self.files} files open, {self.fds} other descriptors, "
                f"{self.links} of them links, {self.cpu:.2f} s of processor time")


def settled(m):
    """The resources of memtrace once it has nothing left to do."""
    last = None
    for _ in range(100):
        now = Taken(m)
        if last is not None and now.cpu - last.cpu < 0.02:
            return now
        last = now
        time.sleep(0.25)
    return last


def finish(m):
    equal(m.interrupt(), 0, f"the exit status (standard error: {m.stderr()})")
    return m.final()


def named(report):
    """{pid: [blocks, bytes]} of the sites in `take` and `leave`, by the names in their stacks."""
    found = {}
    for s in report["sites"]:
        if s["kind"] == "heap" and s["live_blocks"] and own_function(s, SOURCE) in ("take", "leave"):
            row = found.setdefault(s["pid"], [0, 0])
            row[0] += s["live_blocks"]
            row[1] += s["live_bytes"]
    return found


def left(report, program, besides):
    """(blocks, bytes) of each process of a program but one, from the rows of processes."""
    return [(row["live_blocks"], row["live_bytes"]) for row in report["processes"]
            if row["comm"] == os.path.basename(program)[:15] and row["pid"] != besides]


def bounded(before, after, what, memory):
    print(f"# {what}: before {before}\n# {what}: after  {after}")
    # New files of other programs on this host may have been probed meanwhile, but not 5,000.
    true(after.files <= before.files + 100, f"open files grow with the processes: {before.files}, {after.files}")
    true(after.fds <= before.fds + 20, f"descriptors grow with the processes: {before.fds}, {after.fds}")
    true(after.links <= before.links + 10, f"links grow with the processes: {before.links}, {after.links}")
    true(after.own - before.own <= memory, f"it took {after.own - before.own} bytes, which is more than {memory}")


def nothing_lost(report):
    lost = {name: n for name, n in report["lost"].items() if n}
    true(not lost, f"lost {lost}, stacks {report['stacks_lost']}")


# ---- the cases ----

def stay(p, pid, program, *target):
    """Traces a crowd of processes while they work, and checks what each keeps."""
    m = Memtrace(*EVERYTHING, *target).attached()
    before = settled(m)
    p.go()
    after = settled(m)
    report = finish(m)
    p.end()
    expected = [(i, i * (1000 + i)) for i in range(1, STAYING + 1)]
    nothing_lost(report)
    equal(sorted(left(report, program, pid)), expected, "the blocks and bytes of each process")
    equal(sorted(map(tuple, named(report).values())), expected, "the blocks and bytes of each process, by names")
    bounded(before, after, f"{STAYING} processes", 64 << 20)


with case(f"{STAYING} processes of a cgroup, half of them there before, each exactly"):
    program = build(SOURCE)
    p = Program(inside([program, "stay", str(STAYING)]))
    stay(p, p.pid, program, "-g", cgroup())
    equal(p.proc.returncode, 0, "the program's status")

with case("the same in a docker container"):
    docker = Docker()
    image = docker.image(make_root("crowd", {"/bin/crowd": build(SOURCE)}))
    p = Inside(lambda env, shared: docker.run(image, ["/bin/crowd", "stay", str(STAYING)], env, shared)).ready()
    stay(p, p.container.pid, "/bin/crowd", "-c", p.container.name)
    p.container.remove()
    docker.stop()

with case(f"{THREADS} threads in a process of a cgroup"):
    p = Program(inside([build(SOURCE), "threads", str(THREADS)]))
    m = Memtrace(*EVERYTHING, "-g", cgroup()).attached()
    p.go()
    report = finish(m)
    compare(report, p.finished(), SOURCE)
    equal(p.end(), 0, "the program's status")

with case("caches of threads that end, on the host"):
    p = Program([build("caches.c"), "6"])
    m = Memtrace(*EVERYTHING, "-a", "--ring", "128m").attached()
    p.go()
    p.end()
    row, = [row for row in finish(m)["processes"] if row["pid"] == p.pid]
    equal(row["unmatched_frees"], 0, "the frees of unknown blocks")
    true(row["frees"] > 6 * 32 * 280, f"only {row['frees']} frees were seen")


def by_itself(program):
    """(blocks, bytes) that a short process leaves, with those of its C library, traced alone."""
    m = Memtrace(*EVERYTHING, "--kind", "heap", "--", program, "brief", "1")
    equal(m.wait(), 0, f"the exit status (standard error: {m.stderr()})")
    report = m.final()
    return left(report, program, 0)[0]


def storm(name, program, *options):
    p = Program([program, "storm", str(SHORT)])
    # The ring buffer is large because other programs on this host may be busy meanwhile.
    m = Memtrace(*EVERYTHING, "-a", "--ring", "128m", *options).attached()
    before = settled(m)
    began = time.monotonic()
    p.go()
    took = time.monotonic() - began
    after = settled(m)
    report = finish(m)
    equal(p.end(), 0, "the program's status")
    names = len(named(report))
    print(f"# {name}: {took:.1f} s, {(after.cpu - before.cpu) / SHORT * 1e3:.2f} ms of memtrace's processor time for each; "
          f"{names} have names")
    rest = sum(row["allocs"] for row in report["processes"]) - SHORT * BLOCKS
    if any(report["lost"].values()) and rest > SHORT * BLOCKS:
        raise Skip(f"other programs on this host made {rest} allocations meanwhile, more than the test")
    nothing_lost(report)
    found = left(report, program, p.pid)
    equal(len(found), SHORT, "the number of processes")
    equal(set(found), {by_itself(program)}, "the blocks and bytes that they left")
    # A process that ends before its mappings were read has addresses only.
    true(names >= SHORT * 0.9, f"only {names} processes have names")
    equal(set(map(tuple, named(report).values())), {(2, 400)}, "the blocks and bytes that `leave` left in each")
    others = sum(row["live_blocks"] for row in report["processes"]) * PER_BLOCK + len(report["sites"]) * PER_SITE
    bounded(before, after, name, (16 << 20) + len(report["processes"]) * PER_ENDED + others)


with case(f"{SHORT} short processes on the host, --kind heap"):
    storm("heap, dynamic", build(SOURCE), "--kind", "heap")

with case(f"{SHORT} short static processes on the host, --kind all"):
    storm("all, static", build(SOURCE, "-static"), "--kind", "all")

done()
