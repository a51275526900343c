/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Aligned columns. All cells are added first, row by row, since the widths depend on them; then
 * rows are printed one at a time, so that other lines may stand between them. Cells hold no control
 * bytes and are well-formed UTF-8.
 */
#ifndef MEMTRACE_REPORT_TABLE_H
#define MEMTRACE_REPORT_TABLE_H

#include "report/text_style.h"

#define TABLE_COLUMNS 10

struct table_column {
	const char *title; /* NULL: none */
	bool right;	   /* aligned right */
	bool sign;	   /* coloured by its sign */
	enum paint paint;
	/* The greatest width, 0: no limit. A longer cell is cut if the page has a width, and
	 * sticks out otherwise. */
	size_t most;
	/* If the page is too narrow, the column shrinks to this width at least. 0: it does not
	 * shrink. The first columns shrink first, or the last with last_first. */
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
/* Add the next cell: by writing to what table__open returns, up to table__close, or by
 * table__cell. */
struct strbuf *table__open(struct table *t);
void table__close(struct table *t);
void table__cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* To be called once all cells are there. 0 or -ENOMEM. */
int table__fit(struct table *t, const struct text_style *ts);
void table__titles(const struct table *t, struct text_style *ts);
void table__row(const struct table *t, size_t row, struct text_style *ts);

#endif
