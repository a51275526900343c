/*
 * The report for people: what is held, how it changes, what was lost; then the call stacks that
 * hold most. Lines of figures are short enough for 80 columns by themselves; names, which may be
 * any length, are cut to the terminal's width where there is one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/internal.h"
#include "report/label.h"
#include "report/number.h"
#include "report/table.h"
#include "report/text_notes.h"
#include "report/text_stack.h"
#include "report/text_verdicts.h"
#include "util/array.h"
#include "util/escape.h"
#include "util/format.h"

#define LABEL "  %-7s  "
#define PROCESSES_MAX 20
#define SHOWN_ALWAYS 3 /* sites, however small */

static bool lossy(const struct profile *p)
{
	return p->lost_events || p->lost_stacks || p->lost_table;
}

/* ---- the header ---- */

static void subject(struct text_style *ts, const struct profile *p)
{
	struct strbuf name = { 0 };
	size_t exited = 0;
	char n[32];

	for (size_t i = 0; i < p->nprocesses; i++)
		exited += p->processes[i].exited;
	if (p->nprocesses == 1)
		label__process(&name, p->processes->comm, p->processes->pid);
	else
		strbuf__addf(&name, "%s processes", number__count(n, sizeof(n), p->nprocesses));
	if (name.error)
		ts->sb.error = name.error;
	else
		text_style__painted(ts, BOLD, name.data);
	strbuf__free(&name);
	if (exited && p->nprocesses == 1)
		strbuf__adds(&ts->sb, " (exited)");
	else if (exited)
		strbuf__addf(&ts->sb, " (%s exited)", number__count(n, sizeof(n), exited));
}

