/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to do next with a final report: a step for each situation that it shows, such as a leak
 * whose source lines are unknown. Both of its parts are raw: names in them may come from traced
 * programs.
 */
#ifndef MEMTRACE_REPORT_NEXT_STEPS_H
#define MEMTRACE_REPORT_NEXT_STEPS_H

#include <stddef.h>

#include "profile/profile.h"
#include "util/strbuf.h"

#define NEXT_STEPS_MOST 2

struct next_step {
	struct strbuf text;
	struct strbuf command; /* to be run as it is; empty: none */
};

/* Fills the first entries of zeroed steps, the most useful first. Returns their number: none for a
 * report that is not final. To be freed, also after an error, which is in a buffer. */
size_t next_steps__list(const struct profile *p, struct next_step out[NEXT_STEPS_MOST]);
/* Returns the first error of a buffer, or 0. */
int next_steps__free(struct next_step steps[NEXT_STEPS_MOST]);

#endif
