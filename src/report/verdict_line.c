/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/verdict_line.h"

#include <stdio.h>
#include <sys/wait.h>

#include "heap/judge.h"
#include "profile/judged.h"
#include "profile/names.h"
#include "report/label.h"
#include "report/number.h"
#include "util/array.h"
#include "util/escape.h"
#include "util/format.h"

#define UNSEEN_ALL 64 /* memory below this part of the growth explains none of it */
#define NAMED_MOST 3  /* processes that a line names */

/* ---- processes ---- */

bool verdict_line__is_killed(const struct profile_process *pr)
{
	return pr->exited && pr->status >= 0 && WIFSIGNALED(pr->status);
}

char *verdict_line__signal(char *buf, size_t cap, const struct profile_process *pr)
{
	int number = WTERMSIG(pr->status);
	const char *name = profile_names__signal(number);

	if (name)
		snprintf(buf, cap, "%s", name);
	else
		snprintf(buf, cap, "signal %d", number);
	return buf;
}

/* "shop[4242] was killed by SIGSEGV", "shop[4242] ended" */
static void add_end(struct strbuf *sb, const struct profile_process *pr)
{
	char name[32];

	label__process(sb, pr->comm, pr->pid);
	if (verdict_line__is_killed(pr))
		strbuf__addf(sb, " was killed by %s", verdict_line__signal(name, sizeof(name), pr));
	else
		strbuf__adds(sb, " ended");
}

/* ---- reasons ---- */

static void add_stopped(struct strbuf *sb, const struct profile *p)
{
	char count[64];
	uint64_t n = 0;

	for (size_t i = 0; i < p->nprocesses; i++) {
		const struct profile_process *pr = &p->processes[i];

		if (!pr->stopped || ++n > NAMED_MOST)
			continue;
		strbuf__adds(sb, n > 1 ? ", " : "");
		label__process(sb, pr->comm, pr->pid);
	}
	if (n > NAMED_MOST)
		strbuf__addf(sb, " and %s more",
			     number__count(count, sizeof(count), n - NAMED_MOST));
	strbuf__adds(sb, n == 1 ? " is stopped" : " are stopped");
}

static void add_lost(struct strbuf *sb, const struct profile *p)
{
	char share[32];

	strbuf__addf(sb, "%s of the events were lost",
		     number__share(share, sizeof(share), p->judged.lost_share));
}

/* "the memory limit of 64.0 MiB was reached: 12 blocks and the call stacks of 3 allocations were
 * left out" */
static void add_limit(struct strbuf *sb, const struct profile *p)
{
	uint64_t blocks = p->limited_blocks, stacks = p->lost_stacks_by.limited;
	char size[32], n[64];

	strbuf__addf(sb, "the memory limit of %s was reached: ",
		     format__size(size, sizeof(size), p->memory_limit));
	if (blocks)
		strbuf__adds(sb, number__noun(n, sizeof(n), blocks, "block"));
	if (stacks)
		strbuf__addf(sb, "%sthe call stack%s of %s", blocks ? " and " : "",
			     stacks == 1 ? "" : "s",
			     number__noun(n, sizeof(n), stacks, "allocation"));
	strbuf__addf(sb, " %s left out", blocks + stacks == 1 ? "was" : "were");
}

static void add_unprobed(struct strbuf *sb, const struct profile *p)
{
	escape__plain(sb, p->unprobed);
	strbuf__adds(sb, " is not probed");
}

static void add_missed(struct strbuf *sb, const struct profile *p)
{
	char n[64];

	strbuf__addf(sb, "%s ended before %s probed",
		     number__noun(n, sizeof(n), p->judged.missed, "process"),
		     p->judged.missed == 1 ? "it was" : "they were");
}

/* "RSS of shop[4242] +5.0 MiB, none of it seen by a probe", of the process with most of it. */
static void add_unseen(struct strbuf *sb, const struct profile *p)
{
	const struct profile_process *most = NULL;
	char size[32], n[64];
	uint64_t more = 0;

	for (size_t i = 0; i < p->nprocesses; i++) {
		const struct profile_process *pr = &p->processes[i];

		more += pr->unseen_bytes > 0;
		if (!most || pr->unseen_bytes > most->unseen_bytes)
			most = pr;
	}
	strbuf__adds(sb, "RSS");
	if (p->nprocesses > 1) {
		strbuf__adds(sb, " of ");
		label__process(sb, most->comm, most->pid);
	}
	strbuf__addf(sb, " +%s, ", format__size(size, sizeof(size), most->anonymous_growth));
	if (most->live_bytes <= most->anonymous_growth / UNSEEN_ALL &&
	    most->mapped_bytes <= most->anonymous_growth / UNSEEN_ALL)
		strbuf__adds(sb, "none of it seen by a probe");
	else
		strbuf__addf(sb, "%s of it not seen by a probe",
			     format__size(size, sizeof(size), most->unseen_bytes));
	if (more > 1)
		strbuf__addf(sb, ", and %s likewise",
			     number__noun(n, sizeof(n), more - 1, "more process"));
}

