/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_header.h"

#include <inttypes.h>
#include <time.h>

#include "report/label.h"
#include "report/number.h"
#include "report/text_verdicts.h"
#include "report/verdict_line.h"
#include "util/escape.h"
#include "util/format.h"

/* ---- what is reported ---- */

static void print_subject(struct text_style *ts, const struct profile *p)
{
	struct strbuf name = { 0 };
	uint64_t exited = profile__processes(p, true);
	char n[64];

	if (p->nprocesses == 1)
		label__process(&name, p->processes->comm, p->processes->pid);
	else
		strbuf__adds(&name,
			     number__noun(n, sizeof(n), profile__processes(p, false), "process"));
	if (name.error)
		ts->sb.error = name.error;
	else
		text_style__painted(ts, BOLD, name.data);
	strbuf__free(&name);
	if (p->nprocesses == 1 && verdict_line__is_killed(p->processes))
		strbuf__addf(&ts->sb, " (killed by %s)",
			     verdict_line__signal(n, sizeof(n), p->processes));
	else if (p->nprocesses == 1 && p->processes->stopped)
		strbuf__adds(&ts->sb, " (stopped)");
	else if (exited && p->nprocesses == 1)
		strbuf__adds(&ts->sb, " (exited)");
	else if (exited)
		strbuf__addf(&ts->sb, " (%s exited)", number__count(n, sizeof(n), exited));
}

