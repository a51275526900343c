/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line a process in the text report, where there are several. */
#ifndef MEMTRACE_REPORT_TEXT_PROCESSES_H
#define MEMTRACE_REPORT_TEXT_PROCESSES_H

#include "profile/profile.h"
#include "report/text_style.h"

#define TEXT_PROCESSES_FEW 5 /* lines, unless the report is to be full */

/* 0 or -ENOMEM. */
int text_processes__print(struct text_style *ts, const struct profile *p);

#endif
