/* What the text report is written on: a buffer, colours where they are wanted, a width to keep
 * to. */
#ifndef MEMTRACE_REPORT_TEXT_STYLE_H
#define MEMTRACE_REPORT_TEXT_STYLE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/strbuf.h"

enum paint { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, CYAN };

struct text_style {
	struct strbuf sb;
	bool color;
	size_t width; /* columns; 0: unlimited */
};

/* `s` in a colour; nothing is added around it where the page has none. */
void text_style__painted(struct text_style *ts, enum paint paint, const char *s);
void text_style__spaces(struct text_style *ts, size_t n);
/* The colour of a change: growth is red, shrinking green. */
enum paint text_style__sign(const char *change);

#endif
