/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_others.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "profile/names.h"
#include "profile/title.h"
#include "report/label.h"
#include "report/number.h"
#include "report/rate_unit.h"
#include "report/table.h"
#include "report/text_frame.h"
#include "report/text_path.h"
#include "report/text_stack.h"
#include "report/text_verdicts.h"
#include "util/array.h"
#include "util/format.h"

#define SHOWN_ALWAYS 3 /* sites, however small */
#define CALLERS_MOST 3 /* in a line */
#define OWNER_ROOM 100 /* columns that an owner and callers need */

/* ---- which ---- */

static bool is_group(const struct profile *p, const struct profile_site *s)
{
	return s->group && s->group <= p->ngroups && p->groups[s->group - 1].parts > 1;
}

/*
 * Small sites are summed up in one line, unless all sites are wanted, or the order is not by size.
 */
static bool is_small(const struct profile *p, const struct profile_site *s)
{
	const struct profile_run *run = p->run;

	return s->small && s->rank > SHOWN_ALWAYS && !(run->top_given && !run->top) &&
	       (run->sort == SORT_LEAK || run->sort == SORT_BYTES);
}

bool text_others__has_leaks(const struct profile *p)
{
	return p->run->since_mark || (p->run->sort != SORT_LEAK && p->run->sort != SORT_BYTES);
}

/* Whether an earlier site is part of the same group: its line stands for both. */
static bool is_later_part(const struct profile *p, const struct profile_site *s)
{
	if (!is_group(p, s))
		return false;
	for (const struct profile_site *e = p->sites; e < s; e++) {
		if (e->group == s->group)
			return true;
	}
	return false;
}

static bool is_growing(const struct profile *p, const struct profile_site *s)
{
	bool grouped = s->group && s->group <= p->ngroups;

	return (grouped ? p->groups[s->group - 1].verdict : s->verdict) == VERDICT_GROWING;
}

static bool is_row(const struct text_leaks *l, const struct profile *p,
		   const struct profile_site *s, bool full)
{
	bool leaks = text_leaks__find(l, p, s) != SIZE_MAX;

	if (is_small(p, s) || (leaks && !text_others__has_leaks(p)))
		return false;
	return (full && !leaks) || !is_later_part(p, s);
}

static uint64_t below(const struct profile *p)
{
	uint64_t stacks = p->total_sites - p->suppressed_sites;

	return stacks > p->nsites ? stacks - p->nsites : 0;
}

size_t text_others__count(const struct text_leaks *l, const struct profile *p, size_t *growing)
{
	size_t n = 0;

	*growing = 0;
	for (size_t i = 0; i < p->nsites; i++) {
		if (!is_row(l, p, &p->sites[i], false))
			continue;
		n++;
		*growing += profile__is_finding(&p->sites[i]);
	}
	return n;
}

/* ---- a line ---- */

/* What a line is about: a site, or the parts of a group together. */
static struct profile_group figures(const struct profile *p, const struct profile_site *s,
				    bool full)
{
	if (is_group(p, s) && !full)
		return p->groups[s->group - 1];
	return (struct profile_group){
		.parts = 1,
		.live_bytes = s->live_bytes,
		.live_blocks = s->live_blocks,
		.allocs = s->allocs,
		.growth_bytes = s->growth_bytes,
		.since_mark_bytes = s->since_mark_bytes,
		.since_mark_blocks = s->since_mark_blocks,
		.allocs_per_s = s->allocs_per_s,
		.rate_bps = s->leak_rate_bps,
		.oldest_s = s->oldest_s,
	};
}

static void add_figures(struct table *t, const struct profile *p, const struct profile_group *g,
			bool full)
{
	/* The final report sums up the run, so its rates are those of the whole run. */
	double rate =
	    p->final && p->elapsed_s > 0 ? (double)g->allocs / p->elapsed_s : g->allocs_per_s;
	bool since_mark = p->run->since_mark;
	char buf[32];

	table__cell(t, "%s", format__size(buf, sizeof(buf), g->live_bytes));
	table__cell(
	    t, "%s",
	    number__change(buf, sizeof(buf), since_mark ? g->since_mark_bytes : g->growth_bytes));
	table__cell(t, "%s",
		    since_mark ? number__signed(buf, sizeof(buf), g->since_mark_blocks)
			       : number__count(buf, sizeof(buf), g->live_blocks));
	if (full || p->run->sort == SORT_AGE)
		table__cell(t, "%s",
			    g->live_blocks ? number__seconds(buf, sizeof(buf), g->oldest_s) : "-");
	else
		table__cell(t, "%s", "");
	if (full || p->run->sort == SORT_RATE)
		table__cell(t, "%s", number__rate(buf, sizeof(buf), rate));
	else
		table__cell(t, "%s", "");
}

