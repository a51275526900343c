/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides which call stacks a report leaves out, by the rules of suppressions.h. Each stack is
 * looked up once, because naming its frames is expensive and rules are many.
 */
#ifndef MEMTRACE_PROFILE_SUPPRESSION_FILTER_H
#define MEMTRACE_PROFILE_SUPPRESSION_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/suppressions.h"

struct named_frame;
struct suppression_filter;

enum { SUPPRESSION_NONE = -1, SUPPRESSION_NEW = -2 };

/* `rules` belong to the caller and must outlive the filter unchanged. NULL and errno. */
struct suppression_filter *suppression_filter__new(const struct suppressions *rules);
void suppression_filter__free(struct suppression_filter *s); /* takes NULL */

/* The remembered result for a stack: the number of a rule, SUPPRESSION_NONE or SUPPRESSION_NEW. */
int suppression_filter__known(const struct suppression_filter *s, uint64_t stack);
/* The rule that suppresses a stack, or SUPPRESSION_NONE, also if out of memory. The result is
 * remembered. */
int suppression_filter__look(struct suppression_filter *s, uint64_t stack,
			     const struct named_frame *frames, size_t n);

size_t suppression_filter__count(const struct suppression_filter *s);
const struct suppress_rule *suppression_filter__rule(const struct suppression_filter *s, size_t i);
bool suppression_filter__is_builtin(const struct suppression_filter *s, size_t i);
/* Whether a rule has suppressed any stack so far. */
bool suppression_filter__has_matched(const struct suppression_filter *s, size_t i);

#endif
