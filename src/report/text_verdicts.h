/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdicts of the text report: one line in the header, and one for each call stack. */
#ifndef MEMTRACE_REPORT_TEXT_VERDICTS_H
#define MEMTRACE_REPORT_TEXT_VERDICTS_H

#include "profile/profile.h"
#include "report/rate_unit.h"
#include "report/text_style.h"

void text_verdicts__summary(struct text_style *ts, const struct profile *p);
/* Why a site is a leak: "for 16s, 5.1% of blocks not freed, others within 31ms". */
void text_verdicts__why(struct strbuf *sb, const struct profile_site *s);
/* How fast a finding grows, and why it is not called a leak: "+5.9 KiB/h, slowing down"; nothing
 * for others. The rate may be that of several parts together. */
void text_verdicts__note(struct strbuf *sb, const struct profile_site *s,
			 const struct rate_unit *unit, double rate_bps);
/* The same in fewer columns, what matters most first. */
void text_verdicts__short_note(struct strbuf *sb, const struct profile_site *s,
			       const struct rate_unit *unit, double rate_bps);
/* A line with all of that; nothing if there is no verdict. */
void text_verdicts__site(struct text_style *ts, const struct profile *p,
			 const struct profile_site *s);

#endif
