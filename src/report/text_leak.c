/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_leak.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "profile/title.h"
#include "profile/wrappers.h"
#include "report/label.h"
#include "report/number.h"
#include "report/rate_unit.h"
#include "report/short_name.h"
#include "report/table.h"
#include "report/text_frame.h"
#include "report/text_path.h"
#include "report/text_stack.h"
#include "report/text_verdicts.h"
#include "report/text_width.h"
#include "util/array.h"
#include "util/escape.h"
#include "util/format.h"

#define LABEL_COLUMNS 11 /* as text_style__label leaves */
#define WHAT_MOST 40

/* ---- which ---- */

static bool is_grouped(const struct profile *p, const struct profile_site *s)
{
	return s->group && s->group <= p->ngroups;
}

static bool is_leak(const struct profile *p, const struct profile_site *s)
{
	return (is_grouped(p, s) ? p->groups[s->group - 1].verdict : s->verdict) == VERDICT_LEAK;
}

static struct profile_group sum_of(const struct profile *p, const struct profile_site *s)
{
	if (is_grouped(p, s))
		return p->groups[s->group - 1];
	return (struct profile_group){
		.verdict = s->verdict,
		.parts = 1,
		.live_bytes = s->live_bytes,
		.live_blocks = s->live_blocks,
		.rate_bps = s->leak_rate_bps,
	};
}

static bool is_part(const struct profile *p, const struct text_leak *leak,
		    const struct profile_site *s)
{
	const struct profile_site *first = &p->sites[leak->first];

	return s == first || (is_grouped(p, s) && s->group == first->group);
}

size_t text_leaks__find(const struct text_leaks *l, const struct profile *p,
			const struct profile_site *s)
{
	for (size_t i = 0; i < l->n; i++) {
		if (is_part(p, &l->items[i], s))
			return i;
	}
	return SIZE_MAX;
}