static void print_headline(struct text_style *ts, const struct profile *p)
{
	time_t s = (time_t)(p->wall_ns / 1000000000);
	char clock[16] = "", after[32], every[32];
	struct tm tm;

	if (localtime_r(&s, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	strbuf__addf(&ts->sb, "%s  ", clock);
	print_subject(ts, p);
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

/* ---- memory ---- */

static void print_live(struct text_style *ts, const struct profile *p)
{
	char size[32], change[32], blocks[64], peak[32];

	text_style__label(ts, "live");
	if (profile__lost(p))
		text_style__painted(ts, YELLOW, "± ");
	text_style__painted(ts, BOLD, format__size(size, sizeof(size), p->live_bytes));
	strbuf__addf(&ts->sb, " in %s, growth ",
		     number__noun(blocks, sizeof(blocks), p->live_blocks, "block"));
	number__change(change, sizeof(change), p->growth_bytes);
	text_style__painted(ts, text_style__sign(change), change);
	strbuf__addf(&ts->sb, ", peak %s\n", format__size(peak, sizeof(peak), p->peak_bytes));
}

static void print_memory(struct text_style *ts, const struct profile *p)
{
	uint64_t allocator = 0, mapped = 0, rss = 0;
	char a[32], m[32], r[32];

	for (size_t i = 0; i < p->nprocesses; i++) {
		allocator += p->processes[i].allocator_bytes;
		mapped += p->processes[i].mapped_bytes;
		rss += p->processes[i].rss_bytes;
	}
	text_style__label(ts, "memory");
	strbuf__addf(&ts->sb, "allocator holds %s, program mapped %s",
		     format__size(a, sizeof(a), allocator), format__size(m, sizeof(m), mapped));
	if (rss)
		strbuf__addf(&ts->sb, ", RSS %s", format__size(r, sizeof(r), rss));
	strbuf__addc(&ts->sb, '\n');
}

/* ---- calls, and those that were not seen ---- */

static void print_calls(struct text_style *ts, const struct profile *p)
{
	char a[64], f[64];

	text_style__label(ts, "calls");
	if (p->final)
		strbuf__addf(&ts->sb, "%s, %s", number__noun(a, sizeof(a), p->allocs, "allocation"),
			     number__noun(f, sizeof(f), p->frees, "free"));
	else
		strbuf__addf(&ts->sb, "%s allocations/s, %s frees/s",
			     number__rate(a, sizeof(a), p->allocs_per_s),
			     number__rate(f, sizeof(f), p->frees_per_s));
	strbuf__adds(&ts->sb, profile__lost(p) ? "\n" : ", nothing lost\n");
}

/* "1 free …" or "12 frees …", if there are any. */
static void print_count(struct text_style *ts, const char *label, uint64_t n, const char *one,
			const char *many)
{
	char count[32];

	if (!n)
		return;
	text_style__label(ts, label);
	strbuf__addf(&ts->sb, "%s %s\n", number__count(count, sizeof(count), n),
		     n == 1 ? one : many);
}

/* Frees that are in no other figure. */
static void print_other_frees(struct text_style *ts, const struct profile *p)
{
	print_count(ts, "unseen", p->unseen_frees,
		    "more free, of a block that was not seen to be allocated",
		    "more frees, of blocks that were not seen to be allocated");
	print_count(ts, "earlier", p->unmatched_frees - p->unseen_frees,
		    "more free, of a block allocated before tracing",
		    "more frees, of blocks allocated before tracing");
	print_count(ts, "forks", p->inherited_frees, "more free, of a block inherited at a fork",
		    "more frees, of blocks inherited at a fork");
	print_count(ts, "± forks", p->disinherited,
		    "process inherited more blocks than there is memory to follow",
		    "processes inherited more blocks than there is memory to follow");
}

static void print_unseen(struct text_style *ts, const struct profile *p)
{
	print_other_frees(ts, p);
	print_count(ts, "missed", p->superseded,
		    "free (noticed when its address was allocated again)",
		    "frees (noticed when their addresses were allocated again)");
	print_count(ts, "late", p->late,
		    "program, library or child ran unprobed at first (--no-miss)",
		    "programs, libraries or children ran unprobed at first (--no-miss)");
	print_count(ts, "others", p->outsiders,
		    "process outside the target shares probed files and is slowed",
		    "processes outside the target share probed files and are slowed");
}

/* ---- lines of counts ---- */

/* "1 event", behind a comma where it is not the first. */
static void add_counted(struct strbuf *sb, uint64_t n, const char *noun, const char *rest)
{
	char count[64];

	if (n)
		strbuf__addf(sb, "%s%s%s", sb->len ? ", " : "",
			     number__noun(count, sizeof(count), n, noun), rest);
}

/* "12 complete", likewise. */
static void add_clause(struct strbuf *sb, uint64_t n, const char *what)
{
	char count[32];

	if (n)
		strbuf__addf(sb, "%s%s %s", sb->len ? ", " : "",
			     number__count(count, sizeof(count), n), what);
}

/* Prints the line unless it is empty, and frees it. */
static void print_line(struct text_style *ts, const char *label, struct strbuf *line,
		       enum paint paint)
{
	if (line->error)
		ts->sb.error = line->error;
	if (line->len) {
		text_style__label(ts, label);
		text_style__painted(ts, paint, line->data);
		strbuf__addc(&ts->sb, '\n');
	}
	strbuf__free(line);
}

static void print_stacks(struct text_style *ts, const struct profile *p)
{
	static const char *const reasons[STACK_ENDS] = {
		[STACK_NO_MAPPING] = "not in a mapped file",  [STACK_NO_CFI] = "no unwind data",
		[STACK_UNREADABLE] = "unreadable stack",      [STACK_BAD_SP] = "bad stack pointer",
		[STACK_NO_TABLE] = "unwind table not loaded",
	};
	struct strbuf line = { 0 }, why = { 0 };
	uint64_t incomplete = 0;

	/* That all are complete is no news. */
	if (!ts->full && !p->stacks_truncated && !p->stack_guessed && !p->stack_collisions)
		return;
	for (int end = 0; end < STACK_ENDS; end++) {
		if (!reasons[end])
			continue;
		incomplete += p->stack_ends[end];
		add_clause(&why, p->stack_ends[end], reasons[end]);
	}
	add_clause(&line, p->stack_ends[STACK_COMPLETE], "complete");
	add_clause(&line, p->stack_ends[STACK_LIMIT], "cut at the frame limit");
	add_clause(&line, incomplete, "incomplete");
	add_clause(&line, p->stack_ends[STACK_UNKNOWN], "by frame pointers (may be incomplete)");
	print_line(ts, "stacks", &line, PLAIN);
	print_line(ts, "reasons", &why, PLAIN);
	add_clause(&line, p->stack_guessed, "partly by frame pointer");
	add_clause(&line, p->stack_collisions, "taken for another (hash collision)");
	print_line(ts, "unsure", &line, PLAIN);
}

static void print_losses(struct text_style *ts, const struct profile *p)
{
	struct strbuf line = { 0 };

	add_counted(&line, p->lost_events, "event", " (raise --ring)");
	add_counted(&line, p->lost_stacks, "call stack", "");
	add_counted(&line, p->lost_table - p->limited_blocks, "block", " (out of memory)");
	add_counted(&line, p->limited_blocks, "block", " (memory limit)");
	print_line(ts, "± lost", &line, YELLOW);
	add_counted(&line, p->folded_stackless, "block",
		    " of ended processes without a call stack (too many call stacks)");
	print_line(ts, "folded", &line, PLAIN);
}

static void print_unnamed(struct text_style *ts, const struct profile_unnamed *u)
{
	struct strbuf line = { 0 };
	char count[64];

	if (!u->places && !u->files)
		return;
	strbuf__addf(&line, "unavailable for %s in code",
		     number__noun(count, sizeof(count), u->places, "place"));
	if (u->files)
		strbuf__addf(&line, ", %s left alone",
			     number__noun(count, sizeof(count), u->files, "file"));
	if (u->why) {
		strbuf__adds(&line, ": ");
		escape__plain(&line, u->why);
	}
	print_line(ts, "names", &line, YELLOW);
}

/* ---- what the user asked for, and what is to be said besides ---- */

static void print_mark(struct text_style *ts, const struct profile *p)
{
	char at[32], ago[32], change[32], n[64];

	if (!p->marked && !p->run->since_mark)
		return;
	text_style__label(ts, "mark");
	if (!p->marked) {
		strbuf__adds(&ts->sb, "not set yet (SIGUSR1 or the m key sets it): "
				      "changes are since the start\n");
		return;
	}
	number__change(change, sizeof(change), p->since_mark_bytes);
	strbuf__addf(&ts->sb, "set after %s, %s ago; since then ",
		     number__seconds(at, sizeof(at), p->mark_s),
		     number__seconds(ago, sizeof(ago), p->elapsed_s - p->mark_s));
	text_style__painted(ts, text_style__sign(change), change);
	strbuf__addf(&ts->sb, " in %s\n",
		     number__signed_noun(n, sizeof(n), p->since_mark_blocks, "block"));
}

static void print_suppressed(struct text_style *ts, const struct profile *p)
{
	uint64_t bytes = 0, blocks = 0;
	char n[64], size[32], count[64];

	for (size_t i = 0; i < p->nsuppressed; i++) {
		bytes += p->suppressed[i].live_bytes;
		blocks += p->suppressed[i].live_blocks;
	}
	if (!p->suppressed_sites)
		return;
	text_style__label(ts, "hidden");
	strbuf__addf(&ts->sb, "%s: %s in %s\n",
		     number__noun(n, sizeof(n), p->suppressed_sites, "suppressed call stack"),
		     format__size(size, sizeof(size), bytes),
		     number__noun(count, sizeof(count), blocks, "block"));
}

static void print_notice(struct text_style *ts, const struct profile *p)
{
	struct strbuf line = { 0 };

	if (p->notice)
		escape__plain(&line, p->notice);
	print_line(ts, "note", &line, YELLOW);
}

void text_header__print(struct text_style *ts, const struct profile *p)
{
	print_headline(ts, p);
	text_verdicts__summary(ts, p);
	print_live(ts, p);
	print_memory(ts, p);
	print_calls(ts, p);
	print_unseen(ts, p);
	print_stacks(ts, p);
	print_losses(ts, p);
	print_unnamed(ts, &p->unnamed);
	print_mark(ts, p);
	print_suppressed(ts, p);
	print_notice(ts, p);
}
