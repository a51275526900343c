/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a live session from its first probe to its last report: owns every object, and the one way
 * out. */
#ifndef MEMTRACE_SESSION_SESSION_H
#define MEMTRACE_SESSION_SESSION_H

#include "run/plan.h"

struct tracer_ops;

/* Runs to the end; returns the exit status. Errors were logged. */
int session__run(const struct plan *plan);

/* ---- for tests ---- */

/* Runs with another tracer than the kernel's. */
int session__run_with(const struct plan *plan, const struct tracer_ops *trace);

#endif
