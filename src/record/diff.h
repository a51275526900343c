/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the ends of two recordings. */
#ifndef MEMTRACE_RECORD_DIFF_H
#define MEMTRACE_RECORD_DIFF_H

#include "run/plan.h"

/* Prints what changed between two files. Returns the exit status. Of the plan, only what concerns a
 * report is used: top, age, sizes, kinds, conditions, format, output. */
int diff__run(const struct plan *plan, const char *before, const char *after);

#endif
