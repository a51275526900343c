#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/demo finds the leak of scripts/shop.cc, names its lines, and calls nothing else a leak."""
from lib import *

SCRIPTS = os.path.join(HERE, "..", "..", "scripts")


def lines_of(function):
    """The numbers of the lines of a function of shop.cc."""
    with open(os.path.join(SCRIPTS, "shop.cc")) as f:
        lines = f.read().splitlines()
    first = next(i for i, line in enumerate(lines) if re.search(rf"\b{function}\(.*\)$", line))
    return range(first + 1, lines.index("}", first) + 2)


with case("the demo names the leak"):
    r = subprocess.run([os.path.join(SCRIPTS, "demo")], capture_output=True, text=True, timeout=PATIENCE)
    equal(r.returncode, 0, f"the exit status ({r.stderr})")
    final = r.stdout[r.stdout.index("  final report after "):r.stdout.index("\nThe leak comes first")]
    leaks = re.findall(r"^LEAK \d+  (\S+) +shop\.cc:(\d+) ", final, re.M)
    true(leaks, f"no leak was found:\n{r.stdout}{r.stderr}")
    for function, line in leaks:
        equal(function, "open_session", "the function that leaks")
        true(int(line) in lines_of("open_session"), f"line {line} is not in open_session")
    equal(len(leaks), final.count("LEAK "), f"the leaks with a line of shop.cc, of all leaks in\n{final}")
    true(re.search(r"^  verdict  1 leak ", final, re.M), f"the parts are not one leak:\n{final}")
    parts = re.findall(r"^  (?:parts|     ) .* in [\d,]+ blocks  std::\S.* shop\.cc:\d+  [0-9a-f]{16}$", final, re.M)
    true(len(parts) >= 2, f"the session and its place in the map are no parts:\n{final}")

with case("the answer fits a screen, and tells the program's own code"):
    lines = final.splitlines()
    true(len(lines) <= 22, f"{len(lines)} lines:\n{final}")
    answer = [line for line in lines if line.startswith(("LEAK", "  callers", "         "))]
    true(any("checkout" in line for line in answer), f"the caller is missing:\n{final}")
    true("operator new" not in final and "to suppress" not in final, f"frames of libraries are shown:\n{final}")

with case("all rates are in one unit"):
    units = set(re.findall(r"[+<][\d,.]+ (\S+/\w+)", final + r.stderr))
    equal(len(units), 1, f"the number of units ({units}) in\n{final}{r.stderr}")

done()
