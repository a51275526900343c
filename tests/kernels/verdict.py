#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What came of the cases that one kernel ran: a row for each method and way of walking stacks.

    verdict.py [KERNEL RESULT [DETAILS]]

RESULT is what tests/kernels/init wrote. DETAILS gets a line for whatever was not as it should be. The
exit status is 1 where there was such a thing; that a kernel does not offer a method is none. Without
arguments: the head of the table.
"""
import collections
import json
import re
import sys

DEPTHS = [f"depth_{n}" for n in range(10, 0, -1)]
ROW = "{:<18} {:<8} {:<6} {:<8} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>14}"
HOWS = ("attach", "launch", "cgroup", "unknown")


class Case:
    def __init__(self, words):
        self.asked, self.stack, self.how, self.program, self.threads = words[:5]
        self.pairs = " ".join(words[5:])
        self.ready, self.status, self.spent = False, None, 0.0
        self.errors, self.truth, self.report = [], None, None

    def name(self):
        return f"{self.asked} {self.stack} {self.how} {self.program} {self.threads} {self.pairs}".rstrip()

    def method(self):
        m = re.search(r"\((\w+) probes\)", "\n".join(self.errors))
        return m.group(1) if m else "-"

    def known_sites(self):
        """The sites of our own functions: the C library has blocks of its own. Operator new may call malloc."""
        return [s for s in self.report["sites"]
                if any((f["func"] or "").startswith("known_") for f in s["stack"][:2])]

    def held(self):
        """How many were held until their code was probed, and how many could not be."""
        m = re.search(r"threads held until their code was probed: (\d+); could not be held: (\d+)", "\n".join(self.errors))
        return (int(m[1]), int(m[2])) if m else (0, 0)

    def missed(self):
        """Whether something unknown ran before it could be probed, and the report says so."""
        return self.how == "unknown" and self.report is not None and self.report["late"] > 0

    def inexact(self):
        """What is wrong with the numbers; empty: nothing."""
        if self.report is None or self.truth is None:
            return "no report" if self.report is None else "the program did not finish"
        got = [0, 0, 0, 0]
        for s in self.known_sites():
            i = 0 if s["kind"] == "heap" else 2
            got[i] += s["live_bytes"]
            got[i + 1] += s["live_blocks"]
        # The mmap of the C library keeps no frame pointer, so that the walk by them begins beyond our function.
        n = 2 if self.stack == "fp" else 4
        if got[:n] != self.truth[:n] and not self.missed():
            return f"live {got[:n]}, not {self.truth[:n]}"
        lost = {k: v for k, v in self.report["lost"].items() if v}
        if lost:
            return f"lost {lost}"
        return f"exit status {self.status}" if self.status else ""

    def incomplete(self):
        """What is wrong with the stacks that are walked by tables."""
        if self.report is None:
            return "no report"
        for s in self.report["sites"]:
            if not s["complete"]:
                names = [f["func"] for f in s["stack"]]
                return f"{s['api']} {s['live_blocks']} blocks cut: {names}"
        if self.program == "throws":
            return ""
        for s in self.known_sites():
            names = [f["func"] for f in s["stack"]]
            if names[1:11] != DEPTHS or "work" not in names:
                return f"{s['api']}: {names}"
        return ""


def read(path):
    cases, over = [], False
    with open(path, errors="replace") as f:
        for line in f:
            word, _, rest = line.rstrip("\r\n").partition(" ")
            if word == "case":
                cases.append(Case(rest.split()))
            elif word == "done":
                ready, status, spent = rest.split()
                cases[-1].ready, cases[-1].status, cases[-1].spent = ready == "0", int(status), int(spent) / 100
            elif word == "err":
                cases[-1].errors.append(rest)
            elif word == "truth":
                more, so_far = [int(n) for n in rest.split()], cases[-1].truth or [0] * 4
                cases[-1].truth = [a + b for a, b in zip(more, so_far)]
            elif word == "report":
                try:
                    o = json.loads(rest)
                except ValueError:  # the machine stopped in the middle of it
                    continue
                if o["type"] == "report" and o["final"]:
                    cases[-1].report = o
            elif word == "all":
                over = True
    return cases, over


def too_old(kernel):
    return tuple(int(n) for n in kernel.split(".")[:2]) < (5, 15)


def main():
    kernel, path = sys.argv[1:3]
    details = open(sys.argv[3], "w") if len(sys.argv) > 3 else sys.stderr
    cases, over = read(path)
    rows, bad = collections.OrderedDict(), False
    for c in cases:
        rows.setdefault((c.asked, c.stack), []).append(c)
    for (asked, stack), row in rows.items():
        exact, held, complete, walked = collections.Counter(), collections.Counter(), 0, 0
        for c in row:
            if not c.ready:
                details.write(f"{kernel}: {c.name()}: does not load, status {c.status}\n")
                details.writelines(f"    {e}\n" for e in c.errors)
                continue
            wrong = c.inexact()
            if wrong:
                details.write(f"{kernel}: {c.name()}: {wrong}\n")
                details.writelines(f"    {e}\n" for e in c.errors)
            exact[c.how] += not wrong
            if c.how == "unknown":
                held.update(held=c.held()[0], missed=c.held()[1], late=int(c.missed()))
            if stack == "dwarf" and not c.missed():
                walked += 1
                cut = c.incomplete()
                complete += not cut
                if cut:
                    details.write(f"{kernel}: {c.name()}: {cut}\n")
        loads = row[0].ready
        if loads:
            bad |= exact.total() < len(row) or complete < walked
        elif asked == "default" and not too_old(kernel):
            bad = True
        tried = collections.Counter(c.how for c in row)
        columns = [f"{exact[how]}/{tried[how]}" if loads and tried[how] else "-" for how in HOWS]
        print(ROW.format(kernel, asked, stack, row[0].method() if loads else "no", f"{row[0].spent:.1f}", *columns,
                         f"{complete}/{walked}" if walked else "-",
                         "{held}/{missed}/{late}".format_map(held) if loads and tried["unknown"] else "-"))
    if not over:
        print(f"{kernel}: the machine ended before its cases did; its console tells why")
        bad = True
    sys.exit(bad)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(ROW.format("kernel", "asked", "stack", "loads", "load s", *HOWS, "whole", "held/not/late"))
        sys.exit(0)
    main()
