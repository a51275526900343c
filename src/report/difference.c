/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/difference.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "profile/names.h"
#include "report/internal.h"
#include "report/json.h"
#include "report/label.h"
#include "report/number.h"
#include "report/rate_unit.h"
#include "report/table.h"
#include "report/text_stack.h"
#include "report/verdict_line.h"
#include "util/escape.h"
#include "util/array.h"
#include "util/format.h"

/* ---- text ---- */

static void print_side(struct text_style *ts, const char *label, const struct profile *p,
		       const struct compared_sum *sum, const char *name)
{
	time_t s = (time_t)(p->wall_ns / 1000000000);
	char when[32] = "", after[32], size[32], blocks[64];
	struct tm tm;

	if (localtime_r(&s, &tm))
		strftime(when, sizeof(when), "%F %H:%M:%S", &tm);
	strbuf__addf(&ts->sb, "%-6s  %s  ", label, when);
	escape__plain(&ts->sb, name);
	strbuf__addf(&ts->sb, " after %s: %s in %s\n",
		     number__seconds(after, sizeof(after), p->elapsed_s),
		     format__size(size, sizeof(size), sum->bytes),
		     number__noun(blocks, sizeof(blocks), sum->blocks, "block"));
	if (p->judged.reasons) {
		struct strbuf why = { 0 };

		verdict_line__reasons(&why, p, "; ");
		strbuf__addf(&ts->sb, "        not judged: %s\n", why.data ? why.data : "");
		strbuf__free(&why);
	}
	if (!p->notice)
		return;
	strbuf__adds(&ts->sb, "        ");
	escape__plain(&ts->sb, p->notice);
	strbuf__addc(&ts->sb, '\n');
}

static void print_total(struct text_style *ts, const struct comparison *c)
{
	char change[32], blocks[64], n[64];

	if (c->by_rate)
		strbuf__addf(
		    &ts->sb,
		    "rates   what grows is compared with what it would have held after %s; "
		    "up to %g %% is no change\n",
		    number__seconds(n, sizeof(n), c->after->elapsed_s), 100 * COMPARE_TOLERANCE);
	if (c->rebuilt)
		strbuf__addf(
		    &ts->sb,
		    "rebuilt %s of files that were built again, by the names of functions\n",
		    number__noun(n, sizeof(n), c->rebuilt, "call stack"));
	number__change(change, sizeof(change), c->bytes);
	number__signed_noun(blocks, sizeof(blocks), c->blocks, "block");
	strbuf__adds(&ts->sb, "change  ");
	text_style__painted(ts, text_style__sign(change), change);
	strbuf__addf(&ts->sb, " in %s", blocks);
	if (c->unchanged)
		strbuf__addf(&ts->sb, "; %s unchanged",
			     number__noun(n, sizeof(n), c->unchanged, "call stack"));
	strbuf__addc(&ts->sb, '\n');
}

/* One for all rates: by the fastest, on either side. */
static const struct rate_unit *unit_of(const struct comparison *c)
{
	double most = 0;

	for (size_t i = 0; i < c->nsites; i++)
		most = fmax(most, fmax(c->sites[i].rate_before, c->sites[i].rate_after));
	return rate_unit__for(most);
}

/* "+1.2 MiB/h → +2.4 MiB/h"; nothing where neither side grows. */
static void add_rate_cell(struct table *t, const struct comparison *c, const struct rate_unit *unit,
			  const struct compared_site *s)
{
	char before[32], after[32];

	if (!c->by_rate)
		return;
	if (s->rate_before <= 0 && s->rate_after <= 0)
		table__cell(t, "%s", "");
	else
		table__cell(t, "%s → %s",
			    rate_unit__print(before, sizeof(before), unit, s->rate_before),
			    rate_unit__print(after, sizeof(after), unit, s->rate_after));
}