static void add_owner(struct table *t, const struct profile *p, const struct profile_site *s)
{
	if (p->nprocesses > 1)
		label__owner(table__open(t), s, p->run->by == BY_CONTAINER);
	else
		table__open(t);
	table__close(t);
}

/* Where there is little room, why a site is doubted matters more than its line. */
static bool has_doubts(const struct text_style *ts, const struct profile *p)
{
	for (size_t i = 0; i < p->nsites && ts->width && ts->width < OWNER_ROOM; i++)
		if (p->sites[i].verdict == VERDICT_GROWING && p->sites[i].doubt)
			return true;
	return false;
}

static void add_place(struct table *t, const struct text_style *ts, const struct profile *p,
		      const struct profile_site *s)
{
	const struct profile_frame *f = title__frame(s->stack, s->nstack);

	if (f) {
		text_frame__name(t, f);
		if (has_doubts(ts, p))
			table__cell(t, "%s", "");
		else
			text_frame__source(t, f);
	} else {
		table__cell(t, "%s", text_stack__missing(p->run));
		table__cell(t, "%s", "");
	}
}

/* What else is known, in the order of what is left if it is cut. */
static void add_note(struct table *t, const struct text_style *ts, const struct profile *p,
		     const struct profile_site *s, const struct profile_group *g)
{
	struct strbuf *sb = table__open(t);
	size_t start = sb->len;

	if (has_doubts(ts, p))
		text_verdicts__short_note(sb, s, rate_unit__of(p), g->rate_bps);
	else
		text_verdicts__note(sb, s, rate_unit__of(p), g->rate_bps);
	if (g->parts > 1)
		strbuf__addf(sb, ", %" PRIu32 " parts", g->parts);
	if (s->kind == API_MAP) {
		strbuf__adds(sb, sb->len > start ? ", " : "");
		label__api(sb, s);
	}
	if (!ts->width || ts->width >= OWNER_ROOM || (p->nprocesses < 2 && sb->len == start)) {
		strbuf__adds(sb, sb->len > start && text_path__callers(s) ? " " : "");
		text_path__add_callers(sb, s, CALLERS_MOST);
	}
	table__close(t);
}

static void add_short_cells(struct table *t, const struct text_style *ts, const struct profile *p,
			    const struct profile_site *s)
{
	struct profile_group g = figures(p, s, false);

	add_figures(t, p, &g, false);
	table__cell(t, "%s", profile_names__verdict(s->verdict));
	add_owner(t, p, s);
	add_place(t, ts, p, s);
	add_note(t, ts, p, s, &g);
}

static void add_full_cells(struct table *t, const struct text_style *ts, const struct profile *p,
			   const struct profile_site *s)
{
	struct profile_group g = figures(p, s, true);

	(void)ts;
	add_figures(t, p, &g, true);
	table__cell(t, "%s", profile_names__verdict(s->verdict));
	label__api(table__open(t), s);
	table__close(t);
	add_owner(t, p, s);
	table__cell(t, "%s", s->id);
}

/* ---- what is left out ---- */

struct sum {
	uint64_t stacks, bytes, blocks, growing;
};

static void print_sum(struct text_style *ts, const struct sum *sum, bool small)
{
	char n[64], size[32], held[64], growing[64] = "";

	if (!sum->stacks)
		return;
	if (sum->growing)
		snprintf(growing, sizeof(growing), ", %s growing,",
			 number__count(n, sizeof(n), sum->growing));
	number__noun(n, sizeof(n), sum->stacks, small ? "call stack" : "more call stack");
	strbuf__addf(&ts->sb, "  … %s%s hold%s %s in %s\n", n, small ? " below 1%" : growing,
		     sum->stacks == 1 ? "s" : "", format__size(size, sizeof(size), sum->bytes),
		     number__noun(held, sizeof(held), sum->blocks, "block"));
}

