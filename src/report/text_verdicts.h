/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdicts of the text report: one line in the header, and one for each call stack. */
#ifndef MEMTRACE_REPORT_TEXT_VERDICTS_H
#define MEMTRACE_REPORT_TEXT_VERDICTS_H

#include "profile/profile.h"
#include "report/text_style.h"

void text_verdicts__summary(struct text_style *ts, const struct profile *p);
/* Nothing if there is no verdict. */
void text_verdicts__site(struct text_style *ts, const struct profile_site *s);

#endif
