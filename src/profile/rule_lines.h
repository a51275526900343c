/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of a file of rules: "TYPE:PATTERN" each, as in LeakSanitizer's suppression files. Blank
 * lines and lines that begin with "#" are ignored, and so are blanks around a line.
 */
#ifndef MEMTRACE_PROFILE_RULE_LINES_H
#define MEMTRACE_PROFILE_RULE_LINES_H

#include <stddef.h>

/* What is done with a line, which is not terminated and begins with the type. 0 or a negative
 * errno. */
typedef int (*rule_line_fn)(void *ctx, const char *line, size_t len, size_t number);

/*
 * `type` is "leak:" or the like. 0, what `rule` returned, or -EINVAL for an invalid line: *number
 * is its number, from 1, and *why a short reason.
 */
int rule_lines__each(const char *text, size_t len, const char *type, rule_line_fn rule, void *ctx,
		     size_t *number, const char **why);

#endif
