#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Suppressions, marks, conditions that fail a run, and its exit status."""

from lib import *

LEAKS = build("leaks.c")


def write(name, text):
    file = path(name)
    with open(file, "w") as f:
        f.write(text)
    return file


class Run:
    """A run of `leaks` under memtrace; the letters tell it what to do."""

    def __init__(self, letters, *options, form="json"):
        out = path("report")
        r = subprocess.run([MEMTRACE, "-f", form, "-o", out, "-i", "3600", *map(str, options), "--", LEAKS],
                           input=letters, capture_output=True, text=True, timeout=PATIENCE)
        self.status, self.stderr = r.returncode, r.stderr
        self.text = open(out).read() if os.path.exists(out) else ""
        self.summary = (r.stderr.splitlines() or [""])[-1]
        if form == "json" and self.text:
            self.report = json.loads(self.text.splitlines()[-1])

    def sites(self):
        return {s["title"]: s for s in self.report["sites"]}


def held(site):
    """(bytes, blocks)"""
    return site["live_bytes"], site["live_blocks"]


with case("the exit status is the command's, unless a condition is met"):
    for options, status in ((("--fail-on", "live>1g"), 7), (("--fail-on", "live>=100000"), 3),
                            (("--fail-on", "live>100000"), 7), (("--fail-on", "lost>0,live>64k"), 3),
                            (("--fail-on", "live>64k", "--error-exitcode", 9), 9),
                            (("--fail-on", "blocks>99", "--fail-on", "live>1g"), 3),
                            (("--error-exitcode", 9), 7)):
        r = Run("lq", "--kind", "heap", *options)
        equal(r.status, status, f"the status with {options} ({r.stderr})")

with case("the last line says which condition failed"):
    r = Run("lq", "--kind", "heap", "--fail-on", "live>64k,lost>0")
    LEFT = r"memtrace: not judged: \d+-leaks\[\d+\] ended after \d+ms; 100 blocks \(97\.7 KiB\) in 1 call stack were outstanding at exit"
    true(re.fullmatch(LEFT + r"; FAILED: live>64k", r.summary), r.summary)
    r = Run("lq", "--kind", "heap", "--fail-on", "lost>0")
    true(re.fullmatch(LEFT + r"; passed", r.summary), r.summary)
    r = Run("lq", "--kind", "heap", form="text")
    true(re.fullmatch(LEFT, r.summary), r.summary)

with case("what a file suppresses is neither shown nor compared, but counted"):
    rules = write("ci.supp", "# known\n\nleak:^known_leak$\nleak:nothing_of_this_name\n")
    r = Run("lkq", "--kind", "heap", "--suppressions", rules, "--fail-on", "live>100000")
    equal(r.status, 7, f"the status ({r.stderr})")
    equal({t: held(s) for t, s in r.sites().items()}, {"session_new": (100000, 100)}, "the sites shown")
    equal(r.report["suppressed"], [{"pattern": "leak:^known_leak$", "source": f"{rules}:3", "reason": None,
                                    "sites": 1, "live_bytes": 1600, "live_blocks": 50}], "the suppressed sites")
    equal((r.report["live_bytes"], r.report["live_blocks"]), (101600, 150), "the totals")
    true(f"memtrace: 1 suppression matched nothing: {rules}:4 (leak:nothing_of_this_name)\n" in r.stderr, r.stderr)
    true(f"{rules}:3" not in r.stderr, r.stderr)
    true(re.fullmatch(LEFT + r"; \d+ suppressed; passed", r.summary), r.summary)

