/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The call stacks of a text report that are no leak, a line each: what they hold, their verdict,
 * and the program's own function. With another order than the default, leaks have a line there too.
 */
#ifndef MEMTRACE_REPORT_TEXT_OTHERS_H
#define MEMTRACE_REPORT_TEXT_OTHERS_H

#include <stdbool.h>
#include <stddef.h>

#include "profile/profile.h"
#include "report/text_leak.h"
#include "report/text_style.h"

/* Whether leaks have a line, too: in an order that the user asked for. */
bool text_others__has_leaks(const struct profile *p);
/* The number of lines that they could have, and of those that grow. */
size_t text_others__count(const struct text_leaks *l, const struct profile *p, size_t *growing);
/* Prints up to `most`, and sums up the rest; with `full`, each with its whole stack. 0 or
 * -ENOMEM. */
int text_others__print(struct text_style *ts, const struct profile *p, const struct text_leaks *l,
		       size_t most, bool full);

#endif
