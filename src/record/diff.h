/* Compares the ends of two recordings. */
#ifndef MEMTRACE_RECORD_DIFF_H
#define MEMTRACE_RECORD_DIFF_H

#include "run/plan.h"

/* The exit status. Of the plan, what concerns a report: top, age, sizes, kinds, format, output. */
int diff__run(const struct plan *plan, const char *before, const char *after);

#endif
