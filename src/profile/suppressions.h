/*
 * Rules that keep call stacks out of a report, in the syntax of LeakSanitizer's suppression files:
 * a line "leak:PATTERN" each, blank lines and lines that begin with "#" aside. A pattern is looked
 * for anywhere in a frame's function name, module path or source file; "*" stands for any
 * characters, "^" at its start and "$" at its end for those of the name. A stack is suppressed when
 * any of its frames is.
 *
 * A pattern that is a whole mangled name means the function that bears it. The syntax is described
 * in https://clang.llvm.org/docs/AddressSanitizer.html and in LeakSanitizer's own documentation.
 */
#ifndef MEMTRACE_PROFILE_SUPPRESSIONS_H
#define MEMTRACE_PROFILE_SUPPRESSIONS_H

#include <stdbool.h>
#include <stddef.h>

struct suppressions;

struct suppress_rule {
	const char *pattern; /* as written, with its "leak:" */
	const char *source;  /* "FILE:LINE", or "built-in" */
	const char *reason;  /* of a built-in one; NULL for one from a file */
};

struct suppress_frame { /* what is NULL is unknown, and matches nothing */
	const char *func, *module, *file;
};

struct suppressions *suppressions__new(void);	 /* NULL and errno */
void suppressions__free(struct suppressions *s); /* takes NULL */

/*
 * Adds the rules of a file's text; `name` is what the file is called. 0, -ENOMEM, or -EINVAL where
 * a line is none of those above: *line is its number, from 1, and *why a few words for it.
 */
int suppressions__add_text(struct suppressions *s, const char *text, size_t len, const char *name,
			   size_t *line, const char **why);
/*
 * Known allocations that are made once and kept for good. They are taken more narrowly than a
 * file's: see the table. 0 or -ENOMEM.
 */
int suppressions__add_builtin(struct suppressions *s);

size_t suppressions__count(const struct suppressions *s);
const struct suppress_rule *suppressions__rule(const struct suppressions *s, size_t i);

/* The first rule that suppresses a stack, whose leaf comes first; -1: none. */
int suppressions__find(const struct suppressions *s, const struct suppress_frame *stack, size_t n);

/* Whether a pattern, without "leak:", matches a name. Nothing matches NULL and "". */
bool suppressions__matches(const char *pattern, const char *name);

#endif
