/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Says of code that was compiled at run time what would name it, or renew its names, where
 * the runtime is known (languages.h).
 */
#ifndef MEMTRACE_PROFILE_RUN_TIME_CODE_H
#define MEMTRACE_PROFILE_RUN_TIME_CODE_H

#include <stddef.h>

#include "util/strbuf.h"

struct named_frame;
struct profile_builder;
struct site_row;
struct stack;

/* Looks for such code in a call stack that is shown; `st` may be NULL. */
void run_time_code__note(struct profile_builder *b, const struct site_row *row,
			 const struct stack *st, const struct named_frame *named, size_t n);
/* Adds what was found to a notice, a clause for each runtime. */
void run_time_code__add(const struct profile_builder *b, struct strbuf *notice);

#endif
