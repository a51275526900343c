/* What the text report is written on: a buffer, colours where they are wanted, a width to keep
 * to. */
#ifndef MEMTRACE_PAGE_H
#define MEMTRACE_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/strbuf.h"

enum paint { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, CYAN };

struct page {
	struct strbuf sb;
	bool color;
	size_t width;		/* columns; 0: unlimited */
};

/* `s` in a colour; nothing is added around it where the page has none. */
void page__painted(struct page *pg, enum paint paint, const char *s);
void page__spaces(struct page *pg, size_t n);
/* The colour of a change: growth is red, shrinking green. */
enum paint page__sign(const char *change);

#endif
