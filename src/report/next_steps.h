/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to do next with a final report: a sentence for each situation that it shows, such as a leak
 * whose source lines are unknown. Sentences are raw: names in them come from traced programs.
 */
#ifndef MEMTRACE_REPORT_NEXT_STEPS_H
#define MEMTRACE_REPORT_NEXT_STEPS_H

#include <stddef.h>

#include "profile/profile.h"
#include "util/strbuf.h"

#define NEXT_STEPS_MOST 2

/* Fills the first entries of zeroed buffers, the most useful first. Returns their number: none for
 * a report that is not final. The caller frees all buffers, and looks for their errors. */
size_t next_steps__list(const struct profile *p, struct strbuf out[NEXT_STEPS_MOST]);

#endif
