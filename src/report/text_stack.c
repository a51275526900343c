/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_stack.h"

#include <errno.h>
#include <string.h>

#include "profile/title.h"
#include "report/label.h"
#include "report/table.h"
#include "report/text_frame.h"
#include "util/array.h"
#include "util/escape.h"

#define INDENT 6
#define TITLE_INDENT 4

/* Why a walk ended before the first frame; NULL: nothing to report. */
static const char *const end_clauses[STACK_ENDS] = {
	[STACK_LIMIT] = "cut at the frame limit",
	[STACK_NO_MAPPING] = "incomplete: the caller is not in a mapped file",
	[STACK_NO_CFI] = "incomplete: no unwind data for the caller",
	[STACK_UNREADABLE] = "incomplete: the stack could not be read",
	[STACK_BAD_SP] = "incomplete: the stack pointer went backwards",
	[STACK_NO_TABLE] = "incomplete: the unwind table of the caller is not loaded",
};

static void add_module(struct table *t, const struct profile_frame *f)
{
	struct strbuf *sb = table__open(t);

	/* An unknown function is named by its module and offset already. */
	if (f->func && *f->func && f->module)
		escape__plain(sb, title__basename(f->module));
	table__close(t);
}

static void add_frame_row(struct table *t, const struct profile_frame *f, size_t times)
{
	text_frame__name(t, f);
	text_frame__source(t, f);
	add_module(t, f);
	if (times > 1)
		table__cell(t, "%s(%zu times)", f->inlined ? "(inlined) " : "", times);
	else
		table__cell(t, "%s", f->inlined ? "(inlined)" : "");
}

static void print_remark(struct text_style *ts, const char *s)
{
	text_style__spaces(ts, INDENT);
	text_style__painted(ts, DIM, s);
	strbuf__addc(&ts->sb, '\n');
}

const char *text_stack__missing(const struct profile_run *run)
{
	return run->stack_mode == STACK_OFF ? "(no call stacks: --stack none)"
					    : "(call stack unknown)";
}

const char *text_stack__end(const struct profile_site *s)
{
	return s->nstack && s->end < STACK_ENDS ? end_clauses[s->end] : NULL;
}

int text_stack__title(struct text_style *ts, const struct profile_site *s)
{
	const struct profile_frame *f = title__frame(s->stack, s->nstack);
	const struct table_column columns[] = {
		{ .least = 20, .most = ts->width ? 0 : TEXT_FRAME_MOST, .paint = BOLD },
		{ .least = 16, .most = 32, .paint = CYAN },
	};
	struct table t = { .columns = columns,
			   .ncolumns = ARRAY_SIZE(columns),
			   .indent = TITLE_INDENT };
	int err;

	if (!f)
		return 0;
	text_frame__name(&t, f);
	text_frame__source(&t, f);
	err = table__fit(&t, ts);
	if (!err)
		table__row(&t, 0, ts);
	table__free(&t);
	return err;
}

/* The line for a suppression file that hides a finding. */
static void print_suppression(struct text_style *ts, const struct profile_site *s)
{
	const struct profile_frame *f = title__frame(s->stack, s->nstack);
	struct strbuf rule = { 0 }, line = { 0 };

	if (f && profile__is_finding(s))
		title__suppression(&rule, f);
	if (rule.len) {
		strbuf__adds(&line, "to suppress: ");
		escape__plain(&line, rule.data);
	}
	if (rule.error || line.error)
		ts->sb.error = -ENOMEM;
	else if (line.len)
		print_remark(ts, line.data);
	strbuf__free(&line);
	strbuf__free(&rule);
}

int text_stack__print(struct text_style *ts, const struct profile_run *run,
		      const struct profile_site *s)
{
	struct table_column columns[] = {
		{ .least = 20, .most = ts->width ? 0 : TEXT_FRAME_MOST },
		{ .paint = CYAN, .least = 16, .most = 32 },
		{ .paint = DIM, .least = 12, .most = 24 },
		{ .paint = DIM },
	};
	struct table t = { .columns = columns, .ncolumns = ARRAY_SIZE(columns), .indent = INDENT };
	size_t rows = 0, times;
	int err;

	for (size_t i = 0; i < s->nstack; i += times) {
		for (times = 1; i + times < s->nstack; times++) {
			if (!text_frame__is_same(&s->stack[i], &s->stack[i + times]))
				break;
		}
		add_frame_row(&t, &s->stack[i], times);
		rows++;
	}
	err = table__fit(&t, ts);
	for (size_t i = 0; i < rows && !err; i++)
		table__row(&t, i, ts);
	table__free(&t);
	if (err)
		return err;
	if (!s->nstack)
		print_remark(ts, text_stack__missing(run));
	else if (text_stack__end(s))
		print_remark(ts, text_stack__end(s));
	print_suppression(ts, s);
	return 0;
}