static void add_nothing(struct strbuf *sb, const struct profile *p)
{
	const struct profile_process *silent = judged__silent_target(p);

	strbuf__adds(sb,
		     p->judged.sized ? "no allocation of the sizes asked for" : "no allocation");
	if (silent && (p->allocs || p->frees)) {
		strbuf__adds(sb, " of ");
		label__process(sb, silent->comm, silent->pid);
	}
	strbuf__adds(sb, " was seen");
}

static void add_ended(struct strbuf *sb, const struct profile *p)
{
	char after[32], n[64];

	if (p->nprocesses == 1)
		add_end(sb, &p->processes[0]);
	else
		strbuf__addf(sb, "all %s have ended",
			     number__noun(n, sizeof(n), profile__processes(p, false), "process"));
	strbuf__addf(sb, " after %s",
		     number__duration(after, sizeof(after),
				      p->nprocesses == 1 ? p->processes[0].seen_s : p->elapsed_s));
}

static void add_outstanding(struct strbuf *sb, const struct profile *p)
{
	const struct profile_judged *j = &p->judged;
	char n[64], size[32], stacks[64];

	strbuf__addf(sb, "%s (%s) in %s %s outstanding at exit",
		     number__noun(n, sizeof(n), j->open_blocks, "block"),
		     format__size(size, sizeof(size), j->open_bytes),
		     number__noun(stacks, sizeof(stacks), j->open_sites, "call stack"),
		     j->open_blocks == 1 ? "was" : "were");
}

static void add_short(struct strbuf *sb, const struct profile *p)
{
	char seen[32], least[32];

	strbuf__addf(sb, "observed for %s, a verdict takes %s or more",
		     number__duration(seen, sizeof(seen), p->elapsed_s),
		     number__seconds(least, sizeof(least), (double)JUDGE_LEAST_NS / 1e9));
}

static void add_few(struct strbuf *sb, const struct profile *p)
{
	const struct profile_judged *j = &p->judged;
	char n[64], size[32];

	strbuf__addf(sb, "%s with %s: too few blocks, or too recent",
		     number__noun(n, sizeof(n), j->open_sites, "call stack"),
		     format__size(size, sizeof(size), j->open_bytes));
}

void verdict_line__reasons(struct strbuf *sb, const struct profile *p, const char *separator)
{
	static const struct {
		enum unjudged reason;
		void (*add)(struct strbuf *sb, const struct profile *p);
	} rows[] = {
		{ UNJUDGED_STOPPED, add_stopped },   { UNJUDGED_LOST, add_lost },
		{ UNJUDGED_LIMIT, add_limit },	     { UNJUDGED_UNPROBED, add_unprobed },
		{ UNJUDGED_MISSED, add_missed },     { UNJUDGED_NOTHING, add_nothing },
		{ UNJUDGED_UNSEEN, add_unseen },     { UNJUDGED_ENDED, add_ended },
		{ UNJUDGED_ENDED, add_outstanding }, { UNJUDGED_SHORT, add_short },
		{ UNJUDGED_FEW, add_few },
	};
	const char *before = "";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		/* What is missing is stated even if it is not the reason. */
		if (!(p->judged.reasons & rows[i].reason) &&
		    !(rows[i].reason == UNJUDGED_MISSED && p->judged.reasons && p->judged.missed))
			continue;
		if (rows[i].add == add_outstanding && !p->judged.open_sites)
			continue;
		strbuf__adds(sb, before);
		rows[i].add(sb, p);
		before = separator;
	}
}

const char *verdict_line__otherwise(const struct profile *p)
{
	return p->judged.reasons == UNJUDGED_FEW ? "" : "otherwise ";
}

/* ---- gaps and fates ---- */

void verdict_line__gaps(struct strbuf *sb, const struct profile *p, const char *separator)
{
	const struct profile_judged *j = &p->judged;
	char n[64], size[32];

	if (j->open_sites)
		strbuf__addf(sb, "%s%s with %s not judged: too few blocks, or too recent",
			     separator, number__count(n, sizeof(n), j->open_sites),
			     format__size(size, sizeof(size), j->open_bytes));
	if (j->missed) {
		strbuf__adds(sb, separator);
		add_missed(sb, p);
	}
}

void verdict_line__fates(struct strbuf *sb, const struct profile *p)
{
	bool told_end = p->nprocesses == 1 && (p->judged.reasons & UNJUDGED_ENDED);
	bool told_stop = p->judged.reasons & UNJUDGED_STOPPED;
	uint64_t more = 0, named = 0;
	char n[64];

	for (size_t i = 0; i < p->nprocesses; i++) {
		const struct profile_process *pr = &p->processes[i];
		bool stopped = pr->stopped && !told_stop;

		if (!stopped && !(verdict_line__is_killed(pr) && !told_end))
			continue;
		if (named == NAMED_MOST) {
			more++;
			continue;
		}
		named++;
		strbuf__adds(sb, "; ");
		if (!stopped) {
			add_end(sb, pr);
			continue;
		}
		label__process(sb, pr->comm, pr->pid);
		strbuf__adds(sb, " is stopped");
	}
	if (more)
		strbuf__addf(sb, "; %s killed or stopped",
			     number__noun(n, sizeof(n), more, "more process"));
}
