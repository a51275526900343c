/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many terminal columns a name takes, and cutting it to fit. Names must be well-formed
 * UTF-8. */
#ifndef MEMTRACE_REPORT_TEXT_WIDTH_H
#define MEMTRACE_REPORT_TEXT_WIDTH_H

#include <stddef.h>

#include "util/strbuf.h"

size_t text_width__width(const char *s);
/* Adds `s`, or as much of it as leaves room for an ellipsis in `max` columns (0: no limit). Returns
 * the columns taken. */
size_t text_width__cut(struct strbuf *sb, const char *s, size_t max);

#endif
