/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_next.h"

#include <string.h>

#include "report/next_steps.h"
#include "report/text_width.h"
#include "util/escape.h"

#define LABEL_COLUMNS 11 /* as text_style__label leaves */

static void print_new_line(struct text_style *ts)
{
	strbuf__addc(&ts->sb, '\n');
	text_style__label(ts, "");
}

/* Breaks the text at blanks where it is too long. Returns the columns of its last line. */
static size_t print_words(struct text_style *ts, const char *text, size_t room)
{
	struct strbuf word = { 0 };
	size_t column = 0, width;

	for (const char *s = text; *s; s += strspn(s, " ")) {
		size_t len = strcspn(s, " ");

		strbuf__reset(&word);
		strbuf__add(&word, s, len);
		width = text_width__width(word.data ? word.data : "");
		if (column && room && column + 1 + width > room) {
			print_new_line(ts);
			column = 0;
		} else if (column) {
			strbuf__addc(&ts->sb, ' ');
			column++;
		}
		strbuf__adds(&ts->sb, word.data ? word.data : "");
		column += width;
		s += len;
	}
	if (word.error)
		ts->sb.error = word.error;
	strbuf__free(&word);
	return column;
}

static const char *plain(struct strbuf *to, const struct strbuf *raw)
{
	strbuf__reset(to);
	if (raw->len)
		escape__plain(to, raw->data);
	return to->data ? to->data : "";
}

/* A command is to be copied: it is not broken, but has a line of its own where it does not fit. */
static void print_step(struct text_style *ts, const struct next_step *step)
{
	size_t room = ts->width > LABEL_COLUMNS ? ts->width - LABEL_COLUMNS : 0, column, width;
	struct strbuf shown = { 0 };
	const char *command;

	text_style__label(ts, "next");
	column = print_words(ts, plain(&shown, &step->text), room);
	command = plain(&shown, &step->command);
	width = text_width__width(command);
	if (width) {
		strbuf__addc(&ts->sb, ':');
		if (room && column + 2 + width > room)
			print_new_line(ts);
		else
			strbuf__addc(&ts->sb, ' ');
		strbuf__adds(&ts->sb, command);
	}
	strbuf__addc(&ts->sb, '\n');
	if (shown.error)
		ts->sb.error = shown.error;
	strbuf__free(&shown);
}

void text_next__print(struct text_style *ts, const struct profile *p)
{
	struct next_step steps[NEXT_STEPS_MOST] = { 0 };
	size_t n = next_steps__list(p, steps);
	int err;

	if (n > 1 && ts->one_step)
		n = 1;
	if (n)
		strbuf__addc(&ts->sb, '\n');
	for (size_t i = 0; i < n; i++)
		print_step(ts, &steps[i]);
	err = next_steps__free(steps);
	if (err)
		ts->sb.error = err;
}

size_t text_next__lines(const struct text_style *ts, const struct profile *p)
{
	struct text_style page = { .width = ts->width, .one_step = ts->one_step };
	size_t n = 0;

	text_next__print(&page, p);
	for (size_t i = 0; i < page.sb.len; i++)
		n += page.sb.data[i] == '\n';
	strbuf__free(&page.sb);
	return n;
}
