#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A million and a half live blocks, every one of them known."""
from lib import *

for way, trace in (("launched", launch), ("attached", attach)):
    with case(f"1,500,000 live blocks, {way}"):
        report, truth = trace([build("many.c")])
        compare(report, truth, "many.c")

done()
