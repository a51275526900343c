/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run in one line: what leaks, what was suppressed, and whether that is a failure. */
#ifndef MEMTRACE_REPORT_SUMMARY_H
#define MEMTRACE_REPORT_SUMMARY_H

#include <stdbool.h>

#include "profile/conditions.h"
#include "profile/profile.h"
#include "util/strbuf.h"

/* What makes a run fail: any of the conditions; if there are none, a leak, if that is wanted. */
struct criteria {
	const struct conditions *checks;
	bool any_leak;
	bool allow_unjudged; /* what cannot be ruled out passes, too */
};

/* What a run comes to: the worst that any condition says. */
enum run_outcome {
	OUTCOME_PASSED,	  /* also where nothing is asked for */
	OUTCOME_UNJUDGED, /* it may have failed: what a condition rests on is missing */
	OUTCOME_FAILED,
};

enum run_outcome summary__outcome(const struct criteria *c, const struct profile *p);
/* Adds "; passed", "; FAILED: leak>64k" or "; NOT PASSED (…)"; nothing without criteria. */
void summary__add_outcome(struct strbuf *sb, const struct profile *p, const struct criteria *c);

/* Adds "2 leaks (1.4 MiB, +10.9 MiB/h) in 12 call stacks, 4 suppressed; FAILED: leak>64k", without
 * a newline; or why nothing could be judged. */
void summary__add(struct strbuf *sb, const struct profile *p, const struct criteria *c);

#endif