static void add_change_cells(struct table *t, size_t rank, const struct comparison *c,
			     const struct rate_unit *unit, const struct compared_site *s)
{
	char buf[32];

	table__cell(t, "%zu", rank);
	table__cell(t, "%s", number__change(buf, sizeof(buf), s->bytes));
	table__cell(t, "%s", format__size(buf, sizeof(buf), s->before.bytes));
	table__cell(t, "%s", format__size(buf, sizeof(buf), s->after.bytes));
	table__cell(t, "%s", number__signed(buf, sizeof(buf), s->blocks));
	table__cell(t, "%s", number__count(buf, sizeof(buf), s->before.blocks));
	table__cell(t, "%s", number__count(buf, sizeof(buf), s->after.blocks));
	add_rate_cell(t, c, unit, s);
	label__api(table__open(t), s->site);
	table__close(t);
	table__cell(t, "%s", s->site->id);
}

static void print_more(struct text_style *ts, const struct comparison *c, size_t shown)
{
	char n[64], change[32], blocks[64];
	int64_t bytes = 0, held = 0;

	for (size_t i = shown; i < c->nsites; i++) {
		bytes += c->sites[i].bytes;
		held += c->sites[i].blocks;
	}
	if (shown < c->nsites)
		strbuf__addf(&ts->sb, "\n  … %s changed by %s in %s\n",
			     number__noun(n, sizeof(n), c->nsites - shown, "more call stack"),
			     number__change(change, sizeof(change), bytes),
			     number__signed_noun(blocks, sizeof(blocks), held, "block"));
}

static int print_changes(struct text_style *ts, const struct comparison *c, size_t shown)
{
	struct table_column columns[] = {
		{ .title = "#", .right = true },
		{ .title = "CHANGE", .right = true, .sign = true, .paint = BOLD },
		{ .title = "BEFORE", .right = true },
		{ .title = "AFTER", .right = true },
		{ .title = "BLOCKS", .right = true, .sign = true },
		{ .title = "BEFORE", .right = true },
		{ .title = "AFTER", .right = true },
		{ .title = "RATE" },
		{ .least = 10, .most = 32 },
		{ .least = 9, .paint = DIM },
	};
	const struct rate_unit *unit = unit_of(c);
	size_t n = ARRAY_SIZE(columns);
	struct table t = { .columns = columns, .ncolumns = n, .indent = 1, .last_first = true };
	int err;

	if (!c->by_rate) {
		t.ncolumns--;
		columns[n - 3] = columns[n - 2];
		columns[n - 2] = columns[n - 1];
	}
	for (size_t i = 0; i < shown; i++)
		add_change_cells(&t, i + 1, c, unit, &c->sites[i]);
	err = table__fit(&t, ts);
	if (!err && shown) {
		strbuf__addc(&ts->sb, '\n');
		table__titles(&t, ts);
	}
	for (size_t i = 0; i < shown && !err; i++) {
		table__row(&t, i, ts);
		err = text_stack__title(ts, c->sites[i].site);
		if (!err)
			err = text_stack__print(ts, c->sites[i].of->run, c->sites[i].site);
	}
	table__free(&t);
	return err;
}

static size_t shown_sites(const struct difference_input *in)
{
	return in->top && in->top < in->c->nsites ? in->top : in->c->nsites;
}

int difference__text(const struct difference_input *in, const struct report_style *st, FILE *out)
{
	struct text_style ts = text_style__start(st);
	const struct comparison *c = in->c;
	int err;

	print_side(&ts, "before", c->before, &c->total_before, in->before_name);
	print_side(&ts, "after", c->after, &c->total_after, in->after_name);
	print_total(&ts, c);
	err = print_changes(&ts, c, shown_sites(in));
	print_more(&ts, c, shown_sites(in));
	return text_style__write(&ts, err, out);
}

static void add_unjudged(struct strbuf *sb, const char *side, const struct profile *p)
{
	if (!p->judged.reasons)
		return;
	strbuf__addf(sb, "; not judged %s: ", side);
	verdict_line__reasons(sb, p, ", ");
}

