/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last lines of a final text report: what to do next. */
#ifndef MEMTRACE_REPORT_TEXT_NEXT_H
#define MEMTRACE_REPORT_TEXT_NEXT_H

#include "profile/profile.h"
#include "report/text_style.h"

/* The number of lines that it prints. */
size_t text_next__lines(const struct text_style *ts, const struct profile *p);
void text_next__print(struct text_style *ts, const struct profile *p);

#endif
