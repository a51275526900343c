/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/text_width.h"
#include "util/array.h"

#define GAP 2

void table__free(struct table *t)
{
	strbuf__free(&t->text);
	free(t->at);
	t->at = NULL;
	t->n = t->cap = 0;
}

struct strbuf *table__open(struct table *t)
{
	if (array__grow(&t->at, &t->cap, t->n + 1, sizeof(*t->at)))
		t->text.error = -ENOMEM;
	else
		t->at[t->n++] = t->text.len;
	return &t->text;
}

void table__close(struct table *t)
{
	strbuf__addc(&t->text, '\0');
}

void table__cell(struct table *t, const char *fmt, ...)
{
	struct strbuf *sb = table__open(t);
	char buf[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	strbuf__adds(sb, buf);
	table__close(t);
}

static const char *cell_text(const struct table *t, size_t row, size_t column)
{
	return t->text.data + t->at[row * t->ncolumns + column];
}

static void shrink_columns(struct table *t, size_t width)
{
	size_t total = t->indent, give, c;

	for (c = 0; c < t->ncolumns; c++)
		total += t->widths[c] ? t->widths[c] + (c ? GAP : 0) : 0;
	for (size_t i = 0; i < t->ncolumns && total > width; i++) {
		c = t->last_first ? t->ncolumns - 1 - i : i;
		if (!t->columns[c].least || t->widths[c] <= t->columns[c].least)
			continue;
		give = t->widths[c] - t->columns[c].least;
		if (give > total - width)
			give = total - width;
		t->widths[c] -= give;
		total -= give;
	}
}

int table__fit(struct table *t, const struct text_style *ts)
{
	size_t width;

	if (t->text.error)
		return t->text.error;
	for (size_t c = 0; c < t->ncolumns; c++) {
		const struct table_column *col = &t->columns[c];

		t->widths[c] = col->title ? text_width__width(col->title) : 0;
		for (size_t row = 0; row < t->n / t->ncolumns; row++) {
			width = text_width__width(cell_text(t, row, c));
			if (col->most && width > col->most)
				width = col->most;
			if (width > t->widths[c])
				t->widths[c] = width;
		}
	}
	if (ts->width)
		shrink_columns(t, ts->width);
	return 0;
}

/* A cell that is too long for its column is cut, if the width is limited. */
static size_t shown_width(const struct table *t, size_t c, const char *s,
			  const struct text_style *ts)
{
	size_t width = text_width__width(s);

	return ts->width && width > t->widths[c] ? t->widths[c] : width;
}

static void print_cell(const struct table *t, size_t c, const char *s, enum paint paint,
		       struct text_style *ts)
{
	struct strbuf cut = { 0 };

	text_width__cut(&cut, s, ts->width ? t->widths[c] : 0);
	if (cut.error)
		ts->sb.error = cut.error;
	else
		text_style__painted(ts, paint, cut.data ? cut.data : "");
	strbuf__free(&cut);
}

/* The blanks behind a cell are held back until another one follows, so that no line ends in
 * blanks. */
static void add_padded(const struct table *t, size_t c, const char *s, enum paint paint,
		       size_t *blanks, struct text_style *ts)
{
	size_t width = shown_width(t, c, s, ts);
	size_t pad = width < t->widths[c] ? t->widths[c] - width : 0;

	if (!t->widths[c])
		return;
	if (t->columns[c].right)
		*blanks += pad;
	if (*s) {
		text_style__spaces(ts, *blanks);
		*blanks = 0;
		print_cell(t, c, s, paint, ts);
	}
	*blanks += GAP;
	if (!t->columns[c].right)
		*blanks += pad;
}

void table__titles(const struct table *t, struct text_style *ts)
{
	size_t blanks = t->indent;

	for (size_t c = 0; c < t->ncolumns; c++)
		add_padded(t, c, t->columns[c].title ? t->columns[c].title : "", DIM, &blanks, ts);
	strbuf__addc(&ts->sb, '\n');
}

void table__row(const struct table *t, size_t row, struct text_style *ts)
{
	size_t blanks = t->indent;

	for (size_t c = 0; c < t->ncolumns; c++) {
		const char *s = cell_text(t, row, c);

		add_padded(t, c, s, t->columns[c].sign ? text_style__sign(s) : t->columns[c].paint,
			   &blanks, ts);
	}
	strbuf__addc(&ts->sb, '\n');
}
