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
#ifndef MEMTRACE_SUPPRESS_H
#define MEMTRACE_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>

struct suppress;

struct suppress_rule {
	const char *pattern;	/* as written, with its "leak:" */
	const char *source;	/* "FILE:LINE", or "built-in" */
	const char *reason;	/* of a built-in one; NULL for one from a file */
};

struct suppress_frame {		/* what is NULL is unknown, and matches nothing */
	const char *func, *module, *file;
};

struct suppress *suppress__new(void);	/* NULL and errno */
void suppress__free(struct suppress *s);	/* takes NULL */

/*
 * Adds the rules of a file's text; `name` is what the file is called. 0, -ENOMEM, or -EINVAL where
 * a line is none of those above: *line is its number, from 1, and *why a few words for it.
 */
int suppress__add_text(struct suppress *s, const char *text, size_t len, const char *name,
		       size_t *line, const char **why);
/*
 * Known allocations that are made once and kept for good. They are taken more narrowly than a
 * file's: see the table. 0 or -ENOMEM.
 */
int suppress__add_builtin(struct suppress *s);

size_t suppress__count(const struct suppress *s);
const struct suppress_rule *suppress__rule(const struct suppress *s, size_t i);

/* The first rule that suppresses a stack, whose leaf comes first; -1: none. */
int suppress__find(const struct suppress *s, const struct suppress_frame *stack, size_t n);

/* Whether a pattern, without "leak:", matches a name. Nothing matches NULL and "". */
bool suppress__matches(const char *pattern, const char *name);

#endif
