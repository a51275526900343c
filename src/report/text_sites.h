/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The call stacks of the text report, each with its figures, its verdict and its frames. */
#ifndef MEMTRACE_REPORT_TEXT_SITES_H
#define MEMTRACE_REPORT_TEXT_SITES_H

#include "profile/profile.h"
#include "report/text_style.h"

/* 0 or -ENOMEM. */
int text_sites__print(struct text_style *ts, const struct profile *p);

#endif