/* By the rate of all parts together, which is what is shown of a leak. */
static int compare_leaks(const void *a, const void *b)
{
	const struct text_leak *x = a, *y = b;

	if (x->sum.rate_bps != y->sum.rate_bps)
		return x->sum.rate_bps > y->sum.rate_bps ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

int text_leaks__collect(struct text_leaks *l, const struct profile *p)
{
	*l = (struct text_leaks){ .items = calloc(p->nsites + 1, sizeof(*l->items)) };
	if (!l->items)
		return -ENOMEM;
	for (size_t i = 0; i < p->nsites; i++) {
		const struct profile_site *s = &p->sites[i];

		if (!is_leak(p, s) || text_leaks__find(l, p, s) != SIZE_MAX)
			continue;
		l->items[l->n++] = (struct text_leak){ .sum = sum_of(p, s), .first = i };
	}
	if (p->run->sort == SORT_LEAK)
		qsort(l->items, l->n, sizeof(*l->items), compare_leaks);
	return 0;
}

void text_leaks__free(struct text_leaks *l)
{
	free(l->items);
	*l = (struct text_leaks){ 0 };
}

/* The next part of a leak that is in the report, from index `i` on; NULL: none. */
static const struct profile_site *part_from(const struct profile *p, const struct text_leak *leak,
					    size_t i)
{
	for (; i < p->nsites; i++) {
		if (is_part(p, leak, &p->sites[i]))
			return &p->sites[i];
	}
	return NULL;
}

static size_t part_count(const struct profile *p, const struct text_leak *leak)
{
	const struct profile_site *s;
	size_t n = 0;

	for (size_t i = leak->first; (s = part_from(p, leak, i)); i = (size_t)(s - p->sites) + 1)
		n++;
	return n;
}

/* ---- one line ---- */

/* "208.5 KiB in 2,542 blocks" */
static void add_size(struct table *t, uint64_t bytes, uint64_t blocks)
{
	char size[32], n[64];

	table__cell(t, "%s in %s", format__size(size, sizeof(size), bytes),
		    number__noun(n, sizeof(n), blocks, "block"));
}

/* With `owner`, whose it is stands where its line would. */
static void add_own_cells(struct table *t, const struct profile *p, const struct text_leak *leak,
			  size_t number, bool owner)
{
	const struct profile_site *s = &p->sites[leak->first];
	const struct profile_frame *f = title__frame(s->stack, s->nstack);
	char buf[64];

	table__cell(t, "LEAK %zu", number);
	if (f)
		text_frame__name(t, f);
	else
		table__cell(t, "%s", text_stack__missing(p->run));
	if (owner) {
		label__owner(table__open(t), s, true);
		table__close(t);
	} else if (f) {
		text_frame__source(t, f);
	} else {
		table__cell(t, "%s", "");
	}
	table__cell(t, "%s",
		    rate_unit__print(buf, sizeof(buf), rate_unit__of(p), leak->sum.rate_bps));
	add_size(t, leak->sum.live_bytes, leak->sum.live_blocks);
}

static const char *exe_of(const struct profile *p, const struct profile_site *s)
{
	for (size_t i = 0; i < p->nprocesses; i++) {
		if (p->processes[i].pid == s->pid)
			return p->processes[i].exe;
	}
	return NULL;
}

/* Whose it is, and the library that it is in; nothing for the program that is traced. */
static void add_place(struct strbuf *sb, const struct profile *p, const struct profile_site *s)
{
	const struct profile_frame *f = title__frame(s->stack, s->nstack);

	if (p->nprocesses > 1)
		label__owner(sb, s, true);
	if (!f || !text_frame__is_elsewhere(f, exe_of(p, s)))
		return;
	strbuf__adds(sb, sb->len ? ", " : "");
	escape__plain(sb, title__basename(f->module));
}

static void print_labelled(struct text_style *ts, const char *label, struct strbuf *line)
{
	struct strbuf cut = { 0 };

	text_width__cut(&cut, line->data ? line->data : "",
			ts->width > LABEL_COLUMNS ? ts->width - LABEL_COLUMNS : 0);
	if (line->error || cut.error)
		ts->sb.error = -ENOMEM;
	if (line->len) {
		text_style__label(ts, label);
		strbuf__adds(&ts->sb, cut.data);
		strbuf__addc(&ts->sb, '\n');
	}
	strbuf__free(&cut);
	strbuf__free(line);
}

/* ---- parts ---- */

/* Whether there is more to say of what is allocated than the line of a leak does. */
static bool has_part_lines(const struct profile *p, const struct text_leak *leak)
{
	const struct profile_site *s = &p->sites[leak->first];

	return leak->sum.parts > 1 || s->kind == API_MAP || text_path__title(s);
}

/* What the program's own function calls for the memory: "std::map<…>::operator[]". */
static void add_what(struct table *t, const struct profile_site *s)
{
	size_t title = text_path__title(s);
	const struct profile_frame *f = title ? &s->stack[title - 1] : NULL;
	static const char anonymous[] = "(anonymous namespace)::";
	struct strbuf name = { 0 }, plain = { 0 };
	const char *rest, *at;

	if (!f || !f->func || !*f->func || s->kind == API_MAP) {
		label__api(table__open(t), s);
		table__close(t);
		return;
	}
	for (rest = wrappers__without_type(f->func); (at = strstr(rest, anonymous));
	     rest = at + strlen(anonymous))
		strbuf__add(&plain, rest, (size_t)(at - rest));
	strbuf__adds(&plain, rest);
	short_name__add(&name, plain.data ? plain.data : "", WHAT_MOST);
	escape__plain(table__open(t), name.data ? name.data : "");
	table__close(t);
	if (name.error || plain.error)
		t->text.error = -ENOMEM;
	strbuf__free(&name);
	strbuf__free(&plain);
}

/* The line of the leak has the size and the place of its only part. */
static void add_part_cells(struct table *t, const struct profile_site *s, bool alone)
{
	const struct profile_frame *f = title__frame(s->stack, s->nstack);

	if (alone)
		table__cell(t, "%s", "");
	else
		add_size(t, s->live_bytes, s->live_blocks);
	add_what(t, s);
	if (f && !alone)
		text_frame__source(t, f);
	else
		table__cell(t, "%s", "");
	table__cell(t, "%s", s->id);
}

static void print_more_parts(struct text_style *ts, const struct text_leak *leak, size_t shown,
			     uint64_t bytes, uint64_t blocks)
{
	char n[64], size[32], held[64];

	if (shown >= leak->sum.parts)
		return;
	bytes = leak->sum.live_bytes > bytes ? leak->sum.live_bytes - bytes : 0;
	blocks = leak->sum.live_blocks > blocks ? leak->sum.live_blocks - blocks : 0;
	text_style__label(ts, "");
	strbuf__addf(&ts->sb, "… %s: %s in %s\n",
		     number__noun(n, sizeof(n), leak->sum.parts - shown, "more part"),
		     format__size(size, sizeof(size), bytes),
		     number__noun(held, sizeof(held), blocks, "block"));
}

/* A line each; with `full`, each followed by its stack. */
static int print_parts(struct text_style *ts, const struct profile *p, const struct text_leak *leak,
		       size_t most, bool full)
{
	const struct table_column columns[] = {
		{ .right = true, .paint = BOLD },
		{ .least = 12, .most = ts->width ? 0 : WHAT_MOST },
		{ .least = 10, .most = 32, .paint = CYAN },
		{ .least = 9, .paint = DIM },
	};
	struct table t = { .columns = columns,
			   .ncolumns = ARRAY_SIZE(columns),
			   .last_first = true };
	bool alone = leak->sum.parts == 1;
	size_t rows = 0, i = leak->first;
	uint64_t bytes = 0, blocks = 0;
	const struct profile_site *s;
	int err;

	for (; rows < most && (s = part_from(p, leak, i)); i = (size_t)(s - p->sites) + 1) {
		add_part_cells(&t, s, alone);
		bytes += s->live_bytes;
		blocks += s->live_blocks;
		rows++;
	}
	t.indent = LABEL_COLUMNS;
	err = table__fit(&t, ts);
	t.indent = 0;
	i = leak->first;
	for (size_t row = 0; row < rows && !err; row++) {
		s = part_from(p, leak, i);
		i = (size_t)(s - p->sites) + 1;
		text_style__label(ts, alone ? "by" : full ? "part" : row ? "" : "parts");
		table__row(&t, row, ts);
		if (full)
			err = text_stack__print(ts, p->run, s);
	}
	table__free(&t);
	if (!err)
		print_more_parts(ts, leak, rows, bytes, blocks);
	return err;
}

/* ---- all of them ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t text_leaks__lines(const struct text_leaks *l, const struct profile *p,
			 const struct text_leak_limits *limits)
{
	size_t lines = limits->brief && l->n ? 1 : 0, parts;

	for (size_t i = 0; i < l->n; i++) {
		const struct text_leak *leak = &l->items[i];
		const struct profile_site *s = &p->sites[leak->first];

		parts = least(part_count(p, leak), limits->parts);
		lines += limits->brief ? 1 : 3;
		lines += least(text_path__callers(s) + (size_t)(limits->in_line && limits->brief),
			       limits->in_line ? 1 : limits->callers);
		lines += text_stack__end(s) && !limits->brief ? 1 : 0;
		if (has_part_lines(p, leak) && parts)
			lines += parts + (parts < leak->sum.parts);
	}
	return lines;
}

/* In a line, behind whose it is, unless that was said. */
static void print_callers(struct text_style *ts, const struct profile *p,
			  const struct profile_site *s, const struct text_leak_limits *limits,
			  bool place)
{
	struct strbuf line = { 0 };
	const char *label;

	if (place)
		add_place(&line, p, s);
	label = line.len ? "in" : "callers";
	strbuf__adds(&line, line.len && text_path__callers(s) ? " " : "");
	text_path__add_callers(&line, s, limits->callers);
	print_labelled(ts, label, &line);
}

static int print_leak(struct text_style *ts, const struct profile *p, const struct text_leak *leak,
		      const struct text_leak_limits *limits)
{
	const struct profile_site *s = &p->sites[leak->first];
	struct strbuf line = { 0 };
	const char *label;
	int err = 0;

	if (limits && limits->brief) {
		if (limits->in_line)
			print_callers(ts, p, s, limits, true);
		return 0;
	}
	add_place(&line, p, s);
	label = line.len ? "in" : "why";
	strbuf__adds(&line, line.len ? ": " : "");
	text_verdicts__why(&line, s);
	print_labelled(ts, label, &line);
	if (!limits)
		return print_parts(ts, p, leak, SIZE_MAX, true);
	if (limits->in_line)
		print_callers(ts, p, s, limits, false);
	else
		err = text_path__print(ts, s, exe_of(p, s), "callers", limits->callers);
	if (text_stack__end(s))
		strbuf__adds(&line, text_stack__end(s));
	print_labelled(ts, "", &line);
	if (!err && has_part_lines(p, leak) && limits->parts)
		err = print_parts(ts, p, leak, limits->parts, false);
	return err;
}

int text_leaks__print(const struct text_leaks *l, struct text_style *ts, const struct profile *p,
		      const struct text_leak_limits *limits, size_t most)
{
	const struct table_column columns[] = {
		{ .paint = RED },
		{ .least = 16, .most = ts->width ? 0 : TEXT_FRAME_MOST, .paint = BOLD },
		{ .least = 10, .most = 32, .paint = CYAN },
		{ .right = true, .paint = RED },
		{ .right = true, .paint = BOLD },
	};
	struct table t = { .columns = columns, .ncolumns = ARRAY_SIZE(columns) };
	bool owner = limits && limits->brief && !limits->in_line && p->nprocesses > 1;
	size_t shown = least(l->n, most);
	char n[64];
	int err;

	for (size_t i = 0; i < shown; i++)
		add_own_cells(&t, p, &l->items[i], i + 1, owner);
	err = table__fit(&t, ts);
	for (size_t i = 0; i < shown && !err; i++) {
		if (!i || !limits || !limits->brief)
			strbuf__addc(&ts->sb, '\n');
		table__row(&t, i, ts);
		err = print_leak(ts, p, &l->items[i], limits);
	}
	table__free(&t);
	if (!err && p->leak.groups > shown)
		strbuf__addf(&ts->sb, "%s… %s (-t shows more)\n",
			     limits && limits->brief ? "" : "\n",
			     number__noun(n, sizeof(n), p->leak.groups - shown, "more leak"));
	return err;
}