with case("suppressions that matched nothing are named at the end of the run, the first of many"):
    rules = write("unused.supp", "".join(f"leak:unused_{i}\n" for i in range(6)))
    r = Run("lq", "--kind", "heap", "-i", 0.2, "--suppressions", rules)
    equal([l for l in r.stderr.splitlines() if "matched nothing" in l],
          ["memtrace: 6 suppressions matched nothing: " + ", ".join(f"{rules}:{i + 1} (leak:unused_{i})" for i in range(3)) +
           " and 3 more (-v names all)"], "the line")
    r = Run("lq", "--kind", "heap", "--suppressions", rules, "-v")
    true(all(f"memtrace: {rules}:{i + 1}: leak:unused_{i} matched nothing\n" in r.stderr for i in range(6)), r.stderr)

with case("patterns for modules, source files, outer functions and wildcards"):
    for pattern in ("/*-leaks$", "leaks.c$", "^main$", "known*leak", "^session_new"):
        r = Run("lkq", "--kind", "heap", "--suppressions", write("a.supp", f"leak:{pattern}\n"))
        equal({s["pattern"] for s in r.report["suppressed"]}, {f"leak:{pattern}"}, "the pattern that matched")

with case("suppressed call stacks do not count for --top"):
    r = Run("lkotq", "--kind", "heap", "-t", 2, "--suppressions",
            write("b.supp", "leak:^session_new$\nleak:^table_fill$\n"))
    equal([(s["rank"], s["title"], held(s)) for s in r.report["sites"]],
          [(1, "known_leak", (1600, 50)), (2, "other_leak", (1000, 10))], "the first two")
    equal((r.report["total_sites"], r.report["rest_bytes"]), (4, 0), "the number of sites, and the bytes not shown")

with case("built-in suppressions"):
    for options, shown in (((), False), (("--no-default-suppressions",), True)):
        r = Run("bq", "--kind", "heap", *options)
        stacks = [[f["func"] for f in s["stack"]] for s in r.report["sites"]]
        equal(any("_IO_file_doallocate" in s for s in stacks), shown, f"whether the buffer of stdio is shown with {options}")
        hidden = {s["pattern"]: (s["source"], s["live_blocks"]) for s in r.report["suppressed"]}
        equal(hidden.get("leak:^_IO_file_doallocate$"), None if shown else ("built-in", 1), "the rule")

with case("files of suppressions that are not valid"):
    for text, line in (("leak:x\nrace:y\n", '\' line 2 does not begin with "leak:"'), ("leak:\n", "' line 1 has no pattern")):
        r = Run("q", "--suppressions", write("bad.supp", text))
        equal(r.status, 2, "the status")
        true(line in r.stderr and r.stderr.count("\n") == 1, r.stderr)

with case("titles are the program's own frames, in the text report too"):
    r = Run("lkq", "--kind", "heap", form="text")
    for name in ("session_new", "known_leak"):
        true(re.search(rf"^ .*  {name} +leaks\.c:", r.text, re.M), f"{name} is not a title in {r.text}")
    true("strdup" not in r.text and "libc" not in r.text, f"frames of libraries are not left out: {r.text}")
    r = Run("lkq", "--kind", "heap", "--full-stacks", form="text")
    for name in ("session_new", "known_leak"):
        true(f"\n    {name}  leaks.c:" in r.text, f"{name} is not a title in {r.text}")
    true("\n      __strdup" in r.text or "\n      strdup" in r.text, f"the stack is not shown from its innermost frame: {r.text}")


