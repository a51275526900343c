/*
 * What a call stack is called: the first frame that is the program's own, and not the allocator's
 * or a standard library's. Stacks themselves are always told whole.
 */
#ifndef MEMTRACE_PROFILE_TITLE_H
#define MEMTRACE_PROFILE_TITLE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/strbuf.h"

struct profile_frame;

/* Leaf first. A frame with a name goes before one without; where none is the program's own, the
 * first counts. NULL for an empty stack. */
const struct profile_frame *title__frame(const struct profile_frame *stack, size_t n);

/* Adds its name, as it is; else "libfoo.so+0x11b2", or the address where there is no module
 * either. */
void title__add(struct strbuf *sb, const struct profile_frame *f);

/* Whether a frame belongs to an allocator, a C or C++ library, or Rust's. */
bool title__is_library(const struct profile_frame *f);

/*
 * Adds a rule for suppress.h that matches the frame: "leak:^session_new$". What cannot stand in a
 * line, and what varies from build to build (template arguments), becomes "*". Nothing is added for
 * a frame that has neither a name nor a module.
 */
void title__suppression(struct strbuf *sb, const struct profile_frame *f);

#endif
