/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a report as a whole comes to, in pieces of a line: why it is no verdict, what a verdict
 * leaves out, and what became of the processes. Without a newline, and escaped for a terminal.
 */
#ifndef MEMTRACE_REPORT_VERDICT_LINE_H
#define MEMTRACE_REPORT_VERDICT_LINE_H

#include <stdbool.h>

#include "profile/profile.h"
#include "util/strbuf.h"

/* "shop[4242] is stopped; no allocation was seen", with the separator between them; nothing where
 * the report is judged. */
void verdict_line__reasons(struct strbuf *sb, const struct profile *p, const char *separator);
/* "otherwise ", where more than the findings of the report was not judged; or "". */
const char *verdict_line__otherwise(const struct profile *p);
/* What a judged report does not cover: "3 with 40.0 KiB not judged: too few blocks, or too recent",
 * each behind the separator. */
void verdict_line__gaps(struct strbuf *sb, const struct profile *p, const char *separator);
/* "; shop[4242] was killed by SIGSEGV", where neither the reasons nor the gaps say so. */
void verdict_line__fates(struct strbuf *sb, const struct profile *p);

/* Whether a signal ended it. */
bool verdict_line__is_killed(const struct profile_process *pr);
/* "SIGSEGV", or "signal 40". Returns buf. */
char *verdict_line__signal(char *buf, size_t cap, const struct profile_process *pr);

#endif