static void headline(struct text_style *ts, const struct profile *p)
{
	time_t s = (time_t)(p->wall_ns / 1000000000);
	char clock[16] = "", after[32], every[32];
	struct tm tm;

	if (localtime_r(&s, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	strbuf__addf(&ts->sb, "%s  ", clock);
	subject(ts, p);
	number__seconds(after, sizeof(after), p->elapsed_s);
	strbuf__adds(&ts->sb, "  ");
	if (p->final) {
		text_style__painted(ts, BOLD, "final report");
		strbuf__addf(&ts->sb, " after %s\n", after);
		return;
	}
	number__interval(every, sizeof(every), p->run->interval_s);
	strbuf__addf(&ts->sb, "report %" PRIu32 " after %s, every %s\n", p->seq, after, every);
}

static void live(struct text_style *ts, const struct profile *p)
{
	char size[32], change[32], blocks[32], peak[32];

	strbuf__addf(&ts->sb, LABEL, "live");
	if (lossy(p))
		text_style__painted(ts, YELLOW, "± ");
	text_style__painted(ts, BOLD, format__size(size, sizeof(size), p->live_bytes));
	strbuf__addf(&ts->sb, " in %s block%s, growth ",
		     number__count(blocks, sizeof(blocks), p->live_blocks),
		     p->live_blocks == 1 ? "" : "s");
	number__change(change, sizeof(change), p->growth_bytes);
	text_style__painted(ts, text_style__sign(change), change);
	strbuf__addf(&ts->sb, ", peak %s\n", format__size(peak, sizeof(peak), p->peak_bytes));
}

static void memory(struct text_style *ts, const struct profile *p)
{
	uint64_t allocator = 0, mapped = 0, rss = 0;
	char a[32], m[32], r[32];

	for (size_t i = 0; i < p->nprocesses; i++) {
		allocator += p->processes[i].allocator_bytes;
		mapped += p->processes[i].mapped_bytes;
		rss += p->processes[i].rss_bytes;
	}
	strbuf__addf(&ts->sb, LABEL "allocator holds %s, mapped %s", "memory",
		     format__size(a, sizeof(a), allocator),
		     format__size(m, sizeof(m), mapped));
	if (rss)
		strbuf__addf(&ts->sb, ", RSS %s", format__size(r, sizeof(r), rss));
	strbuf__addc(&ts->sb, '\n');
}

static void calls(struct text_style *ts, const struct profile *p)
{
	char a[32], f[32], n[32];

	if (p->final)
		strbuf__addf(&ts->sb, LABEL "%s allocs, %s frees", "calls",
			     number__count(a, sizeof(a), p->allocs),
			     number__count(f, sizeof(f), p->frees));
	else
		strbuf__addf(&ts->sb, LABEL "%s allocs/s, %s frees/s", "calls",
			     number__rate(a, sizeof(a), p->allocs_per_s),
			     number__rate(f, sizeof(f), p->frees_per_s));
	if (p->unmatched_frees)
		strbuf__addf(&ts->sb, ", %s frees of older blocks",
			     number__count(n, sizeof(n), p->unmatched_frees));
	strbuf__adds(&ts->sb, lossy(p) ? "\n" : ", lost 0\n");
	if (p->superseded)
		strbuf__addf(&ts->sb, LABEL "%s blocks were handed out again with no free seen\n",
			     "missed", number__count(n, sizeof(n), p->superseded));
	if (p->late)
		strbuf__addf(&ts->sb,
			     LABEL "%s new programs or libraries ran before they were probed "
				   "(--no-miss)\n",
			     "late", number__count(n, sizeof(n), p->late));
	if (p->outsiders)
		strbuf__addf(&ts->sb,
			     LABEL "%s processes outside the target share probed files and pay\n",
			     "others", number__count(n, sizeof(n), p->outsiders));
}

/* One clause of a line of counts: ", 12 cut at the frame limit". */
static void clause(struct strbuf *sb, uint64_t n, const char *what)
{
	char count[32];

	if (n)
		strbuf__addf(sb, "%s%s %s", sb->len ? ", " : "",
			     number__count(count, sizeof(count), n), what);
}

static void labelled(struct text_style *ts, const char *label, struct strbuf *line,
		     enum paint paint)
{
	if (line->error)
		ts->sb.error = line->error;
	if (line->len) {
		/* No %-7s here: "±" is one column and two bytes. */
		strbuf__adds(&ts->sb, label);
		text_style__painted(ts, paint, line->data);
		strbuf__addc(&ts->sb, '\n');
	}
	strbuf__free(line);
}

static void losses(struct text_style *ts, const struct profile *p)
{
	struct strbuf line = { 0 };

	clause(&line, p->lost_events, "events (raise --ring)");
	clause(&line, p->lost_stacks, "call stacks");
	clause(&line, p->lost_table, "blocks (out of memory)");
	labelled(ts, "  ± lost   ", &line, YELLOW);
}

static void walks(struct text_style *ts, const struct profile *p)
{
	static const char *const reasons[STACK_ENDS] = {
		[STACK_NO_MAPPING] = "in no mapped file", [STACK_NO_CFI] = "no unwind data",
		[STACK_UNREADABLE] = "unreadable",	  [STACK_BAD_SP] = "bad stack pointer",
		[STACK_NO_TABLE] = "table not loaded",
	};
	struct strbuf line = { 0 }, why = { 0 };
	uint64_t broken = 0;

	for (int end = 0; end < STACK_ENDS; end++) {
		if (!reasons[end])
			continue;
		broken += p->stack_ends[end];
		clause(&why, p->stack_ends[end], reasons[end]);
	}
	clause(&line, p->stack_ends[STACK_COMPLETE], "complete");
	clause(&line, p->stack_ends[STACK_LIMIT], "cut at the frame limit");
	clause(&line, broken, "broken off");
	clause(&line, p->stack_ends[STACK_UNKNOWN], "by frame pointers (may be incomplete)");
	clause(&line, p->stack_guessed, "past frames without unwind data, by frame pointer");
	clause(&line, p->stack_collisions, "with the id of another");
	labelled(ts, "  stacks   ", &line, PLAIN);
	labelled(ts, "  broken   ", &why, PLAIN);
}

static void notice(struct text_style *ts, const struct profile *p)
{
	struct strbuf line = { 0 };

	if (p->notice)
		escape__plain(&line, p->notice);
	labelled(ts, "  note     ", &line, YELLOW);
}

/* ---- one line a process, where there are several ---- */

static int by_live_bytes(const void *a, const void *b)
{
	const struct profile_process *x = *(const struct profile_process *const *)a;
	const struct profile_process *y = *(const struct profile_process *const *)b;

	if (x->live_bytes != y->live_bytes)
		return x->live_bytes < y->live_bytes ? 1 : -1;
	if (x->exited != y->exited)
		return x->exited ? 1 : -1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void process_cells(struct table *t, const struct profile_process *pr)
{
	char buf[32];

	table__cell(t, "%" PRIu32, pr->pid);
	table__cell(t, "%s", format__size(buf, sizeof(buf), pr->live_bytes));
	table__cell(t, "%s", number__count(buf, sizeof(buf), pr->live_blocks));
	table__cell(t, "%s", format__size(buf, sizeof(buf), pr->allocator_bytes));
	table__cell(t, "%s", format__size(buf, sizeof(buf), pr->mapped_bytes));
	table__cell(t, "%s",
		    pr->exited ? "exited" : format__size(buf, sizeof(buf), pr->rss_bytes));
	escape__plain(table__open(t), pr->comm);
	table__close(t);
	escape__plain(table__open(t), pr->container ? pr->container : "");
	table__close(t);
}

static bool any_container(const struct profile *p)
{
	for (size_t i = 0; i < p->nprocesses; i++)
		if (p->processes[i].container)
			return true;
	return false;
}

static int processes(struct text_style *ts, const struct profile *p)
{
	const struct table_column columns[] = {
		{ .title = "PID", .right = true },
		{ .title = "LIVE", .right = true, .paint = BOLD },
		{ .title = "BLOCKS", .right = true },
		{ .title = "ALLOCATOR", .right = true },
		{ .title = "MAPPED", .right = true },
		{ .title = "RSS", .right = true },
		{ .title = "COMMAND", .least = 8 },
		{ .title = any_container(p) ? "CONTAINER" : NULL, .least = 9 },
	};
	size_t shown = 0;
	struct table t = { .columns = columns, .ncolumns = ARRAY_SIZE(columns), .indent = 2 };
	const struct profile_process **sorted;
	char n[32];
	int err;

	if (p->nprocesses < 2)
		return 0;
	sorted = calloc(p->nprocesses, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < p->nprocesses; i++)
		sorted[i] = &p->processes[i];
	qsort(sorted, p->nprocesses, sizeof(*sorted), by_live_bytes);
	/* Those that ended and left nothing come last. */
	while (shown < p->nprocesses && shown < PROCESSES_MAX &&
	       (sorted[shown]->live_bytes || !sorted[shown]->exited || shown < 2))
		process_cells(&t, sorted[shown++]);
	free(sorted);
	err = table__fit(&t, ts);
	if (err)
		goto out;
	strbuf__addc(&ts->sb, '\n');
	table__titles(&t, ts);
	for (size_t i = 0; i < shown; i++)
		table__row(&t, i, ts);
	if (shown < p->nprocesses)
		strbuf__addf(&ts->sb, "  … %s more process%s no more than these\n",
			     number__count(n, sizeof(n), p->nprocesses - shown),
			     p->nprocesses - shown == 1 ? " holds" : "es hold");
out:
	table__free(&t);
	return err;
}

/* ---- call stacks ---- */

static void site_cells(struct table *t, const struct profile *p, const struct profile_site *s)
{
	/* The final report sums the run up, so its rates are those of the whole run. */
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
 * Small sites are summed up in a line, unless all sites were asked for, or an order in which size
 * does not matter.
 */
static bool is_folded(const struct profile *p, const struct profile_site *s)
{
	const struct profile_run *run = p->run;

	return s->small && s->rank > SHOWN_ALWAYS && !(run->top_given && !run->top) &&
	       (run->sort == SORT_LEAK || run->sort == SORT_BYTES);
}

static void sum_line(struct text_style *ts, uint64_t stacks, const char *which, uint64_t bytes,
		     uint64_t held)
{
	char n[32], size[32], blocks[32];

	if (stacks)
		strbuf__addf(&ts->sb, "  … %s %scall stack%s%s hold%s %s in %s block%s\n",
			     number__count(n, sizeof(n), stacks), *which ? "" : "more ",
			     stacks == 1 ? "" : "s", which, stacks == 1 ? "s" : "",
			     format__size(size, sizeof(size), bytes),
			     number__count(blocks, sizeof(blocks), held), held == 1 ? "" : "s");
}

/* What is not shown: whatever is below the top, and what is small. */
static void rest(struct text_style *ts, const struct profile *p)
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
	sum_line(ts, stacks, "", bytes, blocks);
	sum_line(ts, folded, " below 1%", folded_bytes, folded_blocks);
}

static int sites(struct text_style *ts, const struct profile *p)
{
	/* Where nothing is cut, one long name must not push the ids of all sites away. */
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
			site_cells(&t, p, &p->sites[i]);
	err = table__fit(&t, ts);
	if (err)
		goto out;
	if (!p->nsites) {
		strbuf__adds(&ts->sb,
			     "\n  No call stack holds memory of the kind and age asked for.\n");
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
	rest(ts, p);
out:
	table__free(&t);
	return err;
}

int text__report(const struct profile *p, const struct report_style *st, FILE *out)
{
	struct text_style ts = { .color = st->color,
				 .width = st->width > 0 ? (size_t)st->width : 0 };
	int err;

	if (p->seq > 1)
		strbuf__addc(&ts.sb, '\n');
	headline(&ts, p);
	text_verdicts__summary(&ts, p);
	live(&ts, p);
	memory(&ts, p);
	calls(&ts, p);
	walks(&ts, p);
	losses(&ts, p);
	text_notes__mark(&ts, p);
	text_notes__suppressed(&ts, p);
	notice(&ts, p);
	err = processes(&ts, p);
	if (!err)
		err = sites(&ts, p);
	if (!err && p->final)
		err = text_notes__rules(&ts, p);
	if (!err)
		err = ts.sb.error;
	if (!err)
		err = report__write(out, ts.sb.data, ts.sb.len);
	strbuf__free(&ts.sb);
	return err;
}
