/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_path.h"

#include <string.h>

#include "profile/title.h"
#include "profile/wrappers.h"
#include "report/number.h"
#include "report/table.h"
#include "report/text_frame.h"
#include "util/array.h"
#include "util/escape.h"

#define LABEL_COLUMNS 11 /* as text_style__label leaves */
#define NAMED_MOST 3	 /* libraries that a mark names */

/* ---- which frames ---- */

size_t text_path__title(const struct profile_site *s)
{
	const struct profile_frame *f = title__frame(s->stack, s->nstack);

	return f ? (size_t)(f - s->stack) : 0;
}

bool text_path__row(const struct profile_site *s, size_t from, struct path_row *row)
{
	size_t i = from, end;

	/* A stack of libraries only has a title, too. */
	while (i < s->nstack && s->stack[i].library && i != text_path__title(s))
		i++;
	if (i >= s->nstack)
		return false;
	*row = (struct path_row){ .frame = &s->stack[i], .times = 1 };
	while (i + row->times < s->nstack &&
	       text_frame__is_same(row->frame, row->frame + row->times))
		row->times++;
	i += row->times;
	for (end = i; end < s->nstack && s->stack[end].library; end++)
		;
	row->folded = s->stack + i;
	row->nfolded = end - i;
	row->next = end;
	return true;
}

size_t text_path__callers(const struct profile_site *s)
{
	struct path_row row;
	size_t n = 0;

	for (size_t i = text_path__title(s); text_path__row(s, i, &row); i = row.next)
		n++;
	return n ? n - 1 : 0;
}

/* ---- marks ---- */

/* The library that a frame belongs to: the name of its file up to ".so", but the namespace of what
 * the compiler put into the program itself. Returns its length. */
static size_t library_name(const struct profile_frame *f, const char **name)
{
	const char *func = f->func ? wrappers__without_type(f->func) : "", *file, *end;

	*name = "std";
	if (!strncmp(func, "std::", 5))
		return 3;
	if (!f->module)
		return 0;
	file = title__basename(f->module);
	end = strstr(file, ".so");
	*name = file;
	return end ? (size_t)(end - file) : 0;
}

struct library {
	const char *name;
	size_t len;
};

/* Finds the first libraries, each once, in the order of the frames. Returns their number. */
static size_t list_libraries(const struct profile_frame *frames, size_t n,
			     struct library list[NAMED_MOST + 1])
{
	struct library found;
	size_t listed = 0, k;

	for (size_t i = 0; i < n && listed <= NAMED_MOST; i++) {
		found.len = library_name(&frames[i], &found.name);
		for (k = 0; k < listed; k++)
			if (list[k].len == found.len &&
			    !memcmp(list[k].name, found.name, found.len))
				break;
		if (found.len && k == listed)
			list[listed++] = found;
	}
	return listed;
}

void text_path__add_folded(struct strbuf *sb, const struct profile_frame *frames, size_t n)
{
	struct library list[NAMED_MOST + 1];
	size_t listed = list_libraries(frames, n, list);
	struct strbuf name = { 0 };
	char count[64];

	if (!n)
		return;
	strbuf__addf(sb, "… %s", number__noun(count, sizeof(count), n, "frame"));
	for (size_t i = 0; i < listed; i++) {
		strbuf__adds(sb, i ? ", " : " of ");
		strbuf__reset(&name);
		strbuf__add(&name, list[i].name, list[i].len);
		escape__plain(sb, i < NAMED_MOST && name.data ? name.data : "…");
	}
	if (name.error)
		sb->error = name.error;
	strbuf__free(&name);
}

/* What stands behind a row: its module, how often it is called again, and what is left out. */
static void add_note(struct table *t, const struct path_row *row, const char *exe, size_t more)
{
	struct strbuf *sb = table__open(t);
	size_t start = sb->len;
	char count[64];

	if (text_frame__is_elsewhere(row->frame, exe))
		escape__plain(sb, title__basename(row->frame->module));
	if (row->times > 1)
		strbuf__addf(sb, "%s(%zu times)", sb->len > start ? " " : "", row->times);
	if (sb->len > start && (more || row->nfolded))
		strbuf__addc(sb, ' ');
	if (more)
		strbuf__addf(sb, "… %s", number__noun(count, sizeof(count), more, "more frame"));
	else
		text_path__add_folded(sb, row->folded, row->nfolded);
	table__close(t);
}

/* ---- printing ---- */

void text_path__add_callers(struct strbuf *sb, const struct profile_site *s, size_t most)
{
	struct path_row row;
	size_t n = 0;

	if (!text_path__row(s, text_path__title(s), &row))
		return;
	while (text_path__row(s, row.next, &row)) {
		strbuf__adds(sb, n ? " < " : "< ");
		if (++n > most) {
			strbuf__adds(sb, "…");
			return;
		}
		text_frame__add_name(sb, row.frame);
	}
}

int text_path__print(struct text_style *ts, const struct profile_site *s, const char *exe,
		     const char *label, size_t most)
{
	const struct table_column columns[] = {
		{ .least = 16, .most = ts->width ? 0 : TEXT_FRAME_MOST },
		{ .least = 12, .most = 32, .paint = CYAN },
		{ .least = 12, .paint = DIM },
	};
	struct table t = { .columns = columns, .ncolumns = ARRAY_SIZE(columns), .indent = 0 };
	size_t i = text_path__title(s), rows = 0;
	struct path_row row, next;
	int err;

	if (!text_path__row(s, i, &row))
		return 0;
	for (i = row.next; rows < most && text_path__row(s, i, &row); i = row.next) {
		bool last = ++rows == most && text_path__row(s, row.next, &next);

		text_frame__name(&t, row.frame);
		text_frame__source(&t, row.frame);
		add_note(&t, &row, exe, last ? s->nstack - row.next + row.nfolded : 0);
	}
	t.indent = LABEL_COLUMNS;
	err = table__fit(&t, ts);
	t.indent = 0;
	for (i = 0; i < rows && !err; i++) {
		text_style__label(ts, i ? "" : label);
		table__row(&t, i, ts);
	}
	table__free(&t);
	return err;
}