/* All below the top, and small sites; `cut` are the lines that were not printed. */
static void print_rest(struct text_style *ts, const struct profile *p, struct sum cut, bool blank)
{
	uint64_t stacks = below(p);
	struct sum small = { 0 };

	for (size_t i = 0; i < p->nsites; i++) {
		if (!is_small(p, &p->sites[i]))
			continue;
		small.stacks++;
		small.bytes += p->sites[i].live_bytes;
		small.blocks += p->sites[i].live_blocks;
	}
	cut.bytes += p->rest_bytes;
	cut.blocks += p->rest_blocks;
	if (small.stacks && p->small_sites <= stacks) {
		stacks -= p->small_sites;
		cut.bytes -= p->small_bytes;
		cut.blocks -= p->small_blocks;
		small.stacks += p->small_sites;
		small.bytes += p->small_bytes;
		small.blocks += p->small_blocks;
	}
	cut.stacks += stacks;
	if (blank && (cut.stacks || small.stacks))
		strbuf__addc(&ts->sb, '\n');
	print_sum(ts, &cut, false);
	print_sum(ts, &small, true);
}

/* ---- all of them ---- */

static int print_rows(struct table *t, struct text_style *ts, const struct profile *p,
		      const struct text_leaks *l, size_t most, bool full)
{
	size_t row = 0;
	int err = 0;

	strbuf__addc(&ts->sb, '\n');
	table__titles(t, ts);
	for (size_t i = 0; i < p->nsites && row < most && !err; i++) {
		const struct profile_site *s = &p->sites[i];

		if (!is_row(l, p, s, full))
			continue;
		table__row(t, row++, ts);
		if (!full || text_leaks__find(l, p, s) != SIZE_MAX)
			continue;
		text_verdicts__site(ts, p, s);
		err = text_stack__title(ts, s);
		if (!err)
			err = text_stack__print(ts, p->run, s);
	}
	return err;
}

/* A line that says that there is one more could be that one. */
static size_t worthwhile(const struct text_leaks *l, const struct profile *p, size_t most)
{
	size_t growing;

	return most +
	       (text_others__count(l, p, &growing) == most + 1 && below(p) == p->small_sites);
}

int text_others__print(struct text_style *ts, const struct profile *p, const struct text_leaks *l,
		       size_t most, bool full)
{
	/* If nothing is cut, one long name must not push all others away. */
	size_t longest = ts->width ? 0 : 32;
	bool doubts = has_doubts(ts, p);
	size_t name = full ? 10 : doubts ? 18 : 22;
	bool by_age = full || p->run->sort == SORT_AGE, by_rate = full || p->run->sort == SORT_RATE;
	const struct table_column columns[] = {
		{ .title = "LIVE", .right = true, .paint = BOLD },
		{ .title = p->run->since_mark ? "SINCE MARK" : "GROWTH",
		  .right = true,
		  .sign = true },
		{ .title = p->run->since_mark ? "IN BLOCKS" : "BLOCKS", .right = true },
		{ .title = by_age ? "OLDEST" : NULL, .right = true },
		{ .title = by_rate ? "ALLOCS/s" : NULL, .right = true },
		{ .title = "VERDICT" },
		{ .least = 10, .most = longest },
		{ .least = name,
		  .most = ts->width ? 0
			  : full    ? 32
				    : TEXT_FRAME_MOST },
		{ .least = 9, .most = longest, .paint = full ? DIM : CYAN },
		{ .least = doubts ? 20 : 8, .paint = DIM },
	};
	struct table t = { .columns = columns,
			   .ncolumns = ARRAY_SIZE(columns) - full,
			   .indent = 2,
			   .last_first = full };
	struct sum cut = { 0 };
	size_t rows = 0, growing = 0;
	int err;

	most = worthwhile(l, p, most);
	for (size_t i = 0; i < p->nsites; i++) {
		const struct profile_site *s = &p->sites[i];
		struct profile_group g = figures(p, s, full);

		if (!is_row(l, p, s, full))
			continue;
		if (rows++ < most) {
			growing += is_growing(p, s) && !is_later_part(p, s);
			(full ? add_full_cells : add_short_cells)(&t, ts, p, s);
			continue;
		}
		cut.stacks += g.parts;
		cut.bytes += g.live_bytes;
		cut.blocks += g.live_blocks;
	}
	if (rows > most)
		rows = most;
	cut.growing = p->growing.groups > growing ? p->growing.groups - growing : 0;
	err = table__fit(&t, ts);
	if (!err && rows)
		err = print_rows(&t, ts, p, l, rows, full);
	table__free(&t);
	if (!err)
		print_rest(ts, p, cut, full || !rows);
	return err;
}
