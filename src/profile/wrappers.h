/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which frames of a call stack are not the program's own: those of the C and C++ libraries, of
 * language runtimes, and of functions that only pass a request for memory on (xmalloc, g_malloc,
 * PyMem_Malloc). The title of a stack is the first frame behind them, and the short form of a stack
 * leaves them out.
 *
 * The table in wrappers.c is built in. A file adds lines to it: "wrapper:PATTERN", with patterns,
 * blank lines and comments as in suppressions.h. A pattern is searched for in a frame's function
 * (without the type that a template's name begins with) and in its module's path.
 */
#ifndef MEMTRACE_PROFILE_WRAPPERS_H
#define MEMTRACE_PROFILE_WRAPPERS_H

#include <stdbool.h>
#include <stddef.h>

struct wrappers; /* patterns from files */

struct wrappers *wrappers__new(void);	 /* NULL and errno */
void wrappers__free(struct wrappers *w); /* takes NULL */

/* As suppressions__add_text. */
int wrappers__add_text(struct wrappers *w, const char *text, size_t len, size_t *line,
		       const char **why);

/* Whether a frame is one to leave out; NULL is unknown. `w` may be NULL: only what is built in. */
bool wrappers__has(const struct wrappers *w, const char *func, const char *module);

/* The name without the type in front, as in "void std::swap<int>(int&, int&)". */
const char *wrappers__without_type(const char *func);

#endif
