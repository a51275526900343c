/*
 * Which call stacks a report leaves out: looks named stacks up in the rules of suppress.h, once
 * each, because naming a stack is dear and rules are many.
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

/* `rules` stay the caller's, and outlive it unchanged. NULL and errno. */
struct suppression_filter *suppression_filter__new(const struct suppressions *rules);
void suppression_filter__free(struct suppression_filter *s); /* takes NULL */

/* What is remembered of a stack: the number of a rule, SUPPRESSION_NONE or SUPPRESSION_NEW. */
int suppression_filter__known(const struct suppression_filter *s, uint64_t stack);
/* The rule that keeps a stack out, or SUPPRESSION_NONE; remembered from then on. Where there is no
 * memory, it passes. */
int suppression_filter__look(struct suppression_filter *s, uint64_t stack,
			     const struct named_frame *frames, size_t n);

size_t suppression_filter__count(const struct suppression_filter *s);
const struct suppress_rule *suppression_filter__rule(const struct suppression_filter *s, size_t i);
bool suppression_filter__is_builtin(const struct suppression_filter *s, size_t i);
/* Whether any stack so far was kept out by a rule. */
bool suppression_filter__has_matched(const struct suppression_filter *s, size_t i);

#endif
