/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_sites.h"

#include <stdint.h>

#include "report/text_leak.h"
#include "report/text_next.h"
#include "report/text_others.h"
#include "report/text_processes.h"
#include "util/array.h"

#define PAGE 24	       /* lines, where there is no terminal */
#define PROMPT 2       /* lines below a final report: the run's last one, and the shell's prompt */
#define OTHERS_MOST 3  /* lines of others that leaks leave room for */
#define OTHERS_FRAME 3 /* lines around them */
#define PROCESSES_FRAME 3

/* How much of each leak is shown, from the most to the least. */
static const struct text_leak_limits detail[] = {
	{ 6, 8 }, { 4, 4 }, { 3, 3 }, { 2, 2 }, { 1, 2 }
};
#define DETAIL_OF_MANY 2 /* not less, if a page does not suffice anyway */

static size_t count_lines(const struct strbuf *sb)
{
	size_t n = 0;

	for (size_t i = 0; i < sb->len; i++)
		n += sb->data[i] == '\n';
	return n;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The lines that remain on a page for leaks and others. */
static size_t room(const struct text_style *ts, const struct profile *p)
{
	size_t page = ts->height ? ts->height : PAGE, used = count_lines(&ts->sb);

	used += p->final ? PROMPT + text_next__lines(ts, p) : 1;
	if (p->nprocesses > 1)
		used += PROCESSES_FRAME + least(p->nprocesses, TEXT_PROCESSES_FEW);
	return page > used ? page - used : 0;
}

int text_sites__print(struct text_style *ts, const struct profile *p)
{
	const struct text_leak_limits *limits = detail;
	size_t left = room(ts, p), others, growing, lines;
	struct text_leaks leaks;
	int err = text_leaks__collect(&leaks, p);

	if (err)
		return err;
	if (!p->nsites)
		strbuf__adds(&ts->sb,
			     "\n  No call stack holds memory of the requested kind and age.\n");
	others = text_others__count(&leaks, p, &growing);
	lines = OTHERS_FRAME + least(others, growing > 1 || !leaks.n ? OTHERS_MOST : 1);
	while (limits < &detail[ARRAY_SIZE(detail) - 1] &&
	       text_leaks__lines(&leaks, p, limits) + lines > left)
		limits++;
	if (leaks.n > 2 && limits > &detail[DETAIL_OF_MANY])
		limits = &detail[DETAIL_OF_MANY];
	lines = text_leaks__lines(&leaks, p, limits) + OTHERS_FRAME;
	left = left > lines ? left - lines : 0;
	/* Growth is a finding, too. */
	if (leaks.n != 2 && left < least(growing, OTHERS_MOST))
		left = least(growing, OTHERS_MOST);
	/* What was asked for: so many, in this order, or all that a command left. */
	if (p->run->top_given || ts->full || text_others__has_leaks(p) ||
	    (p->judged.reasons & UNJUDGED_ENDED))
		left = SIZE_MAX;
	err = text_leaks__print(&leaks, ts, p, ts->full ? NULL : limits);
	if (!err && p->nsites)
		err = text_others__print(ts, p, &leaks, left, ts->full);
	text_leaks__free(&leaks);
	return err;
}
