/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first lines of the text report: the sums, and what they do not include. */
#ifndef MEMTRACE_REPORT_TEXT_HEADER_H
#define MEMTRACE_REPORT_TEXT_HEADER_H

#include "profile/profile.h"
#include "report/text_style.h"

void text_header__print(struct text_style *ts, const struct profile *p);

#endif
