/*
 * Aligned columns: cells come row by row, the widths follow from them, then rows are printed one
 * at a time, so that other lines may stand between them. Cells hold no control bytes and are
 * well-formed UTF-8.
 */
#ifndef MEMTRACE_GRID_H
#define MEMTRACE_GRID_H

#include "report/text_style.h"

#define GRID_COLUMNS 10

struct grid_column {
	const char *title;	/* NULL: none */
	bool right;		/* aligned to the right */
	bool sign;		/* painted by its sign */
	enum paint paint;
	/* The most that the column takes, 0: no limit. A longer cell is cut on a page that has
	 * a width, and sticks out on one that has none. */
	size_t most;
	/* On a page that is too narrow this column gives way, down to so much. 0: it does not.
	 * The first columns give way first, or the last with last_first. */
	size_t least;
};

struct grid {			/* start with { .columns, .ncolumns, … } */
	const struct grid_column *columns;
	size_t ncolumns;
	size_t indent;
	bool last_first;
	struct strbuf text;
	size_t *at, n, cap;	/* where each cell starts in `text` */
	size_t widths[GRID_COLUMNS];
};

void grid__free(struct grid *g);
/* The next cell: printed into what grid__open returns, or made by grid__cell at once. */
struct strbuf *grid__open(struct grid *g);
void grid__close(struct grid *g);
void grid__cell(struct grid *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Once all cells are there. 0 or -ENOMEM. */
int grid__fit(struct grid *g, const struct page *pg);
void grid__titles(const struct grid *g, struct page *pg);
void grid__row(const struct grid *g, size_t row, struct page *pg);

#endif
