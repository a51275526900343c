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
    final = r.stdout[r.stdout.index("  final report after "):]
    leaks = re.findall(r"^    LEAK .*\n    (\S+)  shop\.cc:(\d+)$", final, re.M)
    true(leaks, f"no leak was found:\n{r.stdout}{r.stderr}")
    for function, line in leaks:
        equal(function, "open_session", "the function that leaks")
        true(int(line) in lines_of("open_session"), f"line {line} is not in open_session")
    equal(len(leaks), final.count(" LEAK "), f"the leaks with a line of shop.cc, of all leaks in\n{final}")
    true(re.search(r"^ 1 .*\n    LEAK ", final, re.M), f"the leak does not come first:\n{final}")

done()
