/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_sites.h"

#include <inttypes.h>

#include "report/label.h"
#include "report/number.h"
#include "report/table.h"
#include "report/text_stack.h"
#include "report/text_verdicts.h"
#include "util/array.h"
#include "util/format.h"

#define SHOWN_ALWAYS 3 /* sites, however small */

static void add_site_cells(struct table *t, const struct profile *p, const struct profile_site *s)
{
	/* The final report sums up the run, so its rates are those of the whole run. */
	double rate =
	    p->final && p->elapsed_s > 0 ? (double)s->allocs / p->elapsed_s : s->allocs_per_s;
	bool since_mark = p->run->since_mark;
	char buf[32];

	table__cell(t, "%" PRIu32, s->rank);
	table__cell(t, "%s", format__size(buf, sizeof(buf), s->live_bytes));
	table__cell(
	    t, "%s",
	    number__change(buf, sizeof(buf), since_mark ? s->since_mark_bytes : s->growth_bytes));
	if (since_mark)
		number__signed(buf, sizeof(buf), s->since_mark_blocks);
	else
		number__count(buf, sizeof(buf), s->live_blocks);
	table__cell(t, "%s", buf);
	table__cell(t, "%s", s->live_blocks ? number__seconds(buf, sizeof(buf), s->oldest_s) : "-");
	table__cell(t, "%s", number__rate(buf, sizeof(buf), rate));
	label__api(table__open(t), s);
	table__close(t);
	if (p->nprocesses > 1)
		label__owner(table__open(t), s, p->run->by == BY_CONTAINER);
	else
		table__open(t);
	table__close(t);
	table__cell(t, "%s", s->id);
}

/*
 * Small sites are summed up in one line, unless all sites are wanted, or the order is not by size.
 */
static bool is_folded(const struct profile *p, const struct profile_site *s)
{
	const struct profile_run *run = p->run;

	return s->small && s->rank > SHOWN_ALWAYS && !(run->top_given && !run->top) &&
	       (run->sort == SORT_LEAK || run->sort == SORT_BYTES);
}

static void print_sum(struct text_style *ts, uint64_t stacks, bool small, uint64_t bytes,
		      uint64_t blocks)
{
	char n[64], size[32], held[64];

	if (stacks)
		strbuf__addf(
		    &ts->sb, "  … %s%s hold%s %s in %s\n",
		    number__noun(n, sizeof(n), stacks, small ? "call stack" : "more call stack"),
		    small ? " below 1%" : "", stacks == 1 ? "s" : "",
		    format__size(size, sizeof(size), bytes),
		    number__noun(held, sizeof(held), blocks, "block"));
}

/* What is not shown: everything below the top, and small sites. */
static void print_rest(struct text_style *ts, const struct profile *p)
{
	uint64_t stacks = p->total_sites - p->suppressed_sites, bytes = p->rest_bytes;
	uint64_t blocks = p->rest_blocks, folded = 0, folded_bytes = 0, folded_blocks = 0;

	stacks = stacks > p->nsites ? stacks - p->nsites : 0;
	for (size_t i = 0; i < p->nsites; i++) {
		if (!is_folded(p, &p->sites[i]))
			continue;
		folded++;
		folded_bytes += p->sites[i].live_bytes;
		folded_blocks += p->sites[i].live_blocks;
	}
	if (folded && p->small_sites <= stacks) {
		stacks -= p->small_sites;
		bytes -= p->small_bytes;
		blocks -= p->small_blocks;
		folded += p->small_sites;
		folded_bytes += p->small_bytes;
		folded_blocks += p->small_blocks;
	}
	if (stacks || folded)
		strbuf__addc(&ts->sb, '\n');
	print_sum(ts, stacks, false, bytes, blocks);
	print_sum(ts, folded, true, folded_bytes, folded_blocks);
}

int text_sites__print(struct text_style *ts, const struct profile *p)
{
	/* If nothing is cut, one long name must not push the IDs of all sites away. */
	size_t most = ts->width ? 0 : 32;
	const struct table_column columns[] = {
		{ .title = "#", .right = true },
		{ .title = "LIVE", .right = true, .paint = BOLD },
		{ .title = p->run->since_mark ? "SINCE MARK" : "GROWTH",
		  .right = true,
		  .sign = true },
		{ .title = p->run->since_mark ? "IN BLOCKS" : "BLOCKS", .right = true },
		{ .title = "OLDEST", .right = true },
		{ .title = "ALLOCS/s", .right = true },
		{ .least = 10, .most = most },
		{ .least = 10, .most = most },
		{ .least = 9, .paint = DIM },
	};
	struct table t = {
		.columns = columns, .ncolumns = ARRAY_SIZE(columns), .indent = 1, .last_first = true
	};
	int err;

	for (size_t i = 0; i < p->nsites; i++)
		if (!is_folded(p, &p->sites[i]))
			add_site_cells(&t, p, &p->sites[i]);
	err = table__fit(&t, ts);
	if (err)
		goto out;
	if (!p->nsites) {
		strbuf__adds(&ts->sb,
			     "\n  No call stack holds memory of the requested kind and age.\n");
		goto out;
	}
	strbuf__addc(&ts->sb, '\n');
	table__titles(&t, ts);
	for (size_t i = 0, row = 0; i < p->nsites && !err; i++) {
		if (is_folded(p, &p->sites[i]))
			continue;
		table__row(&t, row++, ts);
		text_verdicts__site(ts, &p->sites[i]);
		err = text_stack__title(ts, &p->sites[i]);
		if (!err)
			err = text_stack__print(ts, p->run, &p->sites[i]);
	}
	print_rest(ts, p);
out:
	table__free(&t);
	return err;
}
