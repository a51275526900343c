/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which suppression rules hid something: a table at the end of the last report. */
#ifndef MEMTRACE_REPORT_TEXT_RULES_H
#define MEMTRACE_REPORT_TEXT_RULES_H

#include "profile/profile.h"
#include "report/text_style.h"

/* Nothing if no rule did. 0 or -ENOMEM. */
int text_rules__print(struct text_style *ts, const struct profile *p);

#endif
