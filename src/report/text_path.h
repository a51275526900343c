/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call stack in few words: the frames that are the program's own, from the one that gives the
 * title to the outermost. What libraries do in between becomes a mark: "… 4 frames of libstdc++".
 */
#ifndef MEMTRACE_REPORT_TEXT_PATH_H
#define MEMTRACE_REPORT_TEXT_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "profile/profile.h"
#include "report/text_style.h"

/* One row of the short form. */
struct path_row {
	const struct profile_frame *frame;  /* the program's own; where none is, the first of all */
	size_t times;			    /* that it follows itself: recursion */
	const struct profile_frame *folded; /* frames of libraries behind it */
	size_t nfolded;
	size_t next; /* the index in the stack that the next row starts from */
};

/* The row at or behind frame `from` of the stack. False: there is none. */
bool text_path__row(const struct profile_site *s, size_t from, struct path_row *row);
/* The index of the frame that gives the title; 0 for an empty stack. */
size_t text_path__title(const struct profile_site *s);
/* The number of rows behind that of the title. */
size_t text_path__callers(const struct profile_site *s);

/* Adds "… 4 frames of libstdc++, libc"; nothing for no frames. */
void text_path__add_folded(struct strbuf *sb, const struct profile_frame *frames, size_t n);

/* Prints up to `most` callers of the title, a line each, with `label` before the first; the last
 * one says what was left out. `exe` is the program's file, whose frames need no module; NULL:
 * unknown. 0 or -ENOMEM. */
int text_path__print(struct text_style *ts, const struct profile_site *s, const char *exe,
		     const char *label, size_t most);

/* "< find_product < checkout < …": at most so many callers in a line. */
void text_path__add_callers(struct strbuf *sb, const struct profile_site *s, size_t most);

#endif
