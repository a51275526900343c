/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_sites.h"

#include <stdint.h>
#include <string.h>

#include "report/summary.h"
#include "report/text_leak.h"
#include "report/text_next.h"
#include "report/text_others.h"
#include "report/text_processes.h"
#include "util/array.h"

#define PAGE 24	       /* lines, where there is no terminal */
#define OTHERS_MOST 3  /* lines of others that leaks leave room for */
#define OTHERS_FRAME 3 /* lines around them */
#define PROCESSES_FRAME 3
#define LEAKS_LEAST 3 /* shown in any case */

/* How much of each leak is shown, from the most to the least. */
static const struct text_leak_limits detail[] = {
	{ .callers = 6, .parts = 8 },
	{ .callers = 4, .parts = 4 },
	{ .callers = 3, .parts = 3 },
	{ .callers = 2, .parts = 2 },
	{ .callers = 1, .parts = 2 },
	{ .callers = 3, .in_line = true },
	{ .callers = 3, .in_line = true, .brief = true },
	{ .brief = true },
};
#define DETAIL_IN_LINES 4 /* the last one that has a line for each caller */
#define DETAIL_OF_MANY 2  /* not less without a terminal, if a page does not suffice anyway */

/* As a terminal of this width shows them. */
static size_t count_lines(const char *s, size_t width)
{
	size_t n = 0, column = 0;

	for (; *s; s++) {
		if (*s == '\033')
			s += strcspn(s, "m");
		else if (*s == '\n')
			n++, column = 0;
		else if (((unsigned char)*s & 0xc0) != 0x80 && ++column > width && width)
			n++, column = 1;
	}
	return n;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The run's last line, "memtrace: 2 leaks …", and the prompt of the shell. */
static size_t lines_below(const struct text_style *ts, const struct profile *p)
{
	const struct conditions none = { 0 };
	const struct criteria c = { .checks = &none };
	struct strbuf line = { 0 };
	size_t n;

	strbuf__adds(&line, "memtrace: ");
	summary__add(&line, p, &c);
	strbuf__addc(&line, '\n');
	n = line.data ? count_lines(line.data, ts->height ? ts->width : 0) : 1;
	strbuf__free(&line);
	return n + 1;
}

/* The lines that remain on a page for leaks and others. */
static size_t room(const struct text_style *ts, const struct profile *p)
{
	size_t page = ts->height ? ts->height : PAGE;
	size_t used = count_lines(ts->sb.data ? ts->sb.data : "", ts->height ? ts->width : 0);

	used += p->final ? lines_below(ts, p) + text_next__lines(ts, p) : 1;
	if (p->nprocesses > 1)
		used += PROCESSES_FRAME + least(p->nprocesses, TEXT_PROCESSES_FEW);
	return page > used ? page - used : 0;
}

/* The most detail with which they take no more lines; the least, if there is none. */
static const struct text_leak_limits *choose_detail(const struct text_style *ts,
						    const struct profile *p,
						    const struct text_leaks *leaks, size_t lines)
{
	size_t last = ts->height ? ARRAY_SIZE(detail) - 1 : DETAIL_IN_LINES, i = 0;

	while (i < last && text_leaks__lines(leaks, p, &detail[i]) > lines)
		i++;
	if (!ts->height && leaks->n > 2 && i > DETAIL_OF_MANY)
		i = DETAIL_OF_MANY;
	return &detail[i];
}

static size_t above(size_t a, size_t b)
{
	return a > b ? a - b : 0;
}

int text_sites__print(struct text_style *ts, const struct profile *p)
{
	const struct text_leak_limits *limits;
	size_t left = room(ts, p), most = SIZE_MAX, others, growing, lines;
	struct text_leaks leaks;
	int err = text_leaks__collect(&leaks, p);

	if (err)
		return err;
	if (!p->nsites)
		strbuf__adds(&ts->sb,
			     "\n  No call stack holds memory of the requested kind and age.\n");
	others = text_others__count(&leaks, p, &growing);
	lines = OTHERS_FRAME + least(others, growing > 1 || !leaks.n ? OTHERS_MOST : 1);
	limits = choose_detail(ts, p, &leaks, above(left, lines));
	if (limits > &detail[DETAIL_IN_LINES]) {
		ts->one_step = true;
		left = room(ts, p);
		limits = choose_detail(ts, p, &leaks, above(left, OTHERS_FRAME));
	}
	lines = text_leaks__lines(&leaks, p, limits) + OTHERS_FRAME;
	if (limits == &detail[ARRAY_SIZE(detail) - 1] && lines > left)
		most = above(leaks.n, lines - left + 1);
	left = above(left, lines + (ts->height != 0));
	/* Growth is a finding, too. */
	if (!ts->height && leaks.n != 2 && left < least(growing, OTHERS_MOST))
		left = least(growing, OTHERS_MOST);
	/* What was asked for: so many, in this order, or all that a command left. */
	if (p->run->top_given || ts->full || text_others__has_leaks(p) ||
	    (p->judged.reasons & UNJUDGED_ENDED))
		left = most = SIZE_MAX;
	most = most < LEAKS_LEAST ? LEAKS_LEAST : most;
	err = text_leaks__print(&leaks, ts, p, ts->full ? NULL : limits, most);
	if (!err && p->nsites)
		err = text_others__print(ts, p, &leaks, left, ts->full);
	text_leaks__free(&leaks);
	return err;
}
