/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The title of a call stack: its first frame that is the program's own, not one of wrappers.h; in
 * an interpreter, whose program the stack does not show, the function that its loop called.
 */
#ifndef MEMTRACE_PROFILE_TITLE_H
#define MEMTRACE_PROFILE_TITLE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/strbuf.h"

struct profile_frame;

/* The frame that gives the title; `stack` is leaf first. Frames with a name are preferred; if none
 * is the program's own, it is the first. NULL for an empty stack. */
const struct profile_frame *title__frame(const struct profile_frame *stack, size_t n);

/* Adds the frame's name, unescaped; without one "libfoo.so+0x11b2", or the address if there is no
 * module either. */
void title__add(struct strbuf *sb, const struct profile_frame *f);

/* The last part of a path. */
const char *title__basename(const char *path);

/*
 * Adds a rule for suppressions.h that matches the frame: "leak:^session_new$". What a rule cannot
 * hold, and what varies from build to build (template arguments), becomes "*". Nothing is added for
 * a frame without name and module.
 */
void title__suppression(struct strbuf *sb, const struct profile_frame *f);

#endif
