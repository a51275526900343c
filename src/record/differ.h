/* Compares the ends of two recordings. */
#ifndef MEMTRACE_RECORD_DIFFER_H
#define MEMTRACE_RECORD_DIFFER_H

#include "run/plan.h"

/* The exit status. Of the plan, what concerns a report: top, age, sizes, kinds, format, output. */
int differ__run(const struct plan *plan, const char *before, const char *after);

#endif
