/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a report for people is written to: a buffer, with colours where the terminal wants them and
 * a width to keep to. Errors stay in the buffer until text_style__write.
 */
#ifndef MEMTRACE_REPORT_TEXT_STYLE_H
#define MEMTRACE_REPORT_TEXT_STYLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "report/report.h"
#include "util/strbuf.h"

enum paint { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, CYAN };

struct text_style {
	struct strbuf sb;
	bool color;
	size_t width;  /* columns; 0: unlimited */
	size_t height; /* lines of a page; 0: unknown */
	bool full;     /* every call stack with all its frames */
	bool one_step; /* there is little room: only one thing to do next */
};

struct text_style text_style__start(const struct report_style *st);
/* Writes what was added, unless `err`, and frees the buffer. 0 or a negative errno: the first. */
int text_style__write(struct text_style *ts, int err, FILE *out);

/* `s` in a colour, if there are colours. */
void text_style__painted(struct text_style *ts, enum paint paint, const char *s);
void text_style__spaces(struct text_style *ts, size_t n);
/* What a line of the header is about: "live", in a column of its own. */
void text_style__label(struct text_style *ts, const char *label);
/* The colour of a change: growth is red, shrinking green. */
enum paint text_style__sign(const char *change);

#endif
