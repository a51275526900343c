#include "report/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/text_width.h"

#define GAP 2

void table__free(struct table *g)
{
	strbuf__free(&g->text);
	free(g->at);
	g->at = NULL;
	g->n = g->cap = 0;
}

struct strbuf *table__open(struct table *g)
{
	size_t cap = g->cap ? g->cap * 2 : 64, *at;

	if (g->n == g->cap) {
		at = reallocarray(g->at, cap, sizeof(*at));
		if (!at) {
			g->text.error = -ENOMEM;
			return &g->text;
		}
		g->at = at;
		g->cap = cap;
	}
	g->at[g->n++] = g->text.len;
	return &g->text;
}

void table__close(struct table *g)
{
	strbuf__addc(&g->text, '\0');
}

void table__cell(struct table *g, const char *fmt, ...)
{
	struct strbuf *sb = table__open(g);
	char buf[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	strbuf__adds(sb, buf);
	table__close(g);
}

static const char *cell(const struct table *g, size_t row, size_t column)
{
	return g->text.data + g->at[row * g->ncolumns + column];
}

static void shrink(struct table *g, size_t width)
{
	size_t total = g->indent, give, c;

	for (c = 0; c < g->ncolumns; c++)
		total += g->widths[c] ? g->widths[c] + (c ? GAP : 0) : 0;
	for (size_t i = 0; i < g->ncolumns && total > width; i++) {
		c = g->last_first ? g->ncolumns - 1 - i : i;
		if (!g->columns[c].least || g->widths[c] <= g->columns[c].least)
			continue;
		give = g->widths[c] - g->columns[c].least;
		if (give > total - width)
			give = total - width;
		g->widths[c] -= give;
		total -= give;
	}
}

int table__fit(struct table *g, const struct text_style *pg)
{
	size_t width;

	if (g->text.error)
		return g->text.error;
	for (size_t c = 0; c < g->ncolumns; c++) {
		const struct table_column *col = &g->columns[c];

		g->widths[c] = col->title ? text_width__width(col->title) : 0;
		for (size_t row = 0; row < g->n / g->ncolumns; row++) {
			width = text_width__width(cell(g, row, c));
			if (col->most && width > col->most)
				width = col->most;
			if (width > g->widths[c])
				g->widths[c] = width;
		}
	}
	if (pg->width)
		shrink(g, pg->width);
	return 0;
}

/* What is too long for its column is cut on a page with a width. */
static size_t shown_width(const struct table *g, size_t c, const char *s,
			  const struct text_style *pg)
{
	size_t width = text_width__width(s);

	return pg->width && width > g->widths[c] ? g->widths[c] : width;
}

static void print_cell(const struct table *g, size_t c, const char *s, enum paint paint,
		       struct text_style *pg)
{
	struct strbuf cut = { 0 };

	text_width__cut(&cut, s, pg->width ? g->widths[c] : 0);
	if (cut.error)
		pg->sb.error = cut.error;
	else
		text_style__painted(pg, paint, cut.data ? cut.data : "");
	strbuf__free(&cut);
}

/* The blanks that end a cell are held back until something follows, so that no line ends in
 * them. */
static void put(const struct table *g, size_t c, const char *s, enum paint paint, size_t *blanks,
		struct text_style *pg)
{
	size_t width = shown_width(g, c, s, pg);
	size_t pad = width < g->widths[c] ? g->widths[c] - width : 0;

	if (!g->widths[c])
		return;
	if (g->columns[c].right)
		*blanks += pad;
	if (*s) {
		text_style__spaces(pg, *blanks);
		*blanks = 0;
		print_cell(g, c, s, paint, pg);
	}
	*blanks += GAP;
	if (!g->columns[c].right)
		*blanks += pad;
}

void table__titles(const struct table *g, struct text_style *pg)
{
	size_t blanks = g->indent;

	for (size_t c = 0; c < g->ncolumns; c++)
		put(g, c, g->columns[c].title ? g->columns[c].title : "", DIM, &blanks, pg);
	strbuf__addc(&pg->sb, '\n');
}

void table__row(const struct table *g, size_t row, struct text_style *pg)
{
	size_t blanks = g->indent;

	for (size_t c = 0; c < g->ncolumns; c++) {
		const char *s = cell(g, row, c);

		put(g, c, s, g->columns[c].sign ? text_style__sign(s) : g->columns[c].paint,
		    &blanks, pg);
	}
	strbuf__addc(&pg->sb, '\n');
}
