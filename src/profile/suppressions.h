/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that keep call stacks out of a report, in the syntax of LeakSanitizer's suppression files:
 * one "leak:PATTERN" a line; blank lines and lines that begin with "#" are ignored. A pattern is
 * searched for anywhere in a frame's function name, module path or source file; "*" stands for any
 * characters, "^" at the start and "$" at the end for those of the name. A stack is suppressed if
 * any of its frames matches.
 *
 * A pattern that is a whole mangled name means that function. The syntax is described in
 * https://clang.llvm.org/docs/AddressSanitizer.html and in LeakSanitizer's own documentation.
 */
#ifndef MEMTRACE_PROFILE_SUPPRESSIONS_H
#define MEMTRACE_PROFILE_SUPPRESSIONS_H

#include <stdbool.h>
#include <stddef.h>

struct suppressions;

struct suppress_rule {
	const char *pattern; /* as written, with its "leak:" */
	const char *source;  /* "FILE:LINE", or "built-in" */
	const char *reason;  /* of a built-in rule; NULL for one from a file */
};

struct suppress_frame { /* NULL is unknown, and matches nothing */
	const char *func, *module, *file;
};

struct suppressions *suppressions__new(void);	 /* NULL and errno */
void suppressions__free(struct suppressions *s); /* takes NULL */

/*
 * Adds the rules in a file's text; `name` is the file's name. 0, -ENOMEM, or -EINVAL for an invalid
 * line: *line is its number, from 1, and *why a short reason.
 */
int suppressions__add_text(struct suppressions *s, const char *text, size_t len, const char *name,
			   size_t *line, const char **why);
/*
 * Adds rules for well-known allocations that are made once and kept for good. They match more
 * narrowly than rules from a file: see the table. 0 or -ENOMEM.
 */
int suppressions__add_builtin(struct suppressions *s);

size_t suppressions__count(const struct suppressions *s);
const struct suppress_rule *suppressions__rule(const struct suppressions *s, size_t i);

/* The first rule that suppresses a stack, given leaf first; -1: none does. */
int suppressions__find(const struct suppressions *s, const struct suppress_frame *stack, size_t n);

/* Whether a pattern, without "leak:", matches a name. Nothing matches NULL and "". */
bool suppressions__matches(const char *pattern, const char *name);

#endif
