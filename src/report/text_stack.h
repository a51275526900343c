/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One site's call stack in the text report, leaf first. */
#ifndef MEMTRACE_REPORT_TEXT_STACK_H
#define MEMTRACE_REPORT_TEXT_STACK_H

#include "profile/profile.h"
#include "report/text_style.h"

/* The stack's title, on a line of its own; nothing for a site without a stack. 0 or -ENOMEM. */
int text_stack__title(struct text_style *ts, const struct profile_site *s);
/* All frames, leaf first, and for a finding a line that would suppress it. 0 or -ENOMEM. */
int text_stack__print(struct text_style *ts, const struct profile_run *run,
		      const struct profile_site *s);
/* Why the walk ended before the first frame; NULL: it did not. */
const char *text_stack__end(const struct profile_site *s);
/* What stands in the place of a stack that is not there. */
const char *text_stack__missing(const struct profile_run *run);

#endif
