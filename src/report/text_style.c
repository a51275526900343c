/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_style.h"

#include "report/internal.h"
#include "report/text_width.h"

#define LABEL_WIDTH 7

struct text_style text_style__start(const struct report_style *st)
{
	return (struct text_style){ .color = st->color,
				    .width = st->width > 0 ? (size_t)st->width : 0,
				    .height = st->height > 0 ? (size_t)st->height : 0,
				    .full = st->full };
}

int text_style__write(struct text_style *ts, int err, FILE *out)
{
	if (!err)
		err = ts->sb.error;
	if (!err)
		err = report__write(out, ts->sb.data, ts->sb.len);
	strbuf__free(&ts->sb);
	return err;
}

void text_style__painted(struct text_style *ts, enum paint paint, const char *s)
{
	static const char *const codes[] = {
		[BOLD] = "\033[1m",   [DIM] = "\033[2m",     [RED] = "\033[31m",
		[GREEN] = "\033[32m", [YELLOW] = "\033[33m", [CYAN] = "\033[36m",
	};
	bool color = ts->color && paint != PLAIN && *s;

	if (color)
		strbuf__adds(&ts->sb, codes[paint]);
	strbuf__adds(&ts->sb, s);
	if (color)
		strbuf__adds(&ts->sb, "\033[0m");
}

void text_style__spaces(struct text_style *ts, size_t n)
{
	strbuf__addf(&ts->sb, "%*s", (int)n, "");
}

void text_style__label(struct text_style *ts, const char *label)
{
	size_t width = text_width__width(label);

	text_style__spaces(ts, 2);
	strbuf__adds(&ts->sb, label);
	text_style__spaces(ts, (width < LABEL_WIDTH ? LABEL_WIDTH - width : 0) + 2);
}

enum paint text_style__sign(const char *change)
{
	return *change == '+' ? RED : *change == '-' ? GREEN : PLAIN;
}
