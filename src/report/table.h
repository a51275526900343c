/*
 * Aligned columns: cells come row by row, the widths follow from them, then rows are printed one
 * at a time, so that other lines may stand between them. Cells hold no control bytes and are
 * well-formed UTF-8.
 */
#ifndef MEMTRACE_REPORT_TABLE_H
#define MEMTRACE_REPORT_TABLE_H

#include "report/text_style.h"

#define TABLE_COLUMNS 10

struct table_column {
	const char *title; /* NULL: none */
	bool right;	   /* aligned to the right */
	bool sign;	   /* painted by its sign */
	enum paint paint;
	/* The most that the column takes, 0: no limit. A longer cell is cut on a page that has
	 * a width, and sticks out on one that has none. */
	size_t most;
	/* On a page that is too narrow this column gives way, down to so much. 0: it does not.
	 * The first columns give way first, or the last with last_first. */
	size_t least;
};

struct table { /* start with { .columns, .ncolumns, … } */
	const struct table_column *columns;
	size_t ncolumns;
	size_t indent;
	bool last_first;
	struct strbuf text;
	size_t *at, n, cap; /* where each cell starts in `text` */
	size_t widths[TABLE_COLUMNS];
};

void table__free(struct table *t);
/* The next cell: printed into what table__open returns, or made by table__cell at once. */
struct strbuf *table__open(struct table *t);
void table__close(struct table *t);
void table__cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Once all cells are there. 0 or -ENOMEM. */
int table__fit(struct table *t, const struct text_style *ts);
void table__titles(const struct table *t, struct text_style *ts);
void table__row(const struct table *t, size_t row, struct text_style *ts);

#endif
