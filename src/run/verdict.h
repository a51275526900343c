/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The summary line of a final report, and whether the run has failed by it. */
#ifndef MEMTRACE_RUN_VERDICT_H
#define MEMTRACE_RUN_VERDICT_H

#include <stdbool.h>

#include "profile/profile.h"
#include "run/plan.h"

struct suppression_filter;

/*
 * Whether the run has failed, by the conditions of the plan; adds the summary to `line`.
 * Suppressions that matched nothing are logged with --verbose; `filter` may be NULL.
 */
bool verdict__of(const struct plan *plan, const struct profile *p,
		 const struct suppression_filter *filter, struct strbuf *line);
/* Exit status of a run that has failed. */
int verdict__status(const struct plan *plan);

#endif
