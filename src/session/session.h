/* A run from its first probe to its last report: owns every object, the event loop, and the one way
 * out. */
#ifndef MEMTRACE_SESSION_SESSION_H
#define MEMTRACE_SESSION_SESSION_H

#include "run/plan.h"

/* Runs to the end; returns the exit status. Errors were logged. */
int session__run(const struct plan *plan);

#endif