void difference__add_summary(struct strbuf *sb, const struct comparison *c)
{
	const struct profile_findings *leak = &c->verdict.leak;
	char n[64], size[32], rate[32];

	if (leak->groups)
		strbuf__addf(sb, "%s new or faster (%s, %s), ",
			     number__noun(n, sizeof(n), leak->groups, "leak"),
			     number__change(size, sizeof(size), (int64_t)leak->live_bytes),
			     rate_unit__print(rate, sizeof(rate), unit_of(c), leak->rate_bps));
	strbuf__addf(sb, "change %s%s", number__change(size, sizeof(size), c->bytes),
		     c->by_rate ? " by rate" : "");
	add_unjudged(sb, "before", c->before);
	add_unjudged(sb, "after", c->after);
}

/* ---- JSON: one line for the whole, then one for each call stack ---- */

static void json_side(struct json *w, const char *key, const struct profile *p,
		      const struct compared_sum *sum, const char *name)
{
	json__open(w, key, '{');
	json__string(w, "file", name);
	json__time(w, "time", p->wall_ns);
	json__string(w, "host", p->run->host);
	json__double(w, "elapsed_s", p->elapsed_s);
	json__u64(w, "live_bytes", sum->bytes);
	json__u64(w, "live_blocks", sum->blocks);
	json__string(w, "notice", p->notice);
	json_lines__judged(w, p);
	json__close(w, '}');
}

static int json_total(const struct difference_input *in, FILE *out)
{
	const struct comparison *c = in->c;
	struct json w = { .out = out };

	json__open(&w, NULL, '{');
	json__string(&w, "type", "diff");
	json__u64(&w, "schema", JSON_SCHEMA);
	json_side(&w, "before", c->before, &c->total_before, in->before_name);
	json_side(&w, "after", c->after, &c->total_after, in->after_name);
	json__i64(&w, "change_bytes", c->bytes);
	json__i64(&w, "change_blocks", c->blocks);
	json__bool(&w, "by_rate", c->by_rate);
	json__u64(&w, "rebuilt_sites", c->rebuilt);
	json__u64(&w, "faster_leaks", c->verdict.leak.groups);
	json__u64(&w, "changed_sites", c->nsites);
	json__u64(&w, "unchanged_sites", c->unchanged);
	json__close(&w, '}');
	return json__line(&w);
}

static int json_site(const struct compared_site *s, size_t rank, FILE *out)
{
	struct json w = { .out = out };

	json__open(&w, NULL, '{');
	json__string(&w, "type", "diff_site");
	json__u64(&w, "rank", rank);
	json__string(&w, "id", s->site->id);
	json__string(&w, "kind", profile_names__kind(s->site->kind));
	json__string(&w, "api", s->site->api);
	json__string(&w, "mapping", profile_names__mapping(s->site->mapping));
	json__u64(&w, "before_bytes", s->before.bytes);
	json__u64(&w, "before_blocks", s->before.blocks);
	json__u64(&w, "after_bytes", s->after.bytes);
	json__u64(&w, "after_blocks", s->after.blocks);
	json__i64(&w, "change_bytes", s->bytes);
	json__i64(&w, "change_blocks", s->blocks);
	json__bool(&w, "by_rate", s->extrapolated);
	json__bool(&w, "rebuilt", s->rebuilt);
	json__u64(&w, "before_least_bytes", s->least.bytes);
	json__u64(&w, "before_most_bytes", s->most.bytes);
	json__double(&w, "before_rate_bps", s->rate_before);
	json__double(&w, "after_rate_bps", s->rate_after);
	json__bool(&w, "complete", s->site->complete);
	json__open(&w, "stack", '[');
	for (size_t i = 0; i < s->site->nstack; i++)
		json_lines__frame(&w, s->of, &s->site->stack[i]);
	json__close(&w, ']');
	json__close(&w, '}');
	return json__line(&w);
}

int difference__json(const struct difference_input *in, const struct report_style *st, FILE *out)
{
	int err = json_total(in, out);

	(void)st;
	for (size_t i = 0; i < shown_sites(in) && !err; i++)
		err = json_site(&in->c->sites[i], i + 1, out);
	return err;
}
