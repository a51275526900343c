/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Summarizes a final report in a line, and decides whether the run failed. */
#ifndef MEMTRACE_RUN_VERDICT_H
#define MEMTRACE_RUN_VERDICT_H

#include "profile/profile.h"
#include "report/summary.h"
#include "run/plan.h"

struct comparison;
struct suppression_filter;

/*
 * Returns the outcome of the run by the conditions of the plan; adds the summary to `line`.
 * Logs a line about suppressions of the user's that matched nothing; `filter` may be NULL.
 */
enum run_outcome verdict__of(const struct plan *plan, const struct profile *p,
			     const struct suppression_filter *filter, struct strbuf *line);
/*
 * Returns the exit status of a run. `own` is that of its command, or 0: a condition that is met
 * takes precedence over it, and it takes precedence over the status of a run that could not be
 * judged, which fails the run anyway.
 */
int verdict__status(const struct plan *plan, enum run_outcome outcome, int own);
/* Logs what a comparison comes to, if the plan asks for a verdict. Returns the exit status. */
int verdict__compare(const struct plan *plan, const struct comparison *c);

#endif
