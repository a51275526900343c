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

/* Breaks the text at blanks where it is too long. */
static void print_words(struct text_style *ts, const char *text, size_t room)
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
}

/* A command is to be copied: it is not broken, but has a line of its own where it does not fit. */
static void print_step(struct text_style *ts, const char *step)
{
	size_t room = ts->width > LABEL_COLUMNS ? ts->width - LABEL_COLUMNS : 0;
	const char *command = strstr(step, ": memtrace ");
	struct strbuf sentence = { 0 };

	if (!command || !room || text_width__width(step) <= room) {
		print_words(ts, step, room);
	} else {
		strbuf__add(&sentence, step, (size_t)(command - step) + 1);
		print_words(ts, sentence.data ? sentence.data : "", room);
		print_new_line(ts);
		strbuf__adds(&ts->sb, command + 2);
	}
	if (sentence.error)
		ts->sb.error = sentence.error;
	strbuf__free(&sentence);
	strbuf__addc(&ts->sb, '\n');
}

void text_next__print(struct text_style *ts, const struct profile *p)
{
	struct strbuf steps[NEXT_STEPS_MOST] = { 0 }, plain = { 0 };
	size_t n = next_steps__list(p, steps);

	if (n)
		strbuf__addc(&ts->sb, '\n');
	for (size_t i = 0; i < NEXT_STEPS_MOST; i++) {
		strbuf__reset(&plain);
		if (i < n && steps[i].data)
			escape__plain(&plain, steps[i].data);
		if (plain.len) {
			text_style__label(ts, "next");
			print_step(ts, plain.data);
		}
		if (steps[i].error || plain.error)
			ts->sb.error = steps[i].error ? steps[i].error : plain.error;
		strbuf__free(&steps[i]);
	}
	strbuf__free(&plain);
}

size_t text_next__lines(const struct text_style *ts, const struct profile *p)
{
	struct text_style page = { .width = ts->width };
	size_t n = 0;

	text_next__print(&page, p);
	for (size_t i = 0; i < page.sb.len; i++)
		n += page.sb.data[i] == '\n';
	strbuf__free(&page.sb);
	return n;
}
