/* What a final report comes to: a line for standard error, and whether the run has failed. */
#ifndef MEMTRACE_RUN_VERDICT_H
#define MEMTRACE_RUN_VERDICT_H

#include <stdbool.h>

#include "profile/profile.h"
#include "run/plan.h"

struct suppression_filter;

/*
 * Whether it has failed, by what the plan says; the line is added to `line`. Suppressions that
 * matched nothing are told with --verbose; `sieve` may be NULL.
 */
bool verdict__of(const struct plan *plan, const struct profile *p,
		 const struct suppression_filter *sieve, struct strbuf *line);
/* The exit status of a run that has failed. */
int verdict__status(const struct plan *plan);

#endif
