#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What memtrace keeps is bounded, whatever comes and goes."""
from lib import *

SOURCE = "crowd.c"
KEPT = 512  # files that no process maps: UNUSED_FILES_MAX
DELETED = 64  # of these, deleted ones: UNUSED_DELETED_MAX

# $1: the program, $2: a directory, $3: a FIFO, $4: how many. It waits for a line at the FIFO after each part.
DELETED_FILES = """
i=0
while [ $i -lt $4 ]; do
	cp "$1" "$2/new$i"; "$2/new$i" brief 1; rm "$2/new$i"
	i=$((i + 1))
	echo $i >"$2/count"
done
touch "$2/done"; read line <"$3"
"""
FILES_AND_ONE_AGAIN = """
"$1" brief 1
i=0
while [ $i -lt $4 ]; do
	cp /bin/true "$2/new$i"; "$2/new$i"
	i=$((i + 1))
	echo $i >"$2/count"
done
touch "$2/done"; read line <"$3"
"$1" brief 1
"""


def run(script, program, number):
    """A traced shell, once it has come to its FIFO; and that FIFO."""
    folder, fifo = path("files"), path("fifo")
    os.mkdir(folder)
    os.mkfifo(fifo)
    m = Memtrace(*EVERYTHING, "--kind", "heap", "--", "/bin/sh", "-c", script, "sh", program, folder, fifo, str(number))

    def ran():
        try:
            with open(os.path.join(folder, "count")) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def goes_on(before):
        true(m.proc.poll() is None, f"memtrace ended with {m.proc.returncode}: {m.stderr()}")
        return ran() != before or os.path.exists(os.path.join(folder, "done"))
    # All of them may take minutes on a loaded machine, but not the next one.
    while not os.path.exists(os.path.join(folder, "done")):
        before = ran()
        wait_for(lambda: goes_on(before), f"a new file to run after {before or 'none'}")
    return m, folder, fifo


def open_files(m):
    found = []
    for fd in os.listdir(f"/proc/{m.proc.pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{m.proc.pid}/fd/{fd}"))
        except FileNotFoundError:
            pass
    return found


def links(m):
    return sum("bpf_link" in target for target in open_files(m))


def finish(m, fifo):
    with open(fifo, "w") as f:
        f.write("\n")
    equal(m.wait(), 0, f"the exit status (standard error: {m.stderr()})")
    return m.final()


def left_by(report):
    """Blocks and bytes that `leave` left in all processes."""
    sites = [s for s in report["sites"] if own_function(s, SOURCE) == "leave"]
    return sum(s["live_blocks"] for s in sites), sum(s["live_bytes"] for s in sites)


with case("files that ran and were deleted are given back, with their probes, and are counted"):
    number = 3 * DELETED
    program = build(SOURCE, "-static")
    m, folder, fifo = run(DELETED_FILES, program, number)
    wait_for(lambda: sum(t.startswith(folder) for t in open_files(m)) <= DELETED, "the files to be given back")
    true(links(m) <= 8 * (DELETED + 20), f"{links(m)} links are left")
    report = finish(m, fifo)
    true(not unsound(report), unsound(report))
    ended = [p for p in report["processes"] if p["comm"].startswith("new")]
    equal(sum(p["processes"] for p in ended), number, "processes")
    equal(len({p["live_blocks"] for p in ended}), 1, "numbers of blocks that they left")
    equal(left_by(report), (2 * number, 400 * number), "blocks and bytes whose call stack has names")

with case("a program whose file was given back is traced when it runs again"):
    program = build(SOURCE, "-static")
    m, folder, fifo = run(FILES_AND_ONE_AGAIN, program, KEPT + 10)
    wait_for(lambda: program not in open_files(m), "the program's file to be given back")
    report = finish(m, fifo)
    true(not unsound(report), unsound(report))
    equal(left_by(report), (4, 800), "blocks and bytes that it left in both runs")

done()