class Attached:
    """`leaks` with memtrace attached to it."""

    HOLDS = {"l": 100000, "k": 1600, "o": 1000, "t": 64 * 4096, "e": -64 * 4096}

    def __init__(self, *options):
        self.proc = start([LEAKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.memtrace = Memtrace(*EVERYTHING, "-i", "0.2", "--kind", "heap", *options, "-p", self.proc.pid).attached()
        self.live_bytes = 0

    def do(self, letters):
        for c in letters:
            self.proc.stdin.write(c.encode())
            self.proc.stdin.flush()
            equal(self.proc.stdout.readline(), b"ok\n", "the answer")
            self.live_bytes += self.HOLDS[c]

    def reported(self):
        """Whether a report has all that the program did so far."""
        reports = self.memtrace.reports()
        return reports and reports[-1]["live_bytes"] == self.live_bytes

    def mark(self):
        before = self.memtrace.stderr().count("mark set after")
        wait_for(self.reported, f"a report with {self.live_bytes} live bytes")
        self.memtrace.proc.send_signal(signal.SIGUSR1)
        wait_for(lambda: self.memtrace.stderr().count("mark set after") > before, "the mark to be set")

    def end(self):
        self.proc.stdin.close()
        equal(self.proc.wait(PATIENCE), 0, "the program's status")
        equal(self.memtrace.wait(), 0, self.memtrace.stderr())
        return self.memtrace.final()


def since(report):
    return {s["title"]: (s["since_mark_bytes"], s["since_mark_blocks"]) for s in report["sites"]}


with case("growth since a mark"):
    p = Attached("--since-mark", "-t", 10)
    p.do("lkto")
    p.mark()
    p.do("lleko")
    report = p.end()
    equal(since(report), {"session_new": (200000, 200), "known_leak": (1600, 50), "other_leak": (1000, 10),
                          "table_fill": (-262144, -64)}, "the differences")
    equal([s["title"] for s in report["sites"]], ["session_new", "known_leak", "other_leak", "table_fill"], "the order")
    equal((report["since_mark_bytes"], report["since_mark_blocks"]), (202600 - 262144, 196), "the sums")
    true(0 < report["mark_s"] < report["elapsed_s"], f"the time of the mark is {report['mark_s']}")

with case("call stacks that did not change since the mark are not shown"):
    p = Attached("--since-mark", "-t", 10)
    p.do("lkt")
    p.mark()
    p.do("o")
    equal(since(p.end()), {"other_leak": (1000, 10)}, "the differences")

with case("the last mark counts; without one, the start does"):
    p = Attached("--since-mark", "-t", 10)
    p.do("l")
    p.mark()
    p.do("l")
    p.mark()
    p.do("k")
    equal(since(p.end()), {"known_leak": (1600, 50)}, "the differences")
    p = Attached("--since-mark", "-t", 10)
    p.do("l")
    report = p.end()
    equal(since(report), {"session_new": (100000, 100)}, "the differences")
    equal(report["mark_s"], None, "the time of the mark")

with case("growth since the mark as a condition"):
    for limit, status in ((100000, 0), (99999, 3)):
        p = Attached("--fail-on", f"growth>{limit}")
        p.do("lll")
        p.mark()
        p.do("l")
        p.proc.stdin.close()
        equal(p.memtrace.wait(), status, p.memtrace.stderr())

with case("a leak is found, named, and fails the run"):
    # The two runs, which take 10 s each: one with the leak suppressed, one without.
    r, suppressed = together(*(lambda text=text: Run(
        "ttsq", "-i", "1", "--error-exitcode", 9, "--suppressions", write("c.supp", text))
        for text in ("leak:^known_leak$\n", "leak:^known_leak$\nleak:^session_new$\n")))
    sites = r.sites()
    equal(sites["session_new"]["verdict"], "leak", f"the verdict ({r.summary})")
    equal(sites["session_new"]["suppression"], "leak:^session_new$", "the suppression that the report suggests")
    equal(r.report["findings"]["leak"]["sites"], 1, "the number of leaks")
    equal(r.report["findings"]["leak"]["live_bytes"], 1000000, "the bytes in leaks")
    true(900 <= sites["session_new"]["live_blocks"] <= 1000, "most blocks are not in the report")
    true(re.match(r"memtrace: 1 leak \(976\.6 KiB, \+[0-9.,]+ [KM]iB/h\).*, [0-9]+ suppressed; FAILED$", r.summary), r.summary)
    equal(r.status, 9, "the status")
    equal(suppressed.status, 7, f"the status with that suppression ({suppressed.summary})")

done()
