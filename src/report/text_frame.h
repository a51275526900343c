/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One frame of a call stack as cells of a table. */
#ifndef MEMTRACE_REPORT_TEXT_FRAME_H
#define MEMTRACE_REPORT_TEXT_FRAME_H

#include <stdbool.h>

#include "profile/profile.h"
#include "report/table.h"

#define TEXT_FRAME_MOST 60 /* longer names are shortened: JSON has them in full */

/* Whether two frames print alike: recursion. */
bool text_frame__is_same(const struct profile_frame *a, const struct profile_frame *b);
/* Adds the function, shortened and escaped, or module and offset where it has no name. */
void text_frame__add_name(struct strbuf *sb, const struct profile_frame *f);
/* Adds a cell with the function, likewise. */
void text_frame__name(struct table *t, const struct profile_frame *f);
/* Adds a cell with source file and line: "shop.cc:81"; empty where they are unknown. */
void text_frame__source(struct table *t, const struct profile_frame *f);
/* Whether the frame is in another file than the program's; `exe` NULL: unknown. */
bool text_frame__is_elsewhere(const struct profile_frame *f, const char *exe);

#endif
